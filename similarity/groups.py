"""Which images look alike, and who leads each group of look-alikes.

Images are alike when their shapes differ in few bits and their colours differ little. All comparisons are exact.
Where so many are alike that their pairs would fill the memory, they are taken in blocks, best first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from errors import BadValue
from similarity.distances import DEFAULT, Looks, Thresholds, close_in_bits, colour_apart
from similarity.leaves import Leaves, directions_for
from similarity.pairs import Pairs, TooMany, alike_pairs, leaf_for

__all__ = ["Thresholds", "alike", "group"]

_ROWS_AT_ONCE = 128
_PAIRS_AT_ONCE = 10_000_000  # they take half a gigabyte


def alike(
    bits_a: NDArray[np.uint8],
    colours_a: NDArray[np.float32],
    bits_b: NDArray[np.uint8],
    colours_b: NDArray[np.float32],
    thresholds: Thresholds = DEFAULT,
) -> NDArray[np.bool_]:
    """bool [N, M]: whether each of N images looks like each of M.

    `bits_*`: uint8 [N, 32] and [M, 32]; `colours_*`: float32 [N, 8, 8, 3] and [M, 8, 8, 3], as `hashes.fingerprint`
    gives them. Raises BadValue for other shapes. Besides the result itself, memory grows only with M.
    """
    left, right = Looks.of(bits_a, colours_a), Looks.of(bits_b, colours_b)
    answer = np.zeros((len(bits_a), len(bits_b)), np.bool_)
    for start in range(0, len(bits_a), _ROWS_AT_ONCE):
        rows = left.take(slice(start, start + _ROWS_AT_ONCE))
        row, column, _ = close_in_bits(rows.words, right.words, thresholds.bits)
        near = colour_apart(rows.colours, row, right.colours, column) <= thresholds.colour
        answer[start + row[near], column[near]] = True
    return answer


def group(
    bits: NDArray[np.uint8],
    colours: NDArray[np.float32],
    scores: NDArray[np.floating],
    thresholds: Thresholds = DEFAULT,
) -> NDArray[np.intp]:
    """int [N]: the index of each image's leader; a leader's is its own.

    Images are taken by falling score (then by index; a NaN comes last). Each joins the nearest of the leaders so far
    that it is alike to (fewest bits apart, then nearest in colour, then the better leader), or else leads. So no two
    leaders are alike, each follower is alike to its leader and scores no better, and where no scores are equal the
    order of the input does not matter. Hartigan's leader algorithm ("Clustering Algorithms", 1975), best first.

    `bits`: uint8 [N, 32]; `colours`: float32 [N, 8, 8, 3]; `scores`: [N]. Raises BadValue for other shapes.
    """
    looks = Looks.of(bits, colours)
    if scores.shape != (len(bits),):
        raise BadValue("scores' shape", scores.shape, f"({len(bits)},), one score for each image")
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    directions = directions_for(looks.colours)
    leader_of = np.arange(len(bits))
    leaders: list[Leaves] = []
    start, length = 0, len(order)  # all at once, unless there are too many pairs
    while start < len(order):
        block = order[start : start + length]
        followers = Leaves.of(looks, directions, leaf_for(len(block)), block)
        known = Pairs.joined(alike_pairs(looks, followers, looks, some, thresholds) for some in leaders)
        free = np.setdiff1d(block, known.left)
        undecided = Leaves.of(looks, directions, which=free)
        try:
            among = alike_pairs(looks, undecided, looks, undecided, thresholds, _PAIRS_AT_ONCE)
        except TooMany:
            length = -(-len(block) // 2)
            continue
        among = _better_right(among, rank)
        leads = _leading(among, rank)
        leaders.append(Leaves.of(looks, directions, which=free[leads[free]]))
        followers = Leaves.of(looks, directions, leaf_for(len(block)), np.setdiff1d(block, free))
        later = alike_pairs(looks, followers, looks, leaders[-1], thresholds)
        later = later.take(rank[later.right] < rank[later.left])  # nobody is led by a worse image
        near = Pairs.joined([known, among.take(leads[among.right]), later])
        near = near.take(np.lexsort((rank[near.right], near.colour, near.bits, near.left)))
        follower, nearest = np.unique(near.left, return_index=True)
        leader_of[follower] = near.right[nearest]
        start, length = start + len(block), 2 * length
    return leader_of


def _better_right(pairs: Pairs, rank: NDArray[np.intp]) -> Pairs:
    """The same pairs, each with the image of the lower rank on the right."""
    turn = rank[pairs.left] < rank[pairs.right]
    left, right = np.where(turn, pairs.right, pairs.left), np.where(turn, pairs.left, pairs.right)
    return pairs._replace(left=left, right=right)


def _leading(pairs: Pairs, rank: NDArray[np.intp]) -> NDArray[np.bool_]:
    """bool [N]: which images lead, when each that is not alike to a better leader leads itself. `pairs`: the better
    image on the right."""
    leads = np.ones(len(rank), np.bool_)
    pairs = pairs.take(np.argsort(rank[pairs.right]))
    first = np.unique(rank[pairs.right], return_index=True)[1]
    for start, end in zip(first, np.append(first, len(pairs.right))[1:], strict=True):
        if leads[pairs.right[start]]:
            leads[pairs.left[start:end]] = False
    return leads
