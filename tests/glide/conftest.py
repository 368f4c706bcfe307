"""A model small enough for tests, with every parameter random: what starts at zero would hide mistakes. And the folder
of known answers."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from glide.checkpoints import UntrainedWeights
from glide.clip import ClipImageEncoder, ClipImageSpec, ClipTextEncoder, ClipTextSpec
from glide.models import ClipSpec, Model, ModelSpec, NetworkSpec, Parts, load_model
from glide.unet import TextUNet, UNetSpec

SMALL = UNetSpec(
    image_size=16,
    model_channels=32,
    channel_multipliers=(1, 2),
    residual_blocks=1,
    attention_at=(2,),
    head_channels=32,
    text_context=16,
    text_width=32,
    text_layers=1,
    text_heads=2,
    vocabulary=257,
)
# what golden/glide/README.md says of its tiny networks
TINY = UNetSpec(
    image_size=32,
    model_channels=32,
    channel_multipliers=(1, 2, 2),
    residual_blocks=1,
    attention_at=(2, 4),
    head_channels=32,
    text_context=16,
    text_width=64,
    text_layers=2,
    text_heads=2,
    vocabulary=257,
)
TINY_NETWORKS = {
    "base": TINY,
    "upsample": replace(TINY, image_size=64, in_channels=6),
    "base-inpaint": replace(TINY, in_channels=7),
    "upsample-inpaint": replace(TINY, image_size=64, in_channels=10),
}
CLIP_TEXT = ClipTextSpec(vocabulary=257, context=24, width=32, heads=2, layers=1, features=32)
CLIP_IMAGE = ClipImageSpec(image_size=16, patch=4, width=32, heads=2, layers=1, features=32)


def untrained(unet: UNetSpec, schedule: str) -> NetworkSpec:
    return NetworkSpec(unet, schedule, UntrainedWeights(partial(TextUNet, unet)))


SMALL_SPEC = ModelSpec(
    name="small",
    base=untrained(SMALL, "squaredcos_cap_v2"),
    base_inpaint=untrained(replace(SMALL, in_channels=7), "squaredcos_cap_v2"),
    upsample=untrained(replace(SMALL, image_size=32, in_channels=6), "linear"),
    upsample_inpaint=untrained(replace(SMALL, image_size=32, in_channels=10), "linear"),
    clip=ClipSpec(
        CLIP_TEXT,
        CLIP_IMAGE,
        UntrainedWeights(partial(ClipTextEncoder, CLIP_TEXT)),
        UntrainedWeights(partial(ClipImageEncoder, CLIP_IMAGE)),
    ),
)


@pytest.fixture(autouse=True)
def on_one_thread(one_thread: None) -> None:
    """Every test of this folder."""


@pytest.fixture(scope="session")
def small_spec() -> ModelSpec:
    """A model with all six networks."""
    return SMALL_SPEC


@pytest.fixture(scope="session")
def small_model() -> Model:
    """Its base network alone."""
    return load_model(SMALL_SPEC)


@pytest.fixture(scope="session")
def whole_model() -> Model:
    """Its base network, upsampler and CLIP."""
    return load_model(SMALL_SPEC, Parts(upsampled=True, clip=True))


@pytest.fixture(scope="session")
def masked_model() -> Model:
    """Its inpainting networks and CLIP."""
    return load_model(SMALL_SPEC, Parts(masked=True, upsampled=True, clip=True))


@pytest.fixture(scope="session")
def tiny() -> dict[str, UNetSpec]:
    """The tiny networks of the known answers, by name."""
    return TINY_NETWORKS


@pytest.fixture(scope="session")
def glide_golden(golden: Path) -> Path:
    """The folder of known answers of the released GLIDE."""
    if not (golden / "glide" / "seed.txt").is_file():
        pytest.fail(f"{golden} holds no glide/seed.txt")
    return golden / "glide"


@pytest.fixture(scope="session")
def named(glide_golden: Path) -> Any:
    """The folder's own named_weights.py."""
    spec = importlib.util.spec_from_file_location("named_weights", glide_golden / "named_weights.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
