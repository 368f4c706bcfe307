"""The training loss: noise error weighted by signal-to-noise, plus the variational term that teaches the variance
(the hybrid loss of Nichol & Dhariwal 2021, arXiv 2102.09672)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from glide.schedules import Schedule


def noised(x0: Tensor, t: Tensor, noise: Tensor, schedule: Schedule) -> Tensor:
    """q(x_t | x_0) with the given noise: x0 and noise [N, 3, H, W], t int [N]."""
    abar = torch.from_numpy(schedule.alphas_cumprod).float().to(x0.device)[t][:, None, None, None]
    return abar.sqrt() * x0 + (1 - abar).sqrt() * noise


def hybrid_loss(
    out: Tensor, x0: Tensor, xt: Tensor, t: Tensor, noise: Tensor, schedule: Schedule
) -> tuple[Tensor, Tensor]:
    """(weighted noise error, variational term in bits a dimension), each a scalar.

    `out`: the network's [N, 6, H, W] at `xt`. The noise error is weighted by min(max(SNR, 1), 5)/SNR, kept within
    0.1..50 (the truncated SNR of Salimans & Ho 2022, arXiv 2202.00512, and min-SNR of Hang et al. 2023, arXiv
    2303.09556): the error of the *image* counts about alike at every level, so that a small network soon learns shapes
    and, at the noisy steps that insertion enters at, which colours a style has. The variational term sees the noise
    detached, so that it moves the variance alone; at t = 0 it uses step 1's variance, as sampling does.
    """
    eps, v = out.float().chunk(2, dim=1)

    def at(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=x0.device)[t][:, None, None, None]

    abar = at(schedule.alphas_cumprod)
    snr = abar / (1 - abar)
    weight = (snr.clamp(1.0, 5.0) / snr).clamp(0.1, 50.0)
    noise_error = (weight * (eps - noise) ** 2).mean()

    predicted = ((xt - (1 - abar).sqrt() * eps.detach()) / abar.sqrt()).clamp(-1, 1)
    mean_error = at(schedule.posterior_mean_x0) * (x0 - predicted)
    low = at(schedule.posterior_log_variance_clipped)
    high = at(schedule.betas).log()
    f = (v + 1) / 2
    log_variance = f * high + (1 - f) * low
    kl = 0.5 * (log_variance - low + torch.exp(low - log_variance) + mean_error**2 * torch.exp(-log_variance) - 1)
    return noise_error, kl.mean() / math.log(2)
