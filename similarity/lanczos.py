"""Pillow's Lanczos resize of many grey pictures at once, number for number: imagehash spends most of its time there."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ROWS, _COLUMNS = 1, 2  # axes of a stack
_RADIUS = 3  # of the Lanczos window, in pixels of the coarser picture
_ONE = 1 << 22  # Pillow keeps weights as whole numbers of this part
_OUTPUTS_AT_ONCE = 8  # few, since inputs far from an output have no share in it; small products take one thread


def lanczos(pictures: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """uint8 [N, H, W] -> uint8 [N, height, width], each equal to `Image.resize(..., LANCZOS)` (C. Duchon, "Lanczos
    Filtering in One and Two Dimensions", 1979)."""
    order = _order(*pictures.shape[1:], height, width)
    if order is None:
        resized = np.empty((len(pictures), height, width), np.uint8)
        for one, made in zip(pictures, resized, strict=True):
            made[:] = np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.LANCZOS))
        return resized
    for axis in order:
        pictures = _along(pictures, axis, height if axis == _ROWS else width)
    return pictures


def _along(pictures: NDArray[np.uint8], axis: int, wanted: int) -> NDArray[np.uint8]:
    """The stack with one axis resized.

    Pillow adds whole numbers and rounds after each axis. The same numbers as float64 are exact, being under 2**53, in
    whatever order they are added: so matrix products may add them.
    """
    count, height, width = pictures.shape
    exact = pictures.astype(np.float64)
    if axis == _COLUMNS:
        sums = np.empty((count, height, wanted))
        for band in _bands(width, wanted):
            np.matmul(exact[:, :, band.inputs], band.weights, out=sums[:, :, band.outputs])
    else:
        sums = np.empty((count, wanted, width))
        for band in _bands(height, wanted):
            np.matmul(band.weights.T, exact[:, band.inputs], out=sums[:, band.outputs])
    sums += 0.5  # halves go up
    return np.clip(sums, 0, 255, out=sums).astype(np.uint8)


@lru_cache(maxsize=64)
def _order(height: int, width: int, new_height: int, new_width: int) -> tuple[int, ...] | None:
    """The axes in the order in which the Pillow that is installed takes them, which depends on the sizes and on its
    version (since 2026 a tall picture's rows go first). None if its numbers are others altogether: they are used then.
    """
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width), np.uint8)
    theirs = np.asarray(Image.fromarray(noise[0]).resize((new_width, new_height), Image.Resampling.LANCZOS))
    for order in ((_COLUMNS, _ROWS), (_ROWS, _COLUMNS)):
        ours = noise
        for axis in order:
            ours = _along(ours, axis, new_height if axis == _ROWS else new_width)
        if np.array_equal(ours[0], theirs):
            return order
    return None


class _Band(NamedTuple):
    """A few neighbouring outputs and the inputs that they are made from: `weights` [inputs, outputs]."""

    inputs: slice
    outputs: slice
    weights: NDArray[np.float64]


@lru_cache(maxsize=64)
def _bands(length: int, wanted: int) -> list[_Band]:
    """The weights that make `wanted` pixels from `length`, band by band."""
    weights, first, last = _weights(length, wanted)
    bands = []
    for start in range(0, wanted, _OUTPUTS_AT_ONCE):
        outputs = slice(start, min(start + _OUTPUTS_AT_ONCE, wanted))
        inputs = slice(int(first[outputs].min()), int(last[outputs].max()))
        bands.append(_Band(inputs, outputs, np.ascontiguousarray(weights[outputs, inputs].T)))
    return bands


def _weights(length: int, wanted: int) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """[wanted, length] weights, whole multiples of 2**-22, and [wanted] the first and one past the last input of each.

    Plain loops of `math`, added from left to right: another order or another sine may round a weight another way.
    """
    scale = length / wanted
    coarser = max(scale, 1.0)
    weights = np.zeros((wanted, length))
    first, last = np.empty(wanted, np.intp), np.empty(wanted, np.intp)
    for output in range(wanted):
        centre = (output + 0.5) * scale
        first[output] = max(int(centre - _RADIUS * coarser + 0.5), 0)
        last[output] = min(int(centre + _RADIUS * coarser + 0.5), length)
        reach = range(first[output], last[output])
        window = [_window((pixel - centre + 0.5) * (1.0 / coarser)) for pixel in reach]
        total = 0.0
        for weight in window:
            total += weight
        for pixel, weight in zip(reach, window, strict=True):
            share = weight / total * _ONE
            weights[output, pixel] = int(share + math.copysign(0.5, share)) / _ONE
    return weights, first, last


def _window(x: float) -> float:
    return _sinc(x) * _sinc(x / _RADIUS) if -_RADIUS <= x < _RADIUS else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0
