"""What the review page tells of candidates, people and the collection."""

from datetime import UTC, datetime, timedelta

import pytest

from collection_db import deciding
from collection_db.deciding import Said
from collection_db.filtering import Eyes, Listing
from collection_db.reviewing import Agreement
from tests.collection_db.conftest import Given

ANN, BOB, EVE = (Eyes(name, True) for name in ("ann", "bob", "eve"))


@pytest.fixture
def ids(table, given):
    return given.candidates(table, 6)


def seen(table, id, eyes):
    (one,) = table.seen(list(table.numbers_of([id]).values()), eyes)
    return one


def test_others_are_hidden_until_one_has_decided(table, ids):
    said = [Said(ids[0], "accept", note="lovely"), Said(ids[0], "tag", "hat"), Said(ids[0], "star")]
    table.record([*said, Said(ids[0], "rename", "Bert")], "ann")
    own, others, open_eyes = (seen(table, ids[0], eyes) for eyes in (ANN, BOB, Eyes("bob")))
    assert (own.standing.verdict, own.hidden, own.starred) == ("accept", False, True)
    assert others.hidden and others.opinions == {} and not others.starred
    told = others.standing
    assert (told.verdict, told.note, told.name, told.stars, told.tags, told.curator, told.decided_at) == (
        *("undecided", "", "", 0, frozenset(), None, None),
    )
    assert not open_eyes.hidden and open_eyes.standing.note == "lovely"
    table.decide([ids[0]], "reject", "bob")
    for eyes in (ANN, BOB, EVE):  # it waits for nobody any more
        one = seen(table, ids[0], eyes)
        assert not one.hidden and one.opinions == {"ann": "accept", "bob": "reject"} and one.standing.disagreed


def test_rows_come_in_the_order_asked_for(table, ids):
    table.set_looks({"id": id, "score": 0.5, "leader_id": ids[2], "twin_id": ids[5]} for id in ids[:3])
    numbers = [table.numbers_of(ids)[id] for id in (ids[4], ids[0], ids[2])]
    found = table.seen([numbers[0], 999_999, *numbers[1:]], ANN)
    assert [one.row.number for one in found] == numbers
    ungrouped, member, leader = (one.row for one in found)
    assert (ungrouped.leader, ungrouped.twin, ungrouped.token) == (None, None, None)
    assert (member.leader, member.group_size, leader.leader) == (numbers[2], 3, numbers[2])
    assert member.twin == table.numbers_of(ids)[ids[5]] and len(member.source_image) == 64
    assert table.ids_by_number([numbers[1], 999_999]) == {numbers[1]: ids[0]}


def test_ledger_is_read_from_its_end_and_hides_what_is_hidden(table, ids):
    table.decide(ids, "accept", "ann")
    table.decide(ids[:2], "reject", "bob", note="no")
    table.undo(table.last_step("bob"), "bob")
    table.decide(ids[2:3], "reject", "bob")
    newest = table.ledger(BOB)
    assert [told.entry.number for told in newest] == sorted((told.entry.number for told in newest), reverse=True)
    of_ann = {told.entry.candidate_id: told.hidden for told in newest if told.entry.curator == "ann"}
    assert of_ann == {id: id != ids[2] for id in ids}
    assert {told.entry.candidate_id for told in newest if told.undone} == set(ids[:2])
    assert not any(told.hidden for told in table.ledger(Eyes("bob")))
    page = table.ledger(ANN, before=newest[3].entry.number, limit=2)
    assert [told.entry.number for told in page] == [told.entry.number for told in newest[4:6]]
    assert {told.entry.curator for told in table.ledger(ANN, curator="bob")} == {"bob"}
    assert [told.entry.action for told in table.told_of(ids[0], BOB)] == ["reject", "undo"]
    assert [told.entry.action for told in table.told_of(ids[0], ANN)] == ["accept", "reject", "undo"]
    assert table.curators() == ["ann", "bob"]


def test_kappa_is_cohens(table, given):
    """The example of Cohen's kappa in most textbooks: 50 cases, 20 + 15 agreements, kappa 0.4."""
    ids = given.candidates(table, 50)
    for who, accepted in (("ann", ids[:25]), ("bob", ids[:20] + ids[25:35])):
        table.decide(accepted, "accept", who)
        table.decide([id for id in ids if id not in accepted], "reject", who)
    table.decide(ids, "accept", "auto")  # a machine agrees with nobody
    (pair,) = table.agreements()
    assert (pair.curators, pair.both, pair.agree) == (("ann", "bob"), 50, 35)
    assert pair.counts == {"accept": {"accept": 20, "reject": 5}, "reject": {"accept": 10, "reject": 15}}
    assert pair.kappa == pytest.approx(0.4)
    table.decide(ids[:40], "accept", "bob")  # having seen ann's: that is no agreement of two who do not see each other
    assert table.agreements() == [pair]
    table.decide(ids[40:], "accept", "eve", settles=True)
    assert table.agreements() == [pair]


def test_kappa_is_not_said_where_it_means_nothing():
    none = {"accept": {"accept": 0, "reject": 0}, "reject": {"accept": 0, "reject": 0}}
    assert Agreement(("a", "b"), none).kappa is None
    assert Agreement(("a", "b"), none | {"accept": {"accept": 9, "reject": 0}}).kappa is None


def test_settled_disagreements_say_who_ended_them(table, ids):
    for who, verdict in (("ann", "accept"), ("bob", "reject")):
        table.decide(ids[:2], verdict, who)
    assert table.settled() == []
    table.decide(ids[:1], "reject", "eve", settles=True)
    table.decide(ids[1:2], "accept", "eve", settles=True)
    table.undo(table.last_step("eve"), "eve")
    ((entry, opinions),) = table.settled()
    assert (entry.candidate_id, entry.curator, entry.action) == (ids[0], "eve", "reject")
    assert opinions == {"ann": "accept", "bob": "reject"} and len(table.disagreements()) == 1


@pytest.mark.parametrize("blind", [True, False])
def test_progress_counts_what_waits_for_oneself(table, ids, blind):
    table.decide(ids[:3], "accept", "ann")
    table.decide(ids[:1], "reject", "bob")
    table.decide(ids[4:5], "accept", "auto")
    progress = {name: table.progress(Eyes(name, blind)) for name in ("ann", "bob", "eve")}
    assert {name: (of.shown, of.needing) for name, of in progress.items()} == {
        "ann": (6, 3),
        "bob": (6, 5 if blind else 3),
        "eve": (6, 5 if blind else 3),
    }
    assert [progress[name].mine for name in ("ann", "eve")] == [
        {"accept": 3, "reject": 0},
        {"accept": 0, "reject": 0},
    ]
    assert progress["ann"].accepted == 3 and progress["eve"].accepted == (1 if blind else 3)
    for name, of in progress.items():
        assert of.needing == table.count_listed(Listing(), Eyes(name, blind))[1]


def test_pace_leaves_pauses_out(table, given, monkeypatch):
    ids = given.candidates(table, 12)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    monkeypatch.setattr(deciding, "utc_now", lambda: now)
    for place, id in enumerate(ids):
        now += timedelta(seconds=600 if place == 6 else 2)  # supper
        table.decide([id], "accept", "ann")
        assert (table.progress(ANN).pace is None) == (place < 5)
    assert table.progress(ANN).pace == pytest.approx(2)
    table.decide(ids, "reject", "ann")  # all in one step: nobody is that quick
    assert table.progress(BOB).pace is None and table.progress(ANN).pace > 1.5


def test_traits_count_what_is_accepted_in_ones_own_eyes(table, given):
    table.add_sources([given.source(1), given.source(2)])
    table.plan([given.planned(n, source=1 + n % 2) for n in range(4)])
    ids = [item.recipe.id for item in (Given.planned(n, source=1 + n % 2) for n in range(4))]
    table.add_candidates([given.candidate(id) for id in ids])
    table.decide(ids[:3], "accept", "ann")
    assert sorted((source, count) for source, *_, count in table.traits_of_accepted(ANN)) == [
        ("toad1", 2),
        ("toad2", 1),
    ]
    assert table.traits_of_accepted(BOB) == []
    assert len(table.traits_of_accepted(Eyes("bob"))) == 2


def test_step_is_known_by_its_name(table, ids):
    table.record([Said(id, "accept") for id in ids[:2]], "ann", request="step-1")
    numbers = [number for number, _ in table.step("step-1")]
    assert table.step("step-1") == [(number, "ann") for number in numbers] and len(numbers) == 2
    assert table.undo(numbers, "ann", request="step-2") == 2
    assert table.undo(numbers, "ann", request="step-2") == 0  # said before
    assert table.step("step-1") == [] and [entry.undoes for entry in table.said_in("step-2")] == numbers
    assert table.said_in("step-3") == [] and table.step("\0") == []


def test_more_like_it_is_asked_for_and_taken_back(table, ids):
    table.record([Said(ids[3], "more"), Said(ids[1], "more")], "ann")
    assert [row.id for row in table.asked_for_more()] == sorted((ids[3], ids[1]), key=ids.index)
    table.record([Said(ids[3], "unmore")], "bob")
    assert [row.id for row in table.asked_for_more()] == [ids[1]] and table.faults() == []
