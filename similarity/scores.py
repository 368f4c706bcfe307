"""How much of the source's drawing is left in a candidate, as one number per candidate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from errors import BadValue


def edge_correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Do two images have their edges in the same places? In -1..1: 1 for the same edges, about 0 for unrelated ones.

    `a`, `b`: uint8 RGB [H, W, 3] of one size. The Pearson correlation of their edge strengths; 0.0 where one of them
    has the same strength everywhere (a flat image). Raises BadValue for other shapes.
    """
    for name, image in (("first image's shape", a), ("second image's shape", b)):
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise BadValue(name, image.shape, "[height, width, 3]")
    if a.shape != b.shape:
        raise BadValue("second image's shape", b.shape, f"{a.shape}, as the first has")
    first, second = edge_strength(a).ravel(), edge_strength(b).ravel()
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(np.clip(first @ second / scale, -1.0, 1.0)) if scale > 1e-9 else 0.0


def edge_strength(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """uint8 RGB [H, W, 3] -> [H, W]: the Sobel gradient's length, the largest of the three channels.

    The largest, and not grey's: red beside a green of the same brightness is an edge too.
    """
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")  # a border is no edge
    smooth_rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    smooth_columns = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    down = smooth_rows[2:] - smooth_rows[:-2]
    across = smooth_columns[:, 2:] - smooth_columns[:, :-2]
    return np.hypot(down, across).max(axis=2)
