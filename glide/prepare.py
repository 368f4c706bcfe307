"""How a source picture becomes the square that the network takes. The way is part of every recipe, because it is the
look of everything: see docs/sources.md for a picture of all of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from errors import BadValue

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

BASE = 64  # pixels of the base networks
PREPARE = {
    "area": "each new pixel is the exact average of the area it covers: even, hardly softened pixel art",
    "nearest": "hard pixels of uneven size",
    "bicubic": "soft edges with a faint ring",
    "lanczos": "soft edges with a clear ring",
    "pad": "whole-number enlargement, centred on the border's colour: hard pixels of even size, a smaller subject",
}


def prepare(image: Image.Image, method: str = "area", backdrop: str = "#ffffff", size: int = 64) -> Pixels:
    """`image` (any mode, any size) as uint8 [size, size, 3].

    Transparent pixels are laid on `backdrop` ("#rrggbb"); a picture that is not square is centred on its border's
    commonest colour. Values are averaged as stored (sRGB), as the training pictures were. Raises BadValue for an
    unknown method or colour.
    """
    return _rounded(resized(squared(opaque(image, backdrop)), method, size))


def resized(pixels: Pixels, method: str, size: int, around: Colour | None = None) -> NDArray[np.float64]:
    """A square uint8 [S, S, 3] as [size, size, 3], values 0..255: those of "area" are not rounded yet. `around` is what
    "pad" fills up with, None: the border's commonest colour. Raises BadValue for an unknown method."""
    if method not in PREPARE:
        raise BadValue("way of preparing a source", method, ", ".join(PREPARE))
    side = pixels.shape[0]
    grid = BASE if size % BASE == 0 else size  # at 256 a padded picture has the place that it has at 64
    if method == "area" or (method == "pad" and side > grid):
        return _area_mean(pixels, size)
    if method == "pad":
        times = grid // side * (size // grid)
        return _centred(pixels.repeat(times, axis=0).repeat(times, axis=1), size, around).astype(np.float64)
    filters = {
        "nearest": Image.Resampling.NEAREST,
        "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS,
    }
    return np.asarray(Image.fromarray(pixels).resize((size, size), filters[method]), np.float64)


def opaque(image: Image.Image, backdrop: str = "#ffffff") -> Pixels:
    """RGB of an image of any mode, transparency laid on `backdrop`: uint8 [H, W, 3]."""
    try:
        colour = ImageColor.getrgb(backdrop)[:3]
    except ValueError as error:
        raise BadValue("backdrop", backdrop, 'a colour such as "#ffffff"') from error
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    rgba = image.convert("RGBA")
    below = Image.new("RGBA", rgba.size, (*colour, 255))
    return np.asarray(Image.alpha_composite(below, rgba).convert("RGB"))


def border(values: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of [H, W, ...] in one row, [2H + 2W, ...]: corners are there twice."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def border_colour(pixels: Pixels) -> Colour:
    """The commonest colour of the outermost pixels of uint8 [H, W, 3]."""
    red, green, blue = Counter(map(tuple, border(pixels).tolist())).most_common(1)[0][0]
    return red, green, blue


def squared(pixels: Pixels, around: Colour | None = None) -> Pixels:
    """uint8 [H, W, 3] centred on a square of the colour `around` (None: its border's commonest), if it is not square
    yet."""
    height, width = pixels.shape[:2]
    return pixels if height == width else _centred(pixels, max(height, width), around)


def area_average(pixels: Pixels, size: int) -> Pixels:
    """A square uint8 [S, S, 3] as [size, size, 3] by exact area: any ratio, up or down."""
    return _rounded(_area_mean(pixels, size))


def _area_mean(pixels: Pixels, size: int) -> NDArray[np.float64]:
    weights = _overlap(pixels.shape[0], size)
    return np.einsum("ih,hwc,jw->ijc", weights, pixels.astype(np.float64), weights, optimize=True)


def _rounded(values: NDArray[np.float64]) -> Pixels:
    return np.floor(values + 0.5).clip(0, 255).astype(np.uint8)


def _overlap(old: int, new: int) -> NDArray[np.float64]:
    """[new, old]: the share of each old pixel in each new one; rows sum to 1."""
    edges = np.arange(new + 1) * old / new
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(old)[None]
    return np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, None) * new / old


def _centred(pixels: Pixels, side: int, around: Colour | None) -> Pixels:
    canvas = np.empty((side, side, 3), np.uint8)
    canvas[:] = around or border_colour(pixels)
    height, width = pixels.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas
