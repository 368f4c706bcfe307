"""The table's recipes: which are planned."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows, update_rows
from collection_db.rows import Rows, batches, known_ids, rows_where, shown
from collection_db.schema import FEW, candidates, recipes, sources, utc_now, work
from errors import BadValue
from styles.recipes import Recipe

AT_ONCE = 5_000  # recipes in memory
PLACE = ("steps", "insertion_step", "position")  # in which order recipes are made
wanted = sa.Table("wanted", sa.MetaData(), sa.Column("id", sa.Text, primary_key=True), prefixes=["TEMPORARY"])


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
        source_id, style and model. A recipe given twice counts once, at its first place. All or none; what is planned
        already is not written again. Raises BadValue for an unknown source. `planned` is walked once and never held as
        a whole, so a plan may be long; walked again only where the database went away meanwhile.
        """
        new = known = 0
        with self._write() as connection:
            wanted.create(connection)
            for batch in batches(planned, AT_ONCE):
                items: dict[str, PlannedRecipe] = {}
                for item in batch:
                    items.setdefault(item.recipe.id, item)
                for id in known_ids(connection, wanted, items):
                    del items[id]
                added = _plan_some(connection, items, position=new + known)
                new, known = new + added, known + len(items) - added
            _switch_off(connection)
            queue_missing(connection)
            wanted.drop(connection)
        return new, known

    def asked_for_more(self) -> list[Row[Any]]:
        """The candidates that curators want more like, in order of position. Rows: id, source_id, style, model and
        json, the recipe's."""
        columns = [recipes.c[name] for name in ("id", "source_id", "style", "model", "json")]
        statement = sa.select(*columns).join(candidates, candidates.c.id == recipes.c.id)
        with self._read() as connection:
            asked = statement.where(sa.text(FEW["more"])).order_by(candidates.c.position, candidates.c.number)
            return list(connection.execute(asked).all())


def _plan_some(connection: Connection, items: Mapping[str, PlannedRecipe], position: int) -> int:
    """Plan these, the first one at `position`; return how many are new."""
    if not items:
        return 0
    _require_sources({item.source_id for item in items.values()}, connection)
    named = [recipes.c[key] for key in ("id", "source_id", "style", "model", "position", "planned")]
    known = {row[0]: tuple(row[1:]) for row in rows_where(connection, sa.select(*named), recipes.c.id, items)}
    new, changed = [], []
    # what changes is worked out here, so that planning the same again writes nothing
    for place, (id, item) in enumerate(items.items(), start=position):
        now = (item.source_id, item.style, item.model, place, True)
        if id not in known:
            new.append(_columns(id, item, place))
        elif known[id] != now:
            changed.append(
                {"id": id, **dict(zip(("source_id", "style", "model", "position", "planned"), now, strict=True))}
            )
    insert_rows(connection, recipes, new)
    update_rows(connection, recipes, changed)
    copied = [{key: row[key] for key in ("id", "source_id", "style", "position")} | {"shown": True} for row in changed]
    update_rows(connection, candidates, copied)
    update_rows(
        connection, work, [{"recipe_id": row["id"], "position": row["position"]} for row in changed], key="recipe_id"
    )
    insert_rows(connection, wanted, [{"id": id} for id in items])
    return len(new)


def _switch_off(connection: Connection) -> None:
    """What is planned and no longer wanted."""
    not_wanted = ~sa.exists().where(wanted.c.id == recipes.c.id)
    connection.execute(sa.update(recipes).where(recipes.c.planned, not_wanted).values(planned=False))
    unspoken = sa.and_(shown(), candidates.c.entries == 0)
    gone = ~sa.exists().where(wanted.c.id == candidates.c.id)
    connection.execute(sa.update(candidates).where(unspoken, gone).values(shown=False))


def queue_missing(connection: Connection) -> int:
    """Let `work` hold what is planned and not made, and nothing else; return how many of its rows were wrong."""
    gone = connection.execute(sa.delete(work).where(needless())).rowcount
    missing = sa.select(*(recipes.c[name] for name in ("id", *PLACE))).where(unqueued())
    added = sa.insert(work).from_select(["recipe_id", *PLACE], missing)
    return int(gone + connection.execute(added.execution_options(preserve_rowcount=True)).rowcount)


def needless() -> sa.ColumnElement[bool]:
    """Of `work`: it is made already, or not planned."""
    planned = sa.exists().where(recipes.c.id == work.c.recipe_id, recipes.c.planned)
    return sa.or_(~planned, sa.exists().where(candidates.c.id == work.c.recipe_id))


def unqueued() -> sa.ColumnElement[bool]:
    """Of `recipes`: planned and not made, but not in `work`."""
    made = sa.exists().where(candidates.c.id == recipes.c.id)
    return sa.and_(recipes.c.planned, ~made, ~sa.exists().where(work.c.recipe_id == recipes.c.id))


def _require_sources(ids: set[str], connection: Connection) -> None:
    unknown = sorted(ids - known_ids(connection, sources, ids))
    if unknown:
        raise BadValue("source", unknown[0], "the id of a source in the table; add the sources first")


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
