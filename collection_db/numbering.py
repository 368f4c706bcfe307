"""The table's tokens: accepted candidates and their numbers in the new collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import Rows, checked_row, require_candidates
from collection_db.schema import tokens, utc_now
from errors import BadValue


class TokenRows(Rows):
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
