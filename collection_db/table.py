"""The curation table as the other rooms use it: sources -> recipes -> candidates -> groups -> decisions ->
tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from collection_db.comparing import LookRows
from collection_db.deciding import DecisionRows
from collection_db.engine import connect
from collection_db.making import CandidateRows
from collection_db.planning import RecipeRows, missing_count
from collection_db.rows import last, shown, standing_of_candidate
from collection_db.schema import candidates, recipes, skipped_sources, sources, tokens
from collection_db.sourcing import SourceRows

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]


class Table(SourceRows, RecipeRows, CandidateRows, LookRows, DecisionRows):
    """All of the table, over one engine. Every method is one transaction, and may be repeated: what is there
    already is not written twice. It may be shared by threads; another process opens its own."""

    @classmethod
    def open(cls, url: str) -> Table:
        """The table at `url`, made and migrated as needed. Raises BadSetting; see `connect`."""
        return cls(connect(url))

    def close(self) -> None:
        """Close the connections that wait in the pool."""
        self.engine.dispose()

    def counts(self) -> dict[str, int]:
        """Numbers for a status page, all of one moment.

        `candidates` are those that are planned or decided, as in `frame`: each is accepted, rejected or
        undecided. `groups`, `flat`, `unchanged`, `copies` (of another source), `earlier` (like a token of an earlier
        collection) and `twins` (of a leader of another source that comes
        before them) are counted among them, `planned` and `missing`
        among the recipes.
        """
        looks = ("leader_id", "flat", "unchanged", "copy_of", "earlier", "twin_id")
        seen = (
            sa.select(*(candidates.c[name] for name in looks), last.c.verdict)
            .join(recipes, recipes.c.id == candidates.c.id)
            .outerjoin(last, standing_of_candidate())
            .where(shown())
            .subquery("seen")
        )

        def rows_of(table: sa.Table) -> sa.Select[tuple[int]]:
            return sa.select(sa.func.count()).select_from(table)

        def seen_that(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.count().filter(condition)

        numbers: dict[str, sa.ColumnElement[int]] = {
            "sources": rows_of(sources).where(sources.c.present).scalar_subquery(),
            "skipped": rows_of(skipped_sources).scalar_subquery(),
            "planned": rows_of(recipes).where(recipes.c.planned).scalar_subquery(),
            "missing": missing_count().scalar_subquery(),
            "candidates": sa.func.count(),
            "groups": sa.func.count(seen.c.leader_id.distinct()),
            "flat": seen_that(seen.c.flat),
            "unchanged": seen_that(seen.c.unchanged),
            "copies": sa.func.count(seen.c.copy_of),
            "earlier": sa.func.count(seen.c.earlier),
            "twins": sa.func.count(seen.c.twin_id),
            "accepted": seen_that(seen.c.verdict == "accept"),
            "rejected": seen_that(seen.c.verdict == "reject"),
            "undecided": seen_that(sa.or_(seen.c.verdict.is_(None), seen.c.verdict == "undecide")),
            "tokens": rows_of(tokens).scalar_subquery(),
        }
        statement = sa.select(*(count.label(name) for name, count in numbers.items())).select_from(seen)
        with self._read() as connection:
            return dict(connection.execute(statement).mappings().one())

    def frame(self, everything: bool = False) -> pd.DataFrame:
        """The candidates, one row each, with the columns and types of `frames.COLUMNS`, also when there are
        none.

        `verdict`, `curator` and `decided_at` are of the last decision. Candidates that are neither planned
        nor decided are left out unless `everything`.
        """
        # here, as pandas takes a second to import and most commands need none
        from collection_db.frames import candidate_frame

        with self._read() as connection:
            return candidate_frame(connection, everything)
