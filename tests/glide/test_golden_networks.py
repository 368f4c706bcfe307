"""Known answers: every network against the numbers that the released GLIDE gives, tiny ones and (slow) full-size ones.

Another folder of the same form may hold other seeds: all that are there are taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glide.models import GLIDE, NetworkSpec
from glide.unet import TextUNet, UNetSpec, beside

Tiny = dict[str, UNetSpec]
FULL_NETWORKS: dict[str, NetworkSpec | None] = {
    "base": GLIDE.base,
    "upsample": GLIDE.upsample,
    "base-inpaint": GLIDE.base_inpaint,
    "upsample-inpaint": GLIDE.upsample_inpaint,
}


def full(name: str) -> UNetSpec:
    network = FULL_NETWORKS[name]
    assert network
    return network.unet


def shapes_of(spec: UNetSpec) -> dict[str, list[int]]:
    with torch.device("meta"):
        return {name: list(values.shape) for name, values in TextUNet(spec).state_dict().items()}


def built(spec: UNetSpec, shapes: dict[str, list[int]], glide_golden: Path, named: Any) -> TextUNet:
    """The network with the weights that its parameters' names and the folder's seed give."""
    with torch.device("meta"):
        network = TextUNet(spec)
    network.to_empty(device="cpu")
    seed = int((glide_golden / "seed.txt").read_text())
    for name, values in network.state_dict().items():  # one after the other: full-size ones take gigabytes
        values.copy_(torch.from_numpy(named.named_tensor(name, tuple(shapes[name]), seed)))
    return network.eval().requires_grad_(False)


def arrays(file: Path) -> dict[str, torch.Tensor]:
    with np.load(file) as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


@pytest.fixture(scope="module")
def shapes(glide_golden: Path) -> dict[str, dict[str, list[int]]]:
    return dict(json.loads((glide_golden / "state_dicts.json").read_text()))


@pytest.mark.parametrize("name", FULL_NETWORKS)
def test_names_and_shapes_are_the_release_s(shapes: dict[str, Any], tiny: Tiny, name: str) -> None:
    assert len(shapes[name]) > 700
    assert shapes_of(full(name)) == shapes[name]
    assert shapes_of(tiny[name]) == shapes[f"tiny/{name}"]


@pytest.mark.parametrize("name", FULL_NETWORKS)
def test_tiny_forward_is_the_release_s(
    shapes: dict[str, Any], tiny: Tiny, glide_golden: Path, named: Any, name: str
) -> None:
    spec, given = tiny[name], arrays(glide_golden / f"tiny-{name}.npz")
    network = built(spec, shapes[f"tiny/{name}"], glide_golden, named)
    out = forward(network, given)
    assert out.shape == given["out"].shape
    assert (out - given["out"]).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_NETWORKS)
def test_full_size_forward_is_the_release_s(shapes: dict[str, Any], glide_golden: Path, named: Any, name: str) -> None:
    spec, stored = full(name), arrays(glide_golden / f"full-{name}.npz")
    seed, size = int((glide_golden / "seed.txt").read_text()), spec.image_size

    def drawn(shape: tuple[int, ...], number: int) -> torch.Tensor:
        return torch.from_numpy(named.named_noise(shape, seed + 77, number))

    keep = torch.ones(1, 1, size, size)
    keep[:, :, size // 4 : size // 2, size // 4 :] = 0
    given = {
        **stored,
        "x": drawn((1, 3, size, size), 0),
        "low_res": drawn((1, 3, 64, 64), 1).clamp(-1, 1),
        "inpaint_image": drawn((1, 3, size, size), 2).clamp(-1, 1),
        "inpaint_mask": keep,
    }
    out = forward(built(spec, shapes[name], glide_golden, named), given)
    assert (out[:, :, ::8, ::8] - stored["out_every_8th"]).abs().max() < 1e-3
    assert (out.mean(dim=(2, 3)) - stored["out_mean"]).abs().max() < 1e-3
    assert (out.std(dim=(2, 3)) - stored["out_std"]).abs().max() < 1e-3


def forward(network: TextUNet, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """The network's output on the inputs that it takes of those given."""
    channels = network.spec.in_channels
    extra = beside(
        network.spec.image_size,
        low_res=given["low_res"] if channels in (6, 10) else None,
        image=given["inpaint_image"] if channels in (7, 10) else None,
        keep=given["inpaint_mask"] if channels in (7, 10) else None,
    )
    x = given["x"] if extra is None else torch.cat([given["x"], extra], dim=1)
    with torch.no_grad():
        return network(x, given["t"], network.encode_text(given["tokens"], given["mask"]))
