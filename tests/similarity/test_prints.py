"""Fingerprints as one value: their shapes, taking, joining, turning, and which of them are flat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errors import BadValue
from similarity.prints import FLAT, Prints


def made_up(count: int = 5, size: int = 16) -> Prints:
    rng = np.random.default_rng(count)
    return Prints(
        rng.integers(0, 256, (count, size**2 // 8), dtype=np.uint8),
        rng.normal(50, 10, (count, 8, 8, 3)).astype(np.float32),
        rng.integers(0, 256, (count, 16, 16), dtype=np.uint8),
        rng.integers(1, 65, count, dtype=np.uint8),
    )


PARTS = ("bits", "colours", "greys", "sides")


def equal(one: Prints, other: Prints) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in PARTS)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("bits", np.zeros((4, 31), np.uint8)),
        ("bits", np.zeros((4, 0), np.uint8)),
        ("bits", np.zeros(32, np.uint8)),
        ("bits", np.zeros((4, 32), int)),
        ("colours", np.zeros((3, 8, 8, 3), np.float32)),
        ("colours", np.zeros((4, 8, 8, 3), np.float64)),
        ("colours", np.zeros((4, 192), np.float32)),
        ("greys", np.zeros((5, 16, 16), np.uint8)),
        ("greys", np.zeros((4, 8, 8), np.uint8)),
        ("greys", np.zeros((4, 16, 16), np.float32)),
        ("sides", np.full(3, 64, np.uint8)),
        ("sides", np.full(4, 64)),
        ("sides", np.full(4, 65, np.uint8)),
        ("sides", np.zeros(4, np.uint8)),
    ],
)
def test_other_shapes_are_refused(name: str, wrong: np.ndarray) -> None:
    parts = {part: getattr(made_up(4), part) for part in PARTS}
    with pytest.raises(BadValue, match=f"^{name} "):
        Prints(**parts | {name: wrong})


@pytest.mark.parametrize("size", [8, 16, 32])
def test_none_is_of_a_size(size: int) -> None:
    none = Prints.none(size)
    assert len(none) == 0 and none.bits.shape == (0, size**2 // 8) and none.flat.shape == (0,)
    assert equal(Prints.joined([none, made_up(3, size)]), made_up(3, size))


def test_taking_and_joining_undo_each_other() -> None:
    prints = made_up()
    parts = [prints.take(slice(0, 2)), prints.take(np.array([2])), prints.take(np.arange(5) > 2)]
    assert list(map(len, parts)) == [2, 1, 2]
    assert equal(Prints.joined(parts), prints)


def test_turning_changes_left_and_right() -> None:
    prints, bits = made_up(), made_up(5).bits ^ 255
    turned = prints.turned(bits)
    assert np.array_equal(turned.bits, bits)
    for column in range(8):
        assert np.array_equal(turned.colours[:, :, column], prints.colours[:, :, 7 - column])
    for column in range(16):
        assert np.array_equal(turned.greys[:, :, column], prints.greys[:, :, 15 - column])
    assert equal(turned.turned(prints.bits), prints)


def test_turned_bits_must_be_as_many() -> None:
    with pytest.raises(BadValue):
        made_up().turned(made_up(4).bits)


@pytest.mark.parametrize(("levels", "flat"), [(FLAT - 0.5, True), (FLAT, False)])
def test_flat_is_under_its_deviation(levels: float, flat: bool) -> None:
    greys = np.full((1, 16, 16), 100, np.uint8)
    greys[:, ::2] += np.uint8(2 * levels)  # of two values as often the deviation is half of what they are apart
    assert replace(made_up(1), greys=greys).flat.tolist() == [flat]
