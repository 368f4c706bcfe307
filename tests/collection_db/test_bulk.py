"""Many rows at once are stored as SQLAlchemy's own insert stores them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from collection_db.bulk import insert_rows, update_rows
from collection_db.schema import (
    Base,
    UtcDateTime,
    candidates,
    decisions,
    fingerprints,
    known_pictures,
    recipes,
    skipped_sources,
    sources,
    tagged,
    work,
)

TEXTS = ["", " ", "plain", "it's", 'say "hi"', "back\\slash\\", "{a,b}", "NULL", "null", "a,b", "line\nline\r\n\t"]
TEXTS += ["%s %d %%", ":name ?", "ünïcode 🐸 名", "\x7f\x01", "x" * 5_000, "e\u0301"]
JSONS = [{}, [], None, "text", 0, -1.5, True, {"None": None, "quote's": 'a "b" \\ {,}', "🐸": ["名", None, [1]]}]
BYTES = [b"", b"\0", b"\0\xff\\x00'\"{},", bytes(range(256)) * 3]
TIMES = [
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    datetime(1969, 12, 31, 20, tzinfo=timezone(-timedelta(hours=9))),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]
FLOATS = [0.0, -0.0, 0.1, 1 / 3, 1e308, 5e-324, 3, float("inf")]
SMALL, LARGE = [0, 1, -1, 2**31 - 1, -(2**31)], [0, 2**63 - 1, -(2**63), 2**32]
TABLES = [sources, skipped_sources, recipes, work, candidates, fingerprints, decisions, tagged, known_pictures]


def values_of(column):
    """What a column may hold, None among it where it may be missing."""
    kind = column.type
    if isinstance(kind, sa.JSON):
        given = JSONS
    elif isinstance(kind, UtcDateTime):
        given = TIMES
    elif isinstance(kind, sa.LargeBinary):
        given = BYTES
    elif isinstance(kind, sa.Boolean):
        given = [True, False]
    elif isinstance(kind, sa.BigInteger):
        given = LARGE
    elif isinstance(kind, sa.Integer):
        given = SMALL
    elif isinstance(kind, sa.Double):
        given = FLOATS
    else:
        assert isinstance(kind, sa.Text), column
        given = TEXTS
    return [*given, None] if column.nullable else given


def bare(table):
    """The same columns without keys that would refuse odd rows, and one that tells rows apart."""
    columns = [sa.Column(column.name, column.type, nullable=column.nullable) for column in table.c]
    return sa.Table(f"bare_{table.name}", sa.MetaData(), sa.Column("row", sa.Integer, primary_key=True), *columns)


def rows_for(table, count, shift=0):
    """Rows in which every column goes through all its values."""
    columns = [column for column in table.c if column.name != "row"]
    given = {column.name: values_of(column) for column in columns}
    return [
        {"row": row, **{name: values[(row + shift) % len(values)] for name, values in given.items()}}
        for row in range(count)
    ]


def stored(connection, table):
    """What is there, as it is read, and as it lies there: SQLite keeps types, not columns."""
    read = connection.execute(sa.select(table).order_by(table.c.row)).all()
    shown = "quote({})" if connection.dialect.name == "sqlite" else "CAST({} AS TEXT)"
    columns = ", ".join(shown.format(column.name) for column in table.c)
    raw = connection.exec_driver_sql(f"SELECT {columns} FROM {table.name} ORDER BY row").all()
    return [tuple(row) for row in read], [tuple(row) for row in raw]


def test_every_table_of_the_schema_is_tried():
    kinds = {type(column.type) for table in Base.metadata.sorted_tables for column in table.c}
    assert kinds == {type(column.type) for table in TABLES for column in table.c}


def replaced(connection, bulk, rows):
    """What is stored after SQLAlchemy's own insert."""
    connection.execute(sa.delete(bulk))
    connection.execute(sa.insert(bulk), rows)
    now = stored(connection, bulk)
    connection.execute(sa.delete(bulk))
    return now


def test_rows_are_stored_as_by_sqlalchemy(table):
    for like in TABLES:
        bulk = bare(like)
        rows, others = rows_for(bulk, 40), rows_for(bulk, 40, shift=1)
        with table.engine.begin() as connection:
            bulk.create(connection)
            expected = replaced(connection, bulk, [(others, rows)[row % 2][row] for row in range(40)])
            inserted = replaced(connection, bulk, rows)
            insert_rows(connection, bulk, rows)
            assert stored(connection, bulk) == inserted and len(inserted[0]) == 40
            update_rows(connection, bulk, others[::2], key="row")
            assert stored(connection, bulk) == expected


def test_one_row_and_none_are_written(table):
    bulk = bare(candidates)
    (row, other) = rows_for(bulk, 2)
    with table.engine.begin() as connection:
        bulk.create(connection)
        insert_rows(connection, bulk, [])
        update_rows(connection, bulk, [], key="row")
        assert stored(connection, bulk)[0] == []
        insert_rows(connection, bulk, [row])
        update_rows(connection, bulk, [other | {"row": 0}], key="row")
        assert connection.execute(sa.select(bulk.c.position)).scalars().all() == [other["position"]]
        before = stored(connection, bulk)
        update_rows(connection, bulk, [{"row": 0}], key="row")  # nothing to set
        update_rows(connection, bulk, [{"row": 7, "stars": 1}], key="row")  # nobody's
        assert stored(connection, bulk) == before


def test_a_column_of_nothing_is_written(table):
    bulk = bare(candidates)
    nothing = {column.name: None for column in bulk.c if column.nullable}
    rows = [row | nothing for row in rows_for(bulk, 3)]
    with table.engine.begin() as connection:
        bulk.create(connection)
        insert_rows(connection, bulk, rows)
        update_rows(connection, bulk, [{"row": n, **nothing} for n in range(3)], key="row")
        assert [row.score for row in connection.execute(sa.select(bulk))] == [None] * 3


def test_only_some_columns_are_updated(table, given):
    ids = given.candidates(table, 3)
    before = table.candidates(ids)
    with table.engine.begin() as connection:
        update_rows(connection, candidates, [{"score": 0.5, "id": ids[2]}, {"score": None, "id": ids[0]}])
    assert table.candidates(ids[:2]) == before[:2]
    assert table.candidates(ids[2:])[0]._mapping == {**before[2]._mapping, "score": 0.5}


def test_time_without_a_zone_is_refused(table):
    bulk = bare(decisions)
    (row,) = rows_for(bulk, 1)
    with table.engine.begin() as connection:
        bulk.create(connection)
        with pytest.raises(ValueError, match="no time zone"):
            insert_rows(connection, bulk, [row | {"decided_at": datetime(2026, 11, 1)}])


def test_twenty_thousand_rows(table):
    bulk = bare(work)
    rows = rows_for(bulk, 20_000)
    with table.engine.begin() as connection:
        bulk.create(connection)
        insert_rows(connection, bulk, rows)
        update_rows(connection, bulk, [{"row": row["row"], "position": -row["row"]} for row in rows], key="row")
        read = connection.execute(sa.select(bulk).order_by(bulk.c.row)).all()
    assert [row.position for row in read] == [-n for n in range(20_000)]
    assert [row.problem for row in read] == [row["problem"] for row in rows]


def test_looks_may_mix_whole_numbers_and_others(table, given):
    ids = given.candidates(table, 4)
    scores = [1, 0.5, None, float("nan")]
    table.set_looks([{"id": id, "score": score} for id, score in zip(ids, scores, strict=True)])
    assert [row.score for row in table.candidates(ids)] == [1.0, 0.5, None, None]
    table.set_looks([{"id": ids[0]}])
    assert table.candidates(ids[:1])[0].score == 1.0
