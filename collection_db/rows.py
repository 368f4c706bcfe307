"""What the subjects of the table share: transactions, long lists of ids in pieces, bulk writing, and the check of given
rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from collection_db.engine import patient, reading, writing
from collection_db.schema import candidates
from errors import BadValue, UnknownCandidate

CHUNK = 5_000  # ids in one statement

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
    wanted = [value for value in dict.fromkeys(values) if _keepable(value)]
    found: list[Row[Any]] = []
    for piece in pieces(wanted):
        found += connection.execute(statement.where(among(connection, column, piece)))
    return found


def among(connection: Connection, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """`column` is one of `values`, which travel as one: a placeholder for each takes longer than finding its row."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))
    each = sa.func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(sa.select(each.c.value))


def equals(column: sa.ColumnElement[Any], value: Any) -> sa.ColumnElement[bool]:
    """`column` is `value`, which may be anything that a user typed."""
    return column == value if _keepable(value) else sa.false()


def _keepable(value: Any) -> bool:
    """Could a column hold it? Nothing equals what none can, but the engines refuse to be asked for it: PostgreSQL knows
    no NUL in texts, neither knows half characters, and numbers have 32 bits."""
    if isinstance(value, int):
        return -(2**31) <= value < 2**31
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value))
    return True


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
