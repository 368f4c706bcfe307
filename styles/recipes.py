"""A recipe is every input that changes pixels. Its id is the SHA-256 of its canonical JSON, so that the same recipe
is the same row for ever, on every machine."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a candidate's pixels.

    `source_sha256`: of the source's decoded pixels (see `flows.ingest`); `prepare`, `backdrop`: how those become the
    network's 64x64 (see `glide.prepare`); `guidance_scale`: s of classifier-free guidance, a finite number;
    `insertion_step`: k, 0..`steps`; `mode`: "clean" or "noised"; `seed`: 0..2**63-1; `weights_sha256`: of the base
    network's weights; `mask`: "" (all is repainted), "subject", "background", or the SHA-256 of a mask's asset (see
    `glide.masks`); `precision`: float32, float16 or bfloat16; `clip_sha256`, `upsampler_sha256`: of the weights of CLIP
    and of the upsampler, "" where they are not used. From `steps` (T) on, a field that is named in
    `glide.request.Options` is explained there. A default may never change: it is left out of the JSON and so is part
    of every old id.
    """

    source_sha256: str
    prompt: str
    guidance_scale: float
    insertion_step: int
    steps: int
    seed: int
    weights_sha256: str
    mode: str = "clean"
    sampler: str = "ddpm"
    eta: float = 0.0
    prepare: str = "area"
    backdrop: str = "#ffffff"
    respacing: str = ""
    guidance_from: float = 0.0
    guidance_until: float = 1.0
    guidance_rescale: float = 0.0
    dynamic_thresholding: float = 0.0
    clip_scale: float = 0.0
    clip_sha256: str = ""
    mask: str = ""
    precision: str = "float32"
    samples: int = 1
    scorer: str = "evidence"
    upsampler_sha256: str = ""
    upsampler_prompt: str = "{prompt}"
    upsampler_sampler: str = "ddim"
    upsampler_respacing: str = "fast27"
    upsampler_eta: float = 0.0
    upsampler_temperature: float = 0.997

    def canonical_json(self) -> str:
        """Sorted keys, no spaces, defaults left out, text in NFC, whole numbers without a fraction."""
        kept = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:  # most are, and a grid has a million recipes
                continue
            value = _plain(value)
            if field.default is MISSING or value != _plain(field.default):
                kept[field.name] = value
        return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @cached_property
    def id(self) -> str:
        """64 hex digits: SHA-256 of the canonical JSON in UTF-8."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe whose `canonical_json` is `text`. Raises ValueError on unknown or missing keys."""
        given: Any = json.loads(text)
        known = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or not set(given) <= known:
            raise ValueError(f"not a recipe: expected an object with keys among {sorted(known)}")
        try:
            return cls(**given)
        except TypeError as error:
            raise ValueError(f"not a recipe: {error}") from error


def _plain(value: str | int | float) -> str | int | float:
    """3.0 and 3 are one number, and é typed in two ways is one letter: neither may make another id."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
