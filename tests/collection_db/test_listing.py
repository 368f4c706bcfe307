"""Lists as a curator sees them: every filter, sort, flag and layout against what the ledger says, candidate by
candidate."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from collection_db import listing as of_listing
from collection_db.deciding import Said
from collection_db.filtering import COLUMNS, SORTABLE, Eyes, Listing
from collection_db.ledger import fold, in_force, seen_by, words
from collection_db.listing import ACCEPTED, DISAGREED, HIDDEN, LAYOUTS, LEADS, MORE, NEEDS, REJECTED, STARRED
from errors import BadValue
from tests.collection_db.conftest import Given

COUNT = 160
PEOPLE = ("ann", "bob", "eve", "auto")


@pytest.fixture
def filled(table):
    """Candidates of three sources and styles, of which three people and a machine said something."""
    chance = random.Random(5)
    table.add_sources([Given.source(number) for number in (1, 2, 3)])
    plan = Given.mixed(chance, COUNT, ("crayon", "wax", "100% ink_"))
    table.plan(plan)
    ids = [item.recipe.id for item in plan]
    table.add_candidates([Given.candidate(id) for id in chance.sample(ids, COUNT)])
    table.set_looks(
        {"id": id, "score": chance.choice([None, 0.25, -0.5, chance.random()]), "leader_id": chance.choice(ids[:20])}
        | ({"leader_id": id} if id in ids[:20] else {})
        for id in ids
    )
    for _ in range(5):
        for who in PEOPLE:
            for verdict in ("accept", "reject", "undecide"):
                table.decide(chance.sample(ids, 12), verdict, who, note=chance.choice(["", "Nice%", "dull_"]))
            table.record([Said(id, "star") for id in chance.sample(ids, 6)], who)
            table.record([Said(id, "tag", chance.choice(("eyes", "hat"))) for id in chance.sample(ids, 6)], who)
        table.record([Said(id, "more") for id in chance.sample(ids, 3)], "ann")
        table.undo(table.last_step("bob"), "bob")
    table.plan(plan[20:])  # the first twenty stay only where somebody spoke of them
    return table


def plainly(table, eyes):
    """{number: (row, what stands in the curator's eyes, who says what)} of all that is shown."""
    with table.engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT id, number FROM candidates WHERE shown").all()
    found = {}
    whole = {row.id: row for row in table.candidates([row.id for row in rows])}
    for row in rows:
        entries = table.decisions(row.id)
        seen = seen_by(eyes.curator, entries) if eyes.blind else entries
        found[row.number] = (whole[row.id], fold(seen), {word.curator: word for word in words(in_force(entries))})
    return found


every_eye = pytest.mark.parametrize(
    "eyes", [Eyes("ann", True), Eyes("ann"), Eyes("bob", True), Eyes("nobody", True)], ids=str
)


@every_eye
def test_flags_say_what_stands_in_the_curators_eyes(filled, eyes):
    listed = filled.listed(Listing(), eyes)
    plain = plainly(filled, eyes)
    assert sorted(listed.numbers.tolist()) == sorted(plain)
    kinds = set()
    for number, flags in zip(listed.numbers.tolist(), listed.flags.tolist(), strict=True):
        row, standing, said = plain[number]
        mine = said.get(eyes.curator)
        judges = {who for who, word in said.items() if word.verdict}
        hidden = eyes.blind and len(judges) == 1 and eyes.curator not in judges
        needs = len(judges) < 2 and eyes.curator not in judges if eyes.blind else not judges
        right = {"accept": ACCEPTED, "reject": REJECTED, "undecided": 0}[standing.verdict]
        right += NEEDS * needs + STARRED * bool(mine and mine.starred) + DISAGREED * standing.disagreed
        right += LEADS * (row.leader_id == row.id) + HIDDEN * hidden + MORE * row.more
        assert flags == right, (number, said)
        kinds |= {flag for flag in (1, 2, 4, 8, 16, 32, 64, 128) if flags & flag}
    assert kinds == {ACCEPTED, REJECTED, NEEDS, DISAGREED, LEADS, MORE} | (
        ({HIDDEN} if eyes.blind else set()) | ({STARRED} if eyes.curator != "nobody" else set())
    )
    assert filled.flags_of(listed.numbers.tolist(), eyes) == dict(
        zip(listed.numbers.tolist(), listed.flags.tolist(), strict=True)
    )


@every_eye
def test_filters_find_what_the_curator_sees(filled, eyes):
    plain = plainly(filled, eyes)
    tags = filled.tags()
    seen_by_all = {number: not (flags & HIDDEN) for number, flags in filled.flags_of(list(plain), eyes).items()}
    asked = {
        ("verdict", "accept"): lambda row, standing: standing.verdict == "accept",
        ("verdict", "undecided"): lambda row, standing: standing.verdict == "undecided",
        ("style", "100% ink_"): lambda row, standing: row.style == "100% ink_",
        ("source", "toad1"): lambda row, standing: row.source_id == "toad1",
        ("guidance_scale", "4.5"): lambda row, standing: row.guidance_scale == 4.5,
        ("guidance_scale", "..4"): lambda row, standing: row.guidance_scale <= 4,
        ("score", "0.2..0.6"): lambda row, standing: row.score is not None and 0.2 <= row.score <= 0.6,
        ("score", "-1.."): lambda row, standing: row.score is not None,
        ("leads", "1"): lambda row, standing: row.leader_id == row.id,
        ("leads", "0"): lambda row, standing: row.leader_id != row.id,
        ("more", "1"): lambda row, standing: row.more,
        ("disagreed", "1"): lambda row, standing: standing.disagreed,
        ("tag", "hat"): lambda row, standing: "hat" in tags.get(row.id, ()) and seen_by_all[row.number],
        ("made_at", "2000-01-01"): lambda row, standing: False,
        ("made_at", "2000-01-01.."): lambda row, standing: True,
        ("note", "NICE%"): lambda row, standing: "Nice%" in row.note and seen_by_all[row.number],
        ("note", "e_"): lambda row, standing: False,
        ("curator", "bob"): lambda row, standing: row.curator == "bob" and seen_by_all[row.number],
        ("prompt", "CRAYON"): lambda row, standing: True,
        ("seed", "1"): None,
        ("token", "0"): lambda row, standing: True,
    }
    for (name, value), right in asked.items():
        listing = Listing({name: [value]})
        numbers = filled.listed(listing, eyes).numbers.tolist()
        assert filled.count_listed(listing, eyes)[0] == len(numbers)
        if right is not None:
            wanted = sorted(number for number, (row, standing, _) in plain.items() if right(row, standing))
            assert sorted(numbers) == wanted, (name, value)
    either = Listing({"style": ["wax", "crayon"], "verdict": ["accept"]})
    assert sorted(filled.listed(either, eyes).numbers.tolist()) == sorted(
        number
        for number, (row, standing, _) in plain.items()
        if row.style in ("wax", "crayon") and standing.verdict == "accept"
    )


def test_every_column_can_be_asked_for_and_sorted_by(filled):
    eyes = Eyes("ann", True)
    values = {"number": "1..2", "flag": "1", "time": "2026-01-01..2026-02-01", "words": "x", "text": "x"}
    for name, column in COLUMNS.items():
        value = "accept" if column.kind == "choice" else values[column.kind]
        filled.listed(Listing({name: [value]}), eyes)
    everything = sorted(filled.listed(Listing(), eyes).numbers.tolist())
    for name in SORTABLE:
        for descending in (False, True):
            listed = filled.listed(Listing(sort=name, descending=descending), eyes)
            assert sorted(listed.numbers.tolist()) == everything
    by_score = filled.listed(Listing(sort="score", descending=True), eyes).numbers.tolist()
    scores = {row.number: row.score for row in filled.candidates(filled.ids_of(Listing(), eyes))}
    known = [scores[number] for number in by_score if scores[number] is not None]
    assert known == sorted(known, reverse=True) and [scores[number] for number in by_score][: len(known)] == known


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"colour": ["red"]}, "colour"),
        ({"score": ["high"]}, "high"),
        ({"score": ["nan"]}, "nan"),
        ({"leads": ["yes"]}, "yes"),
        ({"verdict": ["maybe"]}, "maybe"),
        ({"made_at": ["yesterday"]}, "yesterday"),
        ({"style": ["x"] * 101}, "101"),
    ],
)
def test_what_cannot_be_asked_is_told(filters, told):
    with pytest.raises(BadValue, match=told):
        Listing(filters)


def test_nothing_equals_what_no_column_can_hold(table):
    for name in ("style", "source", "tag", "note", "prompt", "curator"):
        for value in ("\0", "\ud800"):
            assert len(table.listed(Listing({name: [value]}), Eyes("ann", True))) == 0
    assert len(table.listed(Listing({"group": ["1e300"], "seed": ["99999999999999999999"]}), Eyes("ann"))) == 0


def test_groups_stand_together_with_their_leader_first(filled):
    eyes = Eyes("ann")
    listed = filled.listed(Listing(sort="score", descending=True), eyes, "groups")
    groups = [group or -number for number, group in zip(listed.numbers.tolist(), listed.groups.tolist(), strict=True)]
    runs = [group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group]
    assert len(runs) == len(set(runs)) > 5
    for place, number in enumerate(listed.numbers.tolist()):
        if number in groups:
            assert place == groups.index(number)  # nobody of its group before it
    assert sorted(listed.numbers.tolist()) == sorted(filled.listed(Listing(), eyes).numbers.tolist())


def test_matrix_holds_the_best_of_source_and_style(filled):
    eyes = Eyes("ann", True)
    listed = filled.listed(Listing(), eyes, "matrix")
    assert (listed.titles, listed.rows) == (("Source", "Style"), ["toad1", "toad2", "toad3"])
    assert listed.columns == ["100% ink_", "crayon", "wax"] and len(listed) == 9
    plain = plainly(filled, eyes)
    for place, number in enumerate(listed.numbers.tolist()):
        source, style = listed.rows[place // 3], listed.columns[place % 3]
        ranks = {
            other: (standing.verdict == "accept", row.score is not None, row.score or 0)
            for other, (row, standing, _) in plain.items()
            if (row.source_id, row.style) == (source, style)
        }
        assert ranks[number] == max(ranks.values())


def test_scales_and_steps_are_laid_out(filled):
    eyes = Eyes("ann")
    one = {"source": ["toad2"], "style": ["wax"]}
    listed = filled.listed(Listing(one), eyes, "xy")
    assert listed.titles == ("Guidance scale", "Insertion step") and listed.rows == ["3", "4.5"]
    placed = [number for number in listed.numbers.tolist() if number]
    assert sorted(placed) == sorted(filled.listed(Listing(one), eyes).numbers.tolist())
    rows = {seen.row.number: seen.row for seen in filled.seen(placed, eyes)}
    width = len(listed.columns)
    for place, number in enumerate(listed.numbers.tolist()):
        if number:
            assert f"{rows[number].guidance_scale:g}" == listed.rows[place // width]
            assert listed.columns[place % width].split(" ")[0] == str(rows[number].insertion_step)
    with pytest.raises(BadValue, match="one source"):
        filled.listed(Listing({"style": ["wax"]}), eyes, "xy")
    with pytest.raises(BadValue, match="spiral"):
        filled.listed(Listing(), eyes, "spiral")


@pytest.mark.parametrize("layout", ["grid", "groups", "matrix"])
def test_empty_table_gives_empty_lists(table, layout):
    assert layout in LAYOUTS
    listed = table.listed(Listing(), Eyes("ann", True), layout)
    assert (len(listed), listed.numbers.dtype, listed.flags.dtype) == (0, np.uint32, np.uint8)
    assert table.newest() == (0, 0) and table.count_listed(Listing(), Eyes("ann")) == (0, 0)


def test_changes_are_told_by_their_flags(filled, monkeypatch):
    eyes = Eyes("eve", True)
    before, candidate = filled.newest()
    numbers = filled.listed(Listing(), eyes).numbers.tolist()[:3]
    ids = filled.ids_by_number(numbers)
    filled.decide([ids[number] for number in numbers], "accept", "eve", note="new")
    changed = dict(filled.changed_since(before, eyes))
    assert sorted(changed) == sorted(numbers) and all(flags & ACCEPTED for flags in changed.values())
    after, same = filled.newest()
    assert after == before + 3 and same == candidate == COUNT and filled.changed_since(after, eyes) == []
    monkeypatch.setattr(of_listing, "MOST_CHANGES", 2)
    assert filled.changed_since(before, eyes) is None


def test_time_of_a_day_is_the_whole_day(table, given):
    ids = given.candidates(table, 3)
    days = [datetime(2026, 1, day, 23, 59, 59, tzinfo=UTC) for day in (1, 2, 3)]
    with table.engine.begin() as connection:
        for id, day in zip(ids, days, strict=True):
            at = day if connection.dialect.name == "postgresql" else day.strftime("%Y-%m-%d %H:%M:%S.%f")
            change = "UPDATE candidates SET made_at = :at WHERE id = :id"
            connection.execute(sa.text(change), {"at": at, "id": id})
    numbers = table.numbers_of(ids)

    def found(value):
        return table.listed(Listing({"made_at": [value]}), Eyes("ann")).numbers.tolist()

    assert found("2026-01-02") == [numbers[ids[1]]]
    assert found("2026-01-02..") == sorted(numbers[id] for id in ids[1:])
    assert found("..2026-01-02") == sorted(numbers[id] for id in ids[:2])
    assert found((days[0] + timedelta(seconds=1)).isoformat() + "..2026-01-02") == [numbers[ids[1]]]
