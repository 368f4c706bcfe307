"""Numbers of tokens: what is published keeps its own, a shuffle gives its, the rest follow as they were accepted."""

from __future__ import annotations

from typing import Any, cast

import pytest

from errors import Frozen, NothingLeft
from flows.numbering import numbers_of
from minting.shuffling import Shuffle

IDS = ["a" * 64, "b" * 64, "c" * 64, "d" * 64]
A, B, C, D = IDS


class Given:
    """The numbers of a shuffle."""

    def __init__(self, **numbers: int) -> None:
        self._numbers = {id: numbers[id[0]] for id in IDS if id[0] in numbers}

    def numbers(self) -> dict[str, int]:
        return self._numbers


def shuffle(**numbers: int) -> Shuffle:
    return cast(Any, Given(**numbers))


def test_order_of_acceptance_gives_numbers() -> None:
    assert numbers_of([C, A, B], {}, None) == {C: 1, A: 2, B: 3}


def test_published_keep_theirs_and_others_come_after() -> None:
    assert numbers_of([C, A, D, B], {A: 1, B: 2}, None) == {A: 1, B: 2, C: 3, D: 4}


def test_numbers_never_have_a_gap() -> None:
    assert sorted(numbers_of(IDS, {D: 2}, None).values()) == [1, 2, 3, 4]


def test_published_one_must_stay_accepted() -> None:
    with pytest.raises(Frozen, match=r"token 2 \(candidate bbbbbbbb\) is published, and is not among the accepted"):
        numbers_of([A, C], {A: 1, B: 2}, None)


def test_shuffle_gives_its_numbers() -> None:
    assert numbers_of([A, B, C], {}, shuffle(a=3, b=1, c=2)) == {A: 3, B: 1, C: 2}


def test_what_is_accepted_after_a_shuffle_comes_behind() -> None:
    assert numbers_of([D, A, B, C], {}, shuffle(a=3, b=1, c=2))[D] == 4


def test_shuffled_one_must_stay_accepted() -> None:
    with pytest.raises(NothingLeft, match="candidate bbbbbbbb is in the list that the shuffle was committed to"):
        numbers_of([A, C], {}, shuffle(a=2, b=1))


def test_shuffle_cannot_move_what_is_published() -> None:
    with pytest.raises(Frozen, match=r"token 1 .* would become 2"):
        numbers_of([A, B], {A: 1}, shuffle(a=2, b=1))
    with pytest.raises(Frozen):
        numbers_of([A, B, C], {A: 1}, shuffle(b=1, c=2))
