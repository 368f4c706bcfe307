"""The table's sources: what came in, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.rows import Rows, among, checked_row, pieces, rows_where
from collection_db.schema import skipped_sources, sources, utc_now
from errors import BadSource

REQUIRED = ("id", "position", "file", "pixels_sha256", "image_sha256", "width", "height")
OPTIONAL: dict[str, Any] = {"mask_sha256": None, "frames": 1, "attributes": {}, "licence": ""}


class SourceRows(Rows):
    def add_sources(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add or bring up to date sources; return how many ids are new.

        A row has the keys of `schema.Source` but `present` and `added_at`; `mask_sha256`, `frames`, `attributes` and
        `licence` may be left out. A known id takes the given values (and keeps its `added_at`), so that
        reruns follow the user's files. All or none: raises BadSource if a picture is there already under
        another id, BadValue for a wrong key.
        """
        given = {row["id"]: row for row in (checked_row(row, "source", REQUIRED, OPTIONAL) for row in rows)}
        with self._write() as connection:
            known = {row.id: row for row in rows_where(connection, sa.select(sources), sources.c.id, given)}
            _refuse_twins(connection, given)
            new = [row | {"present": True, "added_at": utc_now()} for id, row in given.items() if id not in known]
            changed = [
                row
                for id, row in given.items()
                if id in known and any(value != known[id]._mapping[key] for key, value in row.items())
            ]
            if changed:
                names = [{"row_id": row["id"]} for row in changed]
                update = sa.update(sources).where(sources.c.id == sa.bindparam("row_id"))
                # first out of each other's way: two sources may have swapped their pixels, which must differ
                connection.execute(update.values(pixels_sha256="moving " + sources.c.id), names)
            if new:
                connection.execute(sa.insert(sources), new)
            if changed:
                values = {key: sa.bindparam(f"new_{key}", type_=sources.c[key].type) for key in changed[0]}
                renamed = [{f"new_{key}": value for key, value in row.items()} for row in changed]
                connection.execute(
                    update.values(values), [name | row for name, row in zip(names, renamed, strict=True)]
                )
        return len(new)

    def set_present(self, ids: Iterable[str]) -> None:
        """These are in the user's folder now. The others stay in the table, with all that was made from them, but
        are planned no more."""
        here = set(ids)
        with self._write() as connection:
            known = connection.execute(sa.select(sources.c.id, sources.c.present)).all()
            for present in (True, False):
                wrong = [row.id for row in known if (row.id in here) == present and row.present != present]
                for piece in pieces(wrong):
                    where = among(connection, sources.c.id, piece)
                    connection.execute(sa.update(sources).where(where).values(present=present))

    def present_sources(self) -> list[Row[Any]]:
        """The sources that the last ingest found, in order of position."""
        return [row for row in self.sources() if row.present]

    def sources(self, ids: Iterable[str] | None = None) -> list[Row[Any]]:
        """All sources, or those of `ids` that are known, in order of position; rows as in `schema.Source`."""
        with self._read() as connection:
            if ids is None:
                found: Sequence[Row[Any]] = connection.execute(sa.select(sources)).all()
            else:
                found = rows_where(connection, sa.select(sources), sources.c.id, ids)
        return sorted(found, key=lambda row: (row.position, row.id))

    def set_skipped(self, pairs: Iterable[tuple[str, str]]) -> None:
        """These (file, reason) are now all that is skipped; what was listed before and is mended is
        forgotten."""
        listed = [{"file": str(file), "reason": reason} for file, reason in dict(pairs).items()]
        with self._write() as connection:
            connection.execute(sa.delete(skipped_sources))
            if listed:
                connection.execute(sa.insert(skipped_sources), listed)

    def skipped(self) -> list[tuple[str, str]]:
        """(file, reason) of the source files that were left out, by file."""
        with self._read() as connection:
            rows = connection.execute(sa.select(skipped_sources)).all()
        return sorted((row.file, row.reason) for row in rows)


def _refuse_twins(connection: Connection, given: Mapping[str, Mapping[str, Any]]) -> None:
    """The same pixels under two ids would give the same recipes twice."""
    first: dict[str, tuple[str, str]] = {}
    columns = sa.select(sources.c.id, sources.c.file, sources.c.pixels_sha256)
    pixels = [row["pixels_sha256"] for row in given.values()]
    for row in rows_where(connection, columns, sources.c.pixels_sha256, pixels):
        if row.id not in given:  # else its pixels are about to be what `given` says
            first[row.pixels_sha256] = (row.id, row.file)
    for id, source in given.items():
        twin, file = first.setdefault(source["pixels_sha256"], (id, source["file"]))
        if twin != id:
            problem = f"is the same picture as source {twin!r} ({file}); keep one, under its first name"
            raise BadSource(source["file"], problem)
