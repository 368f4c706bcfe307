"""The grid: every source with every style, guidance scale, insertion step and seed, or a seeded sample of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from errors import BadValue
from styles.catalogue import Style
from styles.recipes import Recipe


@dataclass(frozen=True)
class Cell:
    """A recipe with the names people know its parts by."""

    source_id: str
    style: str
    recipe: Recipe


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What to combine. `sources`: (id, SHA-256 of its pixels); `base`: a recipe whose source, prompt, scale, step and
    seed are filled in; `masks`: of the sources (by id) that have one of their own."""

    sources: Sequence[tuple[str, str]]
    styles: Sequence[Style]
    seeds: Sequence[int]
    base: Recipe
    masks: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        variants = sum(len(style.guidance_scales) * len(style.insertion_steps) for style in self.styles)
        return len(self.sources) * variants * len(self.seeds)

    def cells(self) -> Iterator[Cell]:
        """All cells: source by source, then style, scale, insertion step and seed in the order given."""
        for (source_id, pixels), style in product(self.sources, self.styles):
            for scale, step, seed in product(style.guidance_scales, style.insertion_steps, self.seeds):
                recipe = replace(
                    self.base,
                    source_sha256=pixels,
                    prompt=style.prompt,
                    guidance_scale=scale,
                    insertion_step=step,
                    seed=seed,
                    mask=self.masks.get(source_id, self.base.mask),
                )
                yield Cell(source_id, style.name, recipe)

    def sample(self, count: int, seed: int) -> list[Cell]:
        """`count` different cells at random, in the grid's order: the same for the same seed and grid; the whole grid
        where it has no more. Raises BadValue for a negative count."""
        if count < 0:
            raise BadValue("sample size", count, "0 or more")
        chosen = set(random.Random(seed).sample(range(len(self)), min(count, len(self))))
        return [cell for number, cell in enumerate(self.cells()) if number in chosen]
