"""What the subjects of the table share: transactions, long lists of ids in pieces, and the check of given
rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from collection_db.engine import writing
from collection_db.schema import candidates, decisions, recipes
from errors import BadValue, UnknownCandidate

CHUNK = 500  # ids in one statement; old builds of SQLite take 999 variables

Item = TypeVar("Item")


class Rows:
    """A part of the table, over one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def _read(self) -> AbstractContextManager[Connection]:
        return self.engine.begin()

    def _write(self) -> AbstractContextManager[Connection]:
        return writing(self.engine)


def pieces(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def rows_where(
    connection: Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Iterable[Any]
) -> list[Row[Any]]:
    """`statement` for every row whose `column` is one of `values`, however many."""
    wanted = list(dict.fromkeys(values))
    found: list[Row[Any]] = []
    for piece in pieces(wanted):
        found += connection.execute(statement.where(column.in_(piece)))
    return found


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


def shown() -> sa.ColumnElement[bool]:
    """Candidates that matter now: the plan asks for them, or somebody decided on them. Needs candidates
    joined with recipes."""
    decided = sa.exists().where(decisions.c.candidate_id == candidates.c.id)
    return sa.or_(recipes.c.planned, decided)


last = decisions.alias("last")


def is_last() -> sa.ColumnElement[bool]:
    """True of the row of `last` that is its candidate's standing decision. Asked candidate by candidate,
    which the index answers at once: a joined "newest of each" has no index, and takes seconds from some
    thousand decisions on."""
    other = decisions.alias("other")
    newest = sa.select(sa.func.max(other.c.number)).where(other.c.candidate_id == last.c.candidate_id)
    return last.c.number == newest.scalar_subquery()


def standing_of_candidate() -> sa.ColumnElement[bool]:
    """Joins candidates with the row of `last` that is its standing decision."""
    return sa.and_(last.c.candidate_id == candidates.c.id, is_last())
