"""The models that Toadworks knows, by name: their sizes, their text and where their weights are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from errors import BadValue, BadWeights
from glide.unet import TextUNet, UNetSpec

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class ModelSpec:
    """One model: its network, the schedule it was trained on, and its weights file (safetensors)."""

    name: str
    unet: UNetSpec
    schedule: str
    weights: Path


TADPOLE = ModelSpec(
    name="tadpole",
    unet=UNetSpec(
        image_size=64,
        model_channels=32,
        channel_multipliers=(1, 1, 2, 4),
        residual_blocks=1,
        attention_at=(4, 8),
        head_channels=32,
        text_context=96,
        text_width=128,
        text_layers=3,
        text_heads=4,
        vocabulary=257,
        dropout=0.0,
    ),
    schedule="squaredcos_cap_v2",
    weights=WEIGHTS / "tadpole.safetensors",
)

MODELS = {TADPOLE.name: TADPOLE}


def model_spec(name: str) -> ModelSpec:
    """The model called `name`; raises BadValue, with the valid names, for another."""
    if name not in MODELS:
        raise BadValue("model", name, ", ".join(MODELS))
    return MODELS[name]


@lru_cache(maxsize=8)
def weights_sha256(spec: ModelSpec) -> str:
    """64 hex digits: SHA-256 of the weights file. Raises BadWeights if there is none."""
    try:
        with spec.weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadWeights(spec.weights, f"the weights of {spec.name} cannot be read ({error.strerror})") from error


def load_model(spec: ModelSpec, device: str = "cpu") -> TextUNet:
    """The network with its weights in float32, in evaluation mode. Raises BadWeights if the file does not fit."""
    try:
        state = load_file(spec.weights)
    except (OSError, SafetensorError) as error:
        raise BadWeights(spec.weights, f"the weights of {spec.name} cannot be read ({error})") from error
    model = TextUNet(spec.unet)
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
    except RuntimeError as error:
        raise BadWeights(spec.weights, f"these are not weights of {spec.name}: {str(error)[:200]}") from error
    return channels_last(model.eval().requires_grad_(False), device)


def channels_last(model: TextUNet, device: str) -> TextUNet:
    """The network on `device`, its convolutions in the memory format that they are fastest in."""
    return model.to(torch.device(device)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
