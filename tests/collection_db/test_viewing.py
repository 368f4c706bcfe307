"""Views of candidates: every filter, sort and page against a plain sort of them all."""

import itertools
import json
import random
import re
import secrets

import pytest
import sqlalchemy as sa

from collection_db import Table, View, viewing
from collection_db.deciding import Said
from collection_db.schema import FEW, SORTS
from errors import BadValue
from tests.collection_db.conftest import Given

COUNT = 400
FILTERS = {
    "verdict": ("accept", "reject", "undecided"),
    "style": ("crayon", "wax"),
    "source": ("toad1", "toad3"),
    "group": None,  # leaders' ids
    "tag": ("eyes", "hat"),
    "guidance_scale": (3.0, 4.5),
    "insertion_step": (10, 5),
    "disagreed": (True,),
    "starred": (True,),
    "leads": (True,),
}


def fill(table):
    """`COUNT` candidates of three sources, with all that views ask for; some of a former plan."""
    chance = random.Random(11)
    table.add_sources([Given.source(number) for number in (1, 2, 3)])
    plan = Given.mixed(chance, COUNT, ("crayon", "wax", "oil"))
    table.plan(plan)
    ids = [item.recipe.id for item in plan]
    table.add_candidates([Given.candidate(id) for id in chance.sample(ids, COUNT)])
    scores = [None, None, 0.0, -0.5, 0.25, 0.25, 1 / 3, 1e-300]
    looks = [{"id": id, "score": chance.choice(scores), "leader_id": chance.choice(ids[:12])} for id in ids]
    table.set_looks([row | ({"leader_id": row["id"]} if row["id"] in ids[:12] else {}) for row in looks])
    for _ in range(12):
        for who in ("ann", "bob"):
            table.decide(chance.sample(ids, 15), chance.choice(("accept", "reject", "undecide")), who)
        table.record([Said(id, "tag", chance.choice(("eyes", "hat"))) for id in chance.sample(ids, 8)], "ann")
        table.record([Said(id, "star") for id in chance.sample(ids, 5)], "ann")
    table.set_tokens(
        [{"number": n, "candidate_id": id, "name": "Toad", "image_sha256": "f" * 64} for n, id in enumerate(ids[5:9])]
    )
    table.plan(plan[30:])
    return ids


@pytest.fixture(scope="module")
def filled(request, tmp_path_factory, postgres_server):
    """One table an engine for all tests of this file: none of them writes."""
    file, name = tmp_path_factory.mktemp("views") / "table.db", f"toadworks_{secrets.token_hex(6)}"
    if request.param == "sqlite":
        url = f"sqlite:///{file}"
    else:
        server = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
        admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        url = server.set(database=name).render_as_string(hide_password=False)
    table = Table.open(url)
    fill(table)
    with table.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    yield table
    table.close()
    if request.param != "sqlite":
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


engines = pytest.mark.parametrize("filled", ["sqlite", "postgresql"], indirect=True)
# every view walks an index in its order; all narrow ones are sorted; some of them
WALKS, SORTS_ALL, BOTH = -1, 10_000, 12
ways = pytest.mark.parametrize("few_rows", [WALKS, SORTS_ALL, BOTH], indirect=True)


@pytest.fixture
def few_rows(request, monkeypatch):
    monkeypatch.setattr(viewing, "FEW_ROWS", request.param)


class Plainly:
    """The same, by a sort of all rows in Python."""

    def __init__(self, table):
        with table.engine.begin() as connection:
            self.rows = connection.execute(sa.text("SELECT * FROM candidates")).all()
            tagged = connection.execute(sa.text("SELECT candidate_id, tag FROM tagged")).all()
        self.tagged = {(row.candidate_id, row.tag) for row in tagged}
        self.leaders = sorted({row.leader_id for row in self.rows if row.shown and row.leader_id})

    def fits(self, row, filters):
        tests = {
            "source": lambda value: row.source_id == value,
            "group": lambda value: row.leader_id == value,
            "tag": lambda value: (row.id, value) in self.tagged,
            "disagreed": lambda value: row.disagreed,
            "starred": lambda value: row.stars > 0,
            "leads": lambda value: row.leader_id == row.id,
        }
        return bool(row.shown) and all(
            tests.get(name, lambda value, name=name: getattr(row, name) == value)(value)
            for name, value in filters.items()
        )

    def view(self, filters, sort, descending):
        found = [row for row in self.rows if self.fits(row, filters)]

        def key(row):
            value = getattr(row, sort)
            return (value is not None, value if value is not None else 0, row.number)

        return [row.number for row in sorted(found, key=key, reverse=descending)]


def combinations(leaders, chance):
    """No filter, each value of each, and for every pair of filters a value of each."""
    values = FILTERS | {"group": tuple(leaders[:2])}
    yield {}
    for name, given in values.items():
        yield from ({name: value} for value in given)
    for one, other in itertools.combinations(values, 2):
        yield {one: chance.choice(values[one]), other: chance.choice(values[other])}


def read(table, view, size, total):
    """All numbers, page by page; the pages behind the last one are empty."""
    pages = [table.page(view, first, size, total) for first in range(0, COUNT + 2 * size, size)]
    return [row.number for page in pages for row in page]


@ways
@engines
def test_pages_together_are_the_whole_view(filled, few_rows):
    plainly, chance = Plainly(filled), random.Random(3)
    sizes = []
    for filters in combinations(plainly.leaders, chance):
        for sort, descending in itertools.product(SORTS, (False, True)):
            expected = plainly.view(filters, sort, descending)
            view = View(**filters, sort=sort, descending=descending)
            total = filled.count(view)
            assert total == len(expected), view
            size = chance.choice((150, 250, COUNT))
            known = chance.choice((None, total))
            assert read(filled, view, size, known) == expected, (view, size, known)
            sizes.append(total)
    assert max(sizes) == COUNT - sum(not row.shown for row in plainly.rows) and sum(size > 3 for size in sizes) > 200


@engines
def test_any_page_size_gives_the_same(filled):
    plainly = Plainly(filled)
    for view in (View(sort="score"), View(verdict="accept", sort="decided_at", descending=True)):
        filters = {"verdict": view.verdict} if view.verdict else {}
        expected = plainly.view(filters, view.sort, view.descending)
        for size in (7, 50, len(expected) // 2, len(expected), 10_000):
            for total in (None, len(expected)):
                found = [filled.page(view, first, size, total) for first in range(0, len(expected), size)]
                assert [row.number for page in found for row in page] == expected
                assert all(len(page) == size for page in found[:-1])


@engines
def test_beyond_the_end_is_nothing(filled):
    total = filled.count(View())
    for given in (None, total):
        assert filled.page(View(), total, 50, given) == filled.page(View(), 10 * total, 50, given) == []
        assert filled.page(View(), 0, 0, given) == filled.page(View(), 5, -1, given) == []
        assert len(filled.page(View(), total - 3, 50, given)) == 3
        assert filled.page(View(), -5, 10, given) == filled.page(View(), 0, 10, given)
    assert filled.page(View(tag="nobody has it"), 0, 50) == []


@engines
def test_rows_of_a_page_are_whole(filled):
    rows = filled.page(View(), 0, COUNT)
    (whole,) = filled.candidates([rows[0].id])
    assert {name: rows[0]._mapping[name] for name in whole._mapping} == dict(whole._mapping)
    first = filled.candidates([row.id for row in rows])
    assert [row.id for row in first] == [row.id for row in rows]
    assert rows[0].prompt == "a crayon doodle of a toad" and rows[0].steps == 27 and rows[0].model == "tadpole"
    tokens = {row.id: row.token for row in rows if row.token is not None}
    stored = {row.candidate_id: row.number for row in filled.tokens()}
    assert tokens and tokens == {id: number for id, number in stored.items() if id in {row.id for row in rows}}


@engines
def test_hidden_candidates_never_show(filled):
    hidden = {row.id for row in Plainly(filled).rows if not row.shown}
    spoken = {row.id for row in Plainly(filled).rows if row.entries}
    assert hidden and not hidden & spoken
    assert not hidden & {row.id for row in filled.page(View(), 0, COUNT)}
    assert filled.count(View()) == COUNT - len(hidden) == filled.counts()["candidates"]


@engines
def test_views_nobody_can_have_are_empty(filled):
    for value in ("a\0b", "\udcff", "'; DROP TABLE candidates; --", "%", "_"):
        for name in ("style", "source", "group", "tag"):
            assert filled.count(View(**{name: value})) == 0 and filled.page(View(**{name: value})) == []
    assert filled.count(View(insertion_step=2**40)) == filled.count(View(insertion_step=2**70)) == 0
    assert filled.count(View(guidance_scale=float("inf"))) == filled.count(View(style="")) == 0


def test_unknown_sorts_and_verdicts_are_refused():
    with pytest.raises(BadValue, match="position, score, decided_at"):
        View(sort="beauty")
    with pytest.raises(BadValue, match="accept, reject, undecided"):
        View(verdict="accepted")


def plan_of(table, view, first):
    """What the engine means to do for the question by which a page's numbers are found."""
    asked = []

    def notice(connection, cursor, statement, parameters, *rest):
        if statement.startswith("SELECT candidates.number"):
            asked.append((statement, parameters))

    sa.event.listen(table.engine, "before_cursor_execute", notice)
    table.page(view, first, 50)
    sa.event.remove(table.engine, "before_cursor_execute", notice)
    ((statement, parameters),) = asked
    with table.engine.begin() as connection:
        if table.engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            return "\n".join(row[-1] for row in rows)
        # what sorts, or reads all, must not seem cheaper because there are only some hundred rows
        for way in ("seqscan", "bitmapscan", "sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        return json.dumps(connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar())


SORTING = "USE TEMP B-TREE|Sort"


def every_view():
    for sort, descending in itertools.product(SORTS, (False, True)):
        for filters in ({}, {"style": "wax"}, {"source": "toad1"}, {"tag": "eyes"}, {"starred": True}, {"leads": True}):
            for verdict in (None, "accept"):
                yield View(**filters, verdict=verdict, sort=sort, descending=descending)


@pytest.mark.parametrize("few_rows", [WALKS], indirect=True)
@engines
def test_walked_views_are_in_their_order(filled, few_rows):
    for view in every_view():
        plan = plan_of(filled, view, 100)
        assert not re.search(SORTING, plan), (view, plan)
        walked = set(re.findall(r"ix_candidates_\w+", plan))
        # those of which there are few have an index by position, too
        few = {f"ix_candidates_{name}" for name in FEW if view.sort == "position"}
        assert walked and all(name.endswith(view.sort) or name in few for name in walked), (view, plan)
        if filled.engine.dialect.name == "sqlite":
            assert walked == {view.index}


@pytest.mark.parametrize("few_rows", [SORTS_ALL], indirect=True)
@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)  # PostgreSQL chooses by how many rows it expects
def test_few_are_found_by_their_own_index(filled, few_rows):
    group = Plainly(filled).leaders[0]
    own = {"disagreed": True, "starred": True, "style": "wax", "source": "toad1", "group": group}
    for name, value in own.items():
        plan = plan_of(filled, View(**{name: value}, sort="decided_at"), 0)
        index = {"source": "source_id", "group": "leader_id"}.get(name, name)
        assert re.search(f"ix_candidates_{index}", plan), (name, plan)
