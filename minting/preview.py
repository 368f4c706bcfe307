"""A token's animated preview: the way from its source to its picture, as a WebP that plays for ever."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from minting.images import RESAMPLING

MOST_FRAMES = 16
MOST_BYTES = 1_000_000
MOST_PIXELS = 1024  # a side; a larger release has smaller previews
SOURCE_MS, STEP_MS, RESULT_MS = 800, 120, 2500
# one after the other until the file is small enough; few-coloured and enlarged pictures are smallest without loss
ENCODINGS: tuple[dict[str, Any], ...] = (
    {"lossless": True, "method": 0, "quality": 0},
    {"lossless": False, "method": 4, "quality": 85},
    {"lossless": False, "method": 4, "quality": 65},
)
# of what a preview is made besides its frames
SETTINGS = (MOST_FRAMES, MOST_BYTES, MOST_PIXELS, SOURCE_MS, STEP_MS, RESULT_MS, ENCODINGS)
Frame = NDArray[np.uint8]  # [S, S, 3]


def preview_size(side: int, image_size: int, resampling: str) -> int:
    """Pixels a side of the preview of a picture of `side` in a release of `image_size` (0: as it is): as large as the
    release's, but `MOST_PIXELS` at most, and for "nearest" by a whole factor."""
    size = min(image_size or side, max(side, MOST_PIXELS))
    return side * (size // side) if resampling == "nearest" and size >= side else size


def animated(frames: Sequence[Frame], size: int, resampling: str) -> bytes:
    """The frames, uint8 [S, S, 3] of any sizes S, as an animated WebP of `size` pixels a side: the first and the last
    stay longer. Frames that repeat the one before are left out, and of more than `MOST_FRAMES` some, evenly; what then
    has more than `MOST_BYTES` is compressed with loss, and at last has fewer frames."""
    pictures = [Image.fromarray(frame).resize((size, size), RESAMPLING[resampling]) for frame in frames]
    repeated = [one.tobytes() == other.tobytes() for one, other in pairwise(pictures)]
    pictures = [picture for picture, again in zip(pictures, [False, *repeated], strict=True) if not again]
    most = MOST_FRAMES
    while True:
        chosen = evenly(pictures, most)
        for encoding in ENCODINGS:
            data = _packed(chosen, encoding)
            if len(data) <= MOST_BYTES:
                return data
        if len(chosen) <= 2:
            return data
        most = max(2, len(chosen) // 2)


def evenly(pictures: Sequence[Image.Image], most: int) -> list[Image.Image]:
    """At most so many (2 or more) of the pictures, the first and the last among them."""
    if len(pictures) <= most:
        return list(pictures)
    return [pictures[round(place * (len(pictures) - 1) / (most - 1))] for place in range(most)]


def _packed(pictures: Sequence[Image.Image], encoding: Mapping[str, Any]) -> bytes:
    times = [STEP_MS] * len(pictures)
    times[0] = SOURCE_MS
    times[-1] = RESULT_MS
    packed = io.BytesIO()
    pictures[0].save(packed, "WEBP", save_all=True, append_images=pictures[1:], duration=times, loop=0, **encoding)
    return packed.getvalue()
