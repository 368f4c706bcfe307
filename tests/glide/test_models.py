"""Models by name, and weights files that cannot be used: the error always names the file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from errors import BadValue, BadWeights
from glide.models import TADPOLE, ModelSpec, load_model, model_spec, weights_sha256
from glide.unet import TextUNet


@pytest.fixture
def spec(small_spec: ModelSpec, small_model: TextUNet, tmp_path: Path) -> ModelSpec:
    """The small model with its weights in a file, as they are shipped: in half precision."""
    file = tmp_path / "small.safetensors"
    save_file({name: values.half().contiguous() for name, values in small_model.state_dict().items()}, file)
    return replace(small_spec, weights=file)


def test_unknown_name_lists_the_known() -> None:
    assert model_spec("tadpole") is TADPOLE
    with pytest.raises(BadValue, match="'frog' cannot be used; allowed: tadpole"):
        model_spec("frog")


def test_loaded_model_is_ready_to_use(spec: ModelSpec, small_model: TextUNet) -> None:
    loaded = load_model(spec)
    assert not loaded.training
    assert all(values.dtype == torch.float32 and not values.requires_grad for values in loaded.parameters())
    expected = small_model.state_dict()
    assert all(torch.equal(values, expected[name].half().float()) for name, values in loaded.state_dict().items())


def test_weights_are_known_by_their_bytes(spec: ModelSpec) -> None:
    assert weights_sha256(spec) == hashlib.sha256(spec.weights.read_bytes()).hexdigest()


def test_missing_weights_name_the_file(spec: ModelSpec) -> None:
    gone = replace(spec, weights=spec.weights.with_name("gone.safetensors"))
    for ask in (load_model, weights_sha256):
        with pytest.raises(BadWeights, match=r"gone\.safetensors: the weights of small cannot be read") as caught:
            ask(gone)
        assert caught.value.file == str(gone.weights)


def test_folder_is_no_weights(spec: ModelSpec, tmp_path: Path) -> None:
    for ask in (load_model, weights_sha256):
        with pytest.raises(BadWeights, match="cannot be read"):
            ask(replace(spec, weights=tmp_path))


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_damaged_weights_name_the_file(spec: ModelSpec, kept: int) -> None:
    spec.weights.write_bytes(spec.weights.read_bytes()[:kept])
    with pytest.raises(BadWeights, match=r"small\.safetensors: the weights of small cannot be read"):
        load_model(spec)


@pytest.mark.parametrize("change", ["a tensor more", "a tensor less", "another shape"])
def test_foreign_weights_name_the_file(spec: ModelSpec, small_model: TextUNet, change: str) -> None:
    state = dict(small_model.state_dict())
    if change == "a tensor more":
        state["extra"] = torch.zeros(3)
    elif change == "a tensor less":
        del state["out.2.bias"]
    else:
        state["out.2.bias"] = torch.zeros(3)
    save_file({name: values.contiguous() for name, values in state.items()}, spec.weights)
    with pytest.raises(BadWeights, match=r"small\.safetensors: these are not weights of small"):
        load_model(spec)
