"""What the subjects of the table share: transactions, long lists of ids in pieces, bulk writing, and the check of given
rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from collection_db.engine import patient, reading, writing
from collection_db.schema import candidates
from errors import BadValue, UnknownCandidate

CHUNK = 500  # ids in one statement; old builds of SQLite take 999 variables

Item = TypeVar("Item")


class Rows:
    """A part of the table, over one engine.

    Every public method is one transaction that may be repeated. So it is, from its beginning, where the connection to
    the database breaks meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __init_subclass__(cls) -> None:
        for name, method in vars(cls).items():
            if callable(method) and not name.startswith("_"):
                setattr(cls, name, patient(method))

    def _read(self) -> AbstractContextManager[Connection]:
        return reading(self.engine)

    def _write(self) -> AbstractContextManager[Connection]:
        return writing(self.engine)


def pieces(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Like `pieces`, of what is not in memory as a whole."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def rows_where(
    connection: Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Iterable[Any]
) -> list[Row[Any]]:
    """`statement` for every row whose `column` is one of `values`, however many."""
    wanted = list(dict.fromkeys(values))
    found: list[Row[Any]] = []
    for piece in pieces(wanted):
        found += connection.execute(statement.where(column.in_(piece)))
    return found


def insert_rows(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        connection.execute(sa.insert(table), rows)


def update_rows(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], key: str = "id") -> None:
    """Set the other columns of each row that `key` names; all rows have the same columns."""
    if not rows:
        return
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in rows[0] if name != key}
    statement = sa.update(table).where(table.c[key] == sa.bindparam("old_key")).values(values)
    connection.execute(
        statement,
        [{"old_key": row[key], **{f"new_{name}": row[name] for name in rows[0] if name != key}} for row in rows],
    )


def known_ids(connection: Connection, table: sa.Table, ids: Iterable[str]) -> set[str]:
    return {row.id for row in rows_where(connection, sa.select(table.c.id), table.c.id, ids)}


def require_candidates(connection: Connection, ids: Sequence[str]) -> None:
    """Raises UnknownCandidate, naming the first of `ids` that the table does not have."""
    known = known_ids(connection, candidates, ids)
    unknown = [id for id in ids if id not in known]
    if unknown:
        more = f" (nor are {len(unknown) - 1} others)" if len(unknown) > 1 else ""
        raise UnknownCandidate(unknown[0], f"not in the table{more}")


def checked_row(
    row: Mapping[str, Any], what: str, required: Sequence[str], optional: Mapping[str, Any]
) -> dict[str, Any]:
    """`row` with the defaults of `optional` filled in. Raises BadValue for a key too many or too few."""
    for key in row:
        if key not in required and key not in optional:
            raise BadValue(f"key of a {what}", key, ", ".join([*required, *optional]))
    for key in required:
        if row.get(key) is None:
            raise BadValue(f"{what} {row.get('id')!r}: {key}", None, "any value: it is required")
    return {key: row[key] for key in required} | {key: row.get(key, value) for key, value in optional.items()}


def number_or_none(value: Any) -> float | None:
    """A Python float; NaN and None are both "not known" (SQLite cannot tell them apart, PostgreSQL can)."""
    return None if value is None or math.isnan(value) else float(value)


def shown() -> sa.TextClause:
    """Candidates that matter now: the plan asks for them, or somebody said something of them. As text, since SQLite
    compares it with the words in which the indexes say it."""
    return sa.text("candidates.shown")
