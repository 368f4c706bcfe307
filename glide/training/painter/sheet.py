"""A sheet of 36x36 pixels, and the shapes that are painted on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped, unused-ignore]

SIZE = 36
RGB = tuple[int, int, int]
Mask = NDArray[np.bool_]

INK: RGB = (14, 12, 18)
WHITE: RGB = (250, 250, 250)
RED: RGB = (226, 44, 46)
GOLD: RGB = (250, 200, 50)


def disc(x: float, y: float, rx: float, ry: float) -> Mask:
    """A filled ellipse."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    return np.asarray(((columns - x) / rx) ** 2 + ((rows - y) / ry) ** 2 <= 1.0)


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    """A filled rectangle, both corners included."""
    found = np.zeros((SIZE, SIZE), dtype=np.bool_)
    found[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
    return found


def ring(mask: Mask) -> Mask:
    """The one-pixel outline just outside a shape (no diagonal steps)."""
    return np.asarray(ndimage.binary_dilation(mask) & ~mask)


class Sheet:
    """The picture being painted: colours, and which pixels have been painted at all."""

    def __init__(self) -> None:
        self.colours = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
        self.solid = np.zeros((SIZE, SIZE), dtype=np.bool_)

    def fill(self, mask: Mask, colour: RGB) -> None:
        """Paint a shape."""
        self.colours[mask] = colour
        self.solid |= mask

    def box(self, left: int, top: int, right: int, bottom: int, colour: RGB) -> None:
        """Paint a rectangle, both corners included."""
        self.fill(box(left, top, right, bottom), colour)

    def dots(self, places: tuple[tuple[int, int], ...], colour: RGB) -> None:
        """Paint single pixels at (x, y)."""
        for x, y in places:
            self.box(x, y, x, y, colour)

    def outlined(self, mask: Mask, colour: RGB, line: RGB = INK) -> None:
        """Paint a shape with an outline around it."""
        self.fill(ring(mask), line)
        self.fill(mask, colour)
