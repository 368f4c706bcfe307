"""The curation table as the other rooms use it: sources -> recipes -> candidates -> groups -> decisions ->
tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from collection_db.checking import CheckRows
from collection_db.comparing import LookRows
from collection_db.deciding import DecisionRows
from collection_db.engine import connect
from collection_db.keeping import KeepingRows
from collection_db.listing import ListRows
from collection_db.making import CandidateRows
from collection_db.numbering import TokenRows
from collection_db.planning import RecipeRows
from collection_db.reviewing import ReviewRows
from collection_db.rows import shown
from collection_db.schema import FEW, LEADS, candidates, recipes, skipped_sources, sources, tokens, work
from collection_db.sourcing import SourceRows
from collection_db.viewing import ViewRows, counted_by

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]


class Table(
    SourceRows,
    RecipeRows,
    CandidateRows,
    LookRows,
    DecisionRows,
    TokenRows,
    ViewRows,
    ListRows,
    ReviewRows,
    KeepingRows,
    CheckRows,
):
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

        `candidates` are those that are planned or spoken of, as in `frame`: each is accepted, rejected or
        undecided. `groups`, `flat`, `unchanged`, `copies` (of another source), `earlier` (like a token of an earlier
        collection) and `twins` (of a leader of another source that comes
        before them) are counted among them, as are `disagreed` (some accept, some reject) and `starred`; `planned`,
        `missing` and `failed` (missing, as the last try gave nothing) among the recipes.
        """

        def rows_of(table: sa.Table, *conditions: sa.ColumnElement[bool] | sa.TextClause) -> sa.ScalarSelect[int]:
            return sa.select(sa.func.count()).select_from(table).where(*conditions).scalar_subquery()

        def few(name: str) -> sa.ScalarSelect[int]:
            """Counted by an index of its own."""
            return counted_by(f"ix_candidates_{name}", sa.text(FEW[name])).scalar_subquery()

        # whole tables are counted at once, and what is rare by its own index: a million rows in tenths of a second
        all_shown = rows_of(candidates) - rows_of(candidates, sa.text("NOT shown"))
        accepted, rejected = (rows_of(candidates, shown(), candidates.c.verdict == one) for one in ("accept", "reject"))
        numbers: dict[str, sa.ColumnElement[int]] = {
            "sources": rows_of(sources, sources.c.present),
            "skipped": rows_of(skipped_sources),
            "planned": rows_of(recipes) - rows_of(recipes, sa.text("NOT planned")),
            "missing": rows_of(work),
            "failed": rows_of(work, work.c.problem.is_not(None)),
            "candidates": all_shown,
            "groups": counted_by("ix_candidates_leads_position", sa.text(LEADS)).scalar_subquery(),
            **{name: few(name) for name in ("flat", "unchanged", "copies", "earlier", "twins")},
            "accepted": accepted,
            "rejected": rejected,
            "undecided": all_shown - accepted - rejected,
            **{name: few(name) for name in ("disagreed", "starred")},
            "tokens": rows_of(tokens),
        }
        statement = sa.select(*(count.label(name) for name, count in numbers.items()))
        with self._read() as connection:
            return dict(connection.execute(statement).mappings().one())

    def frame(self, everything: bool = False) -> pd.DataFrame:
        """The candidates, one row each, with the columns and types of `frames.COLUMNS`, also when there are
        none.

        `verdict`, `curator` and `decided_at` are of the last verdict. Candidates that are neither planned
        nor spoken of are left out unless `everything`.
        """
        # here, as pandas takes a second to import and most commands need none
        from collection_db.frames import candidate_frame

        with self._read() as connection:
            return candidate_frame(connection, everything)
