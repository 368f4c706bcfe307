"""What curators say is recorded: all or none, once, and what then stands is written beside it."""

import random

import pytest

from collection_db.deciding import LONGEST, Said
from collection_db.ledger import VERDICT_OF
from collection_db.schema import ACTIONS
from errors import BadValue, UnknownCandidate
from tests.collection_db.together import together


def entries(table, *ids):
    return [(row.action, row.value, row.curator, row.note) for id in ids for row in table.decisions(id)]


def row_of(table, id):
    return table.candidates([id])[0]


SAYABLE = [action for action in ACTIONS if action != "undo"]
VALUES = {"tag": "eyes", "untag": "eyes", "rename": "Bert"}


def one(id, action, note=""):
    return Said(id, action, VALUES.get(action, ""), "look" if action == "note" else note)


def test_every_action_is_written_down(table, given):
    opposite = {"unstar": "star", "untag": "tag", "unlead": "lead", "unmore": "more"}
    for id, action in zip(given.candidates(table, len(SAYABLE)), SAYABLE, strict=True):
        if action in opposite:
            assert table.record([one(id, opposite[action])], "ann") == 1
        assert table.record([one(id, action)], "ann") == 1
        entries = table.decisions(id)
        assert (entries[-1].action, entries[-1].value, entries[-1].curator) == (action, VALUES.get(action, ""), "ann")
        assert row_of(table, id).entries == len(entries)
    assert table.faults() == []


def test_what_stands_is_not_said_again(table, given):
    for id, action in zip(given.candidates(table, len(SAYABLE)), SAYABLE, strict=True):
        added = table.record([one(id, action), one(id, action)], "ann")
        assert added == (0 if action in ("unstar", "untag", "unlead", "unmore") else 1), action
        assert table.record([one(id, action)], "ann") == 0, action
        assert len(table.decisions(id)) == added


def test_one_step_says_several_things(table, given):
    (id,) = given.candidates(table, 1)
    step = [one(id, "accept", "yes"), one(id, "tag"), one(id, "rename"), one(id, "note"), one(id, "lead")]
    assert table.record([*step, one(id, "star"), one(id, "reject"), one(id, "tag")], "ann") == 7
    row = row_of(table, id)
    assert (row.verdict, row.note, row.name, row.stars, row.chosen) == ("reject", "look", "Bert", 1, 5)
    assert len({(entry.request, entry.decided_at) for entry in table.decisions(id)}) == 1
    assert table.faults() == []


def test_own_star_says_nothing_of_others(table, given):
    (id,) = given.candidates(table, 1)
    assert [table.record([one(id, "star")], who) for who in ("ann", "bob", "ann")] == [1, 1, 0]
    assert table.record([one(id, "unstar")], "eve") == 0
    assert row_of(table, id).stars == 2
    assert table.record([one(id, "unstar")], "bob") == 1 and row_of(table, id).stars == 1


def test_another_curators_equal_verdict_is_added(table, given):
    (id,) = given.candidates(table, 1)
    assert [table.decide([id], "accept", who) for who in ("ann", "bob", "bob", "ann")] == [1, 1, 0, 1]
    assert table.decide([id], "accept", "ann", settles=True) == 1
    assert table.decide([id], "accept", "ann", settles=True) == 0


def test_tags_follow_the_ledger(table, given):
    first, second, third = given.candidates(table, 3)
    table.record([Said(first, "tag", "hat"), Said(first, "tag", " eyes "), Said(second, "tag", "hat")], "ann")
    assert table.tags() == {first: ["eyes", "hat"], second: ["hat"]}
    table.record([Said(first, "untag", "hat"), Said(third, "untag", "hat")], "bob")
    assert table.tags() == {first: ["eyes"], second: ["hat"]}
    assert table.tags([second, third]) == {second: ["hat"]} and table.tags([]) == {}
    table.undo([table.decisions(first)[-1].number], "ann")
    assert table.tags([first]) == {first: ["eyes", "hat"]}


def test_speaking_of_a_former_plans_candidate_shows_it(table, given):
    first, second = given.candidates(table, 2)
    table.plan([])
    assert not row_of(table, first).shown
    table.record([one(first, "star")], "ann")
    assert row_of(table, first).shown and not row_of(table, second).shown
    table.undo(table.last_step("ann"), "ann")
    table.plan([])
    assert row_of(table, first).shown and table.faults() == []  # it was spoken of


def test_one_unknown_candidate_records_nothing(table, given):
    ids = given.candidates(table, 3)
    for unknown in ("0" * 64, "", "toad1", "%", "\0", "\udcff", ids[0][:12], f"{ids[0]} "):
        with pytest.raises(UnknownCandidate, match="not in the table"):
            table.record([one(ids[0], "star"), one(unknown, "star"), one(ids[1], "accept")], "ann")
    assert entries(table, *ids) == [] and table.tags() == {} and table.counts()["starred"] == 0


BAD = [
    (Said("", "love"), "accept, reject, undecide, star"),
    (Said("", "undo"), "accept, reject, undecide, star"),
    (Said("", "tag"), "a word"),
    (Said("", "tag", "  "), "a word"),
    (Said("", "tag", "x" * 65), "64 characters at most"),
    (Said("", "tag", "two\nlines"), "on one line"),
    (Said("", "tag", "a\0b"), "on one line"),
    (Said("", "rename", "x" * 201), "200 characters at most"),
    (Said("", "rename", "a\0b"), "on one line"),
    (Said("", "rename", "a\udcffb"), "on one line"),
    (Said("", "note"), "text"),
    (Said("", "note", note="\n "), "text"),
    (Said("", "note", note="x" * 4_001), "4000 characters at most"),
    (Said("", "note", note="a\0b"), "NUL"),
    (Said("", "accept", note="a\0b"), "NUL"),
    (Said("", "accept", note="a\udcffb"), "Unicode"),  # as a terminal of another encoding gives it
    (Said("", "accept", "eyes"), "only tags and names have one"),
    (Said("", "star", settles=True), "accept, reject, undecide"),
]


def test_what_cannot_be_said_names_what_can(table, given):
    (id,) = given.candidates(table, 1)
    for said, told in BAD:
        with pytest.raises(BadValue, match=told):
            table.record([one(id, "star"), Said(id, said.action, said.value, said.note, said.settles)], "ann")
    assert entries(table, id) == []


BLANKS = {"": "a name", " \t": "a name", "x" * 65: "64 characters", "a\0b": "one line", "a\nb": "one line"}


def test_every_way_of_speaking_asks_for_a_curator(table, given):
    (id,) = given.candidates(table, 1)
    table.set_looks([{"id": id, "leader_id": id}])
    table.record([one(id, "star")], "ann")
    for curator, told in BLANKS.items():
        for speak in (
            lambda curator: table.record([one(id, "tag")], curator),
            lambda curator: table.decide([id], "accept", curator),
            lambda curator: table.choose_leaders([id], True, curator),
            table.accept_leaders,
            lambda curator: table.undo([1], curator),
        ):
            with pytest.raises(BadValue, match=told):
                speak(curator)
    assert len(table.decisions(id)) == 1


def test_longest_texts_are_kept_whole(table, given):
    (id,) = given.candidates(table, 1)
    step = [
        Said(id, "tag", "ü" * LONGEST["tag"]),
        Said(id, "rename", "名" * LONGEST["name"]),
        Said(id, "note", note="\N{FROG FACE}\n" * (LONGEST["note"] // 2 - 2) + "\\'\""),
    ]
    assert table.record(step, "c" * LONGEST["curator"]) == 3
    row = row_of(table, id)
    assert (row.name, row.note) == (step[1].value, step[2].note)
    assert table.tags() == {id: [step[0].value]} and table.faults() == []


def test_a_step_is_said_once(table, given):
    first, second = given.candidates(table, 2)
    assert table.decide([first, second], "accept", "ann", request="r1") == 2
    table.decide([first], "reject", "bob")
    assert table.decide([first, second], "accept", "ann", request="r1") == 0
    assert table.decide([first, second], "accept", "ann", request="r2") == 1  # another step: only one stands yet
    assert row_of(table, first).verdict == "accept"


def test_a_step_without_a_proper_name_is_refused(table, given):
    (id,) = given.candidates(table, 1)
    for request in ("", "  ", "a\0b", "x" * 201):
        with pytest.raises(BadValue, match="request"):
            table.record([one(id, "star")], "ann", request)
    assert entries(table, id) == []


SAY_ONCE = """
answer = table.decide(given, "accept", f"curator {me}", request="one and the same")
"""


def test_processes_say_a_step_once(table, url, given):
    ids = given.candidates(table, 200)
    added = together(SAY_ONCE, url, ids, count=2)
    assert sorted(added) == [0, 200]
    assert len(entries(table, *ids)) == 200 and table.faults() == []


MANY = """
import random
from collection_db.deciding import Said
chance = random.Random(me)
answer = 0
for n in range(10):
    ids = chance.sample(given, 8)
    verdict = chance.choice(["accept", "reject", "undecide"])
    answer += table.decide(ids, verdict, f"curator {me}", f"round {n}")
    answer += table.record([Said(id, "tag", chance.choice("abc")) for id in ids[:4]], f"curator {me}")
    answer += table.record([Said(id, chance.choice(["star", "unstar"])) for id in ids[2:6]], f"curator {me}")
    if n % 5 == 4:
        answer += table.undo(table.last_step(f"curator {me}"), f"curator {me}")
"""


def test_processes_deciding_at_once_lose_nothing(table, url, given):
    ids = given.candidates(table, 20)
    added = together(MANY, url, ids)
    ledger = [row for id in ids for row in table.decisions(id)]
    assert min(added) > 0 and len(ledger) == sum(added)
    assert sorted(row.number for row in ledger) == list(range(1, sum(added) + 1))
    times = [row.decided_at for row in sorted(ledger, key=lambda row: row.number)]
    assert times == sorted(times) and {row.curator for row in ledger} == {f"curator {me}" for me in range(4)}
    assert table.faults() == []


def test_a_long_evening_leaves_no_faults(table, given):
    ids = given.candidates(table, 12)
    chance = random.Random(5)
    for _ in range(120):
        who, some = chance.choice(["ann", "bob", "auto"]), chance.sample(ids, 3)
        if chance.random() < 0.3:
            table.undo(table.last_step(who), who)
        else:
            table.record([one(id, chance.choice(SAYABLE)) for id in some for _ in range(2)], who)
    table.decide([], next(iter(VERDICT_OF)), "ann")
    assert table.faults() == [] and table.counts()["disagreed"] == len(table.disagreements())
