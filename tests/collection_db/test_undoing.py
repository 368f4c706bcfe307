"""Taking back what was said, step by step, and who disagrees with whom."""

import pytest
from sqlalchemy import event

from collection_db.deciding import Said
from errors import BadValue, UnknownEntry


def row_of(table, id):
    return table.candidates([id])[0]


def undo_last(table, curator):
    return table.undo(table.last_step(curator), curator)


def actions(table, id):
    return [(row.action, row.undoes) for row in table.decisions(id)]


def test_undoing_goes_back_step_by_step(table, given):
    first, second = given.candidates(table, 2)
    table.decide([first, second], "accept", "ann")
    table.record([Said(first, "tag", "eyes"), Said(second, "star")], "ann")
    table.decide([first], "reject", "ann")
    assert [undo_last(table, "ann") for _ in range(4)] == [1, 2, 2, 0]
    assert table.last_step("ann") == [] and table.tags() == {}
    assert [row_of(table, id).verdict for id in (first, second)] == ["undecided", "undecided"]
    assert actions(table, second) == [("accept", None), ("star", None), ("undo", 4), ("undo", 2)]
    assert table.faults() == []


def test_last_step_is_ones_own(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann")
    table.decide([id], "reject", "bob")
    assert (table.last_step("ann"), table.last_step("bob"), table.last_step("eve")) == ([1], [2], [])
    undo_last(table, "ann")
    assert row_of(table, id).verdict == "reject" and row_of(table, id).curator == "bob"


def test_what_another_took_back_is_passed_over(table, given):
    first, second = given.candidates(table, 2)
    table.decide([first, second], "accept", "ann")
    table.record([Said(first, "star")], "ann")
    table.undo([3, 1], "bob")
    assert table.last_step("ann") == [2]
    assert undo_last(table, "ann") == 1 and table.last_step("ann") == []


def test_undone_undo_is_the_last_step_again(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann", "lovely")
    undo_last(table, "ann")
    assert table.undo([2], "ann") == 1
    assert table.last_step("ann") == [1]
    assert (row_of(table, id).verdict, row_of(table, id).note, row_of(table, id).entries) == ("accept", "lovely", 3)


def test_thousand_ids_are_one_step(table, given):
    ids = given.candidates(table, 1_000)
    table.decide(ids[:1], "reject", "ann")
    assert table.decide(ids, "accept", "ann") == 1_000
    step = table.last_step("ann")
    assert step == list(range(2, 1_002))
    assert table.undo(step, "ann") == 1_000 and table.counts()["accepted"] == 0
    assert table.last_step("ann") == [1] and table.faults() == []


def test_long_undone_evening_is_passed_over_quickly(table, given):
    ids = given.candidates(table, 2_000)
    table.record([Said(ids[0], "star")], "ann")
    table.decide(ids, "accept", "ann")
    table.undo(table.last_step("ann"), "ann")
    asked = []
    event.listen(table.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert table.last_step("ann") == [1]
    assert len(asked) < 50, len(asked)


def test_acceptance_brought_back_is_numbered_last(table, given):
    first, second, third = given.candidates(table, 3)
    for id in (first, second):
        table.decide([id], "accept", "ann")
    table.decide([first], "reject", "bob")
    table.decide([third], "accept", "ann")
    undo_last(table, "bob")
    assert [row.id for row in table.accepted()] == [second, third, first]
    assert row_of(table, first).decided_at < row_of(table, second).decided_at < row_of(table, first).accepted_at


@pytest.mark.parametrize("unknown", [0, -1, 3, 2**31, 2**70])
def test_unknown_entries_undo_nothing(table, given, unknown):
    (id,) = given.candidates(table, 1)
    table.record([Said(id, "accept"), Said(id, "star")], "ann")
    with pytest.raises(UnknownEntry, match="no such entry"):
        table.undo([1, unknown], "ann")
    assert len(table.decisions(id)) == 2 and row_of(table, id).verdict == "accept"


def test_undone_entries_are_not_undone_again(table, given):
    (id,) = given.candidates(table, 1)
    table.record([Said(id, "accept"), Said(id, "star")], "ann")
    assert table.undo([1, 1], "ann") == 1
    with pytest.raises(UnknownEntry, match="taken back already, by entry 3"):
        table.undo([2, 1], "bob")
    assert row_of(table, id).stars == 1
    assert table.undo([3], "bob") == 1
    with pytest.raises(UnknownEntry, match="by entry 4"):
        table.undo([3], "bob")
    assert table.undo([1], "eve") == 1 and table.undo([], "eve") == 0
    assert actions(table, id)[2:] == [("undo", 1), ("undo", 3), ("undo", 1)] and table.faults() == []


def test_undoing_may_say_why(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann", "lovely")
    table.undo([1], "ann", " wrong one ")
    assert table.decisions(id)[-1].note == "wrong one" and row_of(table, id).note == ""
    for note in ("a\0b", "x" * 4_001):
        with pytest.raises(BadValue, match="note"):
            table.undo([2], "ann", note)
    assert len(table.decisions(id)) == 2


def test_disagreements_list_who_said_what(table, given):
    first, second, third, fourth = given.candidates(table, 4)
    table.decide([fourth, second, third], "accept", "ann")
    table.decide([first, third], "accept", "auto")
    table.decide([first, second, fourth], "reject", "bob")
    table.decide([second], "undecide", "eve")
    assert table.disagreements() == [
        (second, {"ann": "accept", "bob": "reject", "eve": "undecided"}),
        (fourth, {"ann": "accept", "bob": "reject"}),
    ]
    assert table.counts()["disagreed"] == 2


def test_settled_disagreement_is_listed_no_more(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann")
    table.decide([id], "reject", "bob")
    table.decide([id], "accept", "eve", settles=True)
    assert table.disagreements() == [] and row_of(table, id).verdict == "accept"
    undo_last(table, "eve")
    assert table.disagreements() == [(id, {"ann": "accept", "bob": "reject"})]
    table.decide([id], "reject", "eve", settles=True)
    table.decide([id], "accept", "ann")
    assert table.disagreements() == [(id, {"eve": "reject", "ann": "accept"})]


def test_disagreements_of_former_plans_stay(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann")
    table.decide([id], "reject", "bob")
    table.plan([])
    assert [one for one, _ in table.disagreements()] == [id]
