"""Which images look alike, and who leads each group of look-alikes.

All comparisons are exact. Where so many are alike that their pairs would fill the memory, they are taken in blocks,
best first.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import BadValue
from similarity.distances import DEFAULT, Looks, Thresholds, close_in_bits, close_in_looks
from similarity.leaves import LEAF, Leaves, directions_for
from similarity.pairs import Pairs, TooMany, alike_pairs, leaf_for
from similarity.prints import Prints

_ROWS_AT_ONCE = 128
_PAIRS_AT_ONCE = 10_000_000  # they take half a gigabyte


def alike(a: Prints, b: Prints, thresholds: Thresholds = DEFAULT) -> NDArray[np.bool_]:
    """bool [N, M]: whether each of N images looks like each of M. Besides the result, memory grows only with M."""
    a.require_size_of(b)
    left, right = Looks.of(a), Looks.of(b)
    answer = np.zeros((len(a), len(b)), np.bool_)
    for start in range(0, len(a), _ROWS_AT_ONCE):
        rows = left.take(slice(start, start + _ROWS_AT_ONCE))
        row, column, _ = close_in_bits(rows.words, right.words, thresholds.bits)
        near = close_in_looks(rows, row, right, column, thresholds).which
        answer[start + row[near], column[near]] = True
    return answer


def group(
    prints: Prints,
    scores: NDArray[np.number],
    thresholds: Thresholds = DEFAULT,
    *,
    forced: NDArray[np.bool_] | None = None,
    turned: Prints | None = None,
) -> NDArray[np.intp]:
    """int [N]: the index of each image's leader; a leader's is its own.

    Images are taken by falling score (then by index; a NaN comes last). Each joins the nearest of the leaders so far
    that it is alike to (fewest bits apart, then nearest in colour, then the better leader), or else leads. So no two
    leaders are alike, each follower is alike to its leader and scores no better, and where no scores are equal the
    order of the input does not matter. Hartigan's leader algorithm ("Clustering Algorithms", 1975), best first.

    `scores`: [N]. `forced`: bool [N], images that lead whoever looks like them; each should score better than all that
    are not forced. `turned`: the mirror images' fingerprints, where an image and another's mirror image are to count
    as alike, too. Raises BadValue for other shapes.
    """
    if scores.shape != (len(prints),):
        raise BadValue("scores' shape", scores.shape, f"({len(prints)},), one score for each image")
    rank = ranks(scores)
    order = np.argsort(rank)
    always = _forced(forced, len(prints))
    both = _BothWays(prints, turned, thresholds)
    leader_of = np.arange(len(prints))
    leaders: list[_Sorted] = []
    start, length = 0, len(order)  # all at once, unless there are too many pairs
    while start < len(order):
        block = order[start : start + length]
        followers = both.sort(block, leaf_for(len(block)))
        known = Pairs.joined(both.between(followers, some) for some in leaders)
        known = known.take(~always[known.left])
        free = np.setdiff1d(block, known.left)
        try:
            among = both.within(both.sort(free), _PAIRS_AT_ONCE)
        except TooMany:
            length = -(-len(block) // 2)
            continue
        among = _better_right(among, rank)
        leads = _leading(among, rank, always)
        leaders.append(both.sort(free[leads[free]]))
        followers = both.sort(np.setdiff1d(block, free), leaf_for(len(block)))
        later = both.between(followers, leaders[-1])
        later = later.take(rank[later.right] < rank[later.left])  # nobody is led by a worse image
        near = Pairs.joined([known, among.take(leads[among.right]), later]).nearest(rank)
        leader_of[near.left] = near.right
        leader_of[always] = np.flatnonzero(always)
        start, length = start + len(block), 2 * length
    return leader_of


def follow(pairs: Pairs, scores: NDArray[np.number], forced: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """int [N]: the index of each image's leader by the rule of `group`, where all pairs that are alike are known."""
    rank = ranks(scores)
    always = _forced(forced, len(scores))
    pairs = _better_right(pairs, rank)
    leads = _leading(pairs, rank, always)
    leader_of = np.arange(len(scores))
    near = pairs.take(leads[pairs.right] & ~leads[pairs.left]).nearest(rank)
    leader_of[near.left] = near.right
    return leader_of


def ranks(scores: NDArray[np.number]) -> NDArray[np.intp]:
    """int [N]: 0 for the best score and so on; equal ones by index, NaN last."""
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return rank


def _forced(forced: NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
    if forced is None:
        return np.zeros(count, bool)
    if forced.shape != (count,):
        raise BadValue("forced leaders' shape", forced.shape, f"({count},), as there are scores")
    return forced


class _Sorted(NamedTuple):
    """Some images as leaves, and their mirror images as well where those are compared."""

    plain: Leaves
    turned: Leaves | None


class _BothWays:
    """Images that are compared as they are and, if asked, with each other's mirror images."""

    def __init__(self, prints: Prints, turned: Prints | None, thresholds: Thresholds) -> None:
        if turned is not None:
            turned.require_size_of(prints)
        if turned is not None and len(turned) != len(prints):
            raise BadValue("number of mirror images", len(turned), f"{len(prints)}, as there are images")
        self.looks, self.turned = Looks.of(prints), None if turned is None else Looks.of(turned)
        self.thresholds = thresholds
        self.directions = directions_for(self.looks.colours)

    def sort(self, which: NDArray[np.integer], size: int = LEAF) -> _Sorted:
        plain = Leaves.of(self.looks, self.directions, size, which)
        return _Sorted(plain, None if self.turned is None else Leaves.of(self.turned, self.directions, size, which))

    def between(self, a: _Sorted, b: _Sorted) -> Pairs:
        """Every alike pair of one of `a` (left) and one of `b`; where mirror images count, perhaps more than once."""
        found = [alike_pairs(self.looks, a.plain, self.looks, b.plain, self.thresholds)]
        if self.turned is not None and a.turned is not None and b.turned is not None:
            found.append(alike_pairs(self.turned, a.turned, self.looks, b.plain, self.thresholds))
            found.append(alike_pairs(self.looks, a.plain, self.turned, b.turned, self.thresholds))
        return Pairs.joined(found)

    def within(self, a: _Sorted, most: float = math.inf) -> Pairs:
        """Every alike pair among `a`, as above. Raises TooMany where there are more than `most`."""
        found = [alike_pairs(self.looks, a.plain, self.looks, a.plain, self.thresholds, most)]
        if self.turned is not None and a.turned is not None:
            mirrored = alike_pairs(self.turned, a.turned, self.looks, a.plain, self.thresholds, 2 * most)
            found.append(mirrored.take(mirrored.left != mirrored.right))
        return Pairs.joined(found)


def _better_right(pairs: Pairs, rank: NDArray[np.intp]) -> Pairs:
    """The same pairs, each with the image of the lower rank on the right."""
    turn = rank[pairs.left] < rank[pairs.right]
    left, right = np.where(turn, pairs.right, pairs.left), np.where(turn, pairs.left, pairs.right)
    return pairs._replace(left=left, right=right)


def _leading(pairs: Pairs, rank: NDArray[np.intp], always: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool [N]: which images lead, when each that is not alike to a better leader leads itself, and those of `always`
    do anyway. `pairs`: the better image on the right."""
    leads = np.ones(len(rank), np.bool_)
    pairs = pairs.take(~always[pairs.left])
    pairs = pairs.take(np.argsort(rank[pairs.right]))
    first = np.unique(rank[pairs.right], return_index=True)[1]
    for start, end in zip(first, np.append(first, len(pairs.right))[1:], strict=True):
        if leads[pairs.right[start]]:
            leads[pairs.left[start:end]] = False
    return leads
