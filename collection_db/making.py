"""The table's candidates: what was made, how it looks, and which look alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import (
    Rows,
    checked_row,
    is_last,
    known_ids,
    last,
    number_or_none,
    require_candidates,
    rows_where,
    shown,
)
from collection_db.schema import candidates, decisions, recipes, sources, utc_now
from errors import BadValue, UnknownCandidate

PHASH_BYTES = 32
COLOURS_BYTES = 8 * 8 * 3 * 4  # float32
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

    def set_hashes(self, rows: Iterable[tuple[str, bytes | None, bytes | None, float | None]]) -> None:
        """Store (id, phash, colours, structure): 32 bytes; float32 8x8x3 as 768 bytes; the edge correlation
        with the source. Raises BadValue for other lengths, UnknownCandidate (and stores none) for an unknown
        id."""
        values = [
            {
                "row_id": id,
                "phash": _exactly(phash, PHASH_BYTES, "phash"),
                "colours": _exactly(colours, COLOURS_BYTES, "colours"),
                "structure": number_or_none(structure),
            }
            for id, phash, colours, structure in rows
        ]
        self._update(values)

    def set_groups(self, rows: Iterable[tuple[str, float | None, bool | None, str | None]]) -> None:
        """Store (id, score, near_source, leader_id). Candidates that are not given keep what they have.
        Raises UnknownCandidate (and stores none) for an unknown id or leader."""
        values = [
            {
                "row_id": id,
                "score": number_or_none(score),
                "near_source": None if near_source is None else bool(near_source),
                "leader_id": leader_id,
            }
            for id, score, near_source, leader_id in rows
        ]
        self._update(values)

    def candidates_for_grouping(self) -> list[Row[Any]]:
        """The candidates that are planned or decided, the earliest first; `phash` is None where still to be
        hashed.

        Rows: id, image_sha256, phash, colours, structure, score, near_source, leader_id, made_at, source_id,
        source_image_sha256, position, recipe_json.
        """
        left_out = ("seconds", "made_with", "clip_score", "samples")
        statement = (
            sa.select(
                *(column for column in candidates.c if column.name not in left_out),
                recipes.c.source_id,
                sources.c.image_sha256.label("source_image_sha256"),
                recipes.c.position,
                recipes.c.json.label("recipe_json"),
            )
            .join(recipes, recipes.c.id == candidates.c.id)
            .join(sources, sources.c.id == recipes.c.source_id)
            .where(shown())
            .order_by(candidates.c.made_at, candidates.c.id)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def candidates(self, ids: Iterable[str]) -> list[Row[Any]]:
        """Those of `ids` that are known, in the given order; rows as in `schema.Candidate`."""
        wanted = list(dict.fromkeys(ids))
        with self._read() as connection:
            found = rows_where(connection, sa.select(candidates), candidates.c.id, wanted)
        by_id = {row.id: row for row in found}
        return [by_id[id] for id in wanted if id in by_id]

    def leaders(self, undecided_only: bool = True) -> list[str]:
        """Ids that lead a group, are planned and not near their source, in order of position.

        By default only those of which nobody ever decided anything (who was "undecide"d is left to people), of groups
        in which nothing is accepted: one of a group is enough.
        """
        statement = (
            sa.select(candidates.c.id)
            .join(recipes, recipes.c.id == candidates.c.id)
            .where(candidates.c.leader_id == candidates.c.id, recipes.c.planned)
            .where(candidates.c.near_source.is_not(True))
            .order_by(recipes.c.position, candidates.c.id)
        )
        if undecided_only:
            member = candidates.alias("member")
            taken = (
                sa.select(member.c.leader_id)
                .select_from(member)
                .join(last, sa.and_(last.c.candidate_id == member.c.id, is_last()))
                .where(last.c.verdict == "accept", member.c.leader_id.is_not(None))
            )
            statement = statement.where(
                ~sa.exists().where(decisions.c.candidate_id == candidates.c.id),
                candidates.c.leader_id.not_in(taken),
            )
        with self._read() as connection:
            return list(connection.execute(statement).scalars())

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

    def _update(self, values: list[dict[str, Any]]) -> None:
        if not values:
            return
        ids = [row["row_id"] for row in values] + [row["leader_id"] for row in values if row.get("leader_id")]
        names = [key for key in values[0] if key != "row_id"]
        statement = (
            sa.update(candidates)
            .where(candidates.c.id == sa.bindparam("row_id"))
            .values({name: sa.bindparam(name, type_=candidates.c[name].type) for name in names})
        )
        with self._write() as connection:
            require_candidates(connection, ids)
            connection.execute(statement, values)


def _exactly(data: bytes | None, length: int, what: str) -> bytes | None:
    if data is None:
        return None
    if len(data) != length:
        raise BadValue(f"length of {what}", len(data), f"{length} bytes")
    return bytes(data)
