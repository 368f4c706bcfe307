"""What a plan comes to, before anything is spent: its size, and how long and how much disk it will take here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from collection_db import Table
from flows.ingest import chosen_sources
from flows.making import maker
from flows.masking import masks_of
from flows.pair import cells, more_like, warnings
from flows.settings import Settings
from glide.models import Model
from glide.request import Options, Request
from glide.schedules import kept_steps

# measured: a 64x64 PNG with its recipe takes 15 kB of disk, a 256x256 one about 75 kB, the rows in the table 3 kB
CANDIDATE_BYTES, PIXEL_BYTES = 13_800, 1.025
LONG_ENOUGH = 0.3  # seconds an image: what takes longer is timed once
SCORING_STEPS = 4  # looking for evidence costs as much as so many steps
SOURCE_BYTES = 4_000
HASHING_SECONDS = 0.01  # an image: hash, group, its place on a sheet
STARTING_SECONDS = 15.0


@dataclass(frozen=True)
class Estimate:
    """`recipes` in the plan, `missing` of them without a candidate; `steps`: sampling steps that those need;
    `seconds`, `disk_bytes`: what they will take; `grid`: (what, how many) of each side; `warnings`: sentences on what
    is left out."""

    grid: list[tuple[str, int]]
    recipes: int
    missing: int
    steps: int
    seconds: float
    disk_bytes: int
    warnings: list[str]


def estimate(settings: Settings) -> Estimate:
    """Count the plan, and time a few sampling steps of the model on this machine (some seconds). Nothing is written but
    an empty table where there is none."""
    files, _ = chosen_sources(settings)
    # sources are known by their pixels only once they are read: until then each stands for itself
    table = Table.open(settings.database_url)
    known = {row.id: row.pixels_sha256 for row in table.present_sources()}
    made = set(table.frame(everything=True)["id"])
    liked = [planned.recipe for planned in more_like(table, settings)]
    table.close()
    sources = [(id, known.get(id, id)) for id in files]
    recipes = missing = steps = 0
    masks, skipped = masks_of(settings, list(files))
    scoring = SCORING_STEPS if settings.options.samples > 1 and settings.options.scorer == "evidence" else 0
    near = {recipe.id for recipe in liked}
    grid = (cell.recipe for cell in cells(settings, sources, masks))
    for recipe in chain((one for one in grid if one.id not in near), {one.id: one for one in liked}.values()):
        recipes += 1
        if recipe.id not in made:
            missing += 1
            steps += recipe.samples * (recipe.steps - recipe.insertion_step + scoring)
    seconds = 0.0
    if missing:
        batches = math.ceil(missing / settings["model"]["batch"])
        # a batch that is not full costs as much as a full one
        full = batches * settings["model"]["batch"] / missing
        a_step, an_upsampling = seconds_a_step(settings)
        seconds = STARTING_SECONDS + missing * HASHING_SECONDS + full * (steps * a_step + missing * an_upsampling)
    styles = settings.styles
    variants = sum(len(style.guidance_scales) * len(style.insertion_steps) for style in styles)
    told_grid = [
        ("sources", len(sources)),
        ("styles", len(styles)),
        ("guidance scales x insertion steps, all styles together", variants),
        ("seeds", len(settings["grid"]["seeds"])),
        *([("recipes near those of which more were asked for", len(near))] if near else []),
    ]
    told = [f"skipped {file}: {reason}" for file, reason in skipped] + warnings(settings)
    disk = (
        missing * round(CANDIDATE_BYTES + PIXEL_BYTES * settings.side**2) + (len(sources) - len(known)) * SOURCE_BYTES
    )
    return Estimate(told_grid, recipes, missing, steps, seconds, max(disk, 0), told)


def seconds_a_step(settings: Settings) -> tuple[float, float]:
    """Seconds that one image's sampling step takes here, guidance and batching included, and its upsampling (0 where
    there is none). Raises RunFailed where a GPU's memory is too small."""
    working = maker(settings.model, settings.parts, settings["model"]["device"], settings["model"]["batch"])
    model, masked = working.model, settings.parts.masked
    side, large = model.spec.size, model.spec.upsampled_size
    # guided as a whole: which steps an interval leaves out is not worth knowing here
    plain = replace(settings.options, samples=1, guidance_from=0.0, guidance_until=1.0)
    request = Request(
        np.full((side, side, 3), 128, np.uint8),
        settings.styles[0].prompt,
        3.0,
        plain.steps - 1,
        seed=1,
        repaint=np.ones((side, side), bool) if masked else None,
        large_source=np.zeros((large, large, 3), np.uint8) if masked else None,
        large_repaint=np.ones((large, large), bool) if masked else None,
    )

    def timed(what: Model, options: Options) -> float:
        times: list[float] = []
        while len(times) < 4 and sum(times) < LONG_ENOUGH:
            began = time.monotonic()
            replace(working, model=what).make([request] * working.batch, options)
            times.append((time.monotonic() - began) / working.batch)
        return sorted(times)[(len(times) - 1) // 2]  # the first one warms up

    a_step = timed(replace(model, upsampler=None), plain)
    if model.upsampler is None:
        return a_step, 0.0
    upsampling = timed(model, replace(plain, upsampler_respacing="1")) - a_step
    return a_step, max(upsampling, 0.0) * len(kept_steps(plain.upsampler_respacing))
