"""Scores of finished images, so that the best can be chosen before the upsampler is paid for.

"Sample, score, prune, upsample": GLIDE's authors ranked samples by CLIP, nostalgebraist's "frank" by what it could
read in them; any score serves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from glide.clip import NoisyClip
from glide.guidance import Guided, in_fixed_rows

LEVELS = (0.3, 0.5, 0.7, 0.9)  # noise shares sqrt(1 - abar) at which the evidence is taken
EVIDENCE_SEED = 20211220  # the noise is the same for all images and recipes, so that scores can be compared


def evidence(guided: Guided, images: Tensor, on: Tensor) -> Tensor:
    """How much the prompt helps the network to see the noise in `images` [M, 3, S, S] (rows `on`): [M], the share of
    the squared error under the empty prompt that goes away under the image's own, averaged over `LEVELS`; 0: the prompt
    says nothing of this image, below 0: it misleads. Needs no other model (compare Li et al. 2023, arXiv 2303.16203).
    """
    abars = guided.schedule.alphas_cumprod
    generator = torch.Generator().manual_seed(EVIDENCE_SEED)
    on, empty = on.to(images.device), torch.zeros_like(on, device=images.device)
    shares = []
    for level in LEVELS:
        i = int(abs((1 - abars) ** 0.5 - level).argmin())
        abar = float(abars[i])
        noise = torch.randn(images.shape[1:], generator=generator).to(images.device)
        noisy = abar**0.5 * images + (1 - abar) ** 0.5 * noise
        with_prompt, without = (
            ((guided.evaluate(noisy, i, on, texts)[:, :3] - noise) ** 2).mean(dim=(1, 2, 3))
            for texts in (guided.prompts.which[on], empty)
        )
        shares.append((without - with_prompt) / without)
    return torch.stack(shares).mean(dim=0)


def clip_scores(clip: NoisyClip, images: Tensor, text: Tensor, width: int) -> Tensor:
    """Cosine of each image [M, 3, S, S] with its prompt's features `text` [M, d], taken without noise: [M], -1..1."""

    def some(row: Tensor) -> Tensor:
        return clip.similarity(images[row], torch.zeros_like(row), text[row])

    return in_fixed_rows(len(images), width, images.device, some)
