"""A collection whose sources and candidates are put into the table by hand, and pictures for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from collection_db import PlannedRecipe, Table
from flows.hashing import hash_missing, hash_rows
from flows.ingest import png
from flows.settings import Settings
from flows.sources import SourceImage
from styles.recipes import Recipe


def drawing(seed: int, shift: int = 0) -> Image.Image:
    """Coloured blocks, another picture for each seed, a little brighter by `shift`."""
    blocks = np.random.default_rng(seed).integers(30, 220, (8, 8, 3), dtype=np.uint8) + np.uint8(shift)
    return Image.fromarray(blocks).resize((64, 64), Image.Resampling.NEAREST)


class Pond:
    """A collection whose sources and candidates are put into the table by hand."""

    def __init__(self, settings: Settings, sources: Sequence[Image.Image]) -> None:
        self.settings, self.sources = settings, list(sources)
        self.table, self.assets = Table.open(settings.database_url), settings.open_assets()
        self.planned: list[PlannedRecipe] = []
        self.ids: list[str] = []
        self.style = "ink"
        for number, image in enumerate(sources):
            row = {"id": str(number), "position": number, "file": f"{number}.png", "width": 64, "height": 64}
            sha256 = SourceImage(image, 1).pixels_sha256
            self.table.add_sources([row | {"pixels_sha256": sha256, "image_sha256": self.assets.put(png(image))}])
        self.table.set_present(map(str, range(len(sources))))

    def recipe(self, source: int, seed: int) -> PlannedRecipe:
        sha256 = SourceImage(self.sources[source], 1).pixels_sha256
        recipe = Recipe(
            source_sha256=sha256,
            prompt="a toad",
            guidance_scale=3.0,
            insertion_step=4,
            steps=15,
            seed=seed,
            weights_sha256="0" * 64,
        )
        return PlannedRecipe(recipe, str(source), self.style, "tadpole")

    def add(self, made: Sequence[tuple[int, Image.Image]], seeds: Sequence[int] | None = None) -> list[str]:
        """Candidates of (source, picture), hashed; their ids. `seeds` tell recipes of one source apart."""
        start = len(self.planned)
        new = [self.recipe(source, (seeds or range(start, start + len(made)))[n]) for n, (source, _) in enumerate(made)]
        self.planned += new
        self.table.plan(self.planned)
        self.table.add_candidates(
            {"id": item.recipe.id, "image_sha256": self.assets.put(png(image)), "seconds": 1.0}
            for item, (_, image) in zip(new, made, strict=True)
        )
        self.hash()
        return [item.recipe.id for item in new]

    def hash(self) -> int:
        return hash_missing(self.settings, self.table, partial(hash_rows, self.settings, self.table))

    def look(self, id: str):
        return next(row for row in self.table.looks() if row.id == id)

    def image_of(self, id: str) -> str:
        """The SHA-256 of a candidate's picture."""
        [row] = self.table.candidates([id])
        return row.image_sha256

    def seen(self) -> dict[str, tuple]:
        names = ("leader_id", "twin_id", "unchanged", "copy_of", "earlier", "score", "flat")
        return {row.id: tuple(getattr(row, name) for name in names) for row in self.table.looks()}


def changed(pond: Pond, text: str) -> Pond:
    """The same collection with other settings."""
    pond.settings.file.write_text(f'[sources]\nimages = "images"\n{text}', encoding="utf-8")
    pond.settings = Settings.read(pond.settings.file)
    return pond


def mixed(count: int = 60) -> list[tuple[int, Image.Image]]:
    """Candidates of three sources: families of near copies, some of a family in two sources, some flat, some that are
    their own source."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(count):
        source, family = int(rng.integers(3)), int(rng.integers(100, 108))
        picture = [drawing(family, int(rng.integers(4))), drawing(source), Image.new("RGB", (64, 64), (9, family, 9))]
        made.append((source, picture[0 if number % 10 < 8 else number % 10 - 7]))
    return made


def changed_copy(settings: Settings, folder: Path) -> Settings:
    (folder / "collection.toml").write_text(settings.file.read_text(encoding="utf-8"), encoding="utf-8")
    return Settings.read(folder)


def darker(image: Image.Image) -> Image.Image:
    """The same picture with one part that is plainly darker."""
    pixels = np.asarray(image).copy()
    pixels[8:12, 8:12] = pixels[8:12, 8:12] * 0.8
    return Image.fromarray(pixels)
