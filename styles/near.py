"""Recipes near one that somebody liked: the same source and prompt, with other seeds, insertion steps and scales."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from styles.recipes import Recipe

SEEDS = 4
SCALES = (0.8, 1.25)  # times the recipe's own
STEPS = (-1, 1)


def near(recipe: Recipe) -> Iterator[Recipe]:
    """The recipes beside this one, always the same: `SEEDS` other seeds; the insertion steps before and after it (at
    least 1, below T); guidance scales of 0.8 and 1.25 times its own. Where no noise is drawn, so that a seed would
    change nothing, both of the others instead at once."""
    scales = [round(recipe.guidance_scale * times, 3) for times in SCALES]
    steps = [recipe.insertion_step + by for by in STEPS if 1 <= recipe.insertion_step + by < recipe.steps]
    if draws_noise(recipe):
        chance = random.Random(recipe.id)
        for _ in range(SEEDS):
            yield replace(recipe, seed=chance.randrange(2**31))
    else:
        for step in steps:
            for scale in scales:
                yield replace(recipe, insertion_step=step, guidance_scale=scale)
    for step in steps:
        yield replace(recipe, insertion_step=step)
    for scale in scales:
        yield replace(recipe, guidance_scale=scale)


def draws_noise(recipe: Recipe) -> bool:
    """Does another seed give another picture?"""
    fresh = recipe.sampler == "ddpm" or (recipe.sampler == "ddim" and recipe.eta > 0)
    return fresh or recipe.mode == "noised" or recipe.insertion_step == 0 or bool(recipe.upsampler_sha256)
