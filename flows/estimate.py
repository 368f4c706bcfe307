"""What a plan comes to, before anything is spent: its size, and how long and how much disk it will take here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from collection_db import Table
from flows.ingest import chosen_sources
from flows.making import maker
from flows.masking import drawn_masks
from flows.pair import cells
from flows.settings import Settings
from glide.models import Model
from glide.request import Options, Request
from glide.restyle import restyle
from glide.schedules import kept_steps

CANDIDATE_BYTES = 18_000  # measured: a 64x64 PNG with its recipe takes 15 kB of disk, its rows in the table 3 kB
SOURCE_BYTES = 4_000
HASHING_SECONDS = 0.01  # an image: hash, group, its place on a sheet
STARTING_SECONDS = 15.0


@dataclass(frozen=True)
class Estimate:
    """`recipes` in the plan, `missing` of them without a candidate; `steps`: sampling steps that those need;
    `seconds`, `disk_bytes`: what they will take; `grid`: (what, how many) of each side."""

    grid: list[tuple[str, int]]
    recipes: int
    missing: int
    steps: int
    seconds: float
    disk_bytes: int


def estimate(settings: Settings) -> Estimate:
    """Count the plan, and time a few sampling steps of the model on this machine (some seconds). Nothing is written but
    an empty table where there is none."""
    files, _ = chosen_sources(settings)
    # sources are known by their pixels only once they are read: until then each stands for itself
    table = Table.open(settings.database_url)
    known = {row.id: row.pixels_sha256 for row in table.present_sources()}
    made = set(table.frame(everything=True)["id"])
    table.close()
    sources = [(id, known.get(id, id)) for id in files]
    recipes = missing = steps = 0
    masks, _ = drawn_masks(settings, list(files))
    for cell in cells(settings, sources, masks):
        recipes += 1
        if cell.recipe.id not in made:
            missing += 1
            steps += cell.recipe.samples * (cell.recipe.steps - cell.recipe.insertion_step)
    seconds = 0.0
    if missing:
        batches = math.ceil(missing / settings["model"]["batch"])
        # a batch that is not full costs as much as a full one
        full = batches * settings["model"]["batch"] / missing
        a_step, an_upsampling = seconds_a_step(settings)
        seconds = STARTING_SECONDS + missing * HASHING_SECONDS + full * (steps * a_step + missing * an_upsampling)
    styles = settings.styles
    variants = sum(len(style.guidance_scales) * len(style.insertion_steps) for style in styles)
    grid = [
        ("sources", len(sources)),
        ("styles", len(styles)),
        ("guidance scales x insertion steps, all styles together", variants),
        ("seeds", len(settings["grid"]["seeds"])),
    ]
    disk = missing * CANDIDATE_BYTES + (len(sources) - len(known)) * SOURCE_BYTES
    return Estimate(grid, recipes, missing, steps, seconds, max(disk, 0))


def seconds_a_step(settings: Settings) -> tuple[float, float]:
    """Seconds that one image's sampling step takes here, guidance and batching included, and its upsampling (0 where
    there is none): the median of three."""
    working = maker(settings.model, settings.parts, settings["model"]["device"], settings["model"]["batch"])
    model, options = working.model, replace(settings.options, samples=1)
    side, large = model.spec.size, model.spec.upsampled_size
    masked = settings.parts.masked
    request = Request(
        np.full((side, side, 3), 128, np.uint8),
        settings.styles[0].prompt,
        3.0,
        max(options.steps - 2, 0),
        seed=1,
        repaint=np.ones((side, side), bool) if masked else None,
        large_source=np.zeros((large, large, 3), np.uint8) if masked else None,
        large_repaint=np.ones((large, large), bool) if masked else None,
    )
    base = replace(model, upsampler=None)

    def timed(what: Model, options: Options, images: int) -> float:
        times = []
        for _ in range(4):
            began = time.monotonic()
            restyle(what, [request] * working.batch, options, width=working.batch)
            times.append((time.monotonic() - began) / images)
        return sorted(times[1:])[1]  # the first one warms up

    a_step = timed(base, options, min(options.steps, 2) * working.batch)
    if model.upsampler is None:
        return a_step, 0.0
    count = len(kept_steps(options.upsampler_respacing))
    few = replace(options, upsampler_respacing="2")
    both = timed(model, few, working.batch) - min(options.steps, 2) * a_step
    return a_step, max(both, 0.0) * count / 2
