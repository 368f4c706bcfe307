"""The adapter between samplers and networks: classifier-free guidance (Ho & Salimans 2021), one scale an image, in
evaluations of a fixed width."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glide.schedules import Schedule
from glide.unet import TextEncoding, TextUNet


@dataclass(frozen=True, eq=False)
class Guided:
    """`denoise` for the samplers: eps = eps_uncond + s (eps_cond - eps_uncond), the variance from the conditional half.

    `conditional`: encodings of N prompts, `unconditional`: that of the empty text (one row), `scales`: s, [N].
    Every evaluation holds `width` images, rounded up to a multiple of 4 and the last one filled up with copies. Kernels
    are chosen by shape, so an image gets the same bytes alone, first, last or among others; at widths that are no
    multiple of 4, two threads share an image between them and its last bit depends on its place.
    """

    model: TextUNet
    schedule: Schedule
    conditional: TextEncoding
    unconditional: TextEncoding
    scales: Tensor
    width: int

    def __call__(self, x: Tensor, i: int, on: Tensor) -> tuple[Tensor, Tensor]:
        """Noise and variance fraction, [M, 3, H, W] each, of images `x` (rows `on` of the batch) at index i."""
        parts = [self._evaluate(x[a : a + self.width], i, on[a : a + self.width]) for a in range(0, len(x), self.width)]
        eps, v = zip(*parts, strict=True)
        return torch.cat(eps), torch.cat(v)

    def _evaluate(self, x: Tensor, i: int, on: Tensor) -> tuple[Tensor, Tensor]:
        width = -(-self.width // 4) * 4
        rows = torch.arange(width, device=x.device).clamp(max=len(x) - 1)  # the last image fills up
        conditional = self.conditional.rows(on[rows])
        unconditional = self.unconditional.rows(torch.zeros_like(rows))
        both = TextEncoding.stack([conditional, unconditional])
        t = torch.full((2 * width,), int(self.schedule.timesteps[i]), device=x.device)
        out = self.model(x[rows].repeat(2, 1, 1, 1), t, both)
        (eps, v), (eps_free, _) = (half.split(3, dim=1) for half in out.chunk(2))
        scale = self.scales[on[rows]].to(x.dtype)[:, None, None, None]
        eps = eps_free + scale * (eps - eps_free)
        return eps[: len(x)], v[: len(x)]
