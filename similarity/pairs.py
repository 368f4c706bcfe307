"""All pairs of images that are alike: none missed, none too many, without comparing each with each.

Coarse colour rules out nearly all pairs, most of them by whole boxes; what is left is compared in bits, and what is
then left in all colours.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from similarity.distances import DEFAULT, Looks, Thresholds, close_in_bits, colour_apart
from similarity.leaves import LEAF, Leaves, directions_for

_LEAVES_AT_ONCE = 128  # whose coordinates are looked at one by one
_COLUMNS_AT_ONCE = 16_384  # beside a leaf: if all of them are alike, the pairs take 100 MB


class Pairs(NamedTuple):
    """P alike pairs, by rising `left`, then rising `right`, each once: int32 [P] numbers of images, uint16 [P] bits
    apart, float32 [P] colour apart."""

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    bits: NDArray[np.uint16]
    colour: NDArray[np.float32]

    @classmethod
    def joined(cls, found: Iterable[Pairs]) -> Pairs:
        """All of them, one after the other."""
        none = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint16), np.empty(0, np.float32)
        return cls(*(np.concatenate(parts) for parts in zip(none, *found, strict=True)))

    def take(self, which: NDArray[np.bool_ | np.integer]) -> Pairs:
        return Pairs(*(part[which] for part in self))

    def in_order(self) -> Pairs:
        return self.take(np.argsort(self.left.astype(np.int64) << 32 | self.right))


def pairs_within(bits: NDArray[np.uint8], colours: NDArray[np.float32], thresholds: Thresholds = DEFAULT) -> Pairs:
    """Every alike pair among N images, left < right.

    `bits`: uint8 [N, 32]; `colours`: float32 [N, 8, 8, 3], finite. Raises BadValue for others. Beside the arguments
    memory takes about 250 bytes an image and 50 a pair.
    """
    looks = Looks.of(bits, colours)
    leaves = Leaves.of(looks, directions_for(looks.colours))
    return alike_pairs(looks, leaves, looks, leaves, thresholds).in_order()


def pairs_between(
    new_bits: NDArray[np.uint8],
    new_colours: NDArray[np.float32],
    old_bits: NDArray[np.uint8],
    old_colours: NDArray[np.float32],
    thresholds: Thresholds = DEFAULT,
) -> Pairs:
    """Every alike pair of N new images (left) and M old ones (right); shapes and errors as for `pairs_within`.

    For several batches against the same old ones keep an `Index`: most of the time goes into making it.
    """
    return Index(old_bits, old_colours, thresholds).near(new_bits, new_colours)


class Index:
    """Images that new ones are compared with, batch after batch, in the order in which they were added.

    It keeps the arrays it is given, not copies, until it puts batches together: one is merged with the next when that
    has grown as large. So there are few, and an image is seldom moved (J. Bentley and J. Saxe, "Decomposable Searching
    Problems", 1980).
    """

    def __init__(self, bits: NDArray[np.uint8], colours: NDArray[np.float32], thresholds: Thresholds = DEFAULT) -> None:
        """`bits`: uint8 [N, 32]; `colours`: float32 [N, 8, 8, 3], finite; there may be none. Raises BadValue for
        others."""
        self.thresholds = thresholds
        self._shelves: list[_Shelf] = []
        self.add(bits, colours)

    def __len__(self) -> int:
        return sum(len(shelf.looks.words) for shelf in self._shelves)

    def add(self, bits: NDArray[np.uint8], colours: NDArray[np.float32]) -> None:
        """Add images; the first gets the number `len(self)`. Shapes and errors as above."""
        looks = Looks.of(bits, colours)
        if not len(bits):
            return
        first, merged = len(self), [looks]
        shelves = self._shelves.copy()
        while shelves and len(shelves[-1].looks.words) <= sum(len(one.words) for one in merged):
            shelf = shelves.pop()
            first = shelf.first
            merged.insert(0, shelf.looks)
        if len(merged) > 1:
            looks = Looks(*(np.concatenate(parts) for parts in zip(*merged, strict=True)))
        directions = directions_for(looks.colours)
        self._shelves = [*shelves, _Shelf(first, looks, directions, Leaves.of(looks, directions))]

    def near(self, bits: NDArray[np.uint8], colours: NDArray[np.float32]) -> Pairs:
        """Every alike pair of N given images (left) and those of the index (right). Shapes and errors as above."""
        looks = Looks.of(bits, colours)
        found = []
        for shelf in self._shelves:
            leaves = Leaves.of(looks, shelf.directions, leaf_for(len(bits)))
            pairs = alike_pairs(looks, leaves, shelf.looks, shelf.leaves, self.thresholds)
            found.append(pairs._replace(right=pairs.right + np.int32(shelf.first)))
        return Pairs.joined(found).in_order()


class _Shelf(NamedTuple):
    """A run of an index's images, the first of which has number `first`, sorted."""

    first: int
    looks: Looks
    directions: NDArray[np.float32]
    leaves: Leaves


def leaf_for(count: int) -> int:
    """The best size of the leaves of so many images that are compared with more: few lie far apart, and small leaves
    keep their boxes small."""
    return min(LEAF, max(16, count // 32))


class TooMany(Exception):
    """There are more alike pairs than were asked for."""


def alike_pairs(
    looks_a: Looks, a: Leaves, looks_b: Looks, b: Leaves, thresholds: Thresholds, most: float = math.inf
) -> Pairs:
    """Every alike pair of an image in `a` (left) and one in `b` (right), both sorted by the same directions, in any
    order; where `b` is `a` itself, each pair once, left < right. Raises TooMany when more than `most` are found."""
    within = b is a
    reach = np.float32(thresholds.colour + a.rounding + b.rounding)
    counted = 0

    def of_leaf(leaf: int) -> Pairs:
        nonlocal counted
        if counted > most:  # there is no use in more
            return Pairs.joined([])
        start = leaf * a.size
        columns = _within_reach(a.low[:, leaf, None], a.high[:, leaf, None], b, leaf if within else 0, reach)
        found = []
        for first in range(0, len(columns), _COLUMNS_AT_ONCE):
            some = columns[first : first + _COLUMNS_AT_ONCE]
            row, column, bits = close_in_bits(a.words[start : start + a.size], b.words[some], thresholds.bits)
            place, other = start + row, some[column]
            if within:
                once = place < other  # so that a leaf's pairs with itself come once, too
                place, other, bits = place[once], other[once], bits[once]
            left, right = a.order[place], b.order[other]
            if within:
                left, right = np.minimum(left, right), np.maximum(left, right)
            colour = colour_apart(looks_a.colours, left, looks_b.colours, right)
            found.append(Pairs(left, right, bits, colour).take(colour <= thresholds.colour))
            counted += len(found[-1].left)
            if counted > most:
                break
        return Pairs.joined(found)

    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy lets other threads run while it works
        pairs = Pairs.joined(threads.map(of_leaf, range(len(a))))
    if len(pairs.left) > most:
        raise TooMany
    return pairs


def _within_reach(
    low: NDArray[np.float32], high: NDArray[np.float32], leaves: Leaves, first: int, reach: np.float32
) -> NDArray[np.intp]:
    """The places in `leaves`, from leaf number `first` on, of all images that may be as near as `reach` to one in the
    box from `low` to `high` [16, 1]."""
    low, high = low - reach, high + reach
    boxes = first + np.flatnonzero(((leaves.high[:, first:] >= low) & (leaves.low[:, first:] <= high)).all(axis=0))
    places = [np.empty(0, np.intp)]
    for start in range(0, len(boxes), _LEAVES_AT_ONCE):
        some = boxes[start : start + _LEAVES_AT_ONCE]
        points = leaves.coordinates[:, some].reshape(len(low), -1)
        inside = np.flatnonzero(((points >= low) & (points <= high)).all(axis=0))
        places.append(some[inside // leaves.size] * leaves.size + inside % leaves.size)
    found = np.concatenate(places)
    return found[found < len(leaves.order)]
