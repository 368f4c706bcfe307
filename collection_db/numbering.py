"""The table's tokens: accepted candidates and their numbers in the new collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import Rows, checked_row, require_candidates
from collection_db.schema import tokens, utc_now
from errors import BadValue, Frozen


class TokenRows(Rows):
    def set_tokens(self, rows: Iterable[Mapping[str, Any]], *, renumber: bool = False) -> None:
        """Replace all tokens by these: `number`, `candidate_id`, `name`, `image_sha256`, and `exported_at`
        (aware; default: what an equal token had, else now).

        Raises BadValue for a number or candidate given twice, UnknownCandidate, and Frozen where a token that is
        published would go, or get another number; the old tokens then stay. `renumber` does it all the same, and no
        token is published then.
        """
        required = ("number", "candidate_id", "name", "image_sha256")
        given = [checked_row(row, "token", required, {"exported_at": None}) for row in rows]
        for key in ("number", "candidate_id"):
            seen = set()
            for row in given:
                if row[key] in seen:
                    raise BadValue(f"token's {key}", row[key], "each only once")
                seen.add(row[key])
        numbers = {row["candidate_id"]: row["number"] for row in given}
        with self._write() as connection:
            require_candidates(connection, [row["candidate_id"] for row in given])
            before = {row.candidate_id: row for row in connection.execute(sa.select(tokens))}
            if not renumber:
                for id, old in before.items():
                    if old.published_at and numbers.get(id) != old.number:
                        raise Frozen(old.number, id, numbers.get(id))
            now = utc_now()
            for row in given:
                stood = before.get(row["candidate_id"])
                same = stood is not None and all(getattr(stood, key) == row[key] for key in required)
                row["exported_at"] = row["exported_at"] or (stood.exported_at if stood and same else now)
                row["published_at"] = stood.published_at if stood and not renumber else None
            connection.execute(sa.delete(tokens))
            if given:
                connection.execute(sa.insert(tokens), given)

    def publish_tokens(self) -> int:
        """The tokens are published: from now on they keep their numbers. How many of them were not before."""
        with self._write() as connection:
            fresh = sa.update(tokens).where(tokens.c.published_at.is_(None)).values(published_at=utc_now())
            return connection.execute(fresh).rowcount

    def tokens(self) -> list[Row[Any]]:
        """All tokens by number; rows as in `schema.Token`."""
        with self._read() as connection:
            return list(connection.execute(sa.select(tokens).order_by(tokens.c.number)).all())
