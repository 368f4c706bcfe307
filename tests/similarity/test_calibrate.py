"""Calibration: what copies are made, and that the proposal is what its rule says, on made-up distances and on toads."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import calibrate
from similarity.calibrate import (
    APART,
    FEWEST,
    LEAST_FOUND,
    MOST_FALSE,
    SLACK,
    WIDEST,
    Distances,
    distances_of,
    edit_distances,
    edits,
    pictures_needed,
    propose,
    rate_at_most,
)
from similarity.distances import Thresholds
from similarity.hashes import fingerprint, fingerprints
from similarity.pairs import pairs_within


def distances(*pairs: tuple[int, float]) -> Distances:
    bits, colours = zip(*pairs, strict=True) if pairs else ((), ())
    return Distances(np.array(bits, np.uint16), np.array(colours, np.float32))


def copies(bits: int = 8, colour: float = 1.0, count: int = 100) -> Distances:
    """Copies at all distances from nothing to these."""
    return Distances(np.linspace(0, bits, count).round().astype(np.uint16), np.linspace(0, colour, count, dtype="f4"))


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
    bits, colours = fingerprints([np.asarray(picture(seed)) for seed in range(4)])
    apart = distances_of(bits[:2], colours[:2], bits[2:], colours[2:])
    for row in range(2):
        assert apart.bits[row] == np.bitwise_count(bits[row] ^ bits[row + 2]).sum()
        expected = np.linalg.norm(colours[row] - colours[row + 2], axis=-1).mean()
        assert apart.colours[row] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(BadValue):
        distances_of(bits, colours, bits[:3], colours[:3])


def test_edit_distances_are_those_of_the_edits() -> None:
    found = edit_distances([picture(1), picture(2)], seed=5)
    made = edits(picture(2), np.random.default_rng((5, 1)))
    own = fingerprint(picture(2))
    assert list(found) == list(made)
    for name, copy in made.items():
        assert found[name].bits.shape == found[name].colours.shape == (2,)
        assert found[name].bits[1] == np.bitwise_count(own.bits ^ fingerprint(copy).bits).sum()


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
    assert 8 <= proposal.thresholds.bits < WIDEST.bits / 2 and proposal.thresholds.colour < WIDEST.colour / 2


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
    alike = {"jpeg": copies(), APART[0]: copies(bits=200, colour=20)}
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
    alike = Distances(rng.poisson(6, 2000).astype(np.uint16), rng.gamma(4, 0.3, 2000).astype(np.float32))
    different = Distances(rng.integers(4, 90, 500).astype(np.uint16), rng.uniform(0.5, 8, 500).astype(np.float32))
    proposal = propose({"jpeg": alike}, different, 100_000)

    def count(pairs: Distances, bits: int, colour: float) -> int:
        return int(((pairs.bits <= bits) & (pairs.colours <= np.float32(colour))).sum())

    tried = [
        (count(alike, bits, step / 20) / 2000, count(different, bits, step / 20))
        for bits in range(0, 65)
        for step in range(0, 121)
    ]
    fewest = min(false for found, false in tried if found >= LEAST_FOUND)
    most = max(found for found, false in tried if false == fewest)
    limits = proposal.thresholds
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
    inside = distances(*[(7, 0.3)] * 50)
    found = propose({"jpeg": inside}, distances((8, 0.0), (0, 0.35)), 10_000)
    assert found.thresholds == Thresholds(7, 0.3) and found.found == 1.0 and found.false == 0


def test_order_of_pairs_does_not_matter() -> None:
    different = distances((12, 0.2), (30, 1.5), (2, 3.0))
    turned = Distances(different.bits[::-1], different.colours[::-1])
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
    near = pairs_within(*fingerprints([np.asarray(toad) for toad in grown]), WIDEST)
    proposal = propose(edit_distances(grown[:60]), Distances(near.bits, near.colour), 300 * 299 // 2)
    assert proposal.separates and proposal.false == 0
    assert 4 <= proposal.thresholds.bits <= 40 and 1 <= proposal.thresholds.colour <= 6
    assert proposal.false_rate_most == pytest.approx(3 / 44_850, rel=0.01)
    assert set(proposal.found_by_edit) == set(edits(grown[0], np.random.default_rng(0)))


def test_the_seed_alone_decides_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "edits", lambda image, rng: {"noise": Image.fromarray(noised(image, rng))})
    one, same, other = (edit_distances([picture()], seed)["noise"].bits[0] for seed in (1, 1, 2))
    assert one == same != other


def noised(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, np.asarray(image).shape, dtype=np.uint8)
