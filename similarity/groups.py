"""Which images look alike, and who leads each group of look-alikes.

Images are alike when their shapes differ in few bits and their colours differ little. All comparisons are exact and
made in blocks, so that memory stays bounded while every pair is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import BadValue

_ROWS_AT_ONCE = 128
_PAIRS_AT_ONCE = 16_384  # of colour thumbnails: 12 MiB of differences


@dataclass(frozen=True)
class Thresholds:
    """How far apart two images may be and still be alike. `bits`: of the 256 of shape, 0..256; `colour`: the mean
    distance of 8x8 cells in Oklab times 100 (about 2 is a difference that one sees side by side), 0 or more."""

    bits: int = 40
    colour: float = 2.0


class _Pairs(NamedTuple):
    """Alike pairs, each array [P]: indices into the two sides, and how far apart they are."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    bits: NDArray[np.uint16]
    colour: NDArray[np.float32]


def alike(
    bits_a: NDArray[np.uint8],
    colours_a: NDArray[np.float32],
    bits_b: NDArray[np.uint8],
    colours_b: NDArray[np.float32],
    thresholds: Thresholds = Thresholds(),
) -> NDArray[np.bool_]:
    """bool [N, M]: whether each of N images looks like each of M.

    `bits_*`: uint8 [N, 32] and [M, 32]; `colours_*`: float32 [N, 8, 8, 3] and [M, 8, 8, 3], as `hashes.fingerprint`
    gives them. Raises BadValue for other shapes. Besides the result itself, memory grows only with M.
    """
    left, right = _Looks.of(bits_a, colours_a), _Looks.of(bits_b, colours_b)
    answer = np.zeros((len(bits_a), len(bits_b)), np.bool_)
    for start in range(0, len(bits_a), _ROWS_AT_ONCE):
        pairs = _alike_pairs(left.take(slice(start, start + _ROWS_AT_ONCE)), right, thresholds)
        answer[start + pairs.left, pairs.right] = True
    return answer


def group(
    bits: NDArray[np.uint8],
    colours: NDArray[np.float32],
    scores: NDArray[np.floating],
    thresholds: Thresholds = Thresholds(),
) -> NDArray[np.intp]:
    """int [N]: the index of each image's leader; a leader's is its own.

    Images are taken by falling score (then by index; a NaN comes last). Each joins the nearest of the leaders so far
    that it is alike to (fewest bits apart, then nearest in colour, then the better leader), or else leads. So no two
    leaders are alike, each follower is alike to its leader and scores no better, and where no scores are equal the
    order of the input does not matter. Hartigan's leader algorithm ("Clustering Algorithms", 1975), best first.

    `bits`: uint8 [N, 32]; `colours`: float32 [N, 8, 8, 3]; `scores`: [N]. Raises BadValue for other shapes.
    """
    looks = _Looks.of(bits, colours)
    if scores.shape != (len(bits),):
        raise BadValue("scores' shape", scores.shape, f"({len(bits)},), one score for each image")
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    leader_of = np.arange(len(bits))
    leaders: list[int] = []
    for start in range(0, len(order), _ROWS_AT_ONCE):
        block = order[start : start + _ROWS_AT_ONCE]
        known = len(leaders)
        rivals = np.concatenate([np.array(leaders, dtype=np.intp), block])  # best first, so a rank as well
        pairs = _alike_pairs(looks.take(block), looks.take(rivals), thresholds)
        nearest_first = np.lexsort((pairs.right, pairs.colour, pairs.bits, pairs.left))
        right = pairs.right[nearest_first]
        bounds = np.searchsorted(pairs.left[nearest_first], np.arange(len(block) + 1))
        leads = np.arange(len(rivals)) < known  # the block's own are not yet: each is decided in its turn
        for place, item in enumerate(block):
            near = right[bounds[place] : bounds[place + 1]]
            near = near[leads[near]]
            if len(near):
                leader_of[item] = rivals[near[0]]
            else:
                leads[known + place] = True
                leaders.append(int(item))
    return leader_of


class _Looks(NamedTuple):
    """Fingerprints laid out for comparing: `words` uint64 [N, 4], `colours` [N, 64, 3], `means` [N, 3]."""

    words: NDArray[np.uint64]
    colours: NDArray[np.float32]
    means: NDArray[np.float32]

    @classmethod
    def of(cls, bits: NDArray[np.uint8], colours: NDArray[np.float32]) -> _Looks:
        if bits.dtype != np.uint8 or bits.shape[1:] != (32,):
            raise BadValue("bits", f"{bits.dtype} {bits.shape}", "uint8 (N, 32)")
        if colours.shape != (len(bits), 8, 8, 3):
            raise BadValue("colours' shape", colours.shape, f"({len(bits)}, 8, 8, 3), as there are bits")
        cells = np.ascontiguousarray(colours, dtype=np.float32).reshape(-1, 64, 3)
        return cls(np.ascontiguousarray(bits).view(np.uint64), cells, cells.mean(axis=1))

    def take(self, which: slice | NDArray[np.intp]) -> _Looks:
        return _Looks(self.words[which], self.colours[which], self.means[which])


def _alike_pairs(a: _Looks, b: _Looks, thresholds: Thresholds) -> _Pairs:
    """Every alike pair of a few `a` and many `b`: bits first, because they are cheap and leave few pairs."""
    apart = np.zeros((len(a.words), len(b.words)), np.uint16)
    for word in range(a.words.shape[1]):  # one word at a time: 8 bytes for each pair, not 32
        apart += np.bitwise_count(a.words[:, None, word] ^ b.words[None, :, word])
    left, right = np.nonzero(apart <= thresholds.bits)
    # The mean of distances is at least the distance of the means: that settles most recoloured copies at 1/64 of the
    # work. The margin is for rounding; the exact test follows.
    shift = np.linalg.norm(a.means[left] - b.means[right], axis=1)
    near = shift <= thresholds.colour + 1e-3
    left, right = left[near], right[near]
    colour = np.empty(len(left), np.float32)
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        difference = a.colours[left[some]] - b.colours[right[some]]  # (P, 64, 3)
        colour[some] = np.sqrt((difference * difference).sum(axis=2)).mean(axis=1)
    kept = colour <= thresholds.colour
    left, right = left[kept], right[kept]
    return _Pairs(left, right, apart[left, right], colour[kept])
