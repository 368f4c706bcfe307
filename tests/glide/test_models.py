"""Models by name, and weights files that cannot be used: the error always names the file."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from errors import BadValue, BadWeights
from glide.checkpoints import ShippedWeights, UntrainedWeights, WithMaskChannels, read_state
from glide.models import GLIDE, MODELS, TADPOLE, UNTRAINED, Model, ModelSpec, Parts, load_model, model_spec
from glide.models import weights_hashes as hashes
from glide.unet import TextUNet


@pytest.fixture
def file(small_model: Model, tmp_path: Path) -> Path:
    """The small network's weights as they are shipped: in half precision."""
    file = tmp_path / "small.safetensors"
    state = small_model.base.unet.state_dict()
    save_file({name: values.half().contiguous() for name, values in state.items()}, file)
    return file


def with_weights(spec: ModelSpec, file: Path) -> ModelSpec:
    return replace(spec, base=replace(spec.base, weights=ShippedWeights(file)))


def test_unknown_name_lists_the_known() -> None:
    assert model_spec("tadpole") is TADPOLE
    with pytest.raises(BadValue, match="'frog' cannot be used; allowed: tadpole, untrained, glide"):
        model_spec("frog")


def test_loaded_model_is_ready_to_use(small_spec: ModelSpec, small_model: Model, file: Path) -> None:
    loaded = load_model(with_weights(small_spec, file)).base.unet
    assert not loaded.training
    assert all(values.dtype == torch.float32 and not values.requires_grad for values in loaded.parameters())
    expected = small_model.base.unet.state_dict()
    assert all(torch.equal(values, expected[name].half().float()) for name, values in loaded.state_dict().items())


def test_weights_are_known_by_their_bytes(small_spec: ModelSpec, file: Path) -> None:
    assert hashes(with_weights(small_spec, file)).base == hashlib.sha256(file.read_bytes()).hexdigest()


def test_missing_weights_name_the_file(small_spec: ModelSpec, file: Path) -> None:
    gone = file.with_name("gone.safetensors")
    for ask in (load_model, hashes):
        with pytest.raises(BadWeights, match=r"gone\.safetensors: the weights cannot be read") as caught:
            ask(with_weights(small_spec, gone))
        assert caught.value.file == str(gone)


def test_folder_is_no_weights(small_spec: ModelSpec, tmp_path: Path) -> None:
    for ask in (load_model, hashes):
        with pytest.raises(BadWeights, match="cannot be read"):
            ask(with_weights(small_spec, tmp_path))


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_damaged_weights_name_the_file(small_spec: ModelSpec, file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(BadWeights, match=r"small\.safetensors: the weights cannot be read"):
        load_model(with_weights(small_spec, file))


@pytest.mark.parametrize("change", ["a tensor more", "a tensor less", "another shape"])
def test_foreign_weights_name_the_file(small_spec: ModelSpec, small_model: Model, file: Path, change: str) -> None:
    state = dict(small_model.base.unet.state_dict())
    if change == "a tensor more":
        state["extra"] = torch.zeros(3)
    elif change == "a tensor less":
        del state["out.2.bias"]
    else:
        state["out.2.bias"] = torch.zeros(3)
    save_file({name: values.contiguous() for name, values in state.items()}, file)
    with pytest.raises(BadWeights, match=r"small\.safetensors: these are not weights of small"):
        load_model(with_weights(small_spec, file))


def test_torch_file_of_tensors_is_read(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(3.0)}, tmp_path / "a.pt")
    assert torch.equal(read_state(tmp_path / "a.pt")["a"], torch.arange(3.0))


class Program:
    """What a pickle would run when it is read."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


@pytest.mark.parametrize("saved", [Program(), {"a": Program()}])
def test_torch_file_that_would_run_is_refused(tmp_path: Path, saved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(saved, tmp_path / "bad.pt")
    with pytest.raises(BadWeights, match=r"bad\.pt: holds more than tensors"):
        read_state(tmp_path / "bad.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(saved))
    with pytest.raises(BadWeights, match=r"plain\.pt"):
        read_state(tmp_path / "plain.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("saved", [[1, 2], {"a": 3}, torch.zeros(2)])
def test_torch_file_of_something_else_is_refused(tmp_path: Path, saved: Any) -> None:
    torch.save(saved, tmp_path / "other.pt")
    with pytest.raises(BadWeights, match=r"other\.pt: is not a checkpoint"):
        read_state(tmp_path / "other.pt")


def test_missing_part_says_who_has_it() -> None:
    with pytest.raises(BadValue, match="for an upsampler, model 'tadpole' cannot be used; allowed: untrained, glide"):
        load_model(TADPOLE, Parts(upsampled=True))
    with pytest.raises(BadValue, match="for CLIP, model 'tadpole'"):
        hashes(TADPOLE, Parts(clip=True))
    assert not UNTRAINED.lacks(Parts(True, True, True)) and not GLIDE.lacks(Parts(True, True, True))


def test_half_precision_is_refused_on_a_cpu(small_spec: ModelSpec) -> None:
    for precision in ("float16", "bfloat16"):
        with pytest.raises(BadValue, match="float32 on a CPU"):
            load_model(small_spec, Parts(precision=precision))
    with pytest.raises(BadValue, match="allowed: float32, float16, bfloat16"):
        load_model(small_spec, Parts(precision="int8"))


def test_half_precision_stays_near_and_keeps_norms_whole(small_spec: ModelSpec) -> None:
    wide, generator = load_model(small_spec).base.unet, torch.Generator().manual_seed(1)
    half = load_model(small_spec).base.unet.in_precision(torch.bfloat16)
    kinds = {
        values.dtype for name, values in half.named_parameters() if "norm" in name or "emb" in name or "ln" in name
    }
    assert kinds == {torch.float32} and half.out[2].weight.dtype == torch.float32
    assert half.input_blocks[0][0].weight.dtype == torch.bfloat16
    x, t = torch.randn(2, 3, 16, 16, generator=generator), torch.tensor([3, 700])
    tokens = torch.randint(0, 256, (2, 16), generator=generator)
    mask = torch.ones(2, 16, dtype=torch.bool)
    with torch.no_grad():
        a, b = (unet(x, t, unet.encode_text(tokens, mask)) for unet in (wide, half))
    assert b.dtype == torch.float32 and 0 < (a - b).abs().mean() < 0.02 * a.abs().mean()


def test_mask_channels_start_without_effect(small_spec: ModelSpec, small_model: Model) -> None:
    assert small_spec.base_inpaint
    widened = replace(small_spec.base_inpaint, weights=WithMaskChannels(small_spec.base.weights))
    masked = load_model(replace(small_spec, base_inpaint=widened), Parts(masked=True)).base.unet
    x = torch.randn(2, 7, 16, 16, generator=torch.Generator().manual_seed(1))
    text = small_model.base.unet.encode_text(torch.zeros(2, 16, dtype=torch.int64), torch.ones(2, 16) > 0)
    t = torch.tensor([3, 700])
    assert torch.allclose(masked(x, t, text), small_model.base.unet(x[:, :3], t, text), atol=1e-6)


def test_untrained_weights_are_the_same_every_time(small_spec: ModelSpec) -> None:
    weights = small_spec.base.weights
    assert isinstance(weights, UntrainedWeights)
    first, again = weights.state(), weights.state()
    assert first.keys() == TextUNet(small_spec.base.unet).state_dict().keys()
    assert all(torch.equal(values, again[name]) for name, values in first.items())
    assert weights.sha256() == UntrainedWeights(weights.build).sha256() != hashes(TADPOLE).base


def test_recipes_know_every_part_by_its_weights(small_spec: ModelSpec) -> None:
    whole = hashes(small_spec, Parts(upsampled=True, clip=True))
    assert len({whole.base, whole.upsampler, whole.clip}) == 3
    assert hashes(small_spec) == replace(whole, upsampler="", clip="")
    masked = hashes(small_spec, Parts(masked=True, upsampled=True))
    assert masked.upsampler not in ("", whole.upsampler)


def test_released_weights_that_are_not_there_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOADWORKS_WEIGHTS", str(tmp_path))
    for ask in (load_model, hashes):
        with pytest.raises(BadWeights, match=r"is not there; `toadworks weights fetch glide` gets it"):
            ask(GLIDE)
    assert set(MODELS) == {"tadpole", "untrained", "glide"}
