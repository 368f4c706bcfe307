"""A network small enough for tests, with every parameter random: what starts at zero would hide mistakes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from glide.models import ModelSpec, channels_last
from glide.unet import TextUNet, UNetSpec

SMALL = ModelSpec(
    name="small",
    unet=UNetSpec(
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
    ),
    schedule="squaredcos_cap_v2",
    weights=Path("small.safetensors"),
)


@pytest.fixture(autouse=True)
def on_one_thread(one_thread: None) -> None:
    """Every test of this folder."""


@pytest.fixture(scope="session")
def small_spec() -> ModelSpec:
    return SMALL


@pytest.fixture(scope="session")
def small_model() -> TextUNet:
    model = TextUNet(SMALL.unet)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, values in model.named_parameters():
            values.normal_(generator=generator)
            if values.ndim >= 2:
                values /= math.sqrt(math.prod(values.shape[1:]))
            else:
                values.mul_(0.1).add_(1.0 if name.endswith("weight") else 0.0)
    return channels_last(model.eval().requires_grad_(False), "cpu")
