"""Look-alikes of different sources."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows import twins
from flows.group import group_candidates
from tests.flows.ponds import Pond, drawing, mixed


def test_accepted_twin_is_the_better_one(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b = two.add([(0, drawing(9)), (1, drawing(9, 1))])
    group_candidates(two.settings)
    for accepted, other in ((a, b), (b, a)):
        two.table.decide([accepted], "accept", "ann")
        two.table.decide([other], "undecide", "ann")
        group_candidates(two.settings)
        assert (two.look(accepted).twin_id, two.look(other).twin_id) == (None, accepted)
    two.table.decide([a, b], "accept", "ann")  # somebody wants both
    group_candidates(two.settings)
    assert two.look(a).twin_id is two.look(b).twin_id is None


def test_candidate_that_comes_back_is_compared_with_what_came_meanwhile(pond: Callable[..., Pond]) -> None:
    two = pond()
    (gone,) = two.add([(0, drawing(9))])
    group_candidates(two.settings)
    away, two.planned = two.planned, []
    (new,) = two.add([(1, drawing(9, 1))])
    group_candidates(two.settings)
    two.table.plan([*away, *two.planned])
    group_candidates(two.settings)
    assert {two.look(gone).twin_id, two.look(new).twin_id} - {None} < {gone, new}


def test_too_many_twins_are_compared_anew(
    pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    expected, count = full.seen(), len(full.table.twins())
    full.table.clear_twins()
    monkeypatch.setattr(twins, "MOST_TWINS", count - 1)
    group_candidates(full.settings)
    assert full.seen() == expected and full.table.twins() == []
    assert "too many to remember" in capsys.readouterr().err
    monkeypatch.setattr(twins, "MOST_TWINS", count)
    group_candidates(full.settings)
    assert full.seen() == expected and len(full.table.twins()) == count


def test_chosen_twin_of_an_accepted_one_is_not_offered(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b = two.add([(0, drawing(9)), (1, drawing(9, 1))])
    two.table.decide([a], "accept", "ann")
    two.table.choose_leaders([b], True, "ann")
    group_candidates(two.settings)
    assert two.look(b).twin_id == a and two.table.leaders() == []
