"""Images sorted by coarse colour into small boxes, so that most pairs need no comparing: whole boxes are too far apart.

A coordinate is a mean over the 64 cells of one number a cell: its colour's component along a direction u of length 1.
|u . x - u . y| <= |x - y| in each cell, so two images differ in a coordinate by no more than in colour: any coordinate
that differs by more than the threshold settles the pair, and no alike pair is lost, whatever the directions are. The
directions chosen are those in which these images differ most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from errors import BadValue
from similarity.distances import CELLS, Looks

LEAF = 256  # images
DIRECTIONS = 16

_SAMPLE = 8_192
_ROWS_AT_ONCE = 4_096
_ROUNDING = 1e-4  # of the largest colour: far more than a float32 sum of 192 products, or of 64 cells, can be off


@dataclass(frozen=True)
class Leaves:
    """N images in G leaves of `size` (the last may hold fewer; it is filled up with its last image, to be ignored).

    order: int32 [N], the number of the image at each place, leaf by leaf. words: uint64 [N, W], sorted so. coordinates:
    float32 [16, G, size], sorted so. low, high: float32 [16, G], the leaves' boxes. rounding: how far off a coordinate
    may be.
    """

    order: NDArray[np.int32]
    words: NDArray[np.uint64]
    coordinates: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    rounding: float

    @classmethod
    def of(
        cls,
        looks: Looks,
        directions: NDArray[np.float32],
        size: int = LEAF,
        which: NDArray[np.integer] | None = None,
    ) -> Leaves:
        """Sort images by [192, 16] `directions`: all, or the [N] that `which` numbers. Raises BadValue for colours that
        are not finite numbers."""
        order = np.arange(len(looks.words), dtype=np.int32) if which is None else which.astype(np.int32)
        points, largest = _project(looks.colours, order, directions)
        _sort(points, order, size)
        leaves = -(-len(points) // size)
        padded = np.concatenate([points, np.repeat(points[-1:], leaves * size - len(points), axis=0)])
        coordinates = np.ascontiguousarray(padded.T).reshape(DIRECTIONS, leaves, size)
        low, high = coordinates.min(axis=2), coordinates.max(axis=2)
        return cls(order, looks.words[order], coordinates, low, high, _ROUNDING * largest)

    @property
    def size(self) -> int:
        return self.coordinates.shape[2]

    def __len__(self) -> int:
        return self.coordinates.shape[1]


def directions_for(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 192] -> [192, 16]: directions, each scaled so that a coordinate is colours @ direction, along which these
    colours differ most, one after the other, what earlier ones tell left out. Raises BadValue for colours that are not
    finite numbers.

    Each is a power iteration that makes every cell's part a unit vector again ("generalised power method": M. Journee
    et al., JMLR 11, 2010) on the covariance of a sample.
    """
    if len(colours) <= LEAF:  # one leaf rules nothing out, and finding directions would take longer than comparing
        if not np.isfinite(colours).all():
            raise BadValue("colours", "nan or inf", "finite numbers")
        return np.zeros((CELLS * 3, DIRECTIONS), np.float32)
    sample = colours
    if len(colours) > _SAMPLE:
        sample = colours[np.random.default_rng(0).integers(0, len(colours), _SAMPLE)]
    with np.errstate(all="ignore"):
        centred = sample - sample.mean(axis=0, dtype=np.float64) if len(sample) else sample
        covariance = centred.T @ centred
    if not np.isfinite(covariance).all():
        raise BadValue("colours", "nan or inf", "finite numbers")
    found = np.empty((CELLS * 3, DIRECTIONS))
    for number in range(DIRECTIONS):
        direction = _unit_cells(covariance[covariance.diagonal().argmax()])
        for _ in range(20):
            direction = _unit_cells(covariance @ direction)
        along = covariance @ direction
        variance = direction @ along
        if variance > 0:
            covariance = covariance - np.outer(along, along) / variance
        found[:, number] = direction / CELLS
    return found.astype(np.float32)


def _unit_cells(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """[192] with each cell's 3 numbers made a vector of length 1, or of 0 if they are all 0."""
    cells = vector.reshape(CELLS, 3)
    lengths = np.linalg.norm(cells, axis=1, keepdims=True)
    return np.divide(cells, lengths, out=np.zeros_like(cells), where=lengths > 0).ravel()


def _project(
    colours: NDArray[np.float32], which: NDArray[np.int32], directions: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """float32 [N, 16], the coordinates of the [N] images that `which` numbers, and their largest absolute colour."""
    points = np.empty((len(which), DIRECTIONS), np.float32)
    largest = 0.0
    for start in range(0, len(which), _ROWS_AT_ONCE):
        some = colours[which[start : start + _ROWS_AT_ONCE]]
        reached = np.maximum(some.max(), -some.min())  # nan, if there is one
        if not np.isfinite(reached):
            raise BadValue("colours", float(reached), "finite numbers")
        largest = max(largest, float(reached))
        np.matmul(some, directions, out=points[start : start + len(some)])
    return points, largest


def _sort(points: NDArray[np.float32], order: NDArray[np.int32], size: int) -> None:
    """Rearrange both in place so that every run of `size` is a box: halve where the points differ most, and again (J.
    Bentley's k-d tree, 1975). Halves are whole numbers of leaves."""
    waiting = [(0, len(points))]
    while waiting:
        start, end = waiting.pop()
        if end - start <= size:
            continue
        half = -(-(end - start) // size) // 2 * size
        inside = points[start:end]
        sort = np.argpartition(inside[:, inside.var(axis=0).argmax()], half)
        points[start:end] = inside[sort]
        order[start:end] = order[start:end][sort]
        waiting += [(start, start + half), (start + half, end)]
