"""The table's tokens: accepted candidates and their numbers in the new collection, and which of them were minted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.bulk import insert_rows
from collection_db.rows import Rows, among, checked_row, pieces, require_candidates
from collection_db.schema import mints, tokens, utc_now
from errors import BadValue, Frozen, Minted

CONTRACT = re.compile(r"eip155:[1-9][0-9]{0,31}/erc721:0x[0-9a-fA-F]{40}")
TRANSACTION = re.compile(r"0x[0-9a-f]{64}")
LARGEST_NUMBER = 2**31 - 1


class TokenRows(Rows):
    def set_tokens(self, rows: Iterable[Mapping[str, Any]], *, renumber: bool = False) -> None:
        """Replace all tokens by these: `number`, `candidate_id`, `name`, `image_sha256`, and `exported_at`
        (aware; default: what an equal token had, else now).

        Raises BadValue for a number or candidate given twice, UnknownCandidate, and Frozen where a token that is
        published would go, or get another number; the old tokens then stay. `renumber` does it all the same, and no
        token is published then; but it raises Minted where one of those was minted.
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
            minted = dict(connection.execute(sa.select(mints.c.number, mints.c.contract)).tuples().all())
            for id, old in before.items():
                if old.published_at and numbers.get(id) != old.number:
                    if not renumber:
                        raise Frozen(old.number, id, numbers.get(id))
                    if old.number in minted:
                        raise Minted(old.number, id, minted[old.number])
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

    def mark_minted(self, contract: str, minted: Mapping[int, tuple[str, int]], *, whole: bool = False) -> int:
        """Note what this contract (CAIP-19: eip155:CHAIN/erc721:0xADDRESS) minted, number: (transaction, block); how
        many marks are others than before. The last word counts, since a reorganized chain may have minted a token
        elsewhere, or not at all: with `whole`, `minted` is all that it minted, and other marks of it go.

        Raises BadValue for what is no contract, number, transaction or block.
        """
        _require(bool(CONTRACT.fullmatch(contract)), "contract", contract, "eip155:CHAIN/erc721:0xADDRESS")
        for number, (tx, block) in minted.items():
            _require(0 < number <= LARGEST_NUMBER, "token's number", number, f"1..{LARGEST_NUMBER}")
            _require(bool(TRANSACTION.fullmatch(tx)), "transaction", tx, "0x and 64 hexadecimal digits, lower case")
            _require(0 <= block < 2**63, "block", block, "whole numbers from 0")
        own = mints.c.contract == contract
        with self._write() as connection:
            before = {row.number: (row.tx, row.block) for row in connection.execute(sa.select(mints).where(own))}
            fresh = {number: known for number, known in minted.items() if before.get(number) != known}
            gone = before.keys() - minted.keys() if whole else set()
            for piece in pieces([*gone, *(fresh.keys() & before.keys())]):
                connection.execute(sa.delete(mints).where(own, among(connection, mints.c.number, piece)))
            now = utc_now()
            rows = [
                {"contract": contract, "number": number, "tx": tx, "block": block, "marked_at": now}
                for number, (tx, block) in fresh.items()
            ]
            insert_rows(connection, mints, rows)
        return len(fresh) + len(gone)

    def mints(self, number: int | None = None) -> list[Row[Any]]:
        """What was minted, on every contract, or of one token; rows as in `schema.Mint`, by contract and number."""
        statement = sa.select(mints).order_by(mints.c.contract, mints.c.number)
        if number is not None:
            statement = statement.where(mints.c.number == number)
        with self._read() as connection:
            return list(connection.execute(statement).all())


def _require(fits: bool, what: str, value: object, allowed: str) -> None:
    if not fits:
        raise BadValue(what, value, allowed)
