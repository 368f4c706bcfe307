"""Stage 3: planned recipes without a candidate are made. The table says what is missing, so a run that was killed goes
on where it was."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Assets, Table
from collection_db.rows import pieces
from errors import DamagedAsset, MissingAsset, RunFailed, ToadworksError
from flows.hashing import Drawn, hash_drawn
from flows.making import Maker, Order, candidate_png, checked_parts, hashes_of, maker, options_of, parts_of
from flows.masking import own_mask
from flows.progress import Meter, meter, say
from flows.settings import Settings
from flows.sources import asset_picture
from glide.prepare import prepare
from glide.request import Request
from styles.recipes import Recipe

TASK_BATCH = 32  # images a Prefect task: its record costs 31-46 ms


@flow(name="stylize", flow_run_name="stylize {collection}", validate_parameters=False)
async def stylize(collection: str) -> tuple[int, list[str]]:
    """Make every missing candidate; return how many, and what went wrong with the others."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    settings.open_assets().sweep()
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
    table, assets = Table.open(settings.database_url), settings.open_assets()
    device, batch = settings["model"]["device"], settings["model"]["batch"]
    failed: list[str] = []
    for few in _together(rows, batch):
        try:
            # what the recipes say counts: collection.toml may have been edited since they were planned
            spec, parts = checked_parts(few[0].model, Recipe.from_json(few[0].json))
            parts = replace(parts, clip=parts.clip or (settings["choosing"]["clip_scores"] and spec.clip is not None))
            made, drawn, bad = _made(few, maker(spec, parts, device, batch), assets)
            table.add_candidates(made)
            hash_drawn(settings, table, drawn)  # now, as the pixels are at hand: reading them costs more than hashing
        except RunFailed:  # a full disk, a table that is gone, a GPU without memory: the others would fail too
            raise
        except ToadworksError as error:
            bad = [str(error)] * len(few)
        for sentence in dict.fromkeys(bad):
            say(sentence)
        failed += bad
        shown.advance(len(few))
    table.close()
    return failed


def _together(rows: list[Any], width: int) -> Iterator[list[Any]]:
    """Rows that can share a batch, `width` at a time."""

    def shared(row: Any) -> Any:
        recipe = Recipe.from_json(row.json)
        return row.model, hashes_of(recipe), parts_of(recipe), options_of(recipe)

    for _, alike in groupby(rows, key=shared):
        yield from map(list, pieces(list(alike), width))


def _made(rows: list[Any], working: Maker, assets: Assets) -> tuple[list[dict[str, Any]], list[Drawn], list[str]]:
    """Candidates of these recipes, as rows of the table, their pictures put among the assets; their pixels; and a
    sentence on each that there is no picture of."""
    began = time.monotonic()
    asked: list[tuple[Any, Recipe, Image.Image, Request]] = []
    failed = []
    for row in rows:
        recipe = Recipe.from_json(row.json)
        try:
            source = asset_picture(assets, row.source_image_sha256)
            request = working.request(Order(recipe, source, own_mask(recipe, assets)))
            asked.append((row, recipe, source, request))
        except ToadworksError as error:
            if isinstance(error, RunFailed) and not isinstance(error, MissingAsset | DamagedAsset):
                raise  # the assets are out of reach: every other row would wait for them in vain, too
            failed.append(f"source {row.source_id}: {error}")
    outcomes = working.make([request for *_, request in asked], options_of(asked[0][1])) if asked else []
    seconds = (time.monotonic() - began) / len(rows)
    made, drawn = [], []
    for (row, recipe, source, _), outcome in zip(asked, outcomes, strict=True):
        if outcome.problem:
            failed.append(f"recipe {row.id[:12]} ({row.source_id}, {row.style}): {outcome.problem}; nothing is kept")
            continue
        about = {"source": row.source_id, "style": row.style, "model": row.model, "made_with": working.made_with}
        sha256 = assets.put(candidate_png(outcome.pixels, recipe, about))
        given = prepare(source, recipe.prepare, recipe.backdrop, outcome.pixels.shape[1])
        drawn.append(Drawn(row.id, outcome.pixels, given))
        known = [score if math.isfinite(score) else None for score in outcome.scores]  # JSON has no NaN
        scores = {"scorer": recipe.scorer, "scores": known, "kept": outcome.kept}
        made.append(
            {
                "id": row.id,
                "image_sha256": sha256,
                "seconds": seconds,
                "made_with": working.made_with,
                "clip_score": outcome.clip_score,
                "samples": scores if outcome.scores else None,
            }
        )
    return made, drawn, failed
