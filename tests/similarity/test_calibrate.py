"""Calibration: what copies are made, and that the proposal is what its rule says, on made-up distances and on toads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import calibrate
from similarity.calibrate import (
    APART,
    FEWEST,
    KEPT,
    LEAST_FOUND,
    MARGIN,
    MOST_FALSE,
    SLACK,
    edit_distances,
    edits,
    pictures_needed,
    propose,
    rate_at_most,
    widest,
)
from similarity.distances import Distances, Thresholds, distances_of
from similarity.hashes import Hashing, fingerprint, fingerprints
from similarity.pairs import pairs_within

KINDS = (np.uint16, np.float32, np.float32, np.uint8)


def distances(*pairs: tuple[float, ...]) -> Distances:
    """Of pairs of bits, colour and, where given, chroma and grey."""
    columns = zip(*((*pair, 0, 0)[:4] for pair in pairs), strict=True) if pairs else ((),) * 4
    return Distances(*(np.array(column, kind) for column, kind in zip(columns, KINDS, strict=True)))


def copies(bits: int = 8, colour: float = 1.0, count: int = 100, chroma: float = 2.0, grey: int = 6) -> Distances:
    """Copies at all distances from nothing to these."""
    whole, part = (np.linspace(0, most, count).round() for most in (bits, grey))
    return Distances(
        whole.astype(np.uint16),
        np.linspace(0, colour, count, dtype=np.float32),
        np.linspace(0, chroma, count, dtype=np.float32),
        part.astype(np.uint8),
    )


def picture(seed: int = 0) -> Image.Image:
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((32, 32), Image.Resampling.NEAREST)


def test_every_edit_changes_the_picture() -> None:
    made = edits(picture(), np.random.default_rng(0))
    assert set(APART) < set(made) and len(made) == 11
    for name, copy in made.items():
        assert copy.mode == "RGB"
        assert copy.size != (32, 32) or copy.tobytes() != picture().tobytes(), name


def test_sizes_and_shift_are_as_named() -> None:
    made = edits(picture(), np.random.default_rng(0))
    assert [made[f"size x{factor}"].size for factor in ("2", "4", "0.75")] == [(64, 64), (128, 128), (24, 24)]
    assert np.array_equal(np.asarray(made["shift 1 px"])[:, 1:], np.asarray(picture())[:, :-1])


def test_noise_has_its_strength_and_seed() -> None:
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    made, again = (edits(grey, np.random.default_rng(3)) for _ in range(2))
    other = edits(grey, np.random.default_rng(4))
    for sigma in (2, 4):
        assert np.asarray(made[f"noise {sigma}"]).std() == pytest.approx(sigma, rel=0.05)
    assert made["noise 4"].tobytes() == again["noise 4"].tobytes() != other["noise 4"].tobytes()


def test_clear_parts_are_edited_as_white() -> None:
    made = edits(Image.new("RGBA", (32, 32), (255, 0, 0, 0)), np.random.default_rng(0))
    assert made["size x2"].getpixel((9, 9)) == (255, 255, 255)


def test_tiny_pictures_keep_a_pixel() -> None:
    assert edits(Image.new("RGB", (1, 1)), np.random.default_rng(0))["size x0.75"].size == (1, 1)


def test_distances_are_row_by_row() -> None:
    prints = fingerprints([np.asarray(picture(seed)) for seed in range(4)])
    first, second = prints.take(slice(2)), prints.take(slice(2, 4))
    apart = distances_of(first, second)
    assert tuple(column.dtype for column in apart) == KINDS
    for row in range(2):
        assert apart.bits[row] == np.bitwise_count(first.bits[row] ^ second.bits[row]).sum()
        shift = first.colours[row] - second.colours[row]
        assert apart.colours[row] == pytest.approx(np.linalg.norm(shift, axis=-1).mean(), rel=1e-5)
        small = prints.sides[0] / 64
        assert apart.chromas[row] == pytest.approx(np.linalg.norm(shift[..., 1:], axis=-1).max() * small**0.5, rel=1e-5)
        assert apart.greys[row] == int(np.abs(first.greys[row].astype(int) - second.greys[row]).max() * small)
    with pytest.raises(BadValue):
        distances_of(prints, prints.take(slice(3)))


@pytest.mark.parametrize("size", [8, 32])
def test_other_hashes_have_their_distances(size: int) -> None:
    prints = fingerprints([np.asarray(picture(seed)) for seed in range(4)], Hashing("phash", size))
    found = distances_of(prints.take(slice(2)), prints.take(slice(2, 4))).bits
    assert np.array_equal(found, np.bitwise_count(prints.bits[:2] ^ prints.bits[2:]).sum(axis=1))


@pytest.mark.parametrize(("one", "other"), [(8, 16), (16, 32)])
def test_distances_between_two_hashes_are_refused(one: int, other: int) -> None:
    a, b = (fingerprint(picture(), Hashing("phash", size)) for size in (one, other))
    with pytest.raises(BadValue, match=f"{one**2} .* {other**2}"):
        distances_of(a, b)


def test_distances_are_those_of_pairs() -> None:
    prints = fingerprints([np.asarray(picture(seed)) for seed in range(12)])
    near = pairs_within(prints, Thresholds.of_shape(256))
    apart = distances_of(prints.take(near.left), prints.take(near.right))
    assert len(near.left) == 66
    assert all(np.array_equal(one, other) for one, other in zip(apart, near[2:], strict=True))


@pytest.mark.parametrize("hashing", [Hashing(), Hashing("phash", 8), Hashing("dhash", 32)], ids=str)
def test_edit_distances_are_those_of_the_edits(hashing: Hashing) -> None:
    found = edit_distances([picture(1), picture(2)], hashing, seed=5)
    made = edits(picture(2), np.random.default_rng((5, 1)))
    own = fingerprint(picture(2), hashing)
    assert list(found) == list(made)
    for name, copy in made.items():
        assert {column.shape for column in found[name]} == {(2,)}
        expected = distances_of(own, fingerprint(copy, hashing))
        assert [column[1] for column in found[name]] == [column[0] for column in expected]


def test_thresholds_lie_within_the_gap() -> None:
    different = distances((40, 0.5), (4, 5.0), (48, 3.0))
    proposal = propose({"jpeg": copies()}, different, 10_000)
    assert 8 < proposal.thresholds.bits < 40 and 1.0 < proposal.thresholds.colour < 5.0
    assert (proposal.found, proposal.false, proposal.separates) == (1.0, 0, True)


def test_a_nearer_false_pair_lowers_the_threshold() -> None:
    far, near = (propose({"jpeg": copies()}, distances((bits, 0.5)), 10_000).thresholds for bits in (40, 14))
    assert 8 <= near.bits < 14 and near.bits < far.bits


def test_gap_to_nowhere_is_not_used_up() -> None:
    proposal = propose({"jpeg": copies()}, distances(), 10_000)
    assert 8 <= proposal.thresholds.bits < widest().bits / 2 and proposal.thresholds.colour < widest().colour / 2


def test_copies_come_before_false_pairs() -> None:
    twins = distances(*[(0, 0.0)] * 3, (30, 1.0))
    proposal = propose({"jpeg": copies()}, twins, 10_000)
    assert proposal.found >= LEAST_FOUND and proposal.false == 3 and not proposal.separates


def few_far_copies(bits: int) -> Distances:
    """996 of 1,000 copies within 4 bits, which would be enough, and 4 at these."""
    return distances(*[(4, 0.5)] * 996, *[(bits, 0.5)] * 4)


def test_more_copies_are_found_where_that_is_free() -> None:
    proposal = propose({"jpeg": few_far_copies(20)}, distances((30, 0.5)), 10_000)
    assert 20 <= proposal.thresholds.bits < 30 and proposal.found == 1.0


def test_one_in_ten_million_counts_as_none() -> None:
    alike, spoilt = {"jpeg": few_far_copies(20)}, distances((12, 0.5))
    many, few = (propose(alike, spoilt, pairs) for pairs in (round(1 / MOST_FALSE), 10_000))
    assert (many.found, many.false, many.separates) == (1.0, 1, True)
    assert (few.found, few.false, few.separates) == (0.996, 0, True)


def test_shifted_copies_are_only_reported() -> None:
    alike = {"jpeg": copies(), APART[0]: copies(bits=200, colour=20, chroma=40, grey=200)}
    proposal = propose(alike, distances((30, 1.0)), 10_000)
    assert proposal.thresholds == propose({"jpeg": copies()}, distances((30, 1.0)), 10_000).thresholds
    assert proposal.found == 1.0 and proposal.found_by_edit[APART[0]] < 0.2


def test_found_by_edit_counts_each() -> None:
    alike = {"jpeg": copies(), "noise": distances(*[(0, 0.0)] * 99, (200, 20.0))}
    proposal = propose(alike, distances((12, 0.0)), 10_000)
    assert proposal.found_by_edit["noise"] == 0.99
    assert proposal.found == pytest.approx((proposal.found_by_edit["jpeg"] + 0.99) / 2)


def test_proposal_follows_its_rule() -> None:
    """Held against a plain count over all thresholds, on overlapping clouds."""
    rng = np.random.default_rng(0)
    alike = distances(
        *zip(rng.poisson(6, 2000), rng.gamma(4, 0.3, 2000), rng.gamma(4, 0.5, 2000), rng.poisson(4, 2000), strict=True)
    )
    different = distances(
        *zip(
            rng.integers(4, 90, 700),
            rng.uniform(0.5, 8, 700),
            rng.uniform(0, 10, 700),
            rng.integers(0, 20, 700),
            strict=True,
        )
    )
    proposal = propose({"jpeg": alike}, different, 100_000)
    chroma = np.ceil(2 * MARGIN * np.sort(alike.chromas)[int(np.ceil(KEPT * 1999))]) / 2
    grey = np.ceil(MARGIN * np.sort(alike.greys)[int(np.ceil(KEPT * 1999))])

    def count(pairs: Distances, bits: int, colour: float) -> int:
        cells = (pairs.chromas <= chroma) & (pairs.greys <= grey)
        return int((cells & (pairs.bits <= bits) & (pairs.colours <= np.float32(colour))).sum())

    tried = [
        (count(alike, bits, step / 20) / 2000, count(different, bits, step / 20))
        for bits in range(0, 65)
        for step in range(0, 121)
    ]
    fewest = min(false for found, false in tried if found >= LEAST_FOUND)
    most = max(found for found, false in tried if false == fewest)
    limits = proposal.thresholds
    assert (limits.chroma, limits.grey) == (chroma, grey) and chroma < 10 and grey < 19
    assert proposal.false == count(different, limits.bits, limits.colour) == fewest > 0
    assert proposal.found == count(alike, limits.bits, limits.colour) / 2000 >= max(LEAST_FOUND, most - SLACK)


def test_curves_pass_through_the_proposal() -> None:
    proposal = propose({"jpeg": copies()}, distances((12, 0.2), (30, 1.5), (2, 3.0)), 10_000)
    limits = proposal.thresholds
    for curve, value in ((proposal.over_bits, limits.bits), (proposal.over_colour, limits.colour)):
        here = int(np.abs(curve.thresholds - value).argmin())
        assert curve.thresholds[here] == pytest.approx(value)
        assert (curve.found[here], curve.false[here]) == (proposal.found, proposal.false / 10_000)
        assert (np.diff(curve.found) >= 0).all() and (np.diff(curve.false) >= 0).all()
    assert proposal.over_bits.false[-1] > 0


def test_thresholds_include_their_value() -> None:
    inside = distances(*[(7, 0.3, 2.0, 4)] * 50)
    beyond = distances((8, 0.0), (0, 0.35), (0, 0.0, 2.51), (0, 0.0, 0.0, 6))
    found = propose({"jpeg": inside}, beyond, 10_000)
    assert found.thresholds == Thresholds(7, 0.3, 2.5, 5) and found.found == 1.0 and found.false == 0
    assert propose({"jpeg": inside}, distances((0, 0.0, 2.5, 5)), 10_000).false == 1


def test_single_cells_keep_a_margin() -> None:
    limits = propose({"jpeg": copies(chroma=3.0, grey=10)}, distances(), 10_000).thresholds
    assert (limits.chroma, limits.grey) == (4.0, 13)  # 3.75 and 12.5, rounded up to halves and to wholes
    assert propose({"jpeg": copies(grey=250)}, distances(), 10_000).thresholds.grey == 255


def test_a_few_odd_cells_move_no_threshold() -> None:
    usual, odd = [(4, 0.5, 2.0, 8)] * 2000, (4, 0.5, 30.0, 200)
    one, many = (propose({"jpeg": distances(*usual, *[odd] * count)}, distances(), 10_000) for count in (1, 20))
    assert (one.thresholds.chroma, one.thresholds.grey) == (2.5, 10) and one.found == pytest.approx(2000 / 2001)
    assert (many.thresholds.chroma, many.thresholds.grey) == (37.5, 250) and many.found == 1.0


def test_single_cells_tell_apart_what_is_near() -> None:
    other_body, moved = distances(*[(2, 0.5, 9.0, 3)] * 9), distances(*[(2, 0.5, 1.0, 40)] * 9)
    for different in (other_body, moved):
        proposal = propose({"jpeg": copies()}, different, 10_000)
        assert (proposal.found, proposal.false, proposal.separates) == (1.0, 0, True)
        same_cells = different._replace(chromas=different.chromas * 0, greys=different.greys * 0)
        assert not propose({"jpeg": copies()}, same_cells, 10_000).separates


@pytest.mark.parametrize("term", ["bits", "colours", "chromas", "greys"])
def test_found_by_edit_heeds_every_term(term: str) -> None:
    far = copies(count=50)
    getattr(far, term)[-10:] = 60
    alike = {"jpeg": copies(), APART[0]: far}
    assert propose(alike, distances((60, 0.0)), 10_000).found_by_edit == {"jpeg": 1.0, APART[0]: 0.8}


@pytest.mark.parametrize(("size", "bits"), [(8, 16), (16, 64), (32, 256)])
def test_widest_depends_on_the_hash(size: int, bits: int) -> None:
    hashing = Hashing("phash", size)
    assert widest(hashing) == Thresholds(bits, widest().colour, math.inf, 255)
    proposal = propose({"jpeg": copies(bits=bits // 4)}, distances((bits + 1, 0.0)), 10_000, hashing)
    assert bits // 4 <= proposal.thresholds.bits < bits and proposal.separates
    assert proposal.over_bits.thresholds[-1] == bits


def test_order_of_pairs_does_not_matter() -> None:
    different = distances((12, 0.2), (30, 1.5), (2, 3.0))
    turned = different.take(slice(None, None, -1))
    one, other = (propose({"jpeg": copies()}, given, 10_000) for given in (different, turned))
    assert (one.thresholds, one.false_rate_most) == (other.thresholds, other.false_rate_most)


def test_rule_of_three_holds() -> None:
    assert rate_at_most(0, 30_000) == pytest.approx(3 / 30_000, rel=0.01)
    assert rate_at_most(3, 30_000) == pytest.approx(7.754 / 30_000, rel=0.001)  # Poisson: 3 seen, 95 %
    assert rate_at_most(5, 5) == 1.0


@pytest.mark.parametrize("rate", [1e-2, 1e-4, 1e-7])
def test_pictures_needed_are_just_enough(rate: float) -> None:
    count = pictures_needed(rate)
    assert rate_at_most(0, count * (count - 1) // 2) <= rate < rate_at_most(0, (count - 1) * (count - 2) // 2) * 1.01


def test_too_few_pictures_say_how_many() -> None:
    with pytest.raises(BadValue, match=rf"calibrate with 31 .* {FEWEST} or more"):
        propose({"jpeg": copies(count=31)}, distances(), 10_000)
    with pytest.raises(BadValue, match="496 or more"):
        propose({"jpeg": copies()}, distances(), 495)
    with pytest.raises(BadValue, match="0 cannot be used"):
        propose({}, distances(), 10_000)
    with pytest.raises(BadValue, match="edits"):
        propose({APART[0]: copies()}, distances(), 10_000)


@pytest.mark.parametrize("seen", [-1, 6])
def test_impossible_counts_are_refused(seen: int) -> None:
    with pytest.raises(BadValue):
        rate_at_most(seen, 5)


@pytest.mark.parametrize("rate", [0.0, 1.0, -1.0])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(BadValue):
        pictures_needed(rate)


def test_real_toads_are_told_apart(toads: list[Image.Image]) -> None:
    grown = [toad.resize((72, 72), Image.Resampling.NEAREST) for toad in toads]
    near = pairs_within(fingerprints([np.asarray(toad) for toad in grown]), widest())
    proposal = propose(edit_distances(grown[:60]), Distances._make(near[2:]), 300 * 299 // 2)
    assert proposal.separates and proposal.false == 0
    assert 4 <= proposal.thresholds.bits <= 40 and 1 <= proposal.thresholds.colour <= 6
    assert 2 <= proposal.thresholds.chroma <= 12 and 5 <= proposal.thresholds.grey <= 40
    assert proposal.false_rate_most == pytest.approx(3 / 44_850, rel=0.01)
    assert set(proposal.found_by_edit) == set(edits(grown[0], np.random.default_rng(0)))


def test_the_seed_alone_decides_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "edits", lambda image, rng: {"noise": Image.fromarray(noised(image, rng))})
    one, same, other = (edit_distances([picture()], seed=seed)["noise"].bits[0] for seed in (1, 1, 2))
    assert one == same != other


def noised(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, np.asarray(image).shape, dtype=np.uint8)
