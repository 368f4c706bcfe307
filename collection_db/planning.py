"""The table's recipes: which are planned, and which of those are still to be made."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from collection_db.rows import Rows, known_ids
from collection_db.schema import candidates, recipes, sources, utc_now
from errors import BadValue
from styles.recipes import Recipe


@dataclass(frozen=True)
class PlannedRecipe:
    """A recipe and the names under which people know its inputs: they change no pixels, so are not part of
    its id."""

    recipe: Recipe
    source_id: str
    style: str
    model: str


class RecipeRows(Rows):
    def plan(self, planned: Iterable[PlannedRecipe]) -> tuple[int, int]:
        """Make these the planned recipes, in this order, and no others; return (how many are new, how many
        known).

        Recipes that are no longer planned stay in the table, switched off. A known recipe takes the given
        source_id, style and model. A recipe given twice counts once, at its first place. Raises BadValue for
        an unknown source.
        """
        wanted: dict[str, PlannedRecipe] = {}
        for item in planned:
            wanted.setdefault(item.recipe.id, item)
        with self._write() as connection:
            self._require_sources({item.source_id for item in wanted.values()}, connection)
            # what changes is worked out here, so that planning the same again writes nothing
            named = [recipes.c[key] for key in ("source_id", "style", "model", "position", "planned")]
            known = {row[0]: tuple(row[1:]) for row in connection.execute(sa.select(recipes.c.id, *named))}
            new, changed = [], []
            for position, (id, item) in enumerate(wanted.items()):
                if id not in known:
                    new.append(_columns(id, item, position))
                elif known[id] != (item.source_id, item.style, item.model, position, True):
                    changed.append(
                        {
                            "row_id": id,
                            "new_source_id": item.source_id,
                            "new_style": item.style,
                            "new_model": item.model,
                            "new_position": position,
                        }
                    )
            off = [{"row_id": id} for id, row in known.items() if row[-1] and id not in wanted]
            this_one = sa.update(recipes).where(recipes.c.id == sa.bindparam("row_id"))
            if off:
                connection.execute(this_one.values(planned=False), off)
            if changed:
                values: dict[Any, Any] = {column: sa.bindparam(f"new_{column.name}") for column in named[:-1]}
                connection.execute(this_one.values(values | {recipes.c.planned: sa.true()}), changed)
            if new:
                connection.execute(sa.insert(recipes), new)
        return len(new), len(wanted) - len(new)

    def missing(self, limit: int | None = None) -> list[Row[Any]]:
        """Planned recipes without a candidate, in the order in which to make them: those that can share a
        batch (the same steps, then insertion_step) beside each other, then by position.

        Rows as in `schema.StoredRecipe`, and the source's `source_image_sha256`, `source_mask_sha256`.
        """
        statement = (
            sa.select(
                recipes,
                sources.c.image_sha256.label("source_image_sha256"),
                sources.c.mask_sha256.label("source_mask_sha256"),
            )
            .join(sources, sources.c.id == recipes.c.source_id)
            .where(_missing())
            .order_by(recipes.c.steps, recipes.c.insertion_step, recipes.c.position, recipes.c.id)
            .limit(limit)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def count_missing(self) -> int:
        """How many planned recipes have no candidate yet."""
        with self._read() as connection:
            return connection.execute(missing_count()).scalar_one()

    @staticmethod
    def _require_sources(ids: set[str], connection: sa.Connection) -> None:
        unknown = sorted(ids - known_ids(connection, sources, ids))
        if unknown:
            raise BadValue("source", unknown[0], "the id of a source in the table; add the sources first")


def missing_count() -> sa.Select[tuple[int]]:
    return sa.select(sa.func.count()).select_from(recipes).where(_missing())


def _missing() -> sa.ColumnElement[bool]:
    return sa.and_(recipes.c.planned, ~sa.exists().where(candidates.c.id == recipes.c.id))


def _columns(id: str, item: PlannedRecipe, position: int) -> dict[str, Any]:
    recipe = item.recipe
    return {
        "id": id,
        "source_id": item.source_id,
        "style": item.style,
        "prompt": unicodedata.normalize("NFC", recipe.prompt),  # as in the canonical JSON
        "guidance_scale": float(recipe.guidance_scale),
        "insertion_step": recipe.insertion_step,
        "mode": recipe.mode,
        "seed": recipe.seed,
        "sampler": recipe.sampler,
        "steps": recipe.steps,
        "model": item.model,
        "weights_sha256": recipe.weights_sha256,
        "json": recipe.canonical_json(),
        "planned": True,
        "position": position,
        "added_at": utc_now(),
    }
