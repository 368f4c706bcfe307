"""How far apart two images are, in shape, colour and grey, and how far they may be and still be alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import BadValue
from similarity.prints import COLOUR_SIDE, GREY_SIDE, LARGE, Prints

CELLS = COLOUR_SIDE**2

# What the processor's cache holds: of differing bits a megabyte, of colour thumbnails three
_ROWS_AT_ONCE, _COLUMNS_AT_ONCE = 16, 8_192
_PAIRS_AT_ONCE = 2_048
_FIRST_TELLING, _TELLING_WORDS = 1, 3  # the word of the lowest vertical frequencies differs least: it rules out few


@dataclass(frozen=True)
class Thresholds:
    """How far apart two images may be and still be alike, each number included.

    `bits`: how many bits of the perceptual hash may differ, 0 or more. `colour`: the mean distance of 8x8 cells in
    Oklab times 100 (about 2 is a difference that one sees side by side), 0 or more. `chroma`: the largest distance of
    one of those cells in a and b alone, lightness left out. `grey`: the largest difference of one of 16x16 cells, of
    255 levels. In pictures smaller than 64 pixels a cell is of few pixels, and edits that spare the picture move it: so
    grey differences are multiplied by side / 64 there, chroma by the square root of that (colours suffer less, and tell
    more).

    The first two say how near the images are as a whole; the other two, that nothing in them is plainly another.
    """

    bits: int = 40
    colour: float = 2.5
    chroma: float = 6.0
    grey: int = 12

    def hold(self, distances: Distances) -> NDArray[np.bool_]:
        """bool [P]: which of these pairs are alike."""
        near = (distances.bits <= self.bits) & (distances.colours <= np.float32(self.colour))
        return near & (distances.chromas <= np.float32(self.chroma)) & (distances.greys <= self.grey)

    @classmethod
    def of_shape(cls, bits: int) -> Thresholds:
        """So many bits, whatever the colours are."""
        return cls(bits, math.inf, math.inf, 255)


DEFAULT = Thresholds()


class Looks(NamedTuple):
    """N fingerprints laid out for comparing: `words` uint64 [N, W], `colours` float32 [N, 192] (64 times L, a, b),
    `greys` uint8 [N, 256], `sides` uint8 [N]."""

    words: NDArray[np.uint64]
    colours: NDArray[np.float32]
    greys: NDArray[np.uint8]
    sides: NDArray[np.uint8]

    @classmethod
    def of(cls, prints: Prints) -> Looks:
        """Without a copy where they are contiguous."""
        return cls(
            np.ascontiguousarray(prints.bits).view(np.uint64),
            np.ascontiguousarray(prints.colours).reshape(-1, CELLS * 3),
            np.ascontiguousarray(prints.greys).reshape(-1, GREY_SIDE**2),
            prints.sides,
        )

    def take(self, which: slice | NDArray[np.integer]) -> Looks:
        return Looks._make(part[which] for part in self)


class Distances(NamedTuple):
    """How far apart P pairs are, in the terms of `Thresholds`: uint16, float32, float32 and uint8 [P]."""

    bits: NDArray[np.uint16]
    colours: NDArray[np.float32]
    chromas: NDArray[np.float32]
    greys: NDArray[np.uint8]

    def take(self, which: slice | NDArray[np.integer] | NDArray[np.bool_]) -> Distances:
        return Distances._make(part[which] for part in self)


class Near(NamedTuple):
    """P pairs that are alike: `which` of those asked, intp [P], and how far apart they are, float32 [P] `colour`,
    float32 [P] `chroma`, uint8 [P] `grey`."""

    which: NDArray[np.intp]
    colour: NDArray[np.float32]
    chroma: NDArray[np.float32]
    grey: NDArray[np.uint8]


def distances_of(a: Prints, b: Prints) -> Distances:
    """How far row p of the one side is from row p of the other. Raises BadValue where they are not of one length, or
    their hashes not of one size."""
    a.require_size_of(b)
    if len(a) != len(b):
        raise BadValue("number of second images", len(b), f"{len(a)}, as there are first ones")
    left, right, rows = Looks.of(a), Looks.of(b), np.arange(len(a))
    near = close_in_looks(left, rows, right, rows, Thresholds.of_shape(0))
    bits = np.bitwise_count(left.words ^ right.words).sum(axis=1, dtype=np.uint16)
    return Distances(bits, near.colour, near.chroma, near.grey)


def nearer_of(prints: Prints, turned: Prints | None, others: Prints) -> Distances:
    """How far row p of `others` is from row p of `prints`, or from its mirror image where that is given and nearer."""
    plain = distances_of(prints, others)
    if turned is None:
        return plain
    mirrored = distances_of(turned, others)
    nearer = mirrored.bits < plain.bits
    both: Iterator[tuple[Any, Any]] = zip(mirrored, plain, strict=True)
    return Distances._make(np.where(nearer, one, other) for one, other in both)


def close_in_bits(
    a: NDArray[np.uint64], b: NDArray[np.uint64], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint16]]:
    """[R, W], [C, W] -> rows [P], columns [P] and bits [P]: every pair of a row of `a` and one of `b` that differ in at
    most `most` bits, and in how many they do. In any order."""
    if len(a) and len(b) and (library := _faiss()):
        index = library.IndexBinaryFlat(b.shape[1] * 64)
        index.add(np.ascontiguousarray(b).view(np.uint8))
        bounds, bits, column = index.range_search(np.ascontiguousarray(a).view(np.uint8), most + 1)  # up to, without
        return np.repeat(np.arange(len(a)), np.diff(bounds.astype(np.intp))), column, bits.astype(np.uint16)
    row, column = _close_in_telling_words(a, b, most)
    bits = np.bitwise_count(a[row] ^ b[column]).astype(np.uint16) @ np.ones(a.shape[1], np.uint16)
    close = bits <= most
    return row[close], column[close], bits[close]


def _close_in_telling_words(
    a: NDArray[np.uint64], b: NDArray[np.uint64], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs that are close in three words at most, which rules out nearly all others for less work."""
    words = np.ascontiguousarray(b.T)
    count = len(words)
    telling = range(_FIRST_TELLING, _FIRST_TELLING + _TELLING_WORDS) if count > _TELLING_WORDS else range(count)
    rows, columns = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    shape = _ROWS_AT_ONCE, min(_COLUMNS_AT_ONCE, len(b))
    xor, ones, apart = np.empty(shape, np.uint64), np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    for start in range(0, len(b), _COLUMNS_AT_ONCE):
        wide = min(_COLUMNS_AT_ONCE, len(b) - start)
        for top in range(0, len(a), _ROWS_AT_ONCE):
            some = a[top : top + _ROWS_AT_ONCE]
            block = np.s_[: len(some), :wide]
            apart[block] = 0
            for word in telling:
                np.bitwise_xor(some[:, word, None], words[word, start : start + wide], out=xor[block])
                np.bitwise_count(xor[block], out=ones[block])
                apart[block] += ones[block]  # of three words: at most 192
            row, column = np.divmod(np.flatnonzero(apart[block] <= most), wide)
            rows.append(top + row)
            columns.append(start + column)
    return np.concatenate(rows), np.concatenate(columns)


@cache
def _faiss() -> Any:
    """The library faiss, where it is installed: it compares bits twice as fast as numpy. Its exact index, that is: the
    others miss pairs."""
    try:
        library = import_module("faiss")
        library.omp_set_num_threads(1)  # it is called from threads
    except (ImportError, AttributeError):  # any folder of that name is a module, too
        return None
    return library


def close_in_looks(
    a: Looks, left: NDArray[np.integer], b: Looks, right: NDArray[np.integer], limits: Thresholds
) -> Near:
    """Those of the pairs of `left` [P] in `a` and `right` [P] in `b` that are within the limits of colour and grey.

    All decisions are made on these numbers, rounded as they are here: float32, L, a and b added in this order, and the
    64 cells added by numpy. They do not depend on which pairs are computed together, nor on which side is which.
    """
    colour, chroma = np.empty(len(left), np.float32), np.empty(len(left), np.float32)
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        squares = a.colours[left[some]]
        squares -= b.colours[right[some]]
        squares *= squares
        cells = squares[:, 0::3] + squares[:, 1::3]
        cells += squares[:, 2::3]
        np.sqrt(cells, out=cells).mean(axis=1, out=colour[some])
        np.add(squares[:, 1::3], squares[:, 2::3], out=cells)
        np.sqrt(cells.max(axis=1), out=chroma[some])
        chroma[some] *= np.sqrt(np.minimum(a.sides[left[some]], b.sides[right[some]]) / np.float32(LARGE))
    which = np.flatnonzero((colour <= limits.colour) & (chroma <= limits.chroma))
    grey = np.empty(len(which), np.uint8)
    for start in range(0, len(which), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        one, other = a.greys[left[which[some]]], b.greys[right[which[some]]]
        apart = (np.maximum(one, other) - np.minimum(one, other)).max(axis=1).astype(np.int16)
        grey[some] = apart * np.minimum(a.sides[left[which[some]]], b.sides[right[which[some]]]) // LARGE
    near = grey <= limits.grey
    which = which[near]
    return Near(which, colour[which], chroma[which], grey[near])
