"""The table's decisions, and the tokens that come of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.comparing import leaders_statement
from collection_db.rows import (
    Rows,
    checked_row,
    is_last,
    last,
    require_candidates,
    rows_where,
    standing_of_candidate,
)
from collection_db.schema import FINGERPRINT, VERDICTS, candidates, decisions, recipes, sources, tokens, utc_now
from errors import BadValue


class DecisionRows(Rows):
    def decide(self, ids: Iterable[str], verdict: str, curator: str, note: str = "") -> int:
        """Record what `curator` says of these candidates; return how many decisions were added, all or none.

        One that equals the candidate's standing decision (verdict, curator and note) is not added again.
        Raises BadValue for another verdict than "accept", "reject", "undecide" or for no curator,
        UnknownCandidate.
        """
        if verdict not in VERDICTS:
            raise BadValue("verdict", verdict, ", ".join(VERDICTS))
        if not curator.strip():
            raise BadValue("curator", curator, "a name")
        wanted = list(dict.fromkeys(ids))
        with self._write() as connection:
            require_candidates(connection, wanted)
            return self._decide_in(connection, wanted, verdict, curator, note)

    def accept_leaders(self, curator: str) -> int:
        """Accept all of `LookRows.leaders` on which nobody has decided, as they are at this moment; return how many."""
        with self._write() as connection:
            wanted = list(connection.execute(leaders_statement(undecided_only=True)).scalars())
            return self._decide_in(connection, wanted, "accept", curator, "")

    def _decide_in(self, connection: Connection, wanted: list[str], verdict: str, curator: str, note: str) -> int:
        before = {
            row.candidate_id: (row.verdict, row.curator, row.note)
            for row in rows_where(connection, sa.select(last).where(is_last()), last.c.candidate_id, wanted)
        }
        # later decisions get later times, even if the clock was set back: tokens are numbered by them
        newest = sa.select(decisions.c.decided_at).order_by(decisions.c.number.desc()).limit(1)
        previous = connection.execute(newest).scalar()
        now = utc_now() if previous is None else max(utc_now(), previous + timedelta(microseconds=1))
        added = [
            {"candidate_id": id, "verdict": verdict, "curator": curator, "note": note, "decided_at": now}
            for id in wanted
            if before.get(id) != (verdict, curator, note)
        ]
        if added:
            connection.execute(sa.insert(decisions), added)
        return len(added)

    def decisions(self, candidate_id: str) -> list[Row[Any]]:
        """All that was said of a candidate, the oldest first; rows as in `schema.Decision`."""
        statement = sa.select(decisions).where(decisions.c.candidate_id == candidate_id)
        with self._read() as connection:
            return list(connection.execute(statement.order_by(decisions.c.number)).all())

    def accepted(self) -> list[Row[Any]]:
        """Candidates whose standing verdict is "accept", by the time since which it is, then id: what is
        accepted later comes later, so that numbers given in this order stay.

        Rows: the candidate's columns but its hashes; the recipe's, with its JSON as `recipe_json`; the
        source's as `source_file`, `source_attributes` and so on; `curator`, `note` of the last decision;
        `accepted_at`.
        """
        accepted_at = _accepted_at()
        statement = (
            sa.select(
                *(column for column in candidates.c if column.name not in FINGERPRINT),
                recipes.c.json.label("recipe_json"),
                *(column for column in recipes.c if column.name not in ("id", "json", "added_at")),
                *(column.label(f"source_{column.name}") for column in sources.c if column.name != "id"),
                last.c.curator,
                last.c.note,
                accepted_at,
            )
            .join(recipes, recipes.c.id == candidates.c.id)
            .join(sources, sources.c.id == recipes.c.source_id)
            .join(last, standing_of_candidate())
            .where(last.c.verdict == "accept")
            .order_by(accepted_at, candidates.c.id)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def set_tokens(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace all tokens by these: `number`, `candidate_id`, `name`, `image_sha256`, and `exported_at`
        (aware; default: what an equal token had, else now).

        Raises BadValue for a number or candidate given twice, UnknownCandidate; the old tokens then stay.
        """
        required = ("number", "candidate_id", "name", "image_sha256")
        given = [checked_row(row, "token", required, {"exported_at": None}) for row in rows]
        for key in ("number", "candidate_id"):
            seen = set()
            for row in given:
                if row[key] in seen:
                    raise BadValue(f"token's {key}", row[key], "each only once")
                seen.add(row[key])
        with self._write() as connection:
            require_candidates(connection, [row["candidate_id"] for row in given])
            before = {tuple(row)[:4]: row.exported_at for row in connection.execute(sa.select(tokens))}
            now = utc_now()
            for row in given:
                same = tuple(row[key] for key in required)
                row["exported_at"] = row["exported_at"] or before.get(same, now)
            connection.execute(sa.delete(tokens))
            if given:
                connection.execute(sa.insert(tokens), given)

    def tokens(self) -> list[Row[Any]]:
        """All tokens by number; rows as in `schema.Token`."""
        with self._read() as connection:
            return list(connection.execute(sa.select(tokens).order_by(tokens.c.number)).all())


def _accepted_at() -> sa.Label[datetime]:
    """When the candidate's present acceptance began: its first "accept" after its last decision that was
    none."""
    accept, other = decisions.alias("accept"), decisions.alias("not_accept")
    last_other = (
        sa.select(sa.func.coalesce(sa.func.max(other.c.number), 0))
        .where(other.c.candidate_id == candidates.c.id, other.c.verdict != "accept")
        .correlate(candidates)
        .scalar_subquery()
    )
    return (
        sa.select(sa.func.min(accept.c.decided_at))
        .where(accept.c.candidate_id == candidates.c.id, accept.c.verdict == "accept")
        .where(accept.c.number > last_other)
        .correlate(candidates)
        .scalar_subquery()
        .label("accepted_at")
    )
