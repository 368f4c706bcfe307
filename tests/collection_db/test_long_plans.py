"""Plans that are long, repeated, switched off and on again."""

import tracemalloc
from dataclasses import replace

import pytest
import sqlalchemy as sa

from collection_db import Table, planning
from collection_db.schema import candidates, recipes, work
from errors import BadValue


class Walked:
    """A plan that is made anew whenever it is walked, and never held."""

    def __init__(self, given, count, start=0):
        self.first, self.numbers, self.walks = given.planned(0), range(start, start + count), 0

    def __iter__(self):
        self.walks += 1
        return (replace(self.first, recipe=replace(self.first.recipe, seed=n)) for n in self.numbers)


@pytest.fixture
def pond(table, given):
    table.add_sources([given.source(1), given.source(2)])
    return table


def rows_of(table, of, *columns):
    with table.engine.begin() as connection:
        return connection.execute(sa.select(*columns or [of]).order_by(*of.primary_key.columns)).all()


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_long_plan_is_never_held(tmp_path, given, monkeypatch):
    pond = Table.open(f"sqlite:///{tmp_path / 'table.db'}")  # what is held is the same for both engines
    pond.add_sources([given.source(1)])
    monkeypatch.setattr(planning, "AT_ONCE", 500)
    plan = Walked(given, 20_000)
    held = peak_of(lambda: [(item, item.recipe.id) for item in plan])
    new = peak_of(lambda: pond.plan(plan))
    assert plan.walks == 2 and pond.count_missing() == 20_000
    assert new < held / 3, (new, held)
    pond.close()


def test_plans_may_be_walked_once_or_often(pond, given):
    plan = Walked(given, 30)
    assert pond.plan(plan) == (30, 0) and plan.walks == 1
    before = rows_of(pond, recipes)
    assert pond.plan(iter(plan)) == pond.plan(list(plan)) == pond.plan(plan) == (0, 30)
    assert rows_of(pond, recipes) == before and pond.faults() == []


def test_repeats_count_once_wherever_they_are(pond, given, monkeypatch):
    monkeypatch.setattr(planning, "AT_ONCE", 4)
    numbers = [5, 3, 5, 5, 9, 3, 1, 9, 5, 0, 1, 3]
    assert pond.plan(given.planned(n) for n in numbers) == (5, 0)
    places = {row.seed: row.position for row in rows_of(pond, recipes)}
    assert places == {5: 0, 3: 1, 9: 2, 1: 3, 0: 4}
    assert pond.plan(given.planned(n) for n in reversed(numbers)) == (0, 5)
    assert [row.seed for row in pond.missing()] == [3, 1, 0, 5, 9] and pond.faults() == []


def test_first_of_two_names_counts(pond, given, monkeypatch):
    monkeypatch.setattr(planning, "AT_ONCE", 2)
    first = given.planned(1)
    others = [replace(first, style="wax"), replace(first, source_id="toad2")]
    pond.plan([first, others[0], given.planned(2), others[1]])
    assert [(row.seed, row.style, row.source_id) for row in pond.missing()] == [
        (1, "crayon", "toad1"),
        (2, "crayon", "toad1"),
    ]


def written(table):
    """Changes whenever a row does: SQLite counts for others what is written, PostgreSQL marks every row."""
    if table.engine.dialect.name == "postgresql":
        marks = [sa.text("xmin::text"), sa.text("ctid::text")]
        return [rows_of(table, of, *of.primary_key.columns, *marks) for of in (recipes, candidates, work)]
    with table.engine.connect() as connection:  # the only one of its pool: the number is a connection's own
        return connection.exec_driver_sql("PRAGMA data_version").scalar()


def test_same_plan_writes_nothing(table, url, given):
    watcher = Table.open(url)
    table.add_sources([given.source(1)])
    table.plan(Walked(given, 20))
    table.add_candidates([given.candidate(given.planned(n).recipe.id) for n in range(5)])
    table.claim("w", 3, 60)
    before = written(watcher)
    assert table.plan(Walked(given, 20)) == (0, 20)
    assert written(watcher) == before
    assert table.plan(Walked(given, 19)) == (0, 19)  # or nothing would be noticed at all
    assert written(watcher) != before
    watcher.close()


def test_unknown_source_at_the_end_plans_nothing(pond, given, monkeypatch):
    monkeypatch.setattr(planning, "AT_ONCE", 10)
    pond.plan(Walked(given, 15, start=10))
    before = [rows_of(pond, of) for of in (recipes, work)]
    with pytest.raises(BadValue, match="'toad9'"):
        pond.plan([*Walked(given, 35), given.planned(99, source=9)])
    with pytest.raises(ZeroDivisionError):
        pond.plan(given.planned(n) if n < 35 else n // 0 for n in range(40))
    assert [rows_of(pond, of) for of in (recipes, work)] == before
    assert pond.plan(Walked(given, 35)) == (20, 15) and pond.faults() == []


def shown(table):
    return {row.id for row in rows_of(table, candidates) if row.shown}


def test_switching_off_and_on_keeps_all_right(table, given):
    ids = given.candidates(table, 6)
    table.plan([given.planned(n) for n in range(8)])
    table.decide(ids[:1], "reject", "ann")
    table.plan([given.planned(n) for n in (7, 2, 1)])
    assert shown(table) == {ids[0], ids[1], ids[2]}
    assert [row.seed for row in table.missing()] == [7] and table.faults() == []
    assert [row.position for row in table.candidates(ids[:3])] == [0, 2, 1]
    table.plan([])
    assert shown(table) == {ids[0]} and table.count_missing() == 0 and table.faults() == []
    table.plan([given.planned(n) for n in range(8)])
    assert shown(table) == set(ids) and [row.seed for row in table.missing()] == [6, 7]
    assert [row.position for row in table.candidates(ids)] == list(range(6)) and table.faults() == []


def test_renamed_styles_reach_the_candidates(table, given):
    (id,) = given.candidates(table, 1)
    table.add_sources([given.source(2)])
    table.plan([given.planned(4), replace(given.planned(0), style="wax", source_id="toad2")])
    (row,) = table.candidates([id])
    assert (row.style, row.source_id, row.position) == ("wax", "toad2", 1) and table.faults() == []
    table.plan([])
    table.plan([replace(given.planned(0), style="oil")])
    (row,) = table.candidates([id])
    assert (row.style, row.source_id, row.position, row.shown) == ("oil", "toad1", 0, True) and table.faults() == []


def test_candidates_made_after_a_plan_let_go_are_hidden(pond, given):
    item = given.planned(1)
    pond.plan([item])
    pond.plan([])
    assert pond.add_candidates([given.candidate(item.recipe.id)]) == 1
    assert shown(pond) == set() and pond.faults() == []
    pond.plan([item])
    assert shown(pond) == {item.recipe.id} and pond.count_missing() == 0 and pond.faults() == []
