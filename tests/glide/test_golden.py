"""Known answers: the networks, schedules and samplers against the numbers that the released GLIDE gives.

Another folder of the same form may hold other seeds and other cases: all that are there are taken.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glide.guidance import Guided
from glide.samplers import SAMPLERS
from glide.schedules import make_schedule
from glide.unet import TextEncoding, TextUNet, UNetSpec

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


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    if not (golden / "glide" / "seed.txt").is_file():
        pytest.fail(f"{golden} holds no glide/seed.txt")
    return golden / "glide"


@pytest.fixture(scope="module")
def named(folder: Path) -> Any:
    """The folder's own named_weights.py."""
    spec = importlib.util.spec_from_file_location("named_weights", folder / "named_weights.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shapes(folder: Path) -> dict[str, list[int]]:
    return dict(json.loads((folder / "state_dicts.json").read_text())["tiny/base"])


@pytest.fixture(scope="module")
def model(folder: Path, named: Any, shapes: dict[str, list[int]]) -> TextUNet:
    seed = int((folder / "seed.txt").read_text())
    state = {name: torch.from_numpy(values) for name, values in named.named_weights(shapes, seed).items()}
    made = TextUNet(TINY).eval()
    made.load_state_dict(state, strict=True)
    return made


def arrays(file: Path) -> dict[str, torch.Tensor]:
    with np.load(file) as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


def test_parameter_names_and_shapes_are_the_release_s(shapes: dict[str, list[int]]) -> None:
    assert len(shapes) > 50
    assert {name: list(values.shape) for name, values in TextUNet(TINY).state_dict().items()} == shapes


def test_single_forward_is_the_release_s(folder: Path, model: TextUNet) -> None:
    given = arrays(folder / "tiny-base.npz")
    with torch.no_grad():
        out = model(given["x"], given["t"], model.encode_text(given["tokens"], given["mask"]))
    assert out.shape == given["out"].shape
    assert (out - given["out"]).abs().max() < 1e-4


def test_every_schedule_is_the_release_s(folder: Path) -> None:
    wrong, seen = [], 0
    with np.load(folder / "schedules.npz") as stored:
        for key in stored.files:
            name, respacing, array = key.split("|")
            ours, theirs = getattr(make_schedule(name, respacing), array), stored[key]
            seen += 1
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-9, atol=0):
                wrong.append(key)
    assert seen and not wrong


def run_case(case: dict[str, Any], stored: dict[str, torch.Tensor], model: TextUNet, named: Any) -> torch.Tensor:
    schedule = make_schedule("squaredcos_cap_v2", case["respacing"])
    noise, source, count = stored["noise"], stored["source"], len(stored["noise"])
    abar = float(schedule.alphas_cumprod[case["start"] - 1])
    x = noise
    if "insert-clean" in case["name"]:
        x = source
    elif "insert-noised" in case["name"]:
        x = abar**0.5 * source + (1 - abar) ** 0.5 * noise
    context = TINY.text_context
    empty = (torch.full((1, context), TINY.vocabulary - 1), torch.zeros(1, context, dtype=torch.bool))
    scales = torch.full((count,), float(case["scale"]))

    def drawn(i: int, on: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(named.named_noise(tuple(noise.shape), case["noise_seed"], i))[on]

    with torch.no_grad():
        conditional: TextEncoding = model.encode_text(stored["tokens"], stored["mask"])
        guided = Guided(model, schedule, conditional, model.encode_text(*empty), scales, width=count)
        remaining = torch.full((count,), case["start"])
        return SAMPLERS[case["sampler"]](guided, x, schedule, remaining, drawn, case.get("eta", 0.0))


def test_every_trajectory_is_the_release_s(folder: Path, model: TextUNet, named: Any) -> None:
    cases = json.loads((folder / "trajectories.json").read_text())
    stored = arrays(folder / "trajectories.npz")
    apart = {
        case["name"]: float((run_case(case, stored, model, named) - stored[case["name"]]).abs().max()) for case in cases
    }
    assert apart and {name: far for name, far in apart.items() if not far < 1e-3} == {}
