"""Images and prompts in, images out: a batch of restylings, each with its own prompt, scale, step, seed and mask.

Base images are drawn, the best of each request is kept, and only that is upsampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from errors import BadValue
from glide.choosing import clip_scores, evidence
from glide.clip import NoisyClip
from glide.guidance import ClipGuidance, Guidance, Guided, Known, Prompts
from glide.models import Model
from glide.request import (
    SCORERS,
    Images,
    Mask,
    Options,
    Request,
    Restyled,
    Step,
    derived_seed,
    remaining_steps,
)
from glide.samplers import Denoised, Noise, sampler_named
from glide.schedules import Schedule, make_schedule
from glide.tokens import Tokenizer
from glide.unet import TextEncoding, TextUNet, beside

Watched = Callable[[int, Tensor, Tensor], None]  # index, rows, x0: after each evaluation


def restyle(
    model: Model,
    requests: Sequence[Request],
    options: Options,
    *,
    width: int = 8,
    on_evaluation: Callable[[int], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> list[Restyled]:
    """One outcome a request, in their order.

    `width`: rows an evaluation (an image that is guided takes two), which never changes with the number of requests, so
    that an image does not depend on its neighbours; `on_evaluation(images)` is called as images move a step, and
    `on_step` for every image then. k = T gives back the source; k = 0 is pure text-to-image (with a mask: of the part
    that is repainted). Raises BadValue for a mode, step, sampler, respacing or scorer that is not known, and for
    requests that do not fit the model's parts.
    """
    if not requests:
        return []
    if options.samples < 1 or options.scorer not in SCORERS:
        raise BadValue("samples, scorer", (options.samples, options.scorer), f"1 or more, {' or '.join(SCORERS)}")

    def watched(samples: int, upsampling: bool) -> Watched:
        def watch(i: int, on: Tensor, x0: Tensor) -> None:
            if on_evaluation:
                on_evaluation(len(on))
            if on_step:
                for row, image in zip(on.tolist(), as_pixels(x0), strict=True):
                    on_step(Step(row // samples, row % samples, upsampling, i, image))

        return watch

    with torch.no_grad():
        drawn = [
            replace(request, seed=derived_seed(request.seed, f"sample {n}") if n else request.seed)
            for request in requests
            for n in range(options.samples)
        ]
        x, guided, text = _base(model, drawn, options, width, watched(options.samples, False))
        scores = _scores(model, x, guided, text, options, width)
        kept = scores.nan_to_num(-torch.inf).argmax(dim=1)
        chosen = kept + options.samples * torch.arange(len(requests))
        x, best = x[chosen.to(x.device)], [drawn[n] for n in chosen.tolist()]
        problems = [_problem(image, as_pixels(image[None])[0], request) for image, request in zip(x, best, strict=True)]
        seen = None
        if model.clip is not None and text is not None:
            seen = clip_scores(model.clip, x, text[chosen.to(x.device)], width).tolist()
        if model.upsampler is not None:
            x = _upsampled(model, x.nan_to_num(0), best, options, width, watched(1, True))
        pixels = as_pixels(x)
    return [
        Restyled(
            pixels[n],
            tuple(scores[n].tolist()) if options.samples > 1 else (),
            int(kept[n]),
            seen[n] if seen else None,
            problems[n] or _problem(x[n], pixels[n], request),
        )
        for n, request in enumerate(requests)
    ]


def inserted(x: Tensor, noise: Tensor, requests: Sequence[Request], schedule: Schedule, remaining: Tensor) -> Tensor:
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


def as_pixels(x: Tensor) -> Images:
    """[N, 3, H, W] in [-1, 1] as uint8 [N, H, W, 3]."""
    pixels: Images = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def _base(
    model: Model, requests: list[Request], options: Options, width: int, watch: Watched
) -> tuple[Tensor, Guided, Tensor | None]:
    """Base images [N, 3, S, S] in [-1, 1], the adapter they were made with, and CLIP's features of their prompts."""
    size, device = model.spec.size, model.device
    schedule = make_schedule(model.base.schedule, options.base_respacing())
    remaining = torch.tensor([remaining_steps(request, options.steps) for request in requests])
    sources = _as_floats([request.source for request in requests], device)
    known = _known(sources, [request.repaint for request in requests], model.base.unet.spec.in_channels > 3)
    texts = [request.prompt for request in requests]
    text = _clip_text(model.clip, model.clip_tokens, texts, device) if model.clip and model.clip_tokens else None
    steering = None
    if options.clip_scale:
        if model.clip is None or text is None:
            raise BadValue("CLIP scale", options.clip_scale, f"0: CLIP is not loaded for {model.spec.name}")
        steering = ClipGuidance(model.clip, text, options.clip_scale)
    guided = Guided(
        network=model.base.unet,
        schedule=schedule,
        prompts=_prompts(model.base.unet, model.tokens, texts, [request.guidance_scale for request in requests]),
        rows=width,
        guidance=Guidance(
            interval=(options.guidance_from, options.guidance_until),
            rescale=options.guidance_rescale,
            thresholding=options.dynamic_thresholding,
        ),
        beside=beside(size, image=known.image, keep=known.keep) if known else None,
        known=known,
        clip=steering,
    )
    noise = _noise([request.seed for request in requests], size, device)
    x = inserted(sources, noise(0, torch.arange(len(requests))), requests, schedule, remaining)
    x = _walk(guided, x, options.sampler, remaining, noise, options.eta, watch)
    return x, guided, text


def _upsampled(
    model: Model, x: Tensor, requests: list[Request], options: Options, width: int, watch: Watched
) -> Tensor:
    """Base images `x` enlarged by the upsampler: without guidance, from noise x temperature, beside the base image in
    the 8 bits that it would be saved in, as the release does."""
    network, size, device = model.upsampler, model.spec.upsampled_size, model.device
    assert network is not None
    low_res = _as_floats(list(as_pixels(x)), device)
    known = None
    if network.unet.spec.in_channels > 6:
        large = [request.large_source for request in requests if request.large_source is not None]
        if len(large) < len(requests):
            raise BadValue("large source", None, "the source at the upsampler's size, where there is a mask")
        known = _known(_as_floats(large, device), [request.large_repaint for request in requests], True)
    schedule = make_schedule(network.schedule, options.upsampler_respacing)
    texts = [options.upsampler_prompt.replace("{prompt}", request.prompt) for request in requests]
    guided = Guided(
        network=network.unet,
        schedule=schedule,
        prompts=_prompts(network.unet, model.tokens, texts, [1.0] * len(requests)),
        rows=width,
        beside=beside(size, low_res=low_res, image=known.image if known else None, keep=known.keep if known else None),
        known=known,
    )
    noise = _noise([derived_seed(request.seed, "upsampler") for request in requests], size, device)
    start = options.upsampler_temperature * noise(0, torch.arange(len(requests)))
    remaining = torch.full((len(requests),), len(schedule))
    return _walk(guided, start, options.upsampler_sampler, remaining, noise, options.upsampler_eta, watch)


def _walk(
    guided: Guided, x: Tensor, sampler: str, remaining: Tensor, noise: Noise, eta: float, watch: Watched
) -> Tensor:
    def denoise(xi: Tensor, i: int, on: Tensor) -> Denoised:
        told = guided(xi, i, on)
        watch(i, on, told.x0)
        return told

    x = sampler_named(sampler)(denoise, x, guided.schedule, remaining, noise, eta)
    x = x.clamp(-1, 1)  # a gradient may have moved it in the last step, and known pixels too
    return guided.known.pasted(x, torch.arange(len(x), device=x.device)) if guided.known else x


def _scores(model: Model, x: Tensor, guided: Guided, text: Tensor | None, options: Options, width: int) -> Tensor:
    """[requests, samples] on the CPU: the higher, the better; zero where there is nothing to choose."""
    if options.samples == 1:
        return torch.zeros(len(x), 1)
    if options.scorer == "clip":
        if model.clip is None or text is None:
            raise BadValue("scorer", "clip", f"evidence: CLIP is not loaded for {model.spec.name}")
        scores = clip_scores(model.clip, x, text, width)
    else:
        whole = replace(guided, schedule=make_schedule(model.base.schedule))  # the levels do not depend on T
        scores = evidence(whole, x, torch.arange(len(x)))
    return scores.reshape(-1, options.samples).cpu()


def _noise(seeds: list[int], size: int, device: torch.device) -> Noise:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def noise(_: int, on: Tensor) -> Tensor:
        # drawn on the CPU from each image's own generator: not the device, the batch or its neighbours matter
        return torch.stack([torch.randn((3, size, size), generator=generators[n]) for n in on.tolist()]).to(device)

    return noise


def _as_floats(images: Sequence[Images], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def _known(images: Tensor, repaint: list[Mask | None], masked: bool) -> Known | None:
    """Raises BadValue where a network that looks at masks gets none, or another one does."""
    given = [mask for mask in repaint if mask is not None]
    if len(given) != (len(repaint) if masked else 0):
        raise BadValue("mask", None if masked else "given", "one a request, and the model loaded with `masked`")
    if not masked:
        return None
    keep = ~torch.from_numpy(np.stack(given)).to(images.device)
    return Known(images, keep[:, None].float())


def _prompts(unet: TextUNet, tokens: Tokenizer, texts: list[str], scales: list[float]) -> Prompts:
    """Each text is encoded once, and by itself: what it becomes does not depend on the others."""
    device = next(unet.parameters()).device
    distinct = list(dict.fromkeys(["", *texts]))

    def encode(text: str) -> TextEncoding:
        read = tokens(text, unet.spec.text_context)
        return unet.encode_text(torch.tensor([read.ids], device=device), torch.tensor([read.mask], device=device))

    return Prompts(
        TextEncoding.stack([encode(text) for text in distinct]),
        torch.tensor([distinct.index(text) for text in texts], device=device),
        torch.tensor(scales, device=device),
    )


def _clip_text(clip: NoisyClip, tokens: Tokenizer, texts: list[str], device: torch.device) -> Tensor:
    def features(text: str) -> Tensor:
        read = tokens(text, clip.text.spec.context)
        length = max(1, sum(read.mask))
        return clip.text_features(torch.tensor([read.ids], device=device), torch.tensor([length], device=device))

    found = {text: features(text) for text in dict.fromkeys(texts)}
    return torch.cat([found[text] for text in texts])


def _problem(image: Tensor, pixels: Images, request: Request) -> str:
    """Why an image [3, S, S], or its pixels, must not be kept; "" where nothing is wrong."""
    if not bool(image.isfinite().all()):
        return "the image has values that are not numbers (NaN): float32 may help"
    at_base = request.repaint is None or len(pixels) == len(request.repaint)
    repaint, source = (request.repaint, request.source) if at_base else (request.large_repaint, request.large_source)
    if repaint is not None and source is not None:
        pixels, source = pixels[repaint], source[repaint]
    if not pixels.any() and source is not None and source.any():
        return "the image is black all over" if repaint is None else "what was repainted is black all over"
    return ""
