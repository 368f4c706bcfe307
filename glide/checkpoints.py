"""Where a network's weights come from: a file in the package, a file that was fetched, another network's, or a seed.

Tensors only: safetensors, or a torch file read with `weights_only=True`, which refuses anything that could run.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from errors import BadWeights
from glide.locking import RemoteFile, present, sha256_of, weights_folder
from glide.released import limits_confirmed

State = dict[str, Tensor]


class Weights(Protocol):
    """Both raise BadWeights, with the file, where there are none or they cannot be read."""

    def sha256(self) -> str:
        """64 hex digits that stand for these weights in every recipe."""
        ...

    def state(self) -> State:
        """Tensors on the CPU by parameter name."""
        ...


@dataclass(frozen=True)
class ShippedWeights:
    """A safetensors file of the package."""

    file: Path

    def sha256(self) -> str:
        return _file_sha256(self.file)

    def state(self) -> State:
        return read_state(self.file)


@dataclass(frozen=True)
class FetchedWeights:
    """A released checkpoint in the weights folder, verified (see `glide.fetching`)."""

    remote: RemoteFile

    def sha256(self) -> str:
        self._file()
        return sha256_of(self.remote, weights_folder())

    def state(self) -> State:
        self.sha256()  # a file that is not the one that was fetched is refused before it is read
        return read_state(self._file())

    def _file(self) -> Path:
        file = present(self.remote, weights_folder())
        if file is None:
            missing = weights_folder() / self.remote.name
            raise BadWeights(missing, "is not there; `toadworks weights fetch glide` gets it")
        if not limits_confirmed(weights_folder()):
            raise BadWeights(file, "its limits are not confirmed yet; `toadworks weights fetch glide` shows them")
        return file


@dataclass(frozen=True)
class WithMaskChannels:
    """A base network's weights for an inpainting network: what is new in its first layer (image and mask) starts at
    zero, as GLIDE's own inpainting began its training. Without that training the network does not look at the mask: it
    is the known pixels, pasted in at each step, that guide it."""

    base: Weights
    channels: int = 4

    def sha256(self) -> str:
        return self.base.sha256()

    def state(self) -> State:
        state = self.base.state()
        first = state["input_blocks.0.0.weight"]
        new = torch.zeros(first.shape[0], self.channels, *first.shape[2:], dtype=first.dtype)
        return state | {"input_blocks.0.0.weight": torch.cat([first, new], dim=1)}


@dataclass(frozen=True)
class UntrainedWeights:
    """Random weights of the network that `build` makes, each parameter drawn from its own name: the same everywhere.
    They show that the parts fit together, not pictures."""

    build: Callable[[], nn.Module]

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for name, tensor in sorted(self.state().items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()

    def state(self) -> State:
        with torch.device("meta"):
            shapes = {name: tensor.shape for name, tensor in self.build().state_dict().items()}
        return {name: _drawn(name, shape) for name, shape in shapes.items()}


def _drawn(name: str, shape: torch.Size) -> Tensor:
    """Activations stay of order one: weights by their fan-in, gains around one, biases small."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if len(shape) >= 2:
        return values / math.sqrt(math.prod(shape[1:]))
    return 0.1 * values + (1.0 if name.endswith(("weight", ".g")) else 0.0)


def read_state(file: Path) -> State:
    """The tensors of a .safetensors or a torch file. Raises BadWeights where it is neither, or holds more."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadWeights(file, "holds more than tensors, which could run as a program: refused") from error
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise BadWeights(file, f"the weights cannot be read ({_short(error)})") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise BadWeights(file, "is not a checkpoint: expected tensors by name")
    return state


def load_into(network: nn.Module, weights: Weights, told: str) -> None:
    """Fill `network` in float32, every parameter and no other. Raises BadWeights, naming `told`, if they do not fit."""
    state = {name: tensor.float() for name, tensor in weights.state().items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise BadWeights(_file_of(weights), f"these are not weights of {told}: {_short(error)}") from error


def _file_of(weights: Weights) -> Path | str:
    match weights:
        case ShippedWeights(file):
            return file
        case FetchedWeights(remote):
            return weights_folder() / remote.name
        case WithMaskChannels(base):
            return _file_of(base)
    return "untrained weights"


@lru_cache(maxsize=16)
def _file_sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BadWeights(file, f"the weights cannot be read ({error.strerror})") from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
