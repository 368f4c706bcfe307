"""Views of the candidates: filtered, sorted, and read a page at a time, however many there are.

Which page it is and which rows are on it is answered by one index (`schema.VIEW_COLUMNS`); whole rows are read only of
what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import Rows, equals, shown
from collection_db.schema import FEW, SORTS, VERDICTS, candidates, recipes, tagged, tokens
from errors import BadValue

FLAGS = ("disagreed", "starred", "leads")


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

    def where(self) -> list[sa.ColumnElement[bool] | sa.TextClause]:
        columns = {"source": "source_id", "group": "leader_id"}
        equal = ("verdict", "style", "source", "group", "guidance_scale", "insertion_step")
        given = [(candidates.c[columns.get(name, name)], getattr(self, name)) for name in equal]
        conditions: list[sa.ColumnElement[bool] | sa.TextClause] = [shown()]
        conditions += [equals(column, value) for column, value in given if value is not None]
        # in the words of their indexes
        conditions += [sa.text(FEW[name]) for name in FLAGS if getattr(self, name)]
        if self.tag is not None:
            tags = sa.select(tagged.c.candidate_id).where(equals(tagged.c.tag, self.tag))
            conditions.append(candidates.c.id.in_(tags))
        return conditions


class ViewRows(Rows):
    def count(self, view: View) -> int:
        """How many candidates the view has."""
        with self._read() as connection:
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
        order = [candidates.c[view.sort], candidates.c.number]
        numbers = (
            sa.select(candidates.c.number)
            .where(*view.where())
            .order_by(*(self._ordered(column, descending) for column in order))
            .limit(limit)
            .offset(offset)
        )
        names = ("prompt", "mode", "seed", "sampler", "steps", "model")
        rows = (
            sa.select(candidates, *(recipes.c[name] for name in names), tokens.c.number.label("token"))
            .join(recipes, recipes.c.id == candidates.c.id)
            .outerjoin(tokens, tokens.c.candidate_id == candidates.c.id)
        )
        with self._read() as connection:
            wanted = list(connection.execute(numbers).scalars())
            if descending != view.descending:
                wanted.reverse()
            found = {row.number: row for row in connection.execute(rows.where(candidates.c.number.in_(wanted)))}
        return [found[number] for number in wanted if number in found]

    def _ordered(self, column: sa.ColumnElement[Any], descending: bool) -> sa.ColumnElement[Any]:
        """NULL is the smallest on both engines, as in the indexes."""
        ordered = column.desc() if descending else column.asc()
        if self.engine.dialect.name == "sqlite" or column.name in ("number", "position"):
            return ordered
        return ordered.nulls_last() if descending else ordered.nulls_first()
