"""The adapter between samplers and networks: what a network says of noisy images, guided, as clean images.

Samplers never see guidance, learned-variance channels, known pixels or the width of an evaluation: they are hidden
here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glide.clip import NoisyClip
from glide.samplers import Denoised, implied_x0
from glide.schedules import Schedule
from glide.unet import TextEncoding, TextUNet


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """How the prompt steers, the same for all images of a batch; each part is off by default.

    `interval`: guidance only where the noise share sqrt(1 - abar), 0..1, lies in it (Kynkaanniemi et al. 2024, arXiv
    2404.07724); outside, the scale is 1 and half of the work is saved. `rescale`: 0..1, how far the guided noise is
    brought back to the spread of the unguided (Lin et al. 2023, arXiv 2305.08891). `thresholding`: the share of an
    image's values, such as 0.995, that dynamic thresholding fits into [-1, 1] (Saharia et al. 2022, arXiv 2205.11487);
    0: x0 is only clamped.
    """

    interval: tuple[float, float] = (0.0, 1.0)
    rescale: float = 0.0
    thresholding: float = 0.0


@dataclass(frozen=True, eq=False)
class Prompts:
    """What N images are asked for: `encodings` of U texts, the first that of the empty one; `which`: int [N], each
    image's row; `scales`: guidance scale s of each, [N]."""

    encodings: TextEncoding
    which: Tensor
    scales: Tensor


@dataclass(frozen=True, eq=False)
class Known:
    """Pixels that stay: `image` [N, 3, S, S] in [-1, 1], `keep` [N, 1, S, S], 1 where they do."""

    image: Tensor
    keep: Tensor

    def pasted(self, x0: Tensor, on: Tensor) -> Tensor:
        """`x0` of the rows `on`, with the known pixels in their places."""
        return torch.where(self.keep[on] > 0, self.image[on], x0)


@dataclass(frozen=True, eq=False)
class ClipGuidance:
    """The noise-aware CLIP as a guide (Nichol et al. 2021, section 2.4): `text` [N, d], the features of each image's
    prompt; `scale` times the gradient of 100 x (text . image)."""

    clip: NoisyClip
    text: Tensor
    scale: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Guided:
    """`denoise` for the samplers: classifier-free guidance (Ho & Salimans 2021, arXiv 2207.12598), eps = eps_uncond +
    s (eps_cond - eps_uncond) with a scale an image; the variance is that of the conditional half.

    `beside`: [N, C, S, S], what the network sees beside x (see `glide.unet.beside`); `rows`: of an evaluation, where an
    image that is guided takes two (see `in_fixed_rows`).
    """

    network: TextUNet
    schedule: Schedule
    prompts: Prompts
    rows: int
    guidance: Guidance = Guidance()
    beside: Tensor | None = None
    known: Known | None = None
    clip: ClipGuidance | None = None

    def __call__(self, x: Tensor, i: int, on: Tensor) -> Denoised:
        """What is said of images `x` [M, 3, H, W] (rows `on` of the batch) at respaced index i."""
        on = on.to(x.device)
        eps, v = self.noise(x, i, on)
        x0 = _within(implied_x0(x, eps, float(self.schedule.alphas_cumprod[i])), self.guidance.thresholding)
        if self.known:
            x0 = self.known.pasted(x0, on)
        return Denoised(x0, (v + 1) / 2, self._gradient(x, i, on))

    def noise(self, x: Tensor, i: int, on: Tensor) -> tuple[Tensor, Tensor]:
        """Guided noise and variance of `x`, [M, 3, H, W] each."""
        scales = self.prompts.scales[on]
        low, high = self.guidance.interval
        inside = low <= float(1 - self.schedule.alphas_cumprod[i]) ** 0.5 <= high
        guided = ((scales != 1) & inside).nonzero()[:, 0]  # at scale 1 the empty prompt has no say
        texts = torch.cat([self.prompts.which[on], torch.zeros_like(guided)])  # 0: the empty prompt
        pictures = torch.cat([torch.arange(len(x), device=x.device), guided])
        eps, v = self.evaluate(x[pictures], i, on[pictures], texts).chunk(2, dim=1)
        eps, free, v = eps[: len(x)], eps[len(x) :], v[: len(x)]
        if len(guided):
            wanted = eps[guided]
            steered = free + scales[guided][:, None, None, None] * (wanted - free)
            eps = eps.clone()
            eps[guided] = _rescaled(steered, wanted, self.guidance.rescale)
        return eps, v

    def evaluate(self, x: Tensor, i: int, on: Tensor, texts: Tensor) -> Tensor:
        """The network's own [M, 6, H, W] for images `x` of rows `on`, each under the encoding in row `texts` [M]."""
        step = int(self.schedule.timesteps[i])

        def some(row: Tensor) -> Tensor:
            seen = x[row] if self.beside is None else torch.cat([x[row], self.beside[on[row]]], dim=1)
            return self.network(seen, torch.full_like(row, step), self.prompts.encodings.rows(texts[row]))

        return in_fixed_rows(len(x), self.rows, x.device, some)

    def _gradient(self, x: Tensor, i: int, on: Tensor) -> Tensor | None:
        if self.clip is None:
            return None
        clip, text, step = self.clip.clip, self.clip.text, int(self.schedule.timesteps[i])

        def some(row: Tensor) -> Tensor:
            return clip.gradient(x[row], torch.full_like(row, step), text[on[row]])

        return self.clip.scale * in_fixed_rows(len(x), self.rows, x.device, some)


def in_fixed_rows(count: int, rows: int, device: torch.device, evaluate: Callable[[Tensor], Tensor]) -> Tensor:
    """`evaluate(row)` for the rows 0..count-1, always `rows` at a time, rounded up to a multiple of 4; the last row
    fills up. Kernels are chosen by shape, so an image gets the same bytes alone, first, last or among others; at
    widths that are no multiple of 4, two threads share an image between them and its last bit depends on its place."""
    width = -(-rows // 4) * 4
    parts = []
    for start in range(0, count, width):
        row = torch.arange(start, start + width, device=device).clamp(max=count - 1)
        parts.append(evaluate(row)[: count - start])
    return torch.cat(parts)


def _rescaled(guided: Tensor, unguided: Tensor, share: float) -> Tensor:
    if share == 0:
        return guided
    spread = unguided.flatten(1).std(dim=1) / guided.flatten(1).std(dim=1)
    return guided * (share * spread + 1 - share)[:, None, None, None]


def _within(x0: Tensor, thresholding: float) -> Tensor:
    if thresholding == 0:
        return x0.clamp(-1, 1)
    largest = x0.flatten(1).abs().quantile(thresholding, dim=1).clamp(min=1)[:, None, None, None]
    return x0.clamp(-largest, largest) / largest
