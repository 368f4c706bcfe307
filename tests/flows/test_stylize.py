"""Making what is missing: a bad candidate is named and left out, and the others are kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from collection_db import AssetFolder, Table
from flows import ingest, making, pair, stylize
from flows.settings import Settings

Collection = Callable[..., Settings]
GRID = '[grid]\nstyles = ["oil", "ink"]\nguidance_scales = [2]\ninsertion_steps = [1]\n[model]\nsteps = 2\nbatch = 4\n'


class Silent:
    def advance(self, count: int = 1) -> None:
        """Nobody looks."""


@pytest.fixture
def planned(
    collection: Collection, images: Path, picture: Callable[..., Image.Image], one_thread: None
) -> tuple[Settings, Table]:
    """Two sources in two styles, planned."""
    for number in (1, 2):
        picture(number).save(images / f"{number}.png")
    settings = collection(GRID)
    ingest.ingest_batch.fn(str(settings.folder), [(n, str(images / f"{n}.png")) for n in "12"], 0)
    assert pair.plan_recipes.fn(str(settings.folder))[0] == 4
    making.maker.cache_clear()  # a test may spoil the model
    return settings, Table.open(settings.database_url)


def stylized(settings: Settings, table: Table) -> list[str]:
    return stylize.stylize_batch.fn(str(settings.folder), table.missing(), Silent())


def spoilt(settings: Settings, monkeypatch: pytest.MonkeyPatch, values: float) -> None:
    """The network answers so to the first image of every evaluation."""
    unet = making.maker(settings.model, settings.parts, "auto", 4).model.base.unet
    forward = unet.forward

    def spoiling(x: torch.Tensor, *others: Any) -> torch.Tensor:
        out: torch.Tensor = forward(x, *others)
        out[0] = values
        return out

    monkeypatch.setattr(unet, "forward", spoiling)


@pytest.mark.parametrize(("values", "words"), [(torch.nan, "NaN"), (1e4, "black")])
def test_image_that_is_none_is_named_and_not_kept(
    planned: tuple[Settings, Table], monkeypatch: pytest.MonkeyPatch, values: float, words: str
) -> None:
    settings, table = planned
    spoilt(settings, monkeypatch, values)
    first = table.missing()[0]
    [told] = stylized(settings, table)
    assert told.startswith(f"recipe {first.id[:12]} ({first.source_id}, {first.style}): ") and words in told
    assert len(table.frame()) == 3 and [row.id for row in table.missing()] == [first.id]
    monkeypatch.undo()
    assert stylized(settings, table) == [] and table.count_missing() == 0


def test_source_that_is_damaged_fails_alone(planned: tuple[Settings, Table]) -> None:
    settings, table = planned
    asset = AssetFolder(settings.assets).path(table.missing()[0].source_image_sha256)
    asset.write_bytes(b"damaged")
    failed = stylized(settings, table)
    assert len(failed) == 2 and all("source 1: " in told and "damaged" in told for told in failed)
    frame = table.frame()
    assert set(frame["source"]) == {"2"} and len(frame) == 2
    for sha256 in frame["image_sha256"]:
        assert Image.open(io.BytesIO(AssetFolder(settings.assets).read(sha256))).size == (64, 64)
