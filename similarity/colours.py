"""The colours of a picture as 8x8 cells in Oklab, where equal distances look about equally different."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from similarity.prints import COLOUR_SIDE

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
_WHITE = 1 << 26  # light as whole numbers: 32 pixels of it fit in half a word, and the darkest code is still 20,000
_ROWS_AT_ONCE = 32
_PIXELS_AT_ONCE = 2 * 256 * 256  # their light stays in the processor's cache


def thumbnails(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 sRGB [N, H, W, 3] -> float32 [N, 8, 8, 3]: Oklab times 100 (L in 0..100) of each cell's mean light.

    A cell may cover parts of pixels (36 pixels over 8 cells): each part counts by its area. Sums are of whole numbers,
    so that the same picture gives the same bits whatever it is stacked with.
    """
    count, height, width, _ = pictures.shape
    if width % 2:
        pictures, width = pictures.repeat(2, axis=2), 2 * width  # the same cells, of pixels that pair up
    cuts, rows = _shares(height, _ROWS_AT_ONCE)
    columns = _shares(width, 1)[1]
    most = max(1, _PIXELS_AT_ONCE // (height * width))
    sums = [_sums_of_light(pictures[start : start + most], cuts) for start in range(0, count, most)]
    planes = np.moveaxis(np.concatenate(sums), 3, 0).astype(np.float64, order="C")  # (3, N, P, W)
    light = rows @ (planes @ columns.T) * (COLOUR_SIDE**2 / (height * width * _WHITE))
    return (100 * oklab(np.moveaxis(light, 0, 3))).astype(np.float32)


def _sums_of_light(pictures: NDArray[np.uint8], cuts: NDArray[np.intp]) -> NDArray[np.uint32]:
    """uint8 [N, H, W, 3], W even -> [N, P, W, 3]: light, in parts of `_WHITE`, summed over the rows from cut to cut.

    Most of the time goes into looking up the light of codes. So two neighbouring codes are looked up at once, and their
    lights lie side by side in one word, where they are added at once as well: neither sum grows into the other.
    """
    count, height, width, _ = pictures.shape
    pairs = np.ascontiguousarray(pictures).reshape(count, height, width * 3).view(np.uint16)
    words = _light_of_pairs().take(pairs, mode="wrap")  # the fastest mode; none is out of the table
    if np.ptp(np.diff(cuts)) == 0:  # faster
        sums = words.reshape(count, len(cuts) - 1, -1, width * 3 // 2).sum(axis=2)
    else:
        sums = np.add.reduceat(words, cuts[:-1], axis=1)
    return sums.view(np.uint32).reshape(count, -1, width, 3)


@lru_cache(maxsize=1)
def _light_of_pairs() -> NDArray[np.uint64]:
    """uint64 [65536]: two codes seen as one number -> their two lights seen as one."""
    light = np.rint(linear_light(np.arange(256) / 255) * _WHITE).astype(np.uint32)
    codes = np.arange(65536, dtype=np.uint16).view(np.uint8)
    return light[codes].view(np.uint64)


@lru_cache(maxsize=64)
def _shares(length: int, most: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pixels 0..length cut where a cell begins or ends within or before one, and into runs of at most `most`: the cuts
    [P + 1], and the share [8, P] that any pixel of a run has in each of 8 equal cells."""
    edges = np.arange(COLOUR_SIDE + 1) * length
    whole = np.concatenate([edges // COLOUR_SIDE, -(-edges // COLOUR_SIDE)])
    runs = [np.arange(a, b, most) for a, b in zip(np.unique(whole), np.unique(whole)[1:], strict=False)]
    cuts = np.concatenate([*runs, [length]]).astype(np.intp)
    pixel = cuts[:-1]
    overlap = np.minimum(edges[1:, None], 8 * pixel + 8) - np.maximum(edges[:-1, None], 8 * pixel)
    return cuts, np.clip(overlap, 0, None) / COLOUR_SIDE


def oklab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB [..., 3] in 0..1 -> Oklab [..., 3]: L in 0..1, a and b about -0.4..0.4 (Ottosson 2020)."""
    cones = np.cbrt(_times(_TO_CONES, light.reshape(-1, 3).T))
    return _times(_TO_OKLAB, cones).T.reshape(light.shape)


def _times(matrix: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] times [3, M], always in the same order: a matrix product's rounding depends on how many there are."""
    first, second, third = (matrix[:, axis, None] * vectors[axis] for axis in range(3))
    return first + second + third


def linear_light(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sRGB curve undone (IEC 61966-2-1), 0..1 to 0..1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
