"""Stage 3: planned recipes without a candidate are made. The table says what is missing, so a run that was killed goes
on where it was."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import AssetFolder, Table
from collection_db.rows import pieces
from errors import ToadworksError
from flows.making import Maker, candidate_png, maker
from flows.progress import Meter, meter, say
from flows.settings import Settings
from styles.recipes import Recipe

TASK_BATCH = 32  # images a Prefect task: its record costs 31-46 ms


@flow(name="stylize", flow_run_name="stylize {collection}", validate_parameters=False)
async def stylize(collection: str) -> tuple[int, list[str]]:
    """Make every missing candidate; return how many, and what went wrong with the others."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    AssetFolder(settings.assets).sweep()
    missing = table.missing()
    failed: list[str] = []
    with meter("stylize", len(missing)) as shown:
        for piece in pieces(missing, TASK_BATCH):
            failed += stylize_batch(collection, list(piece), shown)
    table.close()
    return len(missing) - len(failed), failed


@task(name="stylize batch", cache_policy=NO_CACHE)
def stylize_batch(collection: str, rows: list[Any], shown: Meter) -> list[str]:
    """Make these rows of `Table.missing`, each few stored as soon as they are made; return what went wrong."""
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    working = maker(settings.model, settings["model"]["device"], settings["model"]["batch"])
    failed = []
    for few in _together(rows, working.batch):
        try:
            table.add_candidates(_made(few, working, assets))
        except ToadworksError as error:
            say(str(error))
            failed += [str(error)] * len(few)
        shown.advance(len(few))
    table.close()
    return failed


def _together(rows: list[Any], width: int) -> Iterator[list[Any]]:
    """Rows that share sampler, T and eta, `width` at a time."""
    for _, alike in groupby(rows, key=lambda row: (row.sampler, row.steps, Recipe.from_json(row.json).eta)):
        yield from map(list, pieces(list(alike), width))


def _made(rows: list[Any], working: Maker, assets: AssetFolder) -> list[dict[str, Any]]:
    """Candidates of these recipes, as rows of the table, their pictures put among the assets."""
    recipes = [Recipe.from_json(row.json) for row in rows]
    sources = [Image.open(io.BytesIO(assets.read(row.source_image_sha256))) for row in rows]
    images, seconds = working.make(list(zip(recipes, sources, strict=True)))
    made = []
    for row, recipe, pixels in zip(rows, recipes, images, strict=True):
        about = {"source": row.source_id, "style": row.style, "model": row.model, "made_with": working.made_with}
        sha256 = assets.put(candidate_png(pixels, recipe, about))
        made.append({"id": row.id, "image_sha256": sha256, "seconds": seconds, "made_with": working.made_with})
    return made
