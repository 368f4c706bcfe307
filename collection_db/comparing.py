"""The table's look-alikes: fingerprints of candidates, groups and their leaders, and what else looks like what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows, update_rows
from collection_db.rows import (
    Rows,
    among,
    batches,
    checked_row,
    number_or_none,
    pieces,
    require_candidates,
    rows_where,
    shown,
)
from collection_db.schema import (
    candidates,
    fingerprints,
    grouped_sources,
    known_pictures,
    recipes,
    sources,
    tokens,
    twins,
)
from errors import BadValue

HASH_BYTES = (8, 32, 128)
COLOURS_BYTES = 8 * 8 * 3 * 4  # float32
GREYS_BYTES = 16 * 16
LOOKS = ("score", "unchanged", "copy_of", "earlier", "leader_id", "twin_id", "compared_as", "crossed_as")
FINGERPRINT = ("hash_bits", "mirror_bits", "colours", "greys", "side")
AT_ONCE = 20_000  # rows in one transaction: other writers of a SQLite table wait 30 s at most
KINDS = ("source", "earlier")


class LookRows(Rows):
    def to_hash(self, hashed_with: str, mirrored: bool) -> list[Row[Any]]:
        """The candidates that are planned or decided and have no fingerprint made with `hashed_with` (with `mirrored`:
        or none of their mirror image), a source's together.

        Rows: id, image_sha256, structure, source_bits, source_id, source_image_sha256, source_pixels_sha256,
        recipe_json.
        """
        other = candidates.c.hashed_with.is_distinct_from(hashed_with)
        turned = sa.exists().where(
            fingerprints.c.candidate_id == candidates.c.id, fingerprints.c.mirror_bits.is_not(None)
        )
        statement = (
            sa.select(
                candidates.c.id,
                candidates.c.image_sha256,
                candidates.c.structure,
                candidates.c.source_bits,
                candidates.c.source_id,
                sources.c.image_sha256.label("source_image_sha256"),
                sources.c.pixels_sha256.label("source_pixels_sha256"),
                recipes.c.json.label("recipe_json"),
            )
            .join(recipes, recipes.c.id == candidates.c.id)
            .join(sources, sources.c.id == recipes.c.source_id)
            .where(shown(), candidates.c.freed_at.is_(None), sa.or_(other, ~turned) if mirrored else other)
            .order_by(candidates.c.source_id, candidates.c.id)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def set_fingerprints(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store fingerprints and structure: `id`, `hashed_with`, `hash_bits`, `mirror_bits` (or None), `colours`,
        `greys`, `side`, `flat`, `structure`, `source_bits`; see `schema.Candidate`. What was found with an earlier
        fingerprint is to be found again. Raises BadValue for wrong lengths, UnknownCandidate (and stores none)."""
        required = ("id", "hashed_with", "hash_bits", "colours", "greys", "side", "flat")
        prints, about = [], []
        for given in rows:
            row = checked_row(
                given, "fingerprint", required, dict.fromkeys(("mirror_bits", "structure", "source_bits"))
            )
            for name in ("hash_bits", "mirror_bits"):
                _check_length(row[name], HASH_BYTES, name)
            _check_length(row["colours"], (COLOURS_BYTES,), "colours")
            _check_length(row["greys"], (GREYS_BYTES,), "greys")
            row["structure"] = number_or_none(row["structure"])
            prints.append({"candidate_id": row["id"], **{name: row.pop(name) for name in FINGERPRINT}})
            about.append({**row, "compared_as": None, "crossed_as": None})
        with self._write() as connection:
            self._update_in(connection, about)
            for piece in pieces(prints):
                ids = [row["candidate_id"] for row in piece]
                connection.execute(sa.delete(fingerprints).where(among(connection, fingerprints.c.candidate_id, ids)))
            insert_rows(connection, fingerprints, prints)

    def looks(self, ids: Iterable[str] | None = None, *, accepted_only: bool = False) -> list[Row[Any]]:
        """The candidates that are planned or decided, by id, without their fingerprints; all of them, or those of
        `ids`, or those that are accepted.

        Rows: id, source_id, style, and the columns of `schema.Candidate` on looks; `has_mirror_bits`; `accepted` (its
        verdict, or it is a token); `chosen` (the number of the entry by which a curator made it a leader, or None).
        """
        accepted = sa.or_(candidates.c.verdict == "accept", candidates.c.id.in_(sa.select(tokens.c.candidate_id)))
        names = (
            "id",
            "image_sha256",
            "freed_at",
            "hashed_with",
            "flat",
            "structure",
            "source_bits",
            "source_id",
            "style",
            *LOOKS,
        )
        statement = (
            sa.select(
                *(candidates.c[name] for name in (*names, "chosen")),
                fingerprints.c.mirror_bits.is_not(None).label("has_mirror_bits"),
                accepted.label("accepted"),
            )
            .outerjoin(fingerprints, fingerprints.c.candidate_id == candidates.c.id)
            .where(shown())
            .order_by(candidates.c.id)
        )
        if accepted_only:
            statement = statement.where(accepted)
        with self._read() as connection:
            if ids is None:
                return list(connection.execute(statement).all())
            return sorted(rows_where(connection, statement, candidates.c.id, ids), key=lambda row: row.id)

    def fingerprints(self, ids: Sequence[str]) -> list[Row[Any]]:
        """Those of candidates that have one, in the given order. Rows: id, and the columns of `schema.Fingerprint`."""
        statement = sa.select(fingerprints.c.candidate_id.label("id"), *(fingerprints.c[name] for name in FINGERPRINT))
        with self._read() as connection:
            found = rows_where(connection, statement, fingerprints.c.candidate_id, ids)
        by_id = {row.id: row for row in found}
        return [by_id[id] for id in ids if id in by_id]

    def set_looks(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store what candidates look like: `id`, and some of `LOOKS`, the same ones in every row. Candidates that are
        not given keep what they have. Raises BadValue for another key, UnknownCandidate for an unknown id, leader or
        twin; of some thousand rows all are stored or none."""
        for batch in batches(rows, AT_ONCE):
            self._update_candidates(_look_values(batch))

    def set_groups(self, rows: Iterable[Mapping[str, Any]], signatures: Mapping[str, str]) -> None:
        """Store the groups of whole sources: rows as for `set_looks`, of all their candidates, and what these were when
        they were grouped, by source. All or none, so that a signature never stands beside another's groups."""
        values = _look_values(rows)
        with self._write() as connection:
            self._update_in(connection, values)
            for piece in pieces(list(signatures)):
                connection.execute(
                    sa.delete(grouped_sources).where(among(connection, grouped_sources.c.source_id, piece))
                )
            if signatures:
                given = [{"source_id": id, "signature": signature} for id, signature in signatures.items()]
                connection.execute(sa.insert(grouped_sources), given)

    def leaders(self, undecided_only: bool = True) -> list[str]:
        """Ids that lead a group, are planned and nothing speaks against, in order of position: they are neither flat
        nor unchanged, no copy of another source, and look like no earlier token and no better leader.

        By default only those of which nobody ever decided anything (who was "undecide"d is left to people), of groups
        in which nothing is accepted: one of a group is enough.
        """
        with self._read() as connection:
            return list(connection.execute(leaders_statement(undecided_only)).scalars())

    def grouped_sources(self) -> dict[str, str]:
        """The signature of each source's candidates when they were last grouped."""
        with self._read() as connection:
            return {row.source_id: row.signature for row in connection.execute(sa.select(grouped_sources))}

    def twins(self) -> list[Row[Any]]:
        """All pairs of look-alikes of different sources that are known; rows as in `schema.Twins`."""
        with self._read() as connection:
            return list(connection.execute(sa.select(twins).order_by(twins.c.left_id, twins.c.right_id)).all())

    def add_twins(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add pairs that are not there yet: the columns of `schema.Twins`."""
        with self._write() as connection:
            lefts = [row["left_id"] for row in rows]
            found = rows_where(connection, sa.select(twins), twins.c.left_id, lefts)
            known = {(row.left_id, row.right_id) for row in found}
            new = {(row["left_id"], row["right_id"]): row for row in rows}
            added = [row for pair, row in new.items() if pair not in known]
            if added:
                connection.execute(sa.insert(twins), added)

    def crossed(self) -> dict[str, str]:
        """Who was compared with leaders of other sources, planned or not, and as what (`crossed_as`)."""
        statement = sa.select(candidates.c.id, candidates.c.crossed_as).where(candidates.c.crossed_as.is_not(None))
        with self._read() as connection:
            return {row.id: row.crossed_as for row in connection.execute(statement)}

    def source_ids(self, ids: Iterable[str]) -> dict[str, str]:
        """The source of each of these candidates that is known."""
        statement = sa.select(candidates.c.id, candidates.c.source_id)
        with self._read() as connection:
            return {row.id: row.source_id for row in rows_where(connection, statement, candidates.c.id, ids)}

    def clear_twins(self) -> None:
        """Forget all pairs, and who was compared with leaders of other sources."""
        with self._write() as connection:
            connection.execute(sa.delete(twins))
            crossed = candidates.c.crossed_as.is_not(None)
            connection.execute(sa.update(candidates).where(crossed).values(crossed_as=None))

    def known_pictures(self, kind: str) -> list[Row[Any]]:
        """The pictures of one of `KINDS` with their fingerprints, by label; rows as in `schema.KnownPicture`."""
        statement = sa.select(known_pictures).where(known_pictures.c.kind == kind).order_by(known_pictures.c.label)
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def set_known_pictures(self, kind: str, changed: Iterable[Mapping[str, Any]], gone: Iterable[str] = ()) -> None:
        """Add or replace these pictures (the columns of `schema.KnownPicture` but `kind`), and forget those with the
        labels in `gone`. Raises BadValue for another kind."""
        if kind not in KINDS:
            raise BadValue("kind of picture", kind, ", ".join(KINDS))
        rows = [{"kind": kind, **row} for row in changed]
        with self._write() as connection:
            for piece in pieces([*gone, *(row["label"] for row in rows)]):
                of_kind = known_pictures.c.kind == kind
                connection.execute(
                    sa.delete(known_pictures).where(of_kind, among(connection, known_pictures.c.label, piece))
                )
            if rows:
                connection.execute(sa.insert(known_pictures), rows)

    def _update_candidates(self, values: Sequence[dict[str, Any]]) -> None:
        with self._write() as connection:
            self._update_in(connection, values)

    def _update_in(self, connection: Connection, values: Sequence[dict[str, Any]]) -> None:
        ids = dict.fromkeys(row[key] for row in values for key in ("id", "leader_id", "twin_id") if row.get(key))
        require_candidates(connection, list(ids))
        update_rows(connection, candidates, values)


def leaders_statement(undecided_only: bool) -> sa.Select[tuple[str]]:
    """The ids of `LookRows.leaders`."""
    statement = (
        sa.select(candidates.c.id)
        .join(recipes, recipes.c.id == candidates.c.id)
        .where(candidates.c.leader_id == candidates.c.id, recipes.c.planned)
        .where(candidates.c.unchanged.is_not(True), candidates.c.flat.is_not(True))
        .where(candidates.c.copy_of.is_(None), candidates.c.earlier.is_(None), candidates.c.twin_id.is_(None))
        .order_by(candidates.c.position, candidates.c.id)
    )
    if undecided_only:
        member = candidates.alias("member")
        taken = sa.select(member.c.leader_id).where(member.c.verdict == "accept", member.c.leader_id.is_not(None))
        statement = statement.where(~candidates.c.judged, candidates.c.leader_id.not_in(taken))
    return statement


def _look_values(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    values = []
    for row in rows:
        for key in row:
            if key not in ("id", *LOOKS):
                raise BadValue("key of looks", key, ", ".join(LOOKS))
        values.append({key: number_or_none(value) if key == "score" else value for key, value in row.items()})
    return values


def _check_length(data: bytes | None, allowed: Sequence[int], what: str) -> None:
    if data is not None and len(data) not in allowed:
        raise BadValue(f"length of {what}", len(data), f"{' or '.join(map(str, allowed))} bytes")
