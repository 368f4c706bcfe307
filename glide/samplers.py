"""Samplers: one flat function each, from an image that enters at some step to the finished one.

All take `denoise(x, i, on)` (noise and variance fraction, both [M, 3, H, W], of the M images whose rows are `on`, at
respaced index i), `x` [N, 3, H, W] (what each image enters with), the schedule, `remaining` int [N] (r = T - k: the
image joins the walk at index r - 1, so a batch may mix insertion steps and no evaluation is wasted) and `noise(i, on)`
(standard normal, [M, 3, H, W]). They return [N, 3, H, W]; x0 is clamped to [-1, 1] at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from errors import BadValue
from glide.schedules import Schedule

Denoise = Callable[[Tensor, int, Tensor], tuple[Tensor, Tensor]]
Noise = Callable[[int, Tensor], Tensor]


class Sampler(Protocol):
    def __call__(
        self, denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0
    ) -> Tensor: ...


def predicted_x0(x: Tensor, eps: Tensor, abar: float) -> Tensor:
    """The clean image that noise `eps` in `x` implies, clamped to [-1, 1]."""
    return (float(np.sqrt(1 / abar)) * x - float(np.sqrt(1 / abar - 1)) * eps).clamp(-1, 1)


def ddpm(denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0) -> Tensor:
    """Ancestral sampling (Ho et al. 2020) with the learned variance of Nichol & Dhariwal 2021:
    log var = f ln(beta) + (1 - f) ln(posterior), f = (v + 1) / 2. `eta` has no meaning here."""
    x = x.clone()
    for i in reversed(range(int(remaining.max()))):
        on = (remaining > i).nonzero()[:, 0]
        xi = x[on]
        eps, v = denoise(xi, i, on)
        x0 = predicted_x0(xi, eps, schedule.alphas_cumprod[i])
        mean = float(schedule.posterior_mean_x0[i]) * x0 + float(schedule.posterior_mean_x[i]) * xi
        if i > 0:
            f = (v + 1) / 2
            low, high = float(schedule.posterior_log_variance_clipped[i]), float(np.log(schedule.betas[i]))
            mean = mean + torch.exp(0.5 * (f * high + (1 - f) * low)) * noise(i, on)
        x[on] = mean
    return x


def ddim(denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2020); `eta` in 0..1 is the share of fresh noise, 0 is deterministic. The noise is derived
    again from the clamped x0, as the release does."""
    x = x.clone()
    for i in reversed(range(int(remaining.max()))):
        on = (remaining > i).nonzero()[:, 0]
        xi = x[on]
        eps, _ = denoise(xi, i, on)
        abar, before = float(schedule.alphas_cumprod[i]), float(schedule.alphas_cumprod_prev[i])
        x0 = predicted_x0(xi, eps, abar)
        eps = (float(np.sqrt(1 / abar)) * xi - x0) / float(np.sqrt(1 / abar - 1))
        sigma = eta * float(np.sqrt((1 - before) / (1 - abar)) * np.sqrt(1 - abar / before))
        mean = x0 * float(np.sqrt(before)) + float(np.sqrt(1 - before - sigma**2)) * eps
        x[on] = mean + sigma * noise(i, on) if i > 0 and sigma > 0 else mean
    return x


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim}


def sampler_named(name: str) -> Sampler:
    """The sampler called `name`; raises BadValue, with the valid names, for another."""
    if name not in SAMPLERS:
        raise BadValue("sampler", name, ", ".join(SAMPLERS))
    return SAMPLERS[name]
