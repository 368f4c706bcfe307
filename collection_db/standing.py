"""What stands of candidates' entries, written beside the ledger; and entries read candidate by candidate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows, update_rows
from collection_db.ledger import Standing
from collection_db.rows import rows_where
from collection_db.schema import candidates, decisions, opinions, tagged

APART = ("tags", "words")  # what stands of these has tables of its own
STANDING = tuple(name for name in Standing.__dataclass_fields__ if name not in APART)


def entries_of(connection: Connection, ids: Iterable[str]) -> list[Row[Any]]:
    """All entries of these candidates; each one's by number."""
    found = rows_where(connection, sa.select(decisions), decisions.c.candidate_id, ids)
    return sorted(found, key=lambda row: (row.candidate_id, row.number))


def group_entries(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """Entries that come candidate by candidate, by candidate."""
    return {id: list(of) for id, of in groupby(entries, key=lambda row: row.candidate_id)}


def write_standing(
    connection: Connection, standing: Mapping[str, Standing], before: Mapping[str, Standing | None]
) -> None:
    """Write what stands of these candidates into their rows, and their tags. `before`: what is written there now, or
    None where that is not known. Only what differs is written: each column is part of indexes, which are written anew
    with it."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for id, now in standing.items():
        then = before[id]
        differing = [name for name in STANDING if then is None or getattr(now, name) != getattr(then, name)]
        row = {"id": id, **{name: getattr(now, name) for name in differing}}
        if then is None or (then.entries == 0) != (now.entries == 0):
            row["shown"] = True  # somebody spoke of it
        alike.setdefault(tuple(row), []).append(row)
    for rows in alike.values():
        update_rows(connection, candidates, rows)
    _write_apart(connection, tagged, standing, before, _tags)
    _write_apart(connection, opinions, standing, before, _opinions)


def _write_apart(
    connection: Connection,
    table: sa.Table,
    standing: Mapping[str, Standing],
    before: Mapping[str, Standing | None],
    rows_of: Callable[[str, Standing], set[tuple[Any, ...]]],
) -> None:
    """Let `table` hold the rows that `rows_of` finds in what stands of these candidates, and no others of them."""
    names = table.columns.keys()
    had: dict[str, set[tuple[Any, ...]]] = {}
    if unknown := [id for id in standing if before[id] is None]:
        for row in rows_where(connection, sa.select(table), table.c.candidate_id, unknown):
            had.setdefault(row.candidate_id, set()).add(tuple(row))
    gone, new = set[tuple[Any, ...]](), set[tuple[Any, ...]]()
    for id, now in standing.items():
        then = before[id]
        old = had.get(id, set()) if then is None else rows_of(id, then)
        wanted = rows_of(id, now)
        gone |= old - wanted
        new |= wanted - old
    if gone:
        keys = list(table.primary_key)
        this = sa.and_(*(column == sa.bindparam(f"b_{column.name}") for column in keys))
        told = [dict(zip(names, row, strict=True)) for row in gone]
        values = [{f"b_{column.name}": row[column.name] for column in keys} for row in told]
        connection.execute(sa.delete(table).where(this), values)
    insert_rows(connection, table, [dict(zip(names, row, strict=True)) for row in sorted(new, key=repr)])


def _tags(id: str, standing: Standing) -> set[tuple[Any, ...]]:
    return {(tag, id) for tag in standing.tags}


def _opinions(id: str, standing: Standing) -> set[tuple[Any, ...]]:
    return {(word.curator, id, word.verdict, word.unseen, word.starred) for word in standing.words}
