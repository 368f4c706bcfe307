"""Thresholds for one collection: proposed from copies of its pictures, which must be found, and from pairs of different
pictures, which must not.

Copies are made here, as people make them: saved as JPEG, resized, a little noisy, brighter. Different are pictures of
other sources, and of one source in other styles; `pairs.pairs_within(prints, widest(hashing))` finds the near ones.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import beta

from errors import BadValue
from similarity.distances import Distances, Thresholds, distances_of
from similarity.hashes import DEFAULT, Hashing, fingerprints, on_white

FEWEST = 32  # pictures: 496 pairs and 320 copies. Fewer say nothing about rare mistakes
WIDEST_COLOUR = 6.0  # no pair further apart is a copy, so none further apart needs to be known
STEP = 0.05  # between two colour thresholds that are tried
KEPT = 0.999  # of the copies, by the two thresholds for single cells,
MARGIN = 1.25  # which are this much wider, as other copies may be further off
MOST_FALSE = 1e-7  # false pairs, of all pairs of different pictures, that count as good as none
LEAST_FOUND = 0.995  # of the copies. 99 % are wanted: what is proposed must hold for other pictures too
SLACK = 0.001  # of the copies: a single odd one does not pull a threshold to the edge of its gap
SURE = 0.95  # that the false pairs' true rate is below the bound

APART = ("shift 1 px",)  # measured, but not asked for: half the pixel edges of small pixel art move with it

_COLOURS = (np.arange(round(WIDEST_COLOUR / STEP) + 1) / round(1 / STEP)).astype(np.float32)


class Curve(NamedTuple):
    """One threshold varied and the other as proposed: K thresholds, the share of copies found at each, and the share of
    different pairs that are called alike at each."""

    thresholds: NDArray[np.float64]
    found: NDArray[np.float64]
    false: NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """What to write into collection.toml, and why.

    `found`: the share of copies found, without those in `APART`; `found_by_edit` tells it of each edit, those too.
    `false` of `pairs` different pairs would be called alike; at most `false_rate_most` would in a larger collection of
    this kind (one-sided, `SURE`). `over_bits` and `over_colour` are the ROC's points.
    """

    thresholds: Thresholds
    found: float
    found_by_edit: dict[str, float]
    false: int
    pairs: int
    false_rate_most: float
    over_bits: Curve
    over_colour: Curve

    @property
    def separates(self) -> bool:
        """Do the thresholds find `LEAST_FOUND` of the copies, with false pairs none or at most `MOST_FALSE`?"""
        return self.found >= LEAST_FOUND and self.false <= MOST_FALSE * self.pairs


def edits(image: Image.Image, rng: np.random.Generator) -> dict[str, Image.Image]:
    """Copies of the image as they turn up in the world, all RGB, by name; transparent parts become white.

    JPEG at quality 90, 75 and 50 (with Pillow's subsampled colours); enlarged 2 and 4 times and reduced to 3/4 with
    Lanczos; normal noise of sigma 2 and 4 of 255; gamma and brightness off by 3 %; moved right by one pixel.
    """
    picture = on_white(image)
    pixels = np.asarray(picture).astype(np.float64)
    noise = rng.standard_normal(pixels.shape)
    moved = np.pad(pixels, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1]
    return {
        **{f"jpeg {quality}": _jpeg(picture, quality) for quality in (90, 75, 50)},
        **{f"size x{factor:g}": _resized(picture, factor) for factor in (2, 4, 0.75)},
        **{f"noise {sigma}": _picture(pixels + sigma * noise) for sigma in (2, 4)},
        "gamma 3 %": _picture(255 * (pixels / 255) ** 1.03),
        "brightness 3 %": _picture(pixels * 1.03),
        "shift 1 px": _picture(moved),
    }


def widest(hashing: Hashing = DEFAULT) -> Thresholds:
    """Far wider than any copy: pairs that are further apart need not be known."""
    return Thresholds(hashing.bits // 4, WIDEST_COLOUR, math.inf, 255)


def edit_distances(images: Iterable[Image.Image], hashing: Hashing = DEFAULT, seed: int = 0) -> dict[str, Distances]:
    """For each edit, how far each of N images is from its copy: arrays of [N], in the images' order.

    An image's noise depends on the seed and its place alone.
    """
    rows: dict[str, list[Distances]] = {}
    for place, image in enumerate(images):
        copies = edits(image, np.random.default_rng((seed, place)))
        prints = fingerprints([np.asarray(picture) for picture in (on_white(image), *copies.values())], hashing)
        apart = distances_of(prints.take(np.zeros(len(copies), np.intp)), prints.take(slice(1, None)))
        for number, name in enumerate(copies):
            rows.setdefault(name, []).append(apart.take(slice(number, number + 1)))
    return {name: Distances._make(map(np.concatenate, zip(*found, strict=True))) for name, found in rows.items()}


def propose(alike: Mapping[str, Distances], different: Distances, pairs: int, hashing: Hashing = DEFAULT) -> Proposal:
    """The thresholds that suit these pictures best.

    `alike`: for each edit, distances of pictures to their copies (`edit_distances`); `different`: the distances of all
    pairs of different pictures that are within `widest()` (others may be among them, and are not looked at);
    `pairs`: how many pairs there are in all, the far ones included.

    First the thresholds for single cells: `MARGIN` times what keeps `KEPT` of the copies. Then, over all thresholds up
    to `widest()` in steps of 1 bit and `STEP` in colour:

    1. Copies must be found: `LEAST_FOUND` of them, or as many as any threshold finds.
    2. Of those thresholds, the ones with the fewest false pairs; up to `MOST_FALSE` of all pairs count as none.
    3. Of those, the ones that find the most copies, give or take `SLACK`.
    4. Of those, the middle of the colours, and there the middle of the bits: as far from losing a copy as from letting
       a false pair in. The middle is the geometric one, since a gap may be open to the right.

    Raises BadValue where an edit has fewer than `FEWEST` pictures, or `pairs` is less than they make.
    """
    _check_numbers(alike, different, pairs)
    asked = Distances._make(
        map(np.concatenate, zip(*(alike[name] for name in alike if name not in APART), strict=True))
    )
    chroma = math.ceil(2 * MARGIN * float(np.quantile(asked.chromas, KEPT, method="higher"))) / 2
    grey = min(255, math.ceil(MARGIN * float(np.quantile(asked.greys, KEPT, method="higher"))))
    most = widest(hashing).bits
    found = _within(asked, chroma, grey, most) / len(asked.bits)  # [bits, colours]
    false = _within(different, chroma, grey, most)
    useful = found >= min(LEAST_FOUND, found.max())
    allowed = useful & (false <= max(MOST_FALSE * pairs, false[useful].min()))
    best = allowed & (found >= found[allowed].max() - SLACK)
    colours = np.flatnonzero(best.any(axis=0))
    # The nearest one that has any bits: for the middle itself that is not certain.
    colour = int(min(colours, key=lambda column: abs(column - _middle(colours))))
    row = _middle(np.flatnonzero(best[:, colour]))
    thresholds = Thresholds(row, round(float(_COLOURS[colour]), 2), chroma, grey)
    return Proposal(
        thresholds=thresholds,
        found=float(found[row, colour]),
        found_by_edit={name: float(thresholds.hold(distances).mean()) for name, distances in alike.items()},
        false=int(false[row, colour]),
        pairs=pairs,
        false_rate_most=rate_at_most(int(false[row, colour]), pairs),
        over_bits=Curve(np.arange(most + 1.0), found[:, colour], false[:, colour] / pairs),
        over_colour=Curve(_COLOURS.astype(float), found[row], false[row] / pairs),
    )


def rate_at_most(seen: int, trials: int) -> float:
    """The largest rate, at `SURE`, at which so few of so many trials are seen to fail (Clopper & Pearson 1934, one
    side). Where none is seen this is about 3 / trials, the rule of three.

    It takes pairs to be independent, which pairs with a picture in common are not quite. Raises BadValue for numbers
    that are no counts.
    """
    if not 0 <= seen <= trials or trials < 1:
        raise BadValue("count of false pairs", seen, f"0 to {trials}, of at least one pair")
    return 1.0 if seen == trials else float(beta.ppf(SURE, seen + 1, trials - seen))


def pictures_needed(rate: float) -> int:
    """How many pictures, all different, with no false pair among them, show that at most this share of pairs is false.

    Raises BadValue for a rate outside of 0..1, both ends excluded.
    """
    if not 0 < rate < 1:
        raise BadValue("rate", rate, "more than 0 and less than 1")
    pairs = -math.log(1 - SURE) / rate
    return math.ceil(0.5 + math.sqrt(0.25 + 2 * pairs))  # n (n - 1) / 2 pairs of n


def _jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def _resized(picture: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _picture(pixels: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def _check_numbers(alike: Mapping[str, Distances], different: Distances, pairs: int) -> None:
    pictures = min((len(distances.bits) for distances in alike.values()), default=0)
    if pictures < FEWEST:
        raise BadValue("number of pictures to calibrate with", pictures, f"{FEWEST} or more, of different sources")
    if not {*alike} - {*APART}:
        raise BadValue("edits", list(alike), f"one that is not {' or '.join(APART)}")
    if pairs < max(FEWEST * (FEWEST - 1) // 2, len(different.bits)):
        fewest = max(FEWEST * (FEWEST - 1) // 2, len(different.bits))
        raise BadValue("number of pairs of different pictures", pairs, f"{fewest} or more")


def _within(distances: Distances, chroma: float, grey: int, most: int) -> NDArray[np.int64]:
    """int [bits, colours]: how many pairs are within these two thresholds and each pair of the other two."""
    inside = (distances.bits <= most) & (distances.colours <= _COLOURS[-1])
    inside &= (distances.chromas <= chroma) & (distances.greys <= grey)
    column = np.searchsorted(_COLOURS, distances.colours[inside])  # the first threshold that lets the pair in
    counts = np.zeros((most + 1, len(_COLOURS)), np.int64)
    np.add.at(counts, (distances.bits[inside], column), 1)
    return counts.cumsum(axis=0).cumsum(axis=1)


def _middle(places: NDArray[np.intp]) -> int:
    """Between the lowest and the highest place, nearer the lowest: 3 and 15 give 7."""
    return round(math.sqrt((places[0] + 1) * (places[-1] + 1))) - 1
