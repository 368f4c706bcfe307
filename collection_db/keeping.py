"""Which assets the table names, what they are to it, and which it can do without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.rows import Rows, among, pieces, rows_where
from collection_db.schema import candidates, recipes, sources, tokens, utc_now
from errors import BadValue

KINDS = ("needed", "all", "none")
IMAGE, MASK = ".png", ".pbm"  # suffixes
AT_ONCE = 1_000  # rows in memory


@dataclass(frozen=True)
class Uses:
    """What some assets are to the table: rows of `schema.Source` whose picture or mask they are; rows of candidates,
    as for `KeepingRows.uses`; drawn masks that recipes name."""

    sources: list[Row[Any]]
    candidates: list[Row[Any]]
    masks: list[str]


class KeepingRows(Rows):
    def named_assets(self, kind: str) -> dict[str, str]:
        """The SHA-256 of assets that the table names, each with its suffix.

        "needed": those that nothing can make again: pictures and masks of sources, drawn masks, accepted candidates and
        tokens; "all": the other candidates' too, but what was freed; "none". Raises BadValue for another kind.
        """
        if kind not in KINDS:
            raise BadValue("assets", kind, ", ".join(KINDS))
        if kind == "none":
            return {}
        kept = _kept() if kind == "all" else candidates.c.verdict == "accept"
        with self._read() as connection:
            found = dict.fromkeys(_values(connection, sa.select(sources.c.image_sha256, sources.c.mask_sha256)), IMAGE)
            found |= dict.fromkeys(_drawn_masks(connection), MASK)
            found |= dict.fromkeys(_values(connection, sa.select(tokens.c.image_sha256)), IMAGE)
            found |= dict.fromkeys(_values(connection, sa.select(candidates.c.image_sha256).where(kept)), IMAGE)
        return found

    def uses(self, assets: Iterable[str]) -> Uses:
        """What these assets are; rows of candidates are as those of `whole`."""
        wanted = list(assets)
        with self._read() as connection:
            of_image = rows_where(connection, sa.select(sources), sources.c.image_sha256, wanted)
            of_mask = rows_where(connection, sa.select(sources), sources.c.mask_sha256, wanted)
            made = rows_where(connection, _whole_candidates().where(_kept()), candidates.c.image_sha256, wanted)
            masks = sorted(set(wanted) & set(_drawn_masks(connection)))
        by_id = {row.id: row for row in (*of_image, *of_mask)}
        return Uses(list(by_id.values()), made, masks)

    def whole(self, ids: Iterable[str]) -> list[Row[Any]]:
        """Candidates with what belongs to them: their columns; the recipe's prompt, steps, model, planned, json and
        `recipe_added_at`; `token`, `token_name` and `exported_at`, or None; `source_file`, `source_image_sha256` and
        `source_pixels_sha256`."""
        with self._read() as connection:
            return rows_where(connection, _whole_candidates(), candidates.c.id, ids)

    def replace_image(self, id: str, image_sha256: str, made_with: Mapping[str, Any]) -> bool:
        """Give a candidate the image that was made in the place of one that is lost; return whether that was done: not
        where it is accepted or a token, since nobody chose the other picture. Its fingerprint is to be made again."""
        is_token = sa.exists().where(tokens.c.candidate_id == candidates.c.id)
        free = sa.and_(candidates.c.id == id, candidates.c.verdict != "accept", ~is_token)
        values = {"image_sha256": image_sha256, "made_with": dict(made_with), "freed_at": None, "hashed_with": None}
        with self._write() as connection:
            return connection.execute(sa.update(candidates).where(free).values(values)).rowcount == 1

    def set_kept(self, ids: Iterable[str]) -> None:
        """The images of these candidates are there again."""
        with self._write() as connection:
            for piece in pieces(list(ids)):
                these = among(connection, candidates.c.id, piece)
                connection.execute(sa.update(candidates).where(these).values(freed_at=None))

    def to_free(self) -> list[Row[Any]]:
        """Rejected candidates whose images are kept and that nobody else wants: rows of id and image_sha256. Not those
        on which curators disagree, or that are tokens."""
        statement = sa.select(candidates.c.id, candidates.c.image_sha256).where(_unwanted())
        with self._read() as connection:
            return list(connection.execute(statement.order_by(candidates.c.number)).all())

    def wanted_again(self) -> list[Row[Any]]:
        """Candidates whose images were freed and that are no longer rejected: rows of id and image_sha256."""
        statement = sa.select(candidates.c.id, candidates.c.image_sha256)
        again = sa.and_(sa.text("freed_at IS NOT NULL"), candidates.c.verdict != "reject")
        with self._read() as connection:
            return list(connection.execute(statement.where(again).order_by(candidates.c.number)).all())

    def set_freed(self, ids: Sequence[str]) -> list[str]:
        """Note that the images of these candidates are no longer kept, but of those that are no longer among `to_free`;
        return the assets that then nobody names."""
        with self._write() as connection:
            these = sa.and_(among(connection, candidates.c.id, ids), _unwanted())
            freed = {row.id: row.image_sha256 for row in connection.execute(sa.select(candidates).where(these))}
            assets = set(freed.values())
            gone = among(connection, candidates.c.id, list(freed))
            connection.execute(sa.update(candidates).where(gone).values(freed_at=utc_now()))
            kept = sa.select(candidates.c.image_sha256).where(_kept())
            still = {row[0] for row in rows_where(connection, kept, candidates.c.image_sha256, assets)}
            for column in (sources.c.image_sha256, sources.c.mask_sha256, tokens.c.image_sha256):
                still |= {row[0] for row in rows_where(connection, sa.select(column), column, assets)}
        return sorted(assets - still)


def _unwanted() -> sa.ColumnElement[bool]:
    """Its image is kept, and may go."""
    is_token = sa.exists().where(tokens.c.candidate_id == candidates.c.id)
    rejected = sa.and_(candidates.c.verdict == "reject", ~candidates.c.disagreed)
    return sa.and_(rejected, candidates.c.freed_at.is_(None), ~is_token)


def _kept() -> sa.ColumnElement[bool]:
    """Its image should be there: it was not freed, or is wanted again."""
    return sa.or_(candidates.c.freed_at.is_(None), candidates.c.verdict != "reject")


def _whole_candidates() -> sa.Select[Any]:
    return (
        sa.select(
            candidates,
            *(recipes.c[name] for name in ("prompt", "steps", "model", "planned", "json")),
            recipes.c.added_at.label("recipe_added_at"),
            tokens.c.number.label("token"),
            tokens.c.name.label("token_name"),
            tokens.c.exported_at,
            sources.c.file.label("source_file"),
            sources.c.image_sha256.label("source_image_sha256"),
            sources.c.pixels_sha256.label("source_pixels_sha256"),
        )
        .join(recipes, recipes.c.id == candidates.c.id)
        .join(sources, sources.c.id == candidates.c.source_id)
        .outerjoin(tokens, tokens.c.candidate_id == candidates.c.id)
    )


def _values(connection: Connection, statement: sa.Select[Any]) -> Iterable[str]:
    """Every value that is not NULL."""
    for row in connection.execution_options(yield_per=AT_ONCE).execute(statement):
        yield from (value for value in row if value is not None)


def _drawn_masks(connection: Connection) -> Iterable[str]:
    """The assets that recipes name as masks; others say a word there, or nothing."""
    naming = sa.select(recipes.c.json).where(recipes.c.json.like('%"mask":"%'))
    for text in _values(connection, naming):
        mask = str(json.loads(text).get("mask", ""))
        if re.fullmatch(r"[0-9a-f]{64}", mask):
            yield mask
