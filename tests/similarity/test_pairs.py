"""All alike pairs, against the plain definition: every pair compared with every other."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import distances, pairs
from similarity.distances import Thresholds, _faiss
from similarity.groups import alike
from similarity.hashes import fingerprints
from similarity.pairs import Index, Pairs, TooMany, pairs_between, pairs_either_way, pairs_within
from similarity.prints import Prints

DEFAULT = Thresholds()
WIDE = Thresholds(64, 6.0, 12.0, 40)


def variants(of: Prints, count: int, seed: int = 0) -> Prints:
    """`count` fingerprints made from those given: bits flipped and colours and greys shifted, single cells of some more
    than the rest, many about as far as the thresholds allow, some not at all."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(of), count)
    strength = rng.choice([0.0, 0.3, 1.0, 1.1], count).astype(np.float32)
    flips = rng.random((count, 8 * of.bits.shape[1]), np.float32) < strength[:, None] * rng.uniform(0, 0.12, (count, 1))
    shift = rng.normal(0, 1, (count, 1, 1, 3)) + rng.normal(0, 0.5, (count, 8, 8, 3))
    shift *= (strength * rng.uniform(0.2, 1.2, count))[:, None, None, None]
    greys = of.greys[which] + rng.normal(0, 1, (count, 16, 16)) * (strength * rng.uniform(0.5, 4, count))[:, None, None]
    rows, columns, some = *rng.integers(0, 8, (2, count)), np.arange(count)
    shift[some, rows, columns, 1:] += rng.normal(0, 2.5, (count, 2)) * (strength == 1)[:, None]
    greys[some, rows, columns] += rng.normal(0, 8, count) * strength
    return Prints(
        of.bits[which] ^ np.packbits(flips, axis=1),
        of.colours[which] + shift.astype(np.float32),
        greys.round().clip(0, 255).astype(np.uint8),
        rng.choice([64, 64, 64, 36, 27], count).astype(np.uint8),
    )


def made_up(count: int, seed: int = 0, size: int = 16) -> Prints:
    """Fingerprints around 40 centres, a few of which lie close together."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 256, (40, size**2 // 8), dtype=np.uint8)
    colours = rng.normal(50, 10, (40, 1, 1, 3)) + rng.normal(0, 5, (40, 8, 8, 3))
    greys = rng.integers(0, 256, (40, 16, 16), dtype=np.uint8)
    bits[20:], greys[30:] = bits[:20], greys[10:20]
    colours[30:] = colours[20:30] + 1
    return variants(Prints(bits, colours.astype(np.float32), greys, np.full(40, 64, np.uint8)), count, seed)


def alike_to(bits: int) -> Prints:
    """Two images in one grey, so many bits apart."""
    flips = np.arange(256) < [[0], [bits]]
    colours, greys = np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 16, 16), np.uint8)
    return Prints(np.packbits(flips, axis=1), colours, greys, np.full(2, 64, np.uint8))


def compared_with_all(a: Prints, b: Prints, limits: Thresholds, within: bool = False) -> Pairs:
    """What the pairs must be, row by row."""
    words, found = b.bits.view(np.uint64).T.copy(), []
    for row, (word, colour, grey) in enumerate(zip(a.bits.view(np.uint64), a.colours, a.greys, strict=True)):
        first = row + 1 if within else 0
        bits = np.bitwise_count(word[:, None] ^ words[:, first:]).sum(axis=0, dtype=np.uint16)
        near = first + np.flatnonzero(bits <= limits.bits)
        squares = np.square(colour - b.colours[near])
        apart = np.sqrt(squares.sum(axis=-1)).reshape(-1, 64).mean(axis=1)
        side = np.minimum(a.sides[row], b.sides[near])
        chroma = np.sqrt(squares[..., 1:].sum(axis=-1)).max(axis=(1, 2)) * np.sqrt(side / np.float32(64))
        greys = (np.abs(grey.astype(int) - b.greys[near]).max(axis=(1, 2)) * side // 64).astype(np.uint8)
        keep = (apart <= limits.colour) & (chroma <= limits.chroma) & (greys <= limits.grey)
        here = near[keep]
        found.append((np.full(len(here), row), here, bits[here - first], apart[keep], chroma[keep], greys[keep]))
    return Pairs(*map(np.concatenate, zip(*found, strict=True)))


def same(found: Pairs, expected: Pairs) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


LIMITS = [
    DEFAULT,
    Thresholds(10, 0.5, 2.0, 5),
    Thresholds(10, 0.5, math.inf, 255),
    WIDE,
    Thresholds.of_shape(40),
    Thresholds(256, 0.5, math.inf, 255),
    Thresholds(48, math.inf, 2.0, 255),
    Thresholds(48, math.inf, math.inf, 8),
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_pairs_are_those_of_the_definition(limits: Thresholds) -> None:
    prints = made_up(2000)
    expected = compared_with_all(prints, prints, limits, within=True)
    assert 500 < len(expected.left) < 2000 * 1999 / 4
    assert same(pairs_within(prints, limits), expected)


@pytest.mark.parametrize("size", [8, 32])
def test_pairs_of_other_hashes_are_those_of_the_definition(size: int) -> None:
    prints = made_up(1200, size=size)
    new, old = prints.take(slice(300)), prints.take(slice(200, 1200))
    for bits in (5, 40 * size**2 // 256, size**2 // 4):
        limits = replace(DEFAULT, bits=bits)
        within, between = compared_with_all(old, old, limits, within=True), compared_with_all(new, old, limits)
        assert len(within.left) > 200 and len(between.left) > 200
        assert same(pairs_within(old, limits), within)
        assert same(pairs_between(new, old, limits), between)


def test_columns_have_their_kinds() -> None:
    kinds = [np.int32, np.int32, np.uint16, np.float32, np.float32, np.uint8]
    for count in (0, 2, 300):
        assert [column.dtype for column in pairs_within(made_up(count))] == kinds


def test_pairs_hold_distances_on_both_sides_of_the_limit() -> None:
    found = pairs_within(made_up(3000), Thresholds(42, 2.6, 5.2, 17))
    assert {39, 40, 41, 42} <= set(found.bits.tolist()) and {14, 15, 16, 17} <= set(found.grey.tolist())
    for apart, limit, step in ((found.colour, 2.5, 0.05), (found.chroma, 5.0, 0.1)):
        below = ((apart > limit - step) & (apart <= limit)).sum()
        assert below > 20 < ((apart > limit) & (apart < limit + step)).sum()


@pytest.mark.parametrize("looser", [{"bits": 50}, {"colour": 3.0}, {"chroma": 7.5}, {"grey": 20}], ids=str)
def test_each_threshold_rules_some_out(looser: dict[str, float]) -> None:
    [name] = looser
    tight, loose = pairs_within(made_up(2000)), pairs_within(made_up(2000), replace(DEFAULT, **looser))
    beyond = getattr(loose, name) > getattr(DEFAULT, name)
    assert beyond.sum() > 50 and same(loose.take(~beyond), tight)


@pytest.mark.parametrize(
    ("apart", "included", "just_below"),
    [
        ("bits", 3, 2),
        ("colour", 1.25, float(np.nextafter(np.float32(1.25), np.float32(0)))),
        ("chroma", 1.25, float(np.nextafter(np.float32(1.25), np.float32(0)))),
        ("grey", 9, 8),
    ],
)
def test_thresholds_include_their_value(apart: str, included: float, just_below: float) -> None:
    two = alike_to(3)
    two.colours[1, ..., 1], two.greys[1, 5, 5] = 1.25, 9
    exact = Thresholds(3, 1.25, 1.25, 9)
    assert pairs_within(two, exact) == (0, 1, 3, np.float32(1.25), np.float32(1.25), 9)
    for limit, count in ((included, 1), (just_below, 0)):
        limits = replace(exact, **{apart: limit})
        assert len(pairs_within(two, limits).left) == len(
            pairs_between(two.take(slice(1)), two.take(slice(1, 2)), limits).left
        )
        assert len(pairs_within(two, limits).left) == alike(two, two, limits)[0, 1] == count


def test_lightness_is_no_chroma() -> None:
    two = alike_to(0)
    two.colours[1, 3, 3] = (20, 3, 4)
    found = pairs_within(two)
    assert found.chroma.tolist() == [5.0] and found.colour.tolist() == [np.float32(np.sqrt(np.float32(425)) / 64)]


def test_greys_are_told_apart_both_ways() -> None:
    two = alike_to(0)
    two.greys[0, 0, 0], two.greys[1, 15, 15] = 200, 250
    assert pairs_within(two, Thresholds.of_shape(0)).grey.tolist() == [250]
    two.greys[0, 0, 0] = 255
    assert pairs_within(two, Thresholds.of_shape(0)).grey.tolist() == [255]


def test_thresholds_are_met_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    colours = rng.normal(50, 10, (400, 8, 8, 3)).astype(np.float32)
    colours[200:] = colours[:200] + rng.normal(0, 1, (200, 8, 8, 3)).astype(np.float32)
    bits = np.zeros((400, 32), np.uint8)
    bits[:, :25] = rng.integers(0, 256, (400, 25))
    bits[200:] = bits[:200]
    prints = Prints(bits, colours, np.zeros((400, 16, 16), np.uint8), np.full(400, 64, np.uint8))
    for name, widest in (("colour", Thresholds(0, 9.0, math.inf, 0)), ("chroma", Thresholds(0, math.inf, 9.0, 0))):
        apart = getattr(pairs_within(prints, widest), name)
        assert len(np.unique(apart)) > 150
        for limit in apart[:20]:
            found = pairs_within(prints, replace(widest, **{name: float(limit)}))
            assert getattr(found, name).max() == limit and len(found.left) == (apart <= limit).sum()
            below = float(np.nextafter(limit, np.float32(0)))
            assert len(pairs_within(prints, replace(widest, **{name: below})).left) == (apart < limit).sum()


@pytest.mark.parametrize("bits", [0, 12, 40])
def test_shape_alone_finds_the_pairs_by_bits(bits: int) -> None:
    prints = made_up(600)
    apart = np.bitwise_count(prints.bits[:, None] ^ prints.bits).sum(axis=2)
    left, right = np.nonzero(np.triu(apart <= bits, 1))
    found = pairs_within(prints, Thresholds.of_shape(bits))
    assert len(left) > 500 and (found.colour > 2.5).any() and (found.chroma > 5).any() and (found.grey > 15).any()
    assert np.array_equal(found.left, left) and np.array_equal(found.right, right)
    assert np.array_equal(found.bits, apart[left, right])


def test_batch_is_compared_with_all_before_it() -> None:
    new, old = made_up(300, seed=1), made_up(2500, seed=1)
    expected = compared_with_all(new, old, DEFAULT)
    assert len(expected.left) > 300
    assert same(pairs_between(new, old), expected)


def test_index_grows_batch_by_batch() -> None:
    prints = made_up(2000)
    index, new = Index(Prints.none()), prints.take(slice(100))
    for start, end in ((0, 1), (1, 700), (700, 702), (702, 705), (705, 1500), (1500, 1500), (1500, 2000)):
        index.add(prints.take(slice(start, end)))
        assert len(index) == end
        assert same(index.near(new), compared_with_all(new, prints.take(slice(end)), DEFAULT))


def test_index_keeps_its_thresholds() -> None:
    prints = made_up(500)
    assert same(Index(prints, WIDE).near(prints), compared_with_all(prints, prints, WIDE))


def test_order_of_arrival_does_not_matter() -> None:
    prints = made_up(1000)
    order = np.random.default_rng(5).permutation(1000)
    found, again = pairs_within(prints), pairs_within(prints.take(order))
    expected = {(min(pair), max(pair)) for pair in zip(found.left.tolist(), found.right.tolist(), strict=True)}
    turned = zip(order[again.left].tolist(), order[again.right].tolist(), strict=True)
    assert {(min(pair), max(pair)) for pair in turned} == expected


def test_sizes_of_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = made_up(1200)
    expected = pairs_within(prints)
    for where, name, value in (
        (distances, "_ROWS_AT_ONCE", 3),
        (distances, "_COLUMNS_AT_ONCE", 50),
        (distances, "_PAIRS_AT_ONCE", 7),
        (pairs, "_LEAVES_AT_ONCE", 2),
        (pairs, "_COLUMNS_AT_ONCE", 100),
    ):
        monkeypatch.setattr(where, name, value)
    assert same(pairs_within(prints), expected)


def test_equal_images_are_all_pairs() -> None:
    prints = alike_to(0).take(np.zeros(600, int))
    found = pairs_within(prints)
    assert np.array_equal(np.stack([found.left, found.right]), np.stack(np.triu_indices(600, 1)))
    assert not any(apart.any() for apart in found[2:])


def test_opposite_bits_are_never_near() -> None:
    assert len(pairs_within(alike_to(256), Thresholds(255, 1.0)).left) == 0
    assert pairs_within(alike_to(256), Thresholds(256, 0.0)).bits.tolist() == [256]


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 255, 256, 257, 513])
def test_any_number_of_images_will_do(count: int) -> None:
    prints = made_up(count)
    expected = compared_with_all(prints, prints, DEFAULT, within=True) if count else pairs_within(prints)
    assert same(pairs_within(prints), expected)
    assert len(pairs_between(prints, made_up(0)).left) == len(pairs_between(made_up(0), prints).left) == 0


@pytest.mark.parametrize("count", [40, 1200])
def test_too_many_pairs_are_refused(count: int) -> None:
    prints, new = made_up(count), made_up(30, seed=2)
    index = Index(prints.take(slice(count // 2)), WIDE)
    index.add(prints.take(slice(count // 2, count - 5)))
    index.add(prints.take(slice(count - 5, count)))
    found: list[Callable[[float], Pairs]] = [
        lambda most: pairs_within(prints, WIDE, most),
        lambda most: pairs_between(Prints.joined([new, prints]), prints, WIDE, most),
        lambda most: index.near(prints, most),
    ]
    for search in found:
        whole = search(math.inf)
        assert len(whole.left) > 5 and same(search(len(whole.left)), whole)
        for most in (0, len(whole.left) // 2, len(whole.left) - 1):
            with pytest.raises(TooMany):
                search(most)


@pytest.mark.parametrize("colours", [0, 100])  # near ones, and such as no leaf has
@pytest.mark.parametrize(("one", "other"), [(8, 16), (16, 8), (16, 32)])
def test_two_sizes_of_hashes_are_refused(one: int, other: int, colours: int) -> None:
    a, b = made_up(40, size=one), made_up(40, size=other)
    a = replace(a, colours=a.colours + np.float32(colours))
    for attempt in (pairs_between, alike, lambda a, b: Index(b).near(a)):
        with pytest.raises(BadValue, match=f"{one**2} .* {other**2}"):
            attempt(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_colours_that_are_no_numbers_are_refused(bad: float) -> None:
    prints, broken = made_up(300), made_up(300)
    index = Index(prints)
    broken.colours[7, 0, 0, 1] = bad
    for attempt in (lambda: pairs_within(broken), lambda: index.add(broken), lambda: index.near(broken)):
        with pytest.raises(BadValue, match="finite"):
            attempt()
    assert len(index) == 300


def test_faiss_gives_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    faiss = _faiss()
    assert faiss, "faiss-cpu is among the libraries for tests: pip install -e '.[dev]'"
    for size in (8, 16, 32):
        prints, limits = made_up(3000, size=size), replace(WIDE, bits=size**2 // 4)
        found = pairs_within(prints, limits)
        with monkeypatch.context() as patch:
            patch.setattr(distances, "_faiss", lambda: faiss)
            assert same(found, pairs_within(prints, limits))


def test_folder_named_faiss_is_not_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", ModuleType("faiss"))
    assert _faiss.__wrapped__() is None


@pytest.mark.slow
def test_pairs_of_a_hundred_thousand_toads(toadz: Path) -> None:
    from glide.training.looks import LOOKS, render  # here, as it is seldom needed

    rng = np.random.default_rng(8)
    toads = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(toadz.glob("images/*.png"))]
    small = [toad for toad in toads if toad.shape == (36, 36, 3)]
    styled = [np.asarray(render(look, Image.fromarray(toad), rng)) for toad in small[::40] for look in LOOKS]
    assert len(small) > 1000 and len(styled) > 400
    prints = variants(fingerprints([*toads, *styled]), 100_000, seed=8)
    expected = compared_with_all(prints, prints, DEFAULT, within=True)
    assert len(expected.left) > 100_000
    assert same(pairs_within(prints), expected)


def test_either_way_is_plain_and_both_mirrored() -> None:
    new, old = made_up(300, seed=1), made_up(900, seed=1)
    new_turned, old_turned = new.turned(new.bits[::-1].copy()), old.turned(old.bits[::-1].copy())
    found = pairs_either_way(new, new_turned, old, old_turned, WIDE)
    plain, one, other = (pairs_between(a, b, WIDE) for a, b in ((new, old), (new_turned, old), (new, old_turned)))
    assert same(found, Pairs.joined([plain, one, other]))
    assert same(pairs_either_way(new, None, old, None, WIDE), plain) and len(plain.left) > 300
