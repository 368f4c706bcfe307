"""The table's candidates: what was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import Rows, checked_row, known_ids, number_or_none, rows_where
from collection_db.schema import candidates, recipes, utc_now
from errors import UnknownCandidate

SHORTEST_PREFIX = 4


class CandidateRows(Rows):
    def add_candidates(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add candidates that are not there yet; return how many that were. What is there is left as it is.

        A row has `id` (its recipe's), `image_sha256`, `seconds` and, if wanted, `made_with` (anything JSON),
        `made_at` (aware; default now), `clip_score` and `samples` (see `schema.Candidate`). Raises
        UnknownCandidate, and adds none, where a recipe is not in the table.
        """
        optional: dict[str, Any] = {"made_with": {}, "made_at": None, "clip_score": None, "samples": None}
        given: dict[str, dict[str, Any]] = {}
        for row in rows:
            whole = checked_row(row, "candidate", ("id", "image_sha256", "seconds"), optional)
            whole["made_at"] = whole["made_at"] or utc_now()
            whole["seconds"] = float(whole["seconds"])
            whole["clip_score"] = number_or_none(whole["clip_score"])
            given.setdefault(whole["id"], whole)
        with self._write() as connection:
            with_recipe = known_ids(connection, recipes, given)
            for id in given:
                if id not in with_recipe:
                    raise UnknownCandidate(id, "no recipe has this id; plan it first")
            known = known_ids(connection, candidates, given)
            new = [row for id, row in given.items() if id not in known]
            if new:
                connection.execute(sa.insert(candidates), new)
        return len(new)

    def candidates(self, ids: Iterable[str]) -> list[Row[Any]]:
        """Those of `ids` that are known, in the given order; rows as in `schema.Candidate`."""
        wanted = list(dict.fromkeys(ids))
        with self._read() as connection:
            found = rows_where(connection, sa.select(candidates), candidates.c.id, wanted)
        by_id = {row.id: row for row in found}
        return [by_id[id] for id in wanted if id in by_id]

    def find(self, prefix: str) -> str:
        """The id that begins with `prefix`, at least 4 hex digits of any case. Raises UnknownCandidate where
        none does, or more than one."""
        start = prefix.strip().lower()
        if not start or set(start) - set("0123456789abcdef"):
            raise UnknownCandidate(prefix, "an id is made of hex digits (0-9, a-f)")
        if len(start) < SHORTEST_PREFIX:
            raise UnknownCandidate(prefix, f"give at least {SHORTEST_PREFIX} digits of the id")
        # a range, not LIKE: it walks the primary key's index, and "g" follows every hex digit
        between = sa.and_(candidates.c.id >= start, candidates.c.id < start + "g")
        with self._read() as connection:
            statement = sa.select(candidates.c.id).where(between).order_by(candidates.c.id).limit(6)
            found: list[str] = list(connection.execute(statement).scalars())
        if not found:
            raise UnknownCandidate(prefix, "no candidate's id begins so")
        if len(found) > 1:
            listed = ", ".join(id[: len(start) + 8] for id in found[:5])
            raise UnknownCandidate(prefix, f"is ambiguous: {listed}{' and more' if len(found) > 5 else ''}")
        return found[0]
