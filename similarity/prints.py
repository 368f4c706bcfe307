"""What images look like, in a few hundred bytes each: enough to tell whether two look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from errors import BadValue

COLOUR_SIDE = 8
GREY_SIDE = 16
LARGE = 64  # pixels: from this side on, a picture's size makes no difference
FLAT = 3.0  # of 255 grey levels: with a standard deviation under this, rounding alone may change a fifth of the bits


@dataclass(frozen=True, eq=False)
class Prints:
    """The fingerprints of N images.

    `bits`: uint8 [N, B], packed bits of a perceptual hash, the image's shape (B is 32 unless another size was chosen).
    `colours`: float32 [N, 8, 8, 3], the mean light of each cell in Oklab times 100 (L in 0..100). `greys`: uint8
    [N, 16, 16], the mean grey of each smaller cell. `sides`: uint8 [N], the shorter side in pixels, 64 for all that are
    larger: in small pictures single cells are of few pixels, and less is made of them. Raises BadValue for other
    shapes.
    """

    bits: NDArray[np.uint8]
    colours: NDArray[np.float32]
    greys: NDArray[np.uint8]
    sides: NDArray[np.uint8]

    def __post_init__(self) -> None:
        count = len(self.bits)
        if self.bits.dtype != np.uint8 or self.bits.ndim != 2 or self.bits.shape[1] % 8 or not self.bits.shape[1]:
            raise BadValue("bits", f"{self.bits.dtype} {self.bits.shape}", "uint8 (N, 32), or another multiple of 8")
        if self.colours.dtype != np.float32 or self.colours.shape != (count, COLOUR_SIDE, COLOUR_SIDE, 3):
            raise BadValue("colours", f"{self.colours.dtype} {self.colours.shape}", f"float32 ({count}, 8, 8, 3)")
        if self.greys.dtype != np.uint8 or self.greys.shape != (count, GREY_SIDE, GREY_SIDE):
            raise BadValue("greys", f"{self.greys.dtype} {self.greys.shape}", f"uint8 ({count}, 16, 16)")
        if self.sides.dtype != np.uint8 or self.sides.shape != (count,) or (self.sides - 1 >= LARGE).any():
            raise BadValue("sides", f"{self.sides.dtype} {self.sides.shape}", f"uint8 ({count},) of 1..{LARGE}")

    def __len__(self) -> int:
        return len(self.bits)

    @classmethod
    def none(cls, size: int = 16) -> Prints:
        """Of no images, hashed to size x size bits."""
        return cls(
            np.empty((0, size**2 // 8), np.uint8),
            np.empty((0, COLOUR_SIDE, COLOUR_SIDE, 3), np.float32),
            np.empty((0, GREY_SIDE, GREY_SIDE), np.uint8),
            np.empty(0, np.uint8),
        )

    @classmethod
    def joined(cls, several: Sequence[Prints]) -> Prints:
        """All of them, one after the other; at least one. Raises BadValue for hashes of different sizes."""
        for one in several:
            one.require_size_of(several[0])
        return cls(*(np.concatenate([getattr(one, name) for one in several]) for name in cls.__annotations__))

    def require_size_of(self, other: Prints) -> None:
        """Raises BadValue where the hashes of the two have not as many bits: they cannot be compared."""
        mine, theirs = 8 * self.bits.shape[1], 8 * other.bits.shape[1]
        if mine != theirs:
            raise BadValue("number of bits of the one side's hashes", mine, f"{theirs}, as the other side has")

    def take(self, which: slice | NDArray[np.integer] | NDArray[np.bool_]) -> Prints:
        return Prints(self.bits[which], self.colours[which], self.greys[which], self.sides[which])

    def turned(self, bits: NDArray[np.uint8]) -> Prints:
        """The fingerprints of the mirror images, left and right changed. `bits`: theirs, which cannot be had from
        these; colours and greys only change places."""
        colours, greys = np.ascontiguousarray(self.colours[:, :, ::-1]), np.ascontiguousarray(self.greys[:, :, ::-1])
        return Prints(bits, colours, greys, self.sides)

    @property
    def flat(self) -> NDArray[np.bool_]:
        """bool [N]: is the image so nearly of one brightness that its shape's bits mean nothing?

        Images of exactly one colour have the same bits (but one for black), and those of nearly one have bits at
        random. Only colours tell such images apart; two of them in different colours are not alike, however equal
        their bits.
        """
        return self.greys.std(axis=(1, 2)) < FLAT
