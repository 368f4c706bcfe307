"""What an image looks like, in 32 bytes of shape and 8x8 colours: enough to tell whether two images look alike.

The shape's bits alone would call a red toad and a blue toad twins, and the colours alone two toads in one palette.
"""

from __future__ import annotations

from typing import NamedTuple

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_SIDE = 16
COLOUR_SIDE = 8

# Linear sRGB to cone response, and its cube root to Oklab (Björn Ottosson, "A perceptual color space for image
# processing", 2020, the matrices as corrected in 2021).
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


class Fingerprint(NamedTuple):
    """`bits`: uint8 [32], 256 packed bits of shape; `colours`: float32 [8, 8, 3], Oklab times 100 (L in 0..100)."""

    bits: NDArray[np.uint8]
    colours: NDArray[np.float32]


def fingerprint(image: Image.Image) -> Fingerprint:
    """Shape and colours of an image of any size and mode; transparent parts count as white.

    The bits are the DCT hash "pHash" (N. Krawetz, "Looks Like It", 2011) with 16x16 coefficients, taken without the
    last eighth of the width and height: in an image that is its own mirror image every other coefficient is zero up
    to rounding, and its bit would be a coin's toss.
    """
    picture = on_white(image)
    off_centre = _without_last_eighth(picture)
    bits = np.packbits(imagehash.phash(off_centre, hash_size=HASH_SIDE).hash)
    return Fingerprint(bits, colour_thumbnail(np.asarray(picture)))


def _without_last_eighth(picture: Image.Image) -> Image.Image:
    """The picture's first 7/8 both ways. Where 8 does not divide the sides they are stretched to a multiple first:
    rounding would take another part of a 36 px toad than of the same toad at 288 px, and 32 bits would differ."""
    width, height = (-(-side // 8) * 8 for side in picture.size)
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return picture.crop((0, 0, width - width // 8, height - height // 8))


def on_white(image: Image.Image) -> Image.Image:
    """The image as RGB, its alpha blended with white: what most pages show. imagehash itself would ignore alpha."""
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def colour_thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 sRGB [H, W, 3] -> float32 [8, 8, 3], Oklab times 100 of each cell's mean light.

    A cell may cover parts of pixels (36 pixels over 8 cells): each part counts by its area.
    """
    light = _linear_light(np.arange(256) / 255)[pixels]  # (H, W, 3)
    rows, columns = _box_weights(pixels.shape[0]), _box_weights(pixels.shape[1])
    means = np.einsum("ih,hwc,jw->ijc", rows, light, columns, optimize=True)
    return (100 * oklab(means)).astype(np.float32)


def oklab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB [..., 3] in 0..1 -> Oklab [..., 3]: L in 0..1, a and b about -0.4..0.4 (Ottosson 2020)."""
    return np.cbrt(light @ _TO_CONES.T) @ _TO_OKLAB.T


def _linear_light(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sRGB curve undone (IEC 61966-2-1), 0..1 to 0..1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _box_weights(length: int) -> NDArray[np.float64]:
    """[8, length]: the share that each pixel has in each of 8 equal cells; every row sums to 1."""
    edges = np.linspace(0, length, COLOUR_SIDE + 1)
    pixel = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.clip(overlap, 0, None) * COLOUR_SIDE / length
