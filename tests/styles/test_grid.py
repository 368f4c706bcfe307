"""The grid: its size, its order, and samples of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from errors import BadValue
from styles.catalogue import Style
from styles.grid import Grid
from styles.recipes import Recipe

BASE = Recipe(
    source_sha256="",
    prompt="",
    guidance_scale=0,
    insertion_step=0,
    steps=20,
    seed=0,
    weights_sha256="w" * 64,
    mode="noised",
    sampler="ddim",
)
GRID = Grid(
    sources=[("toad 2", "b" * 64), ("toad 1", "a" * 64)],
    styles=[Style("ink", "ink toad", (2.0, 4.0), (0, 6, 12)), Style("oil", "oil toad", (3.0,), (8,))],
    seeds=[7, 3],
    base=BASE,
)


def test_grid_has_every_combination_once() -> None:
    cells = list(GRID.cells())
    assert len(GRID) == len(cells) == 2 * (2 * 3 + 1) * 2
    assert len({cell.recipe.id for cell in cells}) == len(cells)


def test_cells_come_in_the_order_given() -> None:
    cells = list(GRID.cells())
    told = [(c.source_id, c.style, c.recipe.guidance_scale, c.recipe.insertion_step, c.recipe.seed) for c in cells]
    assert told[:3] == [("toad 2", "ink", 2.0, 0, 7), ("toad 2", "ink", 2.0, 0, 3), ("toad 2", "ink", 2.0, 6, 7)]
    assert told[12:15] == [("toad 2", "oil", 3.0, 8, 7), ("toad 2", "oil", 3.0, 8, 3), ("toad 1", "ink", 2.0, 0, 7)]


def test_cells_keep_what_the_base_says() -> None:
    for cell in GRID.cells():
        recipe = cell.recipe
        assert recipe.prompt == f"{cell.style} toad" and recipe.source_sha256 == dict(GRID.sources)[cell.source_id]
        assert replace(recipe, source_sha256="", prompt="", guidance_scale=0, insertion_step=0, seed=0) == BASE


def test_same_seed_gives_the_same_sample() -> None:
    first, again, other = GRID.sample(9, seed=1), GRID.sample(9, seed=1), GRID.sample(9, seed=2)
    assert first == again != other
    assert len(first) == len({cell.recipe.id for cell in first}) == 9


def test_sample_is_a_part_in_the_grid_s_order() -> None:
    cells = list(GRID.cells())
    places = [cells.index(cell) for cell in GRID.sample(9, seed=1)]
    assert places == sorted(places)


def test_samples_reach_every_cell() -> None:
    reached = {cell.recipe.id for seed in range(60) for cell in GRID.sample(5, seed)}
    assert len(reached) == len(GRID)


def test_sample_larger_than_the_grid_is_the_grid() -> None:
    assert GRID.sample(len(GRID), 1) == GRID.sample(10**9, 1) == list(GRID.cells())
    assert GRID.sample(0, 1) == []


def test_negative_sample_is_refused() -> None:
    with pytest.raises(BadValue, match="0 or more"):
        GRID.sample(-1, 1)


@pytest.mark.parametrize("side", ["sources", "styles", "seeds"])
def test_grid_without_a_side_is_empty(side: str) -> None:
    empty = replace(GRID, **{side: []})  # type: ignore[arg-type]
    assert len(empty) == 0 and list(empty.cells()) == empty.sample(3, 1) == []
