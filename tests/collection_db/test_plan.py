"""Planning recipes and finding those still to be made."""

import unicodedata
from dataclasses import replace

import pytest
import sqlalchemy as sa

from collection_db.schema import recipes
from errors import BadValue
from styles.recipes import Recipe


def stored(table):
    with table.engine.begin() as connection:
        return connection.execute(sa.select(recipes).order_by(recipes.c.id)).all()


def planned_seeds(table):
    return [row.seed for row in sorted(stored(table), key=lambda row: row.position) if row.planned]


def test_planning_twice_changes_nothing(table, given):
    table.add_sources([given.source(1)])
    plan = [given.planned(seed) for seed in (5, 3, 4)]
    assert table.plan(plan) == (3, 0)
    before = stored(table)
    assert table.plan(plan) == (0, 3)
    assert stored(table) == before
    assert planned_seeds(table) == [5, 3, 4]


def test_new_plan_switches_the_old_off(table, given):
    table.add_sources([given.source(1)])
    table.plan([given.planned(seed) for seed in (1, 2, 3)])
    assert table.plan([given.planned(4), given.planned(2)]) == (1, 1)
    assert planned_seeds(table) == [4, 2] and len(stored(table)) == 4
    assert table.plan([given.planned(seed) for seed in (1, 2, 3)]) == (0, 3)
    assert planned_seeds(table) == [1, 2, 3]
    assert table.plan([]) == (0, 0)
    assert planned_seeds(table) == [] and len(stored(table)) == 4


def test_a_row_holds_its_recipe(table, given):
    table.add_sources([given.source(1)])
    item = given.planned(
        2**63 - 1, prompt=unicodedata.normalize("NFD", "é"), guidance_scale=3, sampler="ddim", mode="noised"
    )
    table.plan([item])
    (row,) = stored(table)
    assert Recipe.from_json(row.json).id == row.id == item.recipe.id
    assert (row.seed, row.guidance_scale, row.prompt) == (2**63 - 1, 3.0, unicodedata.normalize("NFC", "é"))
    assert (row.sampler, row.mode, row.weights_sha256) == ("ddim", "noised", given.sha256("weights"))


def test_renamed_style_renames_its_recipes(table, given):
    table.add_sources([given.source(1), given.source(2)])
    item = given.planned(1)
    table.plan([item, item])
    assert table.plan([replace(item, style="wax", model="big", source_id="toad2")]) == (0, 1)
    (row,) = stored(table)
    assert (row.style, row.model, row.source_id) == ("wax", "big", "toad2")


def test_unknown_source_plans_nothing(table, given):
    table.add_sources([given.source(1)])
    table.plan([given.planned(1)])
    with pytest.raises(BadValue, match="'toad9'"):
        table.plan([given.planned(2), given.planned(3, source=9)])
    assert planned_seeds(table) == [1]


def test_missing_come_in_batches(table, given):
    table.add_sources([given.source(1)])
    grid = [(27, 10), (50, 5), (27, 5), (27, 10), (50, 2)]
    plan = [given.planned(seed, steps=steps, insertion_step=k) for seed, (steps, k) in enumerate(grid)]
    table.plan([given.planned(9), *plan])
    table.plan(plan)
    assert [row.seed for row in table.missing()] == [2, 0, 3, 4, 1]
    assert [row.seed for row in table.missing(limit=2)] == [2, 0]
    table.add_candidates([given.candidate(plan[0].recipe.id)])
    assert [row.seed for row in table.missing()] == [2, 3, 4, 1] and table.count_missing() == 4
    assert table.missing()[0].source_image_sha256 == given.sha256("image 1")


def test_thirty_thousand_recipes(table, given):
    table.add_sources([given.source(1)])
    first = given.planned(0)
    plan = [replace(first, recipe=replace(first.recipe, seed=seed)) for seed in range(30_000)]
    assert table.plan(plan) == (30_000, 0)
    assert table.plan(plan[15_000:]) == (0, 15_000)
    assert table.count_missing() == 15_000 and table.missing(limit=1)[0].seed == 15_000
    ids = [item.recipe.id for item in plan[15_000:20_000]]
    assert table.add_candidates(map(given.candidate, ids)) == 5_000
    assert table.decide(ids, "accept", "ann") == 5_000
    assert table.count_missing() == 10_000 and len(table.frame()) == len(table.accepted()) == 5_000
