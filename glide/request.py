"""What is asked for and what comes back: one restyling, how a batch of them is sampled, and its outcome."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from errors import BadValue
from glide.schedules import kept_steps

MODES = ("clean", "noised")
SCORERS = ("evidence", "clip")
Images = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Request:
    """One restyling. `source`: uint8 [S, S, 3], S the base network's size; `insertion_step`: k, 0..T: r = T - k steps
    are made; `seed`: of this image's noise alone, 0..2**63-1. With `repaint` (bool [S, S]) only where it is True
    anything changes; an upsampled image then also needs `large_source` and `large_repaint`, the same at the
    upsampler's size."""

    source: Images
    prompt: str
    guidance_scale: float
    insertion_step: int
    seed: int
    mode: str = "clean"
    repaint: Mask | None = None
    large_source: Images | None = None
    large_repaint: Mask | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a batch is sampled. Every field changes pixels, so recipes have the same ones with the same defaults.

    `steps`: T, 1..1000; `respacing`: which of the 1000 trained steps these are, as in the release ("ddim50", "fast27",
    "15,15,8,6,6"), "": equal strides; `sampler`: a name in `samplers.SAMPLERS`; `eta`: DDIM's share of fresh noise,
    0..1; `guidance_from`, `guidance_until`, `guidance_rescale`, `dynamic_thresholding`: see `guidance.Guidance`;
    `clip_scale`: of CLIP guidance, 0: none; `samples`: base images drawn for each one that is kept, 1 or more, judged
    by `scorer`. `upsampler_*`: of the upsampler, if the batch has one; "{prompt}" in its prompt stands for the
    request's own; `upsampler_temperature`: its first noise times this.
    """

    steps: int
    respacing: str = ""
    sampler: str = "ddpm"
    eta: float = 0.0
    guidance_from: float = 0.0
    guidance_until: float = 1.0
    guidance_rescale: float = 0.0
    dynamic_thresholding: float = 0.0
    clip_scale: float = 0.0
    samples: int = 1
    scorer: str = "evidence"
    upsampler_prompt: str = "{prompt}"
    upsampler_sampler: str = "ddim"
    upsampler_respacing: str = "fast27"
    upsampler_eta: float = 0.0
    upsampler_temperature: float = 0.997

    def base_respacing(self) -> str:
        """The respacing string of the base network. Raises BadValue where it does not keep `steps` steps."""
        if self.respacing:
            if len(kept_steps(self.respacing)) != self.steps:
                raise BadValue("respacing", self.respacing, f"one that keeps {self.steps} steps")
            return self.respacing
        # DDIM takes whole strides where there is one, as the release does; else equal sections
        if self.sampler == "ddim" and any(len(range(0, 1000, stride)) == self.steps for stride in range(1, 1001)):
            return f"ddim{self.steps}"
        return str(self.steps)


@dataclass(frozen=True, eq=False)
class Restyled:
    """The outcome of a request. `pixels`: uint8 [S, S, 3]; `scores`: of every base image that was drawn for it, in
    order (empty where only one was); `kept`: which of them this is; `clip_score`: cosine of image and prompt, None
    without CLIP; `problem`: why the image is not to be used, "" for a good one."""

    pixels: Images
    scores: tuple[float, ...] = ()
    kept: int = 0
    clip_score: float | None = None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """What one evaluation said of one image on its way: `image`, uint8 [S, S, 3], the clean image that the network
    foresees (x0); `request`: its place among the requests; `sample`: which of its base images, 0 while `upsampling`;
    `i`: the respaced index, which goes down to 0."""

    request: int
    sample: int
    upsampling: bool
    i: int
    image: Images


def remaining_steps(request: Request, steps: int) -> int:
    """r = T - k. Raises BadValue for a mode or an insertion step that cannot be."""
    if request.mode not in MODES:
        raise BadValue("insertion mode", request.mode, ", ".join(MODES))
    if not 0 <= request.insertion_step <= steps:
        raise BadValue("insertion step", request.insertion_step, f"0..{steps}")
    return steps - request.insertion_step


def derived_seed(seed: int, use: str) -> int:
    """Another seed for another use of the same request, 0..2**63-1."""
    return int.from_bytes(hashlib.sha256(f"{seed} {use}".encode()).digest()[:8], "big") >> 1
