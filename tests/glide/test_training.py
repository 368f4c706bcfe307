"""Training material and the training itself: the same seed gives the same pictures, words and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from errors import BadValue
from glide import train
from glide.checkpoints import ShippedWeights
from glide.models import ModelSpec, NetworkSpec
from glide.schedules import make_schedule
from glide.training import captions, data, painter
from glide.training.looks import LOOKS, render
from glide.training.loss import hybrid_loss, noised
from glide.unet import UNetSpec

SCHEDULE = make_schedule("squaredcos_cap_v2")


def toad(seed: int) -> painter.Toad:
    return painter.random_toad(np.random.default_rng(seed))


def test_same_seed_paints_the_same_toad() -> None:
    assert toad(3) == toad(3)
    assert painter.paint(toad(3)).tobytes() == painter.paint(toad(3)).tobytes()


def test_painted_toads_are_all_different() -> None:
    pictures = [painter.paint(toad(seed)) for seed in range(60)]
    assert all((picture.mode, picture.size) == ("RGB", (36, 36)) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 60


def test_transparent_toad_is_the_same_toad() -> None:
    picture = np.asarray(painter.paint(toad(3)))
    cut_out = np.asarray(painter.paint(toad(3), transparent=True))
    solid = cut_out[..., 3] == 255
    assert 200 < solid.sum() < 36 * 36 and (cut_out[~solid, 3] == 0).all()
    assert np.array_equal(cut_out[solid, :3], picture[solid])


def test_looks_of_one_toad_are_all_different() -> None:
    image = painter.paint(toad(1))
    drawn = {name: np.asarray(render(name, image, np.random.default_rng(0))).astype(int) for name in LOOKS}
    assert len(drawn) >= 16
    for name, picture in drawn.items():
        assert picture.shape == (64, 64, 3) and np.ptp(picture) > 60
        nearest = min(np.abs(picture - other).mean() for key, other in drawn.items() if key != name)
        assert nearest > 10, name


def test_look_is_the_same_for_the_same_seed() -> None:
    image = painter.paint(toad(2))
    for name in LOOKS:
        first, second = (render(name, image, np.random.default_rng(7)).tobytes() for _ in range(2))
        assert first == second, name


def test_unknown_look_names_the_known() -> None:
    with pytest.raises(BadValue, match="crayon"):
        render("frottage", Image.new("RGB", (36, 36)), np.random.default_rng(0))


@pytest.mark.parametrize("style", [captions.PLAIN, *LOOKS])
def test_captions_tell_the_style(style: str) -> None:
    wordings = captions.PLAIN_PHRASES if style == captions.PLAIN else LOOKS[style].phrases
    elsewhere = {phrase for name, look in LOOKS.items() if name != style for phrase in look.phrases}
    assert not elsewhere & set(wordings) and all(phrase.count("{toad}") == 1 for phrase in wordings)
    rng = np.random.default_rng(1)
    told = {captions.caption(style, "blue toad", ["crown", "pipe", "tongue out"], rng) for _ in range(80)}
    for text in told:
        assert "toad" in text and "{" not in text
        assert any(text.startswith(w.split("{toad}")[0]) and text.endswith(w.split("{toad}")[1]) for w in wordings)
    assert any("crown and" in text or "and crown" in text for text in told) and any("a toad" in text for text in told)


def test_training_set_is_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOADWORKS_TOADZ", str(tmp_path / "none"))
    first_pixels, first_words = data.make_set(tmp_path / "a", toads=2, styles_each=2, seed=4)
    pixels, words = data.make_set(tmp_path / "b", toads=2, styles_each=2, seed=4)
    assert pixels.shape == (4, 64, 64, 3) and pixels.dtype == np.uint8 and len(set(words)) > 1
    assert np.array_equal(pixels, first_pixels) and words == first_words
    again, _ = data.make_set(tmp_path / "a", toads=2, styles_each=2, seed=4)  # read back
    assert np.array_equal(again, pixels)
    other, _ = data.make_set(tmp_path / "a", toads=2, styles_each=2, seed=5)
    assert not np.array_equal(other, pixels)


def test_training_set_of_other_settings_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOADWORKS_TOADZ", str(tmp_path / "none"))
    data.make_set(tmp_path, toads=1, styles_each=1, seed=4)
    pixels, words = data.make_set(tmp_path, toads=1, styles_each=2, seed=4)
    assert len(pixels) == len(words) == 2


def test_held_out_toads_are_never_trained_on(toadz: Path) -> None:
    trained, held_out = data.real_toads(toadz), data.real_toads(toadz, held_out=True)
    assert not set(trained) & set(held_out)
    assert len(held_out) == -(-(len(trained) + len(held_out)) // data.HELD_OUT) > 0


def batch(n: int = 4) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    x0 = torch.rand(n, 3, 8, 8, generator=generator) * 1.8 - 0.9
    t, noise = torch.tensor([0, 1, 400, 999])[:n], torch.randn(n, 3, 8, 8, generator=generator)
    out = torch.randn(n, 6, 8, 8, generator=generator)
    return {"out": out, "x0": x0, "xt": noised(x0, t, noise, SCHEDULE), "t": t, "noise": noise}


def test_noise_and_variance_are_taught_apart() -> None:
    for term, moved, still in ((0, slice(0, 3), slice(3, 6)), (1, slice(3, 6), slice(0, 3))):
        given = batch()
        given["out"].requires_grad_()
        hybrid_loss(**given, schedule=SCHEDULE)[term].backward()
        gradient = given["out"].grad
        assert gradient is not None and (gradient[:, moved] != 0).any(dim=(1, 2, 3)).all()
        assert (gradient[:, still] == 0).all()


def test_perfect_prediction_costs_nothing() -> None:
    given = batch(3)  # at 999 a float holds too little of the picture to find it again
    given["out"] = torch.cat([given["noise"], torch.full_like(given["noise"], -1)], dim=1)
    noise_error, bits = hybrid_loss(**given, schedule=SCHEDULE)
    assert noise_error == 0 and abs(bits) < 1e-4
    given["out"][:, 3:] = 1
    assert hybrid_loss(**given, schedule=SCHEDULE)[1] > 0.01


SMALL = UNetSpec(
    image_size=64,
    model_channels=32,
    channel_multipliers=(1, 1, 1),
    residual_blocks=1,
    attention_at=(),
    head_channels=32,
    text_context=12,
    text_width=16,
    text_layers=1,
    text_heads=2,
    vocabulary=257,
    dropout=0.0,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = NetworkSpec(SMALL, "squaredcos_cap_v2", ShippedWeights(tmp_path / "unused"))
    monkeypatch.setattr(train, "TADPOLE", ModelSpec(name="small", base=network))


def trained(folder: Path, steps: int, seed: int = 1) -> tuple[train.Trainer, list[Any]]:
    folder.mkdir(exist_ok=True)
    trainer, losses = train.Trainer(folder, "cpu", seed), []
    while trainer.step < steps:
        rng = np.random.default_rng(trainer.step)
        pixels = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
        losses.append(trainer.train_step(pixels, ["a toad", f"toad {trainer.step}"], rate=1e-3))
    return trainer, losses


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


@pytest.mark.usefixtures("small")
def test_stopped_training_goes_on_as_if_undisturbed(tmp_path: Path) -> None:
    whole, losses = trained(tmp_path / "whole", 4)
    stopped, first_losses = trained(tmp_path / "stopped", 2)
    stopped.save()
    torch.manual_seed(99)  # whatever else happened in between
    resumed, last_losses = trained(tmp_path / "stopped", 4)
    assert len(last_losses) == 2 and first_losses + last_losses == losses
    for part in ("model", "average", "optimiser"):
        assert equal(getattr(resumed, part).state_dict(), getattr(whole, part).state_dict()), part


@pytest.mark.usefixtures("small")
def test_training_moves_the_network_and_its_average(tmp_path: Path) -> None:
    start, _ = trained(tmp_path, 0)
    moved, _ = trained(tmp_path, 2)
    other, _ = trained(tmp_path, 2, seed=2)
    for part in ("model", "average"):
        before, after, elsewhere = (getattr(t, part).state_dict() for t in (start, moved, other))
        assert not equal(before, after) and not equal(after, elsewhere)


def test_learning_rate_warms_up_and_ends_at_zero() -> None:
    rates = [train.learning_rate(step, 4000) for step in range(4001)]
    assert 0 < rates[0] < rates[100] < rates[300] == rates[2400] == train.RATE
    assert rates[2401] < train.RATE and rates[4000] == 0 < rates[3999]
