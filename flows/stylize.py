"""Stage 3: planned recipes without a candidate are made. The table says what is missing, so a run that was killed goes
on where it was; and it gives recipes out, so several may run at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from flows.working import make_all, share, worker_name
from glide.prepare import prepare
from glide.request import Request, Restyled, Step
from styles.recipes import Recipe

Batch = Callable[[str, Meter], tuple[int, int, list[str]]]
TASK_BATCH = 32  # images a Prefect task: its record costs 31-46 ms


@flow(name="stylize", flow_run_name="stylize {collection}", validate_parameters=False, persist_result=False)
async def stylize(collection: str) -> tuple[int, list[str]]:
    """Make every missing candidate; return how many were made here, and what went wrong with others."""
    return make_missing(Settings.read(collection), stylize_batch)


def make_missing(settings: Settings, batch: Batch | None = None) -> tuple[int, list[str]]:
    """Make every missing candidate, beside other workers if there are any; return how many were made here, and what
    went wrong with others. `batch` makes one share (default: `make_batch`, without Prefect)."""
    made, failed = 0, list[str]()
    table = Table.open(settings.database_url)
    settings.open_assets().sweep()
    with meter("stylize", table.count_missing()) as shown:

        def make_some() -> int:
            nonlocal made
            drawn, stored, bad = (batch or make_batch)(str(settings.file), shown)
            made += stored
            failed.extend(bad)
            return drawn

        make_all(settings, table, make_some, shown)
    table.close()
    return made, failed


@task(name="stylize batch", cache_policy=NO_CACHE)
def stylize_batch(collection: str, shown: Meter) -> tuple[int, int, list[str]]:
    return make_batch(collection, shown)


def make_batch(collection: str, shown: Meter) -> tuple[int, int, list[str]]:
    """Draw some recipes and make them, each few stored as soon as they are made; return how many were drawn, how many
    stored, and what went wrong with the others."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    stored, failed = 0, list[str]()
    with share(settings, table, TASK_BATCH) as (claim, rows):
        for few in together(rows, settings["model"]["batch"]):
            made, problems = _store_few(settings, table, claim, few)
            stored += made
            for sentence in dict.fromkeys(problems.values()):
                say(sentence)
            failed += problems.values()
            shown.advance(len(few))
    table.close()
    return len(rows), stored, failed


def _store_few(settings: Settings, table: Table, claim: str, few: list[Any]) -> tuple[int, dict[str, str]]:
    """Make a few that share a batch, and store them; return how many are stored, and why others are not, by id."""
    device, batch = settings["model"]["device"], settings["model"]["batch"]
    try:
        # what the recipes say counts: collection.toml may have been edited since they were planned
        spec, parts = checked_parts(few[0].model, Recipe.from_json(few[0].json))
        parts = replace(parts, clip=parts.clip or (settings["choosing"]["clip_scores"] and spec.clip is not None))
        made, drawn, problems = _made(few, maker(spec, parts, device, batch), settings.open_assets())
    except RunFailed:  # a full disk, a table that is gone, a GPU without memory: the others would fail too
        raise
    except ToadworksError as error:
        made, drawn, problems = [], [], {row.id: str(error) for row in few}
    kept = table.finish(claim, made)
    # hashed now, as the pixels are at hand: reading them costs more than hashing
    hash_drawn(settings, table, [one for one in drawn if one.id in kept])
    table.fail(claim, problems)
    if lost := len(made) - len(kept):
        say(f"{lost} of {len(few)} took longer than their lease and went to another worker, whose pictures count")
    return len(kept), problems


def together(rows: list[Any], width: int) -> Iterator[list[Any]]:
    """Rows that can share a batch, `width` at a time."""

    def shared(row: Any) -> Any:
        recipe = Recipe.from_json(row.json)
        return row.model, hashes_of(recipe), parts_of(recipe), options_of(recipe)

    for _, alike in groupby(rows, key=shared):
        yield from map(list, pieces(list(alike), width))


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a recipe gave, and the source's picture that it was given."""

    row: Any
    recipe: Recipe
    source: Image.Image
    restyled: Restyled


def outcomes(
    rows: list[Any], working: Maker, assets: Assets, on_step: Callable[[str, Step], None] | None = None
) -> tuple[list[Outcome], dict[str, str]]:
    """What these rows gave, which share a batch and have the columns id, json, source_id, style and
    source_image_sha256; and a sentence on each that there is no picture of, by id. `on_step` hears of every step on the
    way, with the row's id."""
    asked: list[tuple[Any, Recipe, Image.Image, Request]] = []
    failed = {}
    for row in rows:
        recipe = Recipe.from_json(row.json)
        if row.source_pixels_sha256 != recipe.source_sha256:
            failed[row.id] = f"source {row.source_id}: its picture changed since this was planned; plan it anew"
            continue
        try:
            source = asset_picture(assets, row.source_image_sha256)
            request = working.request(Order(recipe, source, own_mask(recipe, assets)))
            asked.append((row, recipe, source, request))
        except ToadworksError as error:
            if isinstance(error, RunFailed) and not isinstance(error, MissingAsset | DamagedAsset):
                raise  # the assets are out of reach: every other row would wait for them in vain, too
            failed[row.id] = f"source {row.source_id}: {error}"

    def step(told: Step) -> None:
        if on_step:
            on_step(asked[told.request][0].id, told)

    requests = [request for *_, request in asked]
    gave = working.make(requests, options_of(asked[0][1]), step if on_step else None) if asked else []
    good = []
    for (row, recipe, source, _), restyled in zip(asked, gave, strict=True):
        if restyled.problem:
            failed[row.id] = f"recipe {row.id[:12]} ({row.source_id}, {row.style}): {restyled.problem}; nothing is kept"
        else:
            good.append(Outcome(row, recipe, source, restyled))
    return good, failed


def packed(outcome: Outcome, made_with: dict[str, Any]) -> bytes:
    """The outcome as the PNG that is kept."""
    row = outcome.row
    about = {"source": row.source_id, "style": row.style, "model": row.model, "made_with": made_with}
    return candidate_png(outcome.restyled.pixels, outcome.recipe, about)


def drawn_of(outcome: Outcome) -> Drawn:
    """The outcome as its fingerprint is made of it."""
    recipe, pixels = outcome.recipe, outcome.restyled.pixels
    return Drawn(outcome.row.id, pixels, prepare(outcome.source, recipe.prepare, recipe.backdrop, pixels.shape[1]))


def _made(rows: list[Any], working: Maker, assets: Assets) -> tuple[list[dict[str, Any]], list[Drawn], dict[str, str]]:
    """Candidates of these recipes, as rows of the table, their pictures put among the assets; their pixels; and a
    sentence on each that there is no picture of, by id."""
    began = time.monotonic()
    good, failed = outcomes(rows, working, assets)
    seconds = (time.monotonic() - began) / len(rows)
    made = []
    for outcome in good:
        restyled = outcome.restyled
        known = [score if math.isfinite(score) else None for score in restyled.scores]  # JSON has no NaN
        scores = {"scorer": outcome.recipe.scorer, "scores": known, "kept": restyled.kept}
        made.append(
            {
                "id": outcome.row.id,
                "image_sha256": assets.put(packed(outcome, working.made_with)),
                "seconds": seconds,
                "made_with": working.made_with,
                "worker": worker_name(),
                "clip_score": restyled.clip_score,
                "samples": scores if restyled.scores else None,
            }
        )
    return made, list(map(drawn_of, good)), failed
