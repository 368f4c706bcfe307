"""Samplers: one flat function each, from an image that enters at some step to the finished one.

All take `denoise(x, i, on)` (what the model says of the M images `x`, whose rows are `on`, at respaced index i), `x`
[N, 3, H, W] (what each image enters with), the schedule, `remaining` int [N] (r = T - k: the image joins the walk at
index r - 1, so a batch may mix insertion steps and no evaluation is wasted) and `noise(i, on)` (standard normal,
[M, 3, H, W]). They return [N, 3, H, W].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from errors import BadValue
from glide.schedules import Schedule


@dataclass(frozen=True)
class Denoised:
    """What a model says of M noisy images, [M, 3, H, W] each: `x0`, the clean images (guided, clamped); `fraction`,
    where the learned variance lies between its bounds, 0..1; `gradient` of the log-likelihood that steers them, if one
    does."""

    x0: Tensor
    fraction: Tensor
    gradient: Tensor | None = None


Denoise = Callable[[Tensor, int, Tensor], Denoised]
Noise = Callable[[int, Tensor], Tensor]


class Sampler(Protocol):
    def __call__(
        self, denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0
    ) -> Tensor: ...


def ddpm(denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0) -> Tensor:
    """Ancestral sampling (Ho et al. 2020, arXiv 2006.11239) with the learned variance of Nichol & Dhariwal 2021 (arXiv
    2102.09672): log var = f ln(beta) + (1 - f) ln(posterior). A gradient moves the mean by variance x gradient
    (Dhariwal & Nichol 2021, arXiv 2105.05233, algorithm 1). `eta` has no meaning here."""
    x = x.clone()
    for i in reversed(range(int(remaining.max()))):
        on = (remaining > i).nonzero()[:, 0]
        xi = x[on]
        told = denoise(xi, i, on)
        low, high = float(schedule.posterior_log_variance_clipped[i]), float(np.log(schedule.betas[i]))
        log_variance = told.fraction * high + (1 - told.fraction) * low
        mean = float(schedule.posterior_mean_x0[i]) * told.x0 + float(schedule.posterior_mean_x[i]) * xi
        if told.gradient is not None:
            mean = mean + log_variance.exp() * told.gradient
        x[on] = mean + torch.exp(0.5 * log_variance) * noise(i, on) if i > 0 else mean
    return x


def ddim(denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2020, arXiv 2010.02502); `eta` in 0..1 is the share of fresh noise, 0 is deterministic. The
    noise is derived again from the clamped x0, as the release does; a gradient moves it (`steered`)."""
    x = x.clone()
    for i in reversed(range(int(remaining.max()))):
        on = (remaining > i).nonzero()[:, 0]
        xi = x[on]
        abar, before = float(schedule.alphas_cumprod[i]), float(schedule.alphas_cumprod_prev[i])
        x0 = steered(denoise(xi, i, on), xi, abar)
        eps = implied_noise(xi, x0, abar)
        sigma = eta * float(np.sqrt((1 - before) / (1 - abar)) * np.sqrt(1 - abar / before))
        mean = x0 * float(np.sqrt(before)) + float(np.sqrt(1 - before - sigma**2)) * eps
        x[on] = mean + sigma * noise(i, on) if i > 0 and sigma > 0 else mean
    return x


def dpm_solver(
    denoise: Denoise, x: Tensor, schedule: Schedule, remaining: Tensor, noise: Noise, eta: float = 0.0
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2): second order in the step h of lambda =
    ln(alpha / sigma) at one evaluation a step, deterministic. An image's first step is of first order, and so is the
    last, which goes to sigma = 0 and so to x0 itself. `eta` has no meaning here."""
    alpha, sigma = np.sqrt(schedule.alphas_cumprod), np.sqrt(1 - schedule.alphas_cumprod)
    lambdas = np.log(alpha / sigma)
    x, before = x.clone(), torch.zeros_like(x)
    for i in reversed(range(int(remaining.max()))):
        on = (remaining > i).nonzero()[:, 0]
        xi = x[on]
        x0 = steered(denoise(xi, i, on), xi, float(schedule.alphas_cumprod[i]))
        if i == 0:
            x[on] = x0
            break
        h = float(lambdas[i - 1] - lambdas[i])
        d = x0
        if i + 1 < len(schedule):
            r = float(lambdas[i] - lambdas[i + 1]) / h
            second = (remaining[on] > i + 1).to(x.device)[:, None, None, None]  # an earlier x0 is there
            d = torch.where(second, x0 + (x0 - before[on]) / (2 * r), x0)
        x[on] = float(sigma[i - 1] / sigma[i]) * xi - float(alpha[i - 1] * np.expm1(-h)) * d
        before[on] = x0
    return x


def implied_noise(x: Tensor, x0: Tensor, abar: float) -> Tensor:
    """The noise that is in `x` if the clean image is `x0`."""
    return (float(np.sqrt(1 / abar)) * x - x0) / float(np.sqrt(1 / abar - 1))


def implied_x0(x: Tensor, eps: Tensor, abar: float) -> Tensor:
    """The clean image if the noise in `x` is `eps`."""
    return float(np.sqrt(1 / abar)) * x - float(np.sqrt(1 / abar - 1)) * eps


def steered(told: Denoised, x: Tensor, abar: float) -> Tensor:
    """x0 after the gradient: eps - sqrt(1 - abar) gradient (Dhariwal & Nichol 2021, algorithm 2). It is clamped again,
    which the release leaves out: where x is nearly all noise, a small gradient moves x0 by thousands."""
    if told.gradient is None:
        return told.x0
    eps = implied_noise(x, told.x0, abar) - float(np.sqrt(1 - abar)) * told.gradient
    return implied_x0(x, eps, abar).clamp(-1, 1)


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim, "dpm-solver++": dpm_solver}


def sampler_named(name: str) -> Sampler:
    """The sampler called `name`; raises BadValue, with the valid names, for another."""
    if name not in SAMPLERS:
        raise BadValue("sampler", name, ", ".join(SAMPLERS))
    return SAMPLERS[name]
