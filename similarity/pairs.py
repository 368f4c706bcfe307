"""All pairs of images that are alike: none missed, none too many, without comparing each with each.

Coarse colour rules out nearly all pairs, most of them by whole boxes; what is left is compared in bits, and what is
then left in all colours and greys.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from similarity.distances import DEFAULT, Looks, Thresholds, close_in_bits, close_in_looks
from similarity.leaves import LEAF, Leaves, directions_for
from similarity.prints import Prints

_LEAVES_AT_ONCE = 128  # whose coordinates are looked at one by one
_COLUMNS_AT_ONCE = 16_384  # beside a leaf: if all of them are alike, the pairs take 100 MB


class Pairs(NamedTuple):
    """P alike pairs, by rising `left`, then rising `right`, each once: int32 [P] numbers of images, and how far apart
    they are in the terms of `Thresholds`: uint16 [P] `bits`, float32 [P] `colour`, float32 [P] `chroma`, uint8 [P]
    `grey`."""

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    bits: NDArray[np.uint16]
    colour: NDArray[np.float32]
    chroma: NDArray[np.float32]
    grey: NDArray[np.uint8]

    @classmethod
    def joined(cls, found: Iterable[Pairs]) -> Pairs:
        """All of them, one after the other."""
        kinds = (np.int32, np.int32, np.uint16, np.float32, np.float32, np.uint8)
        none = (np.empty(0, kind) for kind in kinds)
        return Pairs._make(np.concatenate(parts) for parts in zip(none, *found, strict=True))

    def take(self, which: slice | NDArray[np.bool_ | np.integer]) -> Pairs:
        return Pairs._make(part[which] for part in self)

    def in_order(self) -> Pairs:
        return self.take(np.argsort(self.left.astype(np.int64) << 32 | self.right))

    def nearest(self, rank: NDArray[np.integer] | None = None) -> Pairs:
        """Of each `left` one pair: the fewest bits apart, then the nearest in colour, then the lowest `rank` [N] of
        `right`, by default its number."""
        last = self.right if rank is None else rank[self.right]
        ordered = self.take(np.lexsort((last, self.colour, self.bits, self.left)))
        return ordered.take(np.unique(ordered.left, return_index=True)[1])


def pairs_within(prints: Prints, thresholds: Thresholds = DEFAULT, most: float = math.inf) -> Pairs:
    """Every alike pair among N images, left < right.

    Beside the argument memory takes about 250 bytes an image and 60 a pair. Raises BadValue for colours that are not
    finite, TooMany where there are more than `most` pairs.
    """
    looks = Looks.of(prints)
    leaves = Leaves.of(looks, directions_for(looks.colours))
    return alike_pairs(looks, leaves, looks, leaves, thresholds, most).in_order()


def pairs_between(new: Prints, old: Prints, thresholds: Thresholds = DEFAULT, most: float = math.inf) -> Pairs:
    """Every alike pair of N new images (left) and M old ones (right); errors as for `pairs_within`.

    For several batches against the same old ones keep an `Index`: most of the time goes into making it.
    """
    return Index(old, thresholds).near(new, most)


def pairs_either_way(
    new: Prints,
    new_turned: Prints | None,
    old: Prints,
    old_turned: Prints | None,
    thresholds: Thresholds = DEFAULT,
    most: float = math.inf,
) -> Pairs:
    """Every alike pair of N new images (left) and M old ones (right), or of one and the other's mirror image, where
    the fingerprints of mirror images are given; a pair may come more than once. Errors as for `pairs_within`."""
    sides = [(new, old), (new_turned, old), (new, old_turned)]
    return Pairs.joined(pairs_between(a, b, thresholds, most) for a, b in sides if a is not None and b is not None)


class Index:
    """Images that new ones are compared with, batch after batch, in the order in which they were added.

    It keeps the arrays it is given, not copies, until it puts batches together: one is merged with the next when that
    has grown as large. So there are few, and an image is seldom moved (J. Bentley and J. Saxe, "Decomposable Searching
    Problems", 1980).
    """

    def __init__(self, prints: Prints, thresholds: Thresholds = DEFAULT) -> None:
        """Of any number of images, none too. Raises BadValue for colours that are not finite."""
        self.thresholds = thresholds
        self._shelves: list[_Shelf] = []
        self._like = prints.take(slice(0, 0))
        self.add(prints)

    def __len__(self) -> int:
        return sum(len(shelf.looks.words) for shelf in self._shelves)

    def add(self, prints: Prints) -> None:
        """Add images; the first gets the number `len(self)`. Errors as above, and BadValue for hashes of another size
        than the others'."""
        prints.require_size_of(self._like)
        if not len(prints):
            return
        looks = Looks.of(prints)
        first, merged = len(self), [looks]
        shelves = self._shelves.copy()
        while shelves and len(shelves[-1].looks.words) <= sum(len(one.words) for one in merged):
            shelf = shelves.pop()
            first = shelf.first
            merged.insert(0, shelf.looks)
        if len(merged) > 1:
            looks = Looks._make(np.concatenate(parts) for parts in zip(*merged, strict=True))
        directions = directions_for(looks.colours)
        self._shelves = [*shelves, _Shelf(first, looks, directions, Leaves.of(looks, directions))]

    def near(self, prints: Prints, most: float = math.inf) -> Pairs:
        """Every alike pair of N given images (left) and those of the index (right). Errors as for `pairs_within`,
        and BadValue for hashes of another size."""
        prints.require_size_of(self._like)
        looks = Looks.of(prints)
        found: list[Pairs] = []
        for shelf in self._shelves:
            leaves = Leaves.of(looks, shelf.directions, leaf_for(len(prints)))
            left = most - sum(len(pairs.left) for pairs in found)
            pairs = alike_pairs(looks, leaves, shelf.looks, shelf.leaves, self.thresholds, left)
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
            near = close_in_looks(looks_a, left, looks_b, right, thresholds)
            found.append(Pairs(left[near.which], right[near.which], bits[near.which], *near[1:]))
            counted += len(near.which)
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
