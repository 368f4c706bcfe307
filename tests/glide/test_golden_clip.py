"""Known answers: the noise-aware CLIP against the numbers that the released one gives, and what else it promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from errors import BadValue
from glide.clip import ClipImageEncoder, ClipImageSpec, ClipTextEncoder, ClipTextSpec, NoisyClip
from glide.models import GLIDE_CLIP_IMAGE, GLIDE_CLIP_TEXT

TINY_TEXT = ClipTextSpec(vocabulary=300, context=12, width=64, heads=2, layers=2, features=64)
TINY_IMAGE = ClipImageSpec(image_size=32, patch=4, width=64, heads=2, layers=2, features=64)
ENCODERS: dict[str, Callable[[], nn.Module]] = {
    "clip/text-enc": lambda: ClipTextEncoder(GLIDE_CLIP_TEXT),
    "clip/image-enc": lambda: ClipImageEncoder(GLIDE_CLIP_IMAGE),
    "tiny/clip-text": lambda: ClipTextEncoder(TINY_TEXT),
    "tiny/clip-image": lambda: ClipImageEncoder(TINY_IMAGE),
}


@pytest.fixture(scope="module")
def shapes(glide_golden: Path) -> dict[str, dict[str, list[int]]]:
    return dict(json.loads((glide_golden / "state_dicts.json").read_text()))


@pytest.fixture(scope="module")
def given(glide_golden: Path) -> dict[str, Tensor]:
    with np.load(glide_golden / "tiny-clip.npz") as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


@pytest.fixture(scope="module")
def clip(glide_golden: Path, named: Any, shapes: dict[str, dict[str, list[int]]]) -> NoisyClip:
    """The tiny one, with the weights that its parameters' names and the folder's seed give."""
    seed = int((glide_golden / "seed.txt").read_text())
    text, image = ClipTextEncoder(TINY_TEXT), ClipImageEncoder(TINY_IMAGE)
    for encoder, name in ((text, "tiny/clip-text"), (image, "tiny/clip-image")):
        state = named.named_weights(shapes[name], seed)
        encoder.load_state_dict({key: torch.from_numpy(values) for key, values in state.items()}, strict=True)
        encoder.eval().requires_grad_(False)
    return NoisyClip(text, image)


@pytest.fixture(scope="module")
def text(clip: NoisyClip, given: dict[str, Tensor]) -> Tensor:
    return clip.text_features(given["tokens"], given["lengths"])


@pytest.mark.parametrize("name", ENCODERS)
def test_checkpoints_load_as_they_are(shapes: dict[str, dict[str, list[int]]], name: str) -> None:
    with torch.device("meta"):  # full size: shapes only, no memory
        encoder = ENCODERS[name]()
        state = {key: torch.empty(shape) for key, shape in shapes[name].items()}
    assert len(state) > 30
    encoder.load_state_dict(state, strict=True)


def test_text_encoder_is_the_release_s(clip: NoisyClip, given: dict[str, Tensor]) -> None:
    out = clip.text(given["tokens"], given["lengths"])
    assert out.shape == given["text_out"].shape
    assert (out - given["text_out"]).abs().max() < 1e-4


def test_image_encoder_is_the_release_s(clip: NoisyClip, given: dict[str, Tensor]) -> None:
    out = clip.image(given["images"], given["t"])
    assert out.shape == given["image_out"].shape
    assert (out - given["image_out"]).abs().max() < 1e-4


@pytest.mark.parametrize("around", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_gradient_is_the_release_s(clip: NoisyClip, given: dict[str, Tensor], around: Callable[[], Any]) -> None:
    with around():
        text = clip.text_features(given["tokens"], given["lengths"])
        gradient = clip.gradient(given["images"] + 0, given["t"] + 0, text)
    assert gradient.shape == given["grad"].shape
    assert (gradient - given["grad"]).abs().max() < 1e-3
    assert not gradient.requires_grad


def test_gradient_leaves_everything_as_it_was(clip: NoisyClip, given: dict[str, Tensor], text: Tensor) -> None:
    x = given["images"].clone()
    clip.gradient(x, given["t"], text)
    assert torch.equal(x, given["images"])
    assert not x.requires_grad and x.grad is None
    assert all(p.grad is None for encoder in (clip.text, clip.image) for p in encoder.parameters())


def test_gradient_leads_to_a_better_fit(clip: NoisyClip, given: dict[str, Tensor], text: Tensor) -> None:
    x, t = given["images"], given["t"]
    better = clip.similarity(x + 1e-3 * clip.gradient(x, t, text), t, text)
    assert (better > clip.similarity(x, t, text)).all()


def test_neighbours_make_no_difference(clip: NoisyClip, given: dict[str, Tensor], text: Tensor) -> None:
    x, t = given["images"], given["t"]
    together = clip.gradient(x, t, text)
    for n in range(len(x)):
        alone = clip.gradient(x[n : n + 1], t[n : n + 1], text[n : n + 1])
        assert (together[n] - alone[0]).abs().max() < 1e-4


def test_features_have_length_one(clip: NoisyClip, given: dict[str, Tensor], text: Tensor) -> None:
    image = clip.image_features(given["images"], given["t"])
    for features in (text, image):
        assert torch.allclose(features.norm(dim=1), torch.ones(len(features)))
    cosine = torch.cosine_similarity(given["image_out"], given["text_out"])
    assert torch.allclose(clip.similarity(given["images"], given["t"], text), cosine, atol=1e-5)


def test_what_follows_the_last_token_is_not_read(clip: NoisyClip, given: dict[str, Tensor]) -> None:
    lengths = torch.full((3,), 5)
    tail, head = given["tokens"].clone(), given["tokens"].clone()
    tail[:, 5:] = 7
    head[:, 4] = 7
    before = clip.text_features(given["tokens"], lengths)
    assert torch.allclose(clip.text_features(tail, lengths), before, atol=1e-6)
    assert not torch.allclose(clip.text_features(head, lengths), before, atol=1e-2)


def test_noise_level_is_seen(clip: NoisyClip, given: dict[str, Tensor]) -> None:
    x = given["images"]
    early, late = (clip.image_features(x, torch.full((3,), t)) for t in (0, 999))
    assert not torch.allclose(early, late, atol=1e-2)


@pytest.mark.parametrize("shape", [(1, 3, 36, 36), (1, 3, 32, 28), (1, 4, 32, 32), (3, 32, 32)])
def test_images_of_another_size_are_refused(clip: NoisyClip, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadValue, match="N x 3 x 32 x 32"):
        clip.image_features(torch.zeros(shape), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("shape", [(1, 11), (1, 1), (12,)])
def test_tokens_of_another_context_are_refused(clip: NoisyClip, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadValue, match="N x 12"):
        clip.text_features(torch.zeros(shape, dtype=torch.int64), torch.ones(1, dtype=torch.int64))
