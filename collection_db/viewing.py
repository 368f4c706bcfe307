"""Views of the candidates: filtered, sorted, and read a page at a time, however many there are.

Where only some thousand candidates fit a view's filters, they are found by an index of the filters and sorted. Where
more do, an index in the view's order is walked: enough of what it passes fits, so a page is soon full. Which of both is
asked first, since planners guess, and at a million rows a wrong guess takes a second. Whole rows are read only of what
is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.rows import Rows, equals, rows_where, shown
from collection_db.schema import (
    FEW,
    LEADS_SORTS,
    SORTS,
    VERDICTS,
    VIEW_COLUMNS,
    candidates,
    recipes,
    tagged,
    tokens,
)
from errors import BadValue

FEW_ROWS = 2_000  # that are sorted rather than walked to


@dataclass(frozen=True)
class View:
    """Which candidates, in which order. None, or False, lets all through.

    `verdict`: "accept", "reject" or "undecided"; `style`, `source` (its id), `group` (its leader's id), `tag`,
    `guidance_scale`, `insertion_step`; `disagreed`, `starred`, `leads` (a group). `sort`: "position" (of the plan),
    "score" or "decided_at"; what has none comes last where `descending`, else first.
    """

    verdict: str | None = None
    style: str | None = None
    source: str | None = None
    group: str | None = None
    tag: str | None = None
    guidance_scale: float | None = None
    insertion_step: int | None = None
    disagreed: bool = False
    starred: bool = False
    leads: bool = False
    sort: str = "position"
    descending: bool = False

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadValue("sort", self.sort, ", ".join(SORTS))
        if self.verdict is not None and self.verdict not in VERDICTS:
            raise BadValue("verdict", self.verdict, ", ".join(VERDICTS))

    @property
    def is_narrow(self) -> bool:
        """Has it filters besides a verdict?"""
        return replace(self, verdict=None, sort="position", descending=False) != View()

    @property
    def index(self) -> str:
        """The index that has the view's order and most of its filters."""
        if self.verdict and self.leads and self.sort in LEADS_SORTS:
            return f"ix_candidates_leads_{self.sort}"
        if self.style and ("style", self.sort) in VIEW_COLUMNS:
            return f"ix_candidates_style_{self.sort}"
        return f"ix_candidates_{'verdict_' if self.verdict else ''}{self.sort}"

    def where(self) -> list[sa.ColumnElement[bool] | sa.TextClause]:
        columns = {"source": "source_id", "group": "leader_id"}
        equal = ("verdict", "style", "source", "group", "guidance_scale", "insertion_step")
        given = [(candidates.c[columns.get(name, name)], getattr(self, name)) for name in equal]
        conditions: list[sa.ColumnElement[bool] | sa.TextClause] = [shown()]
        conditions += [equals(column, value) for column, value in given if value is not None]
        # in the words of their indexes
        conditions += [sa.text(FEW[name]) for name in ("disagreed", "starred") if getattr(self, name)]
        conditions += [sa.text("leader_id = id")] if self.leads else []
        if self.tag is not None:
            tags = sa.select(tagged.c.candidate_id).where(equals(tagged.c.tag, self.tag))
            conditions.append(candidates.c.id.in_(tags))
        return conditions


class ViewRows(Rows):
    def count(self, view: View) -> int:
        """How many candidates the view has."""
        with self._read() as connection:
            if view == View(leads=True, sort=view.sort, descending=view.descending):
                return connection.execute(counted_by("ix_candidates_leads_position", *view.where())).scalar_one()
            return connection.execute(
                sa.select(sa.func.count()).select_from(candidates).where(*view.where())
            ).scalar_one()

    def page(self, view: View, first: int = 0, limit: int = 50, total: int | None = None) -> list[Row[Any]]:
        """`limit` candidates of a view from the `first`, counted from 0 (below it: from 0). `total`, the view's
        `count`, makes pages behind its middle faster: they are looked for from its end.

        Rows: the columns of `schema.Candidate`; the recipe's prompt, mode, seed, sampler, steps and model; `token`
        (its number, or None); in the view's order.
        """
        first, descending = max(0, first), view.descending
        limit = max(0, limit if total is None else min(limit, total - first))
        offset = first
        if total is not None and first > total // 2:
            descending, offset = not descending, max(0, total - first - limit)
        names = ("prompt", "mode", "seed", "sampler", "steps", "model")
        rows = (
            sa.select(candidates, *(recipes.c[name] for name in names), tokens.c.number.label("token"))
            .join(recipes, recipes.c.id == candidates.c.id)
            .outerjoin(tokens, tokens.c.candidate_id == candidates.c.id)
        )
        with self._read() as connection:
            wanted = self._numbers(connection, replace(view, descending=descending), offset, limit)
            if descending != view.descending:
                wanted.reverse()
            found = {row.number: row for row in rows_where(connection, rows, candidates.c.number, wanted)}
        return [found[number] for number in wanted if number in found]

    def _numbers(self, connection: Connection, view: View, offset: int, limit: int) -> list[int]:
        """The numbers of the candidates on a page."""
        sort, where = candidates.c[view.sort], view.where()
        if view.is_narrow:
            some = sa.select(candidates.c.number, sort).where(*where).limit(FEW_ROWS + 1)
            if connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one() <= FEW_ROWS:
                found = [(value is not None, value, number) for number, value in connection.execute(some)]
                found.sort(reverse=view.descending)
                return [number for *_, number in found[offset : offset + limit]]
        walked = sa.select(candidates.c.number).where(*where).limit(limit).offset(offset)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        else:
            walked = walked.with_hint(candidates, f"INDEXED BY {view.index}", "sqlite")
        first = sort.desc() if view.descending else sort.asc()
        if connection.dialect.name == "postgresql" and sort.nullable:  # NULL is the smallest, as in SQLite
            first = first.nulls_last() if view.descending else first.nulls_first()
        second = candidates.c.number.desc() if view.descending else candidates.c.number.asc()
        return list(connection.execute(walked.order_by(first, second)).scalars())


def counted_by(index: str, *conditions: sa.ColumnElement[bool] | sa.TextClause) -> sa.Select[tuple[int]]:
    """How many candidates there are under these conditions, which are those of a partial index. SQLite has to be told
    to count its entries: it would rather walk another one, and look at every row."""
    count = sa.select(sa.func.count()).select_from(candidates).where(*conditions)
    return count.with_hint(candidates, f"INDEXED BY {index}", "sqlite")
