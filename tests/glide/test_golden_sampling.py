"""Known answers: schedules, and whole sampling runs of a tiny network, against the numbers that the released GLIDE
gives.

Another folder of the same form may hold other cases: all that are there are taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glide.guidance import Guided, Prompts
from glide.samplers import SAMPLERS
from glide.schedules import make_schedule
from glide.unet import TextEncoding, TextUNet, UNetSpec


@pytest.fixture(scope="module")
def network(glide_golden: Path, named: Any, tiny: dict[str, UNetSpec]) -> TextUNet:
    shapes = json.loads((glide_golden / "state_dicts.json").read_text())["tiny/base"]
    seed = int((glide_golden / "seed.txt").read_text())
    made = TextUNet(tiny["base"]).eval()
    made.load_state_dict({name: torch.from_numpy(v) for name, v in named.named_weights(shapes, seed).items()})
    return made


def test_every_schedule_is_the_release_s(glide_golden: Path) -> None:
    wrong, seen = [], 0
    with np.load(glide_golden / "schedules.npz") as stored:
        for key in stored.files:
            name, respacing, array = key.split("|")
            ours, theirs = getattr(make_schedule(name, respacing), array), stored[key]
            seen += 1
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-9, atol=0):
                wrong.append(key)
    assert seen and not wrong


def run_case(case: dict[str, Any], stored: dict[str, torch.Tensor], network: TextUNet, named: Any) -> torch.Tensor:
    schedule = make_schedule("squaredcos_cap_v2", case["respacing"])
    noise, source, count = stored["noise"], stored["source"], len(stored["noise"])
    abar = float(schedule.alphas_cumprod[case["start"] - 1])
    x = noise
    if "insert-clean" in case["name"]:
        x = source
    elif "insert-noised" in case["name"]:
        x = abar**0.5 * source + (1 - abar) ** 0.5 * noise
    context = network.spec.text_context

    def drawn(i: int, on: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(named.named_noise(tuple(noise.shape), case["noise_seed"], i))[on]

    with torch.no_grad():
        empty = network.encode_text(
            torch.full((1, context), network.spec.vocabulary - 1), torch.zeros(1, context, dtype=torch.bool)
        )
        texts = TextEncoding.stack([empty, network.encode_text(stored["tokens"], stored["mask"])])
        prompts = Prompts(texts, 1 + torch.arange(count), torch.full((count,), float(case["scale"])))
        guided = Guided(network=network, schedule=schedule, prompts=prompts, rows=2 * count)
        remaining = torch.full((count,), case["start"])
        return SAMPLERS[case["sampler"]](guided, x, schedule, remaining, drawn, case.get("eta", 0.0))


def test_every_trajectory_is_the_release_s(glide_golden: Path, network: TextUNet, named: Any) -> None:
    cases = json.loads((glide_golden / "trajectories.json").read_text())
    with np.load(glide_golden / "trajectories.npz") as file:
        stored = {name: torch.from_numpy(file[name]) for name in file.files}
    apart = {
        case["name"]: float((run_case(case, stored, network, named) - stored[case["name"]]).abs().max())
        for case in cases
    }
    assert apart and {name: far for name, far in apart.items() if not far < 1e-3} == {}
