"""Images and prompts in, images out: a batch of restylings, each with its own prompt, scale, step and seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from errors import BadValue
from glide.guidance import Guided
from glide.models import ModelSpec
from glide.samplers import sampler_named
from glide.schedules import Schedule, make_schedule
from glide.text import byte_tokens
from glide.unet import TextEncoding, TextUNet

MODES = ("clean", "noised")
Images = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Request:
    """One restyling. `source`: uint8 [64, 64, 3]; `insertion_step`: k, 0..T: r = T - k steps are made; `seed`: of this
    image's noise alone, 0..2**63-1."""

    source: Images
    prompt: str
    guidance_scale: float
    insertion_step: int
    seed: int
    mode: str = "clean"


def restyle(
    model: TextUNet,
    spec: ModelSpec,
    requests: list[Request],
    *,
    steps: int,
    sampler: str = "ddpm",
    eta: float = 0.0,
    width: int = 8,
    on_evaluation: Callable[[int], None] | None = None,
) -> list[Images]:
    """One uint8 [64, 64, 3] a request, in their order.

    `steps`: T; `sampler`: a name in SAMPLERS; `width`: images an evaluation, which never changes with the number of
    requests, so that an image does not depend on its neighbours; `on_evaluation(images)` is called as images move a
    step. k = T gives back the source; k = 0 is pure text-to-image. Raises BadValue for a mode, step or sampler that is
    not known.
    """
    if not requests:
        return []
    device = next(model.parameters()).device
    schedule = make_schedule(spec.schedule, _respacing(sampler, steps))
    remaining = torch.tensor([_remaining(request, steps) for request in requests])
    generators = [torch.Generator().manual_seed(request.seed) for request in requests]
    shape = (3, spec.unet.image_size, spec.unet.image_size)

    def noise(_: int, on: Tensor) -> Tensor:
        # drawn on the CPU from each image's own generator: not the device, the batch or its neighbours matter
        return torch.stack([torch.randn(shape, generator=generators[n]) for n in on.tolist()]).to(device)

    with torch.inference_mode():
        first_noise = noise(0, torch.arange(len(requests)))
        sources = torch.from_numpy(np.stack([request.source for request in requests])).to(device)
        x = inserted(sources.permute(0, 3, 1, 2).float() / 127.5 - 1, first_noise, requests, schedule, remaining)
        guided = Guided(model, schedule, *_texts(model, requests), _scales(requests, device), width)

        def denoise(xi: Tensor, i: int, on: Tensor) -> tuple[Tensor, Tensor]:
            out = guided(xi, i, on.to(device))
            if on_evaluation:
                on_evaluation(len(xi))
            return out

        x = sampler_named(sampler)(denoise, x, schedule, remaining, noise, eta)
        pixels = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return list(pixels)


def inserted(x: Tensor, noise: Tensor, requests: list[Request], schedule: Schedule, remaining: Tensor) -> Tensor:
    """What each image enters with: its source ("clean"), its source noised to index r - 1, or noise alone at k = 0."""
    rows = []
    for image, fresh, request, r in zip(x, noise, requests, remaining.tolist(), strict=True):
        if request.insertion_step == 0:
            rows.append(fresh)
        elif request.mode == "noised" and r > 0:
            abar = float(schedule.alphas_cumprod[r - 1])
            rows.append(abar**0.5 * image + (1 - abar) ** 0.5 * fresh)
        else:
            rows.append(image)
    return torch.stack(rows)


def _remaining(request: Request, steps: int) -> int:
    if request.mode not in MODES:
        raise BadValue("insertion mode", request.mode, ", ".join(MODES))
    if not 0 <= request.insertion_step <= steps:
        raise BadValue("insertion step", request.insertion_step, f"0..{steps}")
    return steps - request.insertion_step


def _respacing(sampler: str, steps: int) -> str:
    """DDIM takes whole strides where there is one, as the release does; else equal sections."""
    if sampler == "ddim" and any(len(range(0, 1000, stride)) == steps for stride in range(1, 1001)):
        return f"ddim{steps}"
    return str(steps)


def _scales(requests: list[Request], device: torch.device) -> Tensor:
    return torch.tensor([request.guidance_scale for request in requests], device=device)


def _texts(model: TextUNet, requests: list[Request]) -> tuple[TextEncoding, TextEncoding]:
    """Encodings of every request's prompt and of the empty text; each prompt is encoded once, and by itself."""
    device = next(model.parameters()).device
    prompts = list(dict.fromkeys(request.prompt for request in requests))

    def encode(prompt: str) -> TextEncoding:
        tokens, mask = byte_tokens(prompt, model.spec.text_context)
        return model.encode_text(torch.tensor([tokens], device=device), torch.tensor([mask], device=device))

    encoded = TextEncoding.stack([encode(prompt) for prompt in prompts])
    index = torch.tensor([prompts.index(request.prompt) for request in requests], device=device)
    return encoded.rows(index), encode("")
