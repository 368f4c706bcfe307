"""All alike pairs, against the plain definition: every pair compared with every other."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import distances, pairs
from similarity.distances import Thresholds
from similarity.hashes import fingerprints
from similarity.pairs import Index, Pairs, pairs_between, pairs_within

Prints = tuple[np.ndarray, np.ndarray]


def variants(of: Prints, count: int, seed: int = 0) -> Prints:
    """`count` fingerprints made from those given: bits flipped and colours shifted, many of them about as far as the
    thresholds allow, some not at all."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(of[0]), count)
    strength = rng.choice([0.0, 0.3, 1.0, 1.1], count).astype(np.float32)
    flips = rng.random((count, 256), np.float32) < strength[:, None] * rng.uniform(0.0, 0.12, (count, 1))
    shift = rng.normal(0, 1, (count, 1, 1, 3)) + rng.normal(0, 0.5, (count, 8, 8, 3))
    shift *= (strength * rng.uniform(0.2, 1.2, count))[:, None, None, None]
    return of[0][which] ^ np.packbits(flips, axis=1), of[1][which] + shift.astype(np.float32)


def made_up(count: int, seed: int = 0) -> Prints:
    """Fingerprints around 40 centres, a few of which lie close together."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 256, (40, 32), dtype=np.uint8)
    colours = rng.normal(50, 10, (40, 1, 1, 3)) + rng.normal(0, 5, (40, 8, 8, 3))
    bits[20:] = bits[:20]
    colours[30:] = colours[20:30] + 1
    return variants((bits, colours.astype(np.float32)), count, seed)


def compared_with_all(a: Prints, b: Prints, limits: Thresholds, within: bool = False) -> Pairs:
    """What the pairs must be, row by row."""
    words, found = b[0].view(np.uint64).T.copy(), []
    for row, (word, colour) in enumerate(zip(a[0].view(np.uint64), a[1], strict=True)):
        first = row + 1 if within else 0
        bits = np.bitwise_count(word[:, None] ^ words[:, first:]).sum(axis=0, dtype=np.uint16)
        near = first + np.flatnonzero(bits <= limits.bits)
        apart = np.sqrt(np.square(colour - b[1][near]).sum(axis=-1)).reshape(-1, 64).mean(axis=1)
        keep = apart <= limits.colour
        found.append((np.full(keep.sum(), row), near[keep], bits[near[keep] - first], apart[keep]))
    return Pairs(*map(np.concatenate, zip(*found, strict=True)))


def same(found: Pairs, expected: Pairs) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("limits", [Thresholds(), Thresholds(10, 0.5), Thresholds(64, 6.0), Thresholds(256, 0.5)])
def test_pairs_are_those_of_the_definition(limits: Thresholds) -> None:
    prints = made_up(2000)
    expected = compared_with_all(prints, prints, limits, within=True)
    assert 500 < len(expected.left) < 2000 * 1999 / 4
    assert same(pairs_within(*prints, limits), expected)


def test_pairs_hold_distances_on_both_sides_of_the_limit() -> None:
    found = pairs_within(*made_up(3000), Thresholds(42, 2.1))
    assert {39, 40, 41, 42} <= set(found.bits.tolist())
    assert (
        ((found.colour > 1.95) & (found.colour <= 2.0)).sum() > 20 < ((found.colour > 2) & (found.colour < 2.05)).sum()
    )


def test_thresholds_are_met_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    colours = rng.normal(50, 10, (400, 8, 8, 3)).astype(np.float32)
    colours[200:] = colours[:200] + rng.normal(0, 1, (200, 8, 8, 3)).astype(np.float32)
    bits = np.zeros((400, 32), np.uint8)
    bits[:, :25] = rng.integers(0, 256, (400, 25))
    bits[200:] = bits[:200]
    apart = pairs_within(bits, colours, Thresholds(0, 9.0)).colour
    assert len(np.unique(apart)) > 150
    for limit in apart[:20]:
        found = pairs_within(bits, colours, Thresholds(0, float(limit)))
        assert found.colour.max() == limit and len(found.left) == (apart <= limit).sum()
        below = pairs_within(bits, colours, Thresholds(0, float(np.nextafter(limit, np.float32(0)))))
        assert len(below.left) == (apart < limit).sum()


def test_batch_is_compared_with_all_before_it() -> None:
    new, old = made_up(300, seed=1), made_up(2500, seed=1)
    expected = compared_with_all(new, old, Thresholds())
    assert len(expected.left) > 300
    assert same(pairs_between(*new, *old), expected)


def test_index_grows_batch_by_batch() -> None:
    bits, colours = made_up(2000)
    index = Index(bits[:0], colours[:0])
    for start, end in ((0, 1), (1, 700), (700, 702), (702, 705), (705, 1500), (1500, 1500), (1500, 2000)):
        index.add(bits[start:end], colours[start:end])
        assert len(index) == end
        expected = compared_with_all((bits[:100], colours[:100]), (bits[:end], colours[:end]), Thresholds())
        assert same(index.near(bits[:100], colours[:100]), expected)


def test_order_of_arrival_does_not_matter() -> None:
    bits, colours = made_up(1000)
    order = np.random.default_rng(5).permutation(1000)
    found, again = pairs_within(bits, colours), pairs_within(bits[order], colours[order])
    expected = {(min(pair), max(pair)) for pair in zip(found.left.tolist(), found.right.tolist(), strict=True)}
    turned = zip(order[again.left].tolist(), order[again.right].tolist(), strict=True)
    assert {(min(pair), max(pair)) for pair in turned} == expected


def test_sizes_of_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = made_up(1200)
    expected = pairs_within(*prints)
    for where, name, value in (
        (distances, "_ROWS_AT_ONCE", 3),
        (distances, "_COLUMNS_AT_ONCE", 50),
        (distances, "_PAIRS_AT_ONCE", 7),
        (pairs, "_LEAVES_AT_ONCE", 2),
        (pairs, "_COLUMNS_AT_ONCE", 100),
    ):
        monkeypatch.setattr(where, name, value)
    assert same(pairs_within(*prints), expected)


def test_equal_images_are_all_pairs() -> None:
    bits, colours = np.full((600, 32), 7, np.uint8), np.full((600, 8, 8, 3), 50, np.float32)
    found = pairs_within(bits, colours)
    assert np.array_equal(np.stack([found.left, found.right]), np.stack(np.triu_indices(600, 1)))
    assert not found.bits.any() and not found.colour.any()


def test_opposite_bits_are_never_near() -> None:
    bits, colours = np.array([[0] * 32, [255] * 32], np.uint8), np.zeros((2, 8, 8, 3), np.float32)
    assert len(pairs_within(bits, colours, Thresholds(255, 1.0)).left) == 0
    assert pairs_within(bits, colours, Thresholds(256, 0.0)).bits.tolist() == [256]


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 255, 256, 257, 513])
def test_any_number_of_images_will_do(count: int) -> None:
    prints = made_up(count)
    expected = compared_with_all(prints, prints, Thresholds(), within=True) if count else pairs_within(*prints)
    assert same(pairs_within(*prints), expected)
    assert len(pairs_between(*prints, *made_up(0)).left) == len(pairs_between(*made_up(0), *prints).left) == 0


def test_wrong_shapes_are_refused() -> None:
    bits, colours = made_up(4)
    for wrong in ((bits[:, :31], colours), (bits, colours[:3]), (bits.astype(int), colours)):
        with pytest.raises(BadValue):
            pairs_within(*wrong)
        with pytest.raises(BadValue):
            pairs_between(bits, colours, *wrong)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_colours_that_are_no_numbers_are_refused(bad: float) -> None:
    bits, colours = made_up(300)
    index = Index(bits, colours.copy())
    colours[7, 0, 0, 1] = bad
    for attempt in (lambda: pairs_within(bits, colours), lambda: index.add(bits, colours)):
        with pytest.raises(BadValue, match="finite"):
            attempt()
    assert len(index) == 300


def test_faiss_gives_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss", reason="faiss-cpu is not installed")
    prints = made_up(3000)
    found = pairs_within(*prints, Thresholds(64, 6.0))
    monkeypatch.setattr(distances, "_faiss", lambda: None)
    assert same(found, pairs_within(*prints, Thresholds(64, 6.0)))


def test_folder_named_faiss_is_not_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", ModuleType("faiss"))
    assert distances._faiss.__wrapped__() is None


@pytest.mark.slow
def test_pairs_of_a_hundred_thousand_toads(toadz: Path) -> None:
    from glide.training.looks import LOOKS, render  # here, as it is seldom needed

    rng = np.random.default_rng(8)
    toads = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(toadz.glob("images/*.png"))]
    small = [toad for toad in toads if toad.shape == (36, 36, 3)]
    styled = [np.asarray(render(look, Image.fromarray(toad), rng)) for toad in small[::40] for look in LOOKS]
    assert len(small) > 1000 and len(styled) > 400
    prints = variants(fingerprints([*toads, *styled]), 100_000, seed=8)
    expected = compared_with_all(prints, prints, Thresholds(), within=True)
    assert len(expected.left) > 100_000
    assert same(pairs_within(*prints), expected)
