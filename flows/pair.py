"""Stage 2: sources and styles become planned recipes."""

from __future__ import annotations

from collections.abc import Iterable

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import PlannedRecipe, Table
from errors import NothingLeft
from flows.settings import Settings
from glide.models import weights_sha256
from styles.grid import Cell, Grid
from styles.recipes import Recipe


@flow(name="pair", flow_run_name="pair {collection}", validate_parameters=False)
async def pair(collection: str) -> tuple[int, int]:
    """Plan the grid: (how many recipes are new, how many were there)."""
    return plan_recipes(collection)


@task(name="plan recipes", cache_policy=NO_CACHE)
def plan_recipes(collection: str) -> tuple[int, int]:
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    sources = [(row.id, row.pixels_sha256) for row in table.present_sources()]
    if not sources:
        raise NothingLeft(f"{settings.images}: there are no sources to pair; see `toadworks status`")
    planned = (
        PlannedRecipe(cell.recipe, cell.source_id, cell.style, settings.model.name) for cell in cells(settings, sources)
    )
    numbers = table.plan(planned)
    table.close()
    return numbers


def cells(settings: Settings, sources: list[tuple[str, str]]) -> Iterable[Cell]:
    """The grid's cells over (id, SHA-256 of pixels) sources, or the sample of it that the settings ask for."""
    grid = grid_of(settings, sources)
    count = settings["grid"]["sample"]
    return grid.sample(count, settings["grid"]["sample_seed"]) if count else grid.cells()


def grid_of(settings: Settings, sources: list[tuple[str, str]]) -> Grid:
    model = settings["model"]
    base = Recipe(
        source_sha256="",
        prompt="",
        guidance_scale=0.0,
        insertion_step=0,
        seed=0,
        steps=model["steps"],
        sampler=model["sampler"],
        eta=model["eta"] if model["sampler"] == "ddim" else 0.0,  # it has no meaning elsewhere
        weights_sha256=weights_sha256(settings.model),
        mode=settings["grid"]["mode"],
        prepare=settings["sources"]["prepare"],
        backdrop=settings["sources"]["backdrop"],
    )
    return Grid(
        sources=sources, styles=settings.styles, seeds=list(dict.fromkeys(settings["grid"]["seeds"])), base=base
    )
