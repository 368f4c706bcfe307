"""A collection of many candidates, put into the table by hand: what a studio has after a night."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from PIL import Image

from collection_db import Assets, PlannedRecipe, Table
from styles.recipes import Recipe

STYLES = ("crayon", "ink", "neon", "oil", "stained glass", "woodcut", "gouache", "comic", "paper cut", "blueprint")
SCALES, STEPS = (1.5, 3.0, 4.5, 6.0), (2, 5, 8, 11, 13)
SIDE = 64  # pixels
GROUP = 5  # candidates of one source and style that look alike
HATS = ("none", "crown", "beanie", "wizard", "helmet")


def drawing(number: int, side: int = SIDE) -> bytes:
    """A PNG of coloured blocks, another one for each number."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(20, 235, (8, 4, 3), dtype=np.uint8)
    image = Image.fromarray(np.concatenate([blocks, blocks[:, ::-1]], axis=1))
    packed = io.BytesIO()
    image.resize((side, side), Image.Resampling.NEAREST).save(packed, "PNG", compress_level=1)
    return packed.getvalue()


class Crowd:
    """`count` candidates of `STYLES`, `SCALES` and `STEPS`, over as many sources as that takes. The candidates share
    `pictures` pictures. The plan can be walked again."""

    def __init__(self, count: int, pictures: int = 300, seed: int = 1) -> None:
        self.count, self.pictures, self.seed = count, pictures, seed
        per_source = len(STYLES) * len(SCALES) * len(STEPS)
        self.sources = -(-count // per_source)

    def planned(self) -> Iterator[PlannedRecipe]:
        cells = product(range(self.sources), STYLES, SCALES, STEPS)
        for _, (source, style, scale, step) in zip(range(self.count), cells, strict=False):
            recipe = Recipe(
                source_sha256=f"{source:064x}",
                prompt=f"a toad in {style}",
                guidance_scale=scale,
                insertion_step=step,
                steps=15,
                seed=1,
                weights_sha256="0" * 64,
            )
            yield PlannedRecipe(recipe, f"toad-{source:04}", style, "tadpole")

    def fill(self, table: Table, assets: Assets) -> list[str]:
        """Put all of it into an empty table; return the candidates' ids in the order of the plan."""
        chance = random.Random(self.seed)
        pictures = [assets.put(drawing(number)) for number in range(self.pictures)]
        table.add_sources(self._source(number, pictures[number % len(pictures)]) for number in range(self.sources))
        table.set_present(f"toad-{number:04}" for number in range(self.sources))
        plan = list(self.planned())
        table.plan(plan)
        ids = [item.recipe.id for item in plan]
        table.add_candidates(
            {
                "id": id,
                "image_sha256": chance.choice(pictures),
                "seconds": 0.5,
                "made_with": {},
            }
            for id in ids
        )
        table.set_looks(
            {"id": id, "score": chance.random(), "leader_id": ids[place - place % GROUP]}
            for place, id in enumerate(ids)
        )
        return ids

    def _source(self, number: int, image: str) -> dict[str, Any]:
        hat = {"trait_type": "Hat", "value": HATS[number % len(HATS)]}
        eyes = {"trait_type": "Eyes", "value": f"{number % 7} of 7"}
        return {
            "id": f"toad-{number:04}",
            "position": number,
            "file": f"toad-{number:04}.png",
            "pixels_sha256": f"{number:064x}",
            "image_sha256": image,
            "width": SIDE,
            "height": SIDE,
            "attributes": [hat, eyes],
            "licence": "CC0-1.0",
        }
