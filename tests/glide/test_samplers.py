"""Samplers: against a model that is known exactly, each converges as fast as its paper says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from glide.samplers import SAMPLERS, Denoised, Sampler, implied_noise, implied_x0, steered
from glide.schedules import Schedule, make_schedule

SPREAD = 0.5  # images drawn from a normal distribution of this deviation: the best x0 is known


def run(sampler: Sampler, steps: int, x: Tensor, eta: float = 0.0, gradient: Tensor | None = None) -> Tensor:
    """From x at the 1000 steps' end to step 0, by a model that knows the distribution."""
    schedule = make_schedule("linear", str(steps))
    generator = torch.Generator().manual_seed(1)

    def denoise(xi: Tensor, i: int, on: Tensor) -> Denoised:
        abar = float(schedule.alphas_cumprod[i])
        best = abar**0.5 * SPREAD**2 / (abar * SPREAD**2 + 1 - abar)
        return Denoised(best * xi, torch.zeros_like(xi), None if gradient is None else gradient[on])

    def noise(i: int, on: Tensor) -> Tensor:
        return torch.randn(x[on].shape, generator=generator, dtype=x.dtype)

    return sampler(denoise, x, schedule, torch.full((len(x),), steps), noise, eta)


def exact(x: Tensor, schedule: Schedule) -> Tensor:
    """Where the deterministic path from x (at the last index) ends at index 0, which all samplers clean up from: x
    scaled by the ratio of the deviations there."""
    abar = schedule.alphas_cumprod
    deviations = np.sqrt(abar * SPREAD**2 + 1 - abar)
    first = float(deviations[0] / deviations[-1]) * x
    return float(np.sqrt(abar[0]) * SPREAD**2 / (abar[0] * SPREAD**2 + 1 - abar[0])) * first


def error(name: str, steps: int) -> float:
    x = torch.linspace(-1.5, 1.5, 12, dtype=torch.float64).reshape(1, 3, 2, 2)
    return float((run(SAMPLERS[name], steps, x) - exact(x, make_schedule("linear", str(steps)))).abs().max())


def test_deterministic_samplers_come_nearer_with_more_steps() -> None:
    for name in ("ddim", "dpm-solver++"):
        errors = [error(name, steps) for steps in (10, 20, 40, 80)]
        assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] / 4


def test_second_order_beats_first_by_far() -> None:
    # halving the step divides a second-order error by about four, a first-order error by about two
    assert 3.5 < error("dpm-solver++", 80) / error("dpm-solver++", 160) < 4.5
    assert 1.7 < error("ddim", 80) / error("ddim", 160) < 2.3
    assert error("dpm-solver++", 160) < error("ddim", 160) / 3


def test_ddpm_keeps_the_spread_of_the_images() -> None:
    x = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    made = run(SAMPLERS["ddpm"], 200, x)
    assert abs(float(made.std()) - SPREAD) < 0.02
    assert abs(float((made * x).mean())) < 0.02  # where it began is forgotten


def test_first_and_only_step_goes_to_x0() -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    ends = [run(sampler, 1, x) for sampler in SAMPLERS.values()]
    assert all(torch.allclose(ends[0], end, atol=1e-5) for end in ends)


def test_images_of_other_insertion_steps_do_not_disturb() -> None:
    schedule = make_schedule("linear", "12")
    x = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(4))

    def denoise(xi: Tensor, i: int, on: Tensor) -> Denoised:
        return Denoised((0.3 * xi).clamp(-1, 1), torch.zeros_like(xi))

    def noise(i: int, on: Tensor) -> Tensor:
        return torch.full((len(on), 3, 4, 4), 0.1 * i)

    for sampler in SAMPLERS.values():
        mixed = sampler(denoise, x, schedule, torch.tensor([12, 5, 0]), noise)
        for n, remaining in enumerate((12, 5, 0)):
            alone = sampler(denoise, x[n : n + 1], schedule, torch.tensor([remaining]), noise)
            assert torch.equal(mixed[n], alone[0])


@pytest.mark.parametrize("name", SAMPLERS)
def test_gradient_pulls_its_own_image(name: str) -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    none = torch.zeros(2, 3, 4, 4)
    pull = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)])
    without, pulled = run(SAMPLERS[name], 30, x, gradient=none), run(SAMPLERS[name], 30, x, gradient=pull)
    assert torch.equal(without[0], pulled[0])
    assert float((pulled[1] - without[1]).mean()) > 0.05


@pytest.mark.parametrize("name", ["ddim", "dpm-solver++"])
def test_gradient_does_not_blow_up_what_is_nearly_noise(name: str) -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    pulled = run(SAMPLERS[name], 30, x, gradient=0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(6)))
    assert float(pulled.abs().max()) <= 1 and float(pulled.std()) < SPREAD + 0.15


def test_gradient_moves_the_noise_as_the_paper_says() -> None:
    x0, noise, gradient = (torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(n)) for n in (6, 7, 8))
    abar, x0, gradient = 0.3, 0.1 * x0, 0.1 * gradient
    x = abar**0.5 * x0 + (1 - abar) ** 0.5 * noise
    moved = noise - (1 - abar) ** 0.5 * gradient
    expected = (x - (1 - abar) ** 0.5 * moved) / abar**0.5
    assert float(expected.abs().max()) < 1
    assert torch.allclose(steered(Denoised(x0, x0, gradient), x, abar), expected, atol=1e-5)
    assert torch.allclose(implied_x0(x, implied_noise(x, x0, abar), abar), x0, atol=1e-5)
