"""Noise schedules and their respacing, in float64 numpy (Ho et al. 2020; Nichol & Dhariwal 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from errors import BadValue

Floats = NDArray[np.float64]
TRAINING_STEPS = 1000
RESPACINGS = 'a number of steps ("100"), several for equal sections ("15,15,8,6,6"), "ddim50", or "fast27"'


@dataclass(frozen=True, eq=False)
class Schedule:
    """A respaced schedule of T steps; index 0 is the least noisy. Every array is [T].

    `timesteps`: the original step numbers, which the network sees; `betas`, `alphas_cumprod`: recomputed for the kept
    steps; `posterior_mean_x0`, `posterior_mean_x`: the coefficients of q(x_{t-1} | x_t, x_0); its log variance is
    clipped: that of step 0 (which is zero) is taken from step 1.
    """

    timesteps: NDArray[np.int64]
    betas: Floats
    alphas_cumprod: Floats
    alphas_cumprod_prev: Floats
    posterior_mean_x0: Floats
    posterior_mean_x: Floats
    posterior_log_variance_clipped: Floats

    def __len__(self) -> int:
        return len(self.timesteps)


def linear_betas() -> Floats:
    """1e-4 to 0.02 (Ho et al. 2020)."""
    return np.linspace(1e-4, 0.02, TRAINING_STEPS, dtype=np.float64)


def cosine_betas() -> Floats:
    """From abar(t) = cos^2((t + .008)/1.008 pi/2), at most 0.999 (Nichol & Dhariwal 2021)."""

    def abar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    n = TRAINING_STEPS
    return np.array([min(1 - abar((i + 1) / n) / abar(i / n), 0.999) for i in range(n)])


BETAS = {"linear": linear_betas, "squaredcos_cap_v2": cosine_betas}


def kept_steps(respacing: str) -> list[int]:
    """The original step numbers that a respacing string keeps, rising. Raises BadValue for one that cannot be."""
    if respacing == "":
        return list(range(TRAINING_STEPS))
    if respacing == "fast27":
        return [997 if step == 999 else step for step in kept_steps("10,10,3,2,2")]
    if respacing.startswith("ddim") and respacing[4:].isdecimal():
        return _whole_stride(int(respacing[4:]), respacing)
    parts = respacing.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise BadValue("respacing", respacing, RESPACINGS)
    return _sections([int(part) for part in parts], respacing)


def _whole_stride(count: int, respacing: str) -> list[int]:
    for stride in range(1, TRAINING_STEPS + 1):
        if len(range(0, TRAINING_STEPS, stride)) == count:
            return list(range(0, TRAINING_STEPS, stride))
    raise BadValue("respacing", respacing, f"ddimN where a whole stride through {TRAINING_STEPS} gives N steps")


def _sections(counts: list[int], respacing: str) -> list[int]:
    size, extra = divmod(TRAINING_STEPS, len(counts))
    kept: list[int] = []
    start = 0
    for section, count in enumerate(counts):
        length = size + (section < extra)
        if count > length:
            raise BadValue("respacing", respacing, f"at most {length} steps in a section of {length}")
        stride = 1.0 if count == 1 else (length - 1) / (count - 1)
        position = 0.0  # accumulated, not multiplied: the release's rounding depends on it
        for _ in range(count):
            kept.append(start + round(position))
            position += stride
        start += length
    return kept


@lru_cache(maxsize=64)
def make_schedule(name: str, respacing: str = "") -> Schedule:
    """The schedule `name` ("linear" or "squaredcos_cap_v2") respaced. Raises BadValue for another name or respacing."""
    if name not in BETAS:
        raise BadValue("schedule", name, ", ".join(BETAS))
    timesteps = np.array(kept_steps(respacing), dtype=np.int64)
    abar = np.cumprod(1 - BETAS[name]())[timesteps]
    abar_prev = np.append(1.0, abar[:-1])
    betas = 1 - abar / abar_prev
    variance = betas * (1 - abar_prev) / (1 - abar)
    clipped = np.log(np.append(variance[1], variance[1:])) if len(variance) > 1 else np.log(betas)
    return Schedule(
        timesteps=timesteps,
        betas=betas,
        alphas_cumprod=abar,
        alphas_cumprod_prev=abar_prev,
        posterior_mean_x0=betas * np.sqrt(abar_prev) / (1 - abar),
        posterior_mean_x=(1 - abar_prev) * np.sqrt(1 - betas) / (1 - abar),
        posterior_log_variance_clipped=clipped,
    )
