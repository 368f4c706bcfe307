"""How far apart two images are, in shape and in colour, and how far they may be and still be alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import BadValue

CELLS = 64
WORDS = 4

# What the processor's cache holds: of differing bits a megabyte, of colour thumbnails three
_ROWS_AT_ONCE, _COLUMNS_AT_ONCE = 16, 8_192
_PAIRS_AT_ONCE = 2_048
_TELLING_WORDS = (1, 2, 3)  # the first, of the lowest vertical frequencies, differs least: it would rule out few more


@dataclass(frozen=True)
class Thresholds:
    """How far apart two images may be and still be alike. `bits`: of the 256 of shape, 0..256; `colour`: the mean
    distance of 8x8 cells in Oklab times 100 (about 2 is a difference that one sees side by side), 0 or more."""

    bits: int = 40
    colour: float = 2.0


DEFAULT = Thresholds()


class Looks(NamedTuple):
    """N fingerprints laid out for comparing: `words` uint64 [N, 4], `colours` float32 [N, 192] (64 times L, a, b)."""

    words: NDArray[np.uint64]
    colours: NDArray[np.float32]

    @classmethod
    def of(cls, bits: NDArray[np.uint8], colours: NDArray[np.float32]) -> Looks:
        """Of uint8 [N, 32] and float32 [N, 8, 8, 3], as `hashes.fingerprints` gives them, without a copy where they are
        contiguous. Raises BadValue for other shapes."""
        if bits.dtype != np.uint8 or bits.shape[1:] != (32,):
            raise BadValue("bits", f"{bits.dtype} {bits.shape}", "uint8 (N, 32)")
        if colours.shape != (len(bits), 8, 8, 3):
            raise BadValue("colours' shape", colours.shape, f"({len(bits)}, 8, 8, 3), as there are bits")
        cells = np.ascontiguousarray(colours, dtype=np.float32).reshape(-1, CELLS * 3)
        return cls(np.ascontiguousarray(bits).view(np.uint64), cells)

    def take(self, which: slice | NDArray[np.integer]) -> Looks:
        return Looks(self.words[which], self.colours[which])


def close_in_bits(
    a: NDArray[np.uint64], b: NDArray[np.uint64], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint16]]:
    """[R, 4], [C, 4] -> rows [P], columns [P] and bits [P]: every pair of a row of `a` and one of `b` that differ in at
    most `most` bits, and in how many they do. In any order."""
    if len(a) and len(b) and (library := _faiss()):
        index = library.IndexBinaryFlat(WORDS * 64)
        index.add(np.ascontiguousarray(b).view(np.uint8))
        bounds, bits, column = index.range_search(np.ascontiguousarray(a).view(np.uint8), most + 1)  # up to, without
        return np.repeat(np.arange(len(a)), np.diff(bounds.astype(np.intp))), column, bits.astype(np.uint16)
    row, column = _close_in_telling_words(a, b, most)
    bits = np.bitwise_count(a[row] ^ b[column]).astype(np.uint16) @ np.ones(WORDS, np.uint16)
    close = bits <= most
    return row[close], column[close], bits[close]


def _close_in_telling_words(
    a: NDArray[np.uint64], b: NDArray[np.uint64], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs that are close in three words of four, which rules out nearly all others for less work."""
    words = np.ascontiguousarray(b.T)
    rows, columns = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    shape = _ROWS_AT_ONCE, min(_COLUMNS_AT_ONCE, len(b))
    xor, count, apart = np.empty(shape, np.uint64), np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    for start in range(0, len(b), _COLUMNS_AT_ONCE):
        wide = min(_COLUMNS_AT_ONCE, len(b) - start)
        for top in range(0, len(a), _ROWS_AT_ONCE):
            some = a[top : top + _ROWS_AT_ONCE]
            block = np.s_[: len(some), :wide]
            apart[block] = 0
            for word in _TELLING_WORDS:
                np.bitwise_xor(some[:, word, None], words[word, start : start + wide], out=xor[block])
                np.bitwise_count(xor[block], out=count[block])
                apart[block] += count[block]
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


def colour_apart(
    a: NDArray[np.float32], left: NDArray[np.integer], b: NDArray[np.float32], right: NDArray[np.integer]
) -> NDArray[np.float32]:
    """[N, 192] and [M, 192], [P] rows of each -> [P]: the mean distance of the 64 cells of a[left] and b[right].

    All decisions are made on these numbers, rounded as they are here: float32, L, a and b added in this order, and the
    64 cells added by numpy. They do not depend on which pairs are computed together, nor on which side is which.
    """
    apart = np.empty(len(left), np.float32)
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        squares = a[left[some]]
        squares -= b[right[some]]
        squares *= squares
        cells = squares[:, 0::3] + squares[:, 1::3]
        cells += squares[:, 2::3]
        apart[some] = np.sqrt(cells, out=cells).mean(axis=1)
    return apart
