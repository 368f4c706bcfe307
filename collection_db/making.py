"""The table's candidates: what was made, and what is still to be made, from which workers draw."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows
from collection_db.engine import reading
from collection_db.rows import Rows, among, batches, checked_row, number_or_none, pieces, rows_where
from collection_db.schema import candidates, recipes, sources, utc_now, work
from errors import UnknownCandidate

SHORTEST_PREFIX = 4
AT_ONCE = 5_000  # rows in one transaction
OF_RECIPE = ("source_id", "style", "guidance_scale", "insertion_step", "position")
OPTIONAL: dict[str, Any] = {"made_with": {}, "made_at": None, "clip_score": None, "samples": None, "worker": ""}


class CandidateRows(Rows):
    def add_candidates(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add candidates that are not there yet; return how many that were. What is there is left as it is.

        A row has `id` (its recipe's), `image_sha256`, `seconds` and, if wanted, `made_with` (anything JSON),
        `made_at` (aware; default now), `clip_score`, `samples` and `worker` (see `schema.Candidate`). Raises
        UnknownCandidate where a recipe is not in the table: of some thousand rows all are added or none.
        """
        return sum(len(self._add_candidates(batch)) for batch in batches(rows, AT_ONCE))

    def finish(self, claim: str, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """Store what was made under a claim: rows as for `add_candidates`. Return the ids of those that were stored, or
        had been by the same call before. What the claim no longer holds, as its lease ran out and another worker took
        over, is left out: that one's result counts."""
        given = list(rows)
        self._add_candidates(given, claim)
        with self._read() as connection:
            found = rows_where(connection, sa.select(candidates), candidates.c.id, [row["id"] for row in given])
        kept = {row.id: row.image_sha256 for row in found}
        return {row["id"] for row in given if kept.get(row["id"]) == row["image_sha256"]}

    def claim(self, worker: str, limit: int, lease_s: float) -> tuple[str, list[Row[Any]]]:
        """Take up to `limit` planned recipes that nobody makes, for `lease_s` seconds: (the claim, the recipes), in the
        order in which to make them: those that can share a batch (the same steps, then insertion_step) beside each
        other, then by position. No recipe is given to two workers at a time.

        Rows as in `schema.StoredRecipe`, and the source's `source_pixels_sha256`, `source_image_sha256`,
        `source_mask_sha256`, as it is now: it may have changed since it was planned. What failed is not given out: see
        `fail`.
        """
        claim = secrets.token_hex(16)
        with self._take() as connection:
            now = _clock(connection)
            free = sa.or_(work.c.claim.is_(None), work.c.leased_until < now)
            order = (work.c.steps, work.c.insertion_step, work.c.position, work.c.recipe_id)
            # SKIP LOCKED, where there is such a thing: workers that ask at once do not wait for each other
            chosen = sa.select(work.c.recipe_id).where(free, work.c.problem.is_(None)).order_by(*order).limit(limit)
            ids = list(connection.execute(chosen.with_for_update(skip_locked=True)).scalars())
            taken = {"worker": worker, "claim": claim, "leased_until": now + lease_s}
            for piece in pieces(ids):
                connection.execute(sa.update(work).where(among(connection, work.c.recipe_id, piece)).values(taken))
            rows = rows_where(connection, _recipes_to_make(), recipes.c.id, ids)
        by_id = {row.id: row for row in rows}
        return claim, [by_id[id] for id in ids]

    def renew(self, claim: str, lease_s: float) -> int:
        """Hold a claim `lease_s` seconds from now on; return how many recipes it still holds, 0 where all were taken
        over or are made."""
        with self._take() as connection:
            values = {"leased_until": _clock(connection) + lease_s}
            return connection.execute(sa.update(work).where(work.c.claim == claim).values(values)).rowcount

    def release(self, claim: str) -> None:
        """Give back what a claim still holds, for others to make."""
        with self._take() as connection:
            connection.execute(sa.update(work).where(work.c.claim == claim).values(_FREE))

    def release_workers(self, workers: Iterable[str]) -> int:
        """Give back what these workers hold, as they are known to be dead; return how many recipes that were."""
        with self._take() as connection:
            dead = work.c.worker.in_(list(workers))
            return connection.execute(sa.update(work).where(dead, work.c.claim.is_not(None)).values(_FREE)).rowcount

    def fail(self, claim: str, problems: Mapping[str, str]) -> None:
        """Say why these recipes of a claim, by id, gave nothing: they are not given out again until `try_again`."""
        with self._take() as connection:
            for id, problem in problems.items():
                mine = sa.and_(work.c.recipe_id == id, work.c.claim == claim)
                connection.execute(sa.update(work).where(mine).values(_FREE | {"problem": _storable(problem)}))

    def try_again(self) -> int:
        """Let what failed be drawn again; return how many recipes that are."""
        with self._take() as connection:
            failed = work.c.problem.is_not(None)
            return connection.execute(sa.update(work).where(failed).values(problem=None)).rowcount

    def workers(self) -> list[Row[Any]]:
        """Who holds claims: rows of worker, `held` (how many), and `seconds_left` of the last lease; below 0 it ran
        out."""
        with self._read() as connection:
            left = sa.func.max(work.c.leased_until) - _clock(connection)
            held = sa.select(work.c.worker, sa.func.count().label("held"), left.label("seconds_left"))
            held = held.where(work.c.claim.is_not(None)).group_by(work.c.worker).order_by(work.c.worker)
            return list(connection.execute(held).all())

    def problems(self) -> list[Row[Any]]:
        """What failed and was not tried again: rows of id, source_id, style and problem, in order of position."""
        statement = (
            sa.select(recipes.c.id, recipes.c.source_id, recipes.c.style, work.c.problem)
            .join(recipes, recipes.c.id == work.c.recipe_id)
            .where(work.c.problem.is_not(None))
            .order_by(work.c.position, work.c.recipe_id)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def missing(self, limit: int | None = None) -> list[Row[Any]]:
        """Planned recipes without a candidate, whoever makes them now, in the order and with the columns of `claim`."""
        statement = (
            _recipes_to_make()
            .join(work, work.c.recipe_id == recipes.c.id)
            .order_by(work.c.steps, work.c.insertion_step, work.c.position, work.c.recipe_id)
            .limit(limit)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def count_missing(self) -> int:
        """How many planned recipes have no candidate yet."""
        with self._read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(work)).scalar_one()

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

    def _add_candidates(self, made: Iterable[Mapping[str, Any]], claim: str | None = None) -> list[str]:
        """The ids of those that were added; with a claim, only what it holds is."""
        given: dict[str, dict[str, Any]] = {}
        for row in made:
            whole = checked_row(row, "candidate", ("id", "image_sha256", "seconds"), OPTIONAL)
            whole["made_at"] = whole["made_at"] or utc_now()
            whole["seconds"] = float(whole["seconds"])
            whole["clip_score"] = number_or_none(whole["clip_score"])
            given.setdefault(whole["id"], whole)
        with self._write() as connection:
            columns = [recipes.c[name] for name in ("id", *OF_RECIPE, "planned")]
            recipe_of = {row.id: row for row in rows_where(connection, sa.select(*columns), recipes.c.id, given)}
            for id in given:
                if id not in recipe_of:
                    raise UnknownCandidate(id, "no recipe has this id; plan it first")
            found = rows_where(connection, sa.select(candidates.c.id), candidates.c.id, given)
            known = {row.id for row in found}
            # locked, so that no worker takes them over while they are being stored
            held = rows_where(connection, sa.select(work).with_for_update(), work.c.recipe_id, given)
            mine = {row.recipe_id for row in held if claim is None or row.claim == claim}
            if claim is None:
                mine |= given.keys()
            new = [id for id in given if id not in known and id in mine]
            number = connection.execute(sa.select(sa.func.max(candidates.c.number))).scalar() or 0
            rows = [
                NEW
                | given[id]
                | dict(zip(OF_RECIPE, recipe_of[id][1:], strict=False))
                | {"shown": recipe_of[id].planned, "number": number + n}
                for n, id in enumerate(new, start=1)
            ]
            insert_rows(connection, candidates, rows)
            for piece in pieces(new):
                connection.execute(sa.delete(work).where(among(connection, work.c.recipe_id, piece)))
        return new

    @contextmanager
    def _take(self) -> Iterator[Connection]:
        """A short write transaction on `work` alone. On PostgreSQL it waits for no writer but one of the same rows."""
        if self.engine.dialect.name == "postgresql":
            with reading(self.engine) as connection:
                yield connection
        else:
            with self._write() as connection:
                yield connection


_FREE: dict[str, Any] = {"worker": None, "claim": None, "leased_until": None}
# what a candidate begins as, besides what is given
NEW: dict[str, Any] = {"verdict": "undecided", "note": "", "name": "", "disagreed": False, "stars": 0, "entries": 0}
NEW |= {"judged": False}


def _recipes_to_make() -> sa.Select[Any]:
    return sa.select(
        recipes,
        sources.c.pixels_sha256.label("source_pixels_sha256"),
        sources.c.image_sha256.label("source_image_sha256"),
        sources.c.mask_sha256.label("source_mask_sha256"),
    ).join(sources, sources.c.id == recipes.c.source_id)


def _storable(problem: str) -> str:
    """An error's words may quote a file's name or its bytes: without what no database takes."""
    return problem.replace("\0", "").encode(errors="replace").decode()


def _clock(connection: Connection) -> float:
    """Seconds since 1970: the database's, as workers' own clocks may differ. A SQLite file's is this machine's."""
    if connection.dialect.name == "postgresql":
        return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.time()
