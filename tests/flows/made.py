"""A small collection that a real model makes, and copies of it to be spoilt."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from collection_db import AssetFolder, Table
from flows import ingest, making, pair
from flows.settings import Settings
from flows.stylize import make_missing

GRID = """
[grid]
styles = ["oil", "ink"]
guidance_scales = [2]
insertion_steps = [1]
[model]
steps = 2
batch = 4
"""


def toad(number: int, alpha: bool = False) -> Image.Image:
    """A drawing, another one for each number; with `alpha` transparent around it."""
    image = Image.new("RGBA", (40, 40), (200, 220, 30 * number % 256, 0 if alpha else 255))
    image.paste((20 * number % 256, 120, 60, 255), (8 + number, 10, 30, 34))
    image.paste((250, 250, 20, 255), (12, 14, 18, 20))
    return image


def prepared(folder: Path, text: str = GRID, alpha: bool = False) -> Settings:
    """A collection of two sources whose grid is planned and not made."""
    (folder / "images").mkdir(parents=True)
    for number in (1, 2):
        toad(number, alpha and number == 2).save(folder / "images" / f"{number}.png")
    file = folder / "collection.toml"
    file.write_text(f'[sources]\nimages = "images"\n{text}', encoding="utf-8")
    settings = Settings.read(file)
    ingest.ingest_batch.fn(str(file), [(n, str(settings.images / f"{n}.png")) for n in "12"], 0)
    pair.plan_recipes.fn(str(file))
    return settings


def made(folder: Path, text: str = GRID, alpha: bool = False) -> Settings:
    """The same, made."""
    settings = prepared(folder, text, alpha)
    making.maker.cache_clear()  # another test may have spoilt it
    assert make_missing(settings)[1] == []
    return settings


def copied(settings: Settings, folder: Path) -> Settings:
    """The collection in another folder."""
    shutil.copytree(settings.folder, folder)
    return Settings.read(folder)


class Opened:
    """A collection with its table and assets at hand."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.table = settings, Table.open(settings.database_url)
        self.assets = AssetFolder(settings.assets)
        self.ids: list[str] = list(self.table.frame()["id"])

    def image_of(self, id: str) -> str:
        [row] = self.table.candidates([id])
        return row.image_sha256

    def sql(self, statement: str, *values: object) -> None:
        with self.table.engine.begin() as connection:
            connection.exec_driver_sql(statement, values)

    def bytes_of(self, sha256: str) -> bytes:
        return self.assets.path(sha256).read_bytes()

    def spoil(self, sha256: str, how: str = "missing") -> None:
        """Let an asset be missing, or damaged."""
        file = self.assets.path(sha256)
        if how == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-9])

    def accept_token(self, id: str) -> None:
        self.table.decide([id], "accept", "ann")
        token = {"number": 1, "candidate_id": id, "name": "Toad #1", "image_sha256": self.image_of(id)}
        self.table.set_tokens([token])
