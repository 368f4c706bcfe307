"""Making what is missing: a bad candidate is named and left out, and the others are kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from collection_db import AssetFolder, Table
from errors import RunFailed
from flows import ingest, making, pair, stylize
from flows.settings import Settings
from glide.models import Hashes
from glide.request import Request, Restyled

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
    table.try_again()
    return stylize.stylize_batch.fn(str(settings.folder), Silent())[2]


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


def test_source_that_changed_since_the_plan_makes_nothing(
    planned: tuple[Settings, Table], images: Path, picture: Callable[..., Image.Image]
) -> None:
    settings, table = planned
    picture(1).save(images / "spare.png")
    picture(3).save(images / "1.png")  # and another run takes it, while this one has not made what it had planned
    ingest.ingest_batch.fn(str(settings.folder), [("1", str(images / "1.png"))], 0)
    failed = stylized(settings, table)
    assert len(failed) == 2 and all("source 1: its picture changed since" in told for told in failed)
    assert set(table.frame()["source"]) == {"2"}
    (images / "spare.png").replace(images / "1.png")
    ingest.ingest_batch.fn(str(settings.folder), [("1", str(images / "1.png"))], 0)
    assert stylized(settings, table) == [] and len(table.frame()) == 4


class Away(AssetFolder):
    """Assets that cannot be reached."""

    def read(self, sha256: str) -> bytes:
        raise RunFailed("s3://toads: the service does not answer")


def test_assets_out_of_reach_end_the_run(planned: tuple[Settings, Table], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, table = planned
    with monkeypatch.context() as patched, pytest.raises(RunFailed, match="does not answer"):
        patched.setattr(Settings, "open_assets", lambda self: Away(self.assets))
        stylized(settings, table)
    assert table.count_missing() == 4 and stylized(settings, table) == []


def test_edited_settings_do_not_change_what_was_planned(planned: tuple[Settings, Table]) -> None:
    settings, table = planned
    text = settings.file.read_text()
    settings.file.write_text(text.replace("[model]", '[model]\nname = "untrained"') + "[upsampler]\nuse = true\n")
    assert Settings.read(settings.file).side == 256
    assert stylized(settings, table) == []
    for sha256 in table.frame()["image_sha256"]:
        picture = Image.open(io.BytesIO(AssetFolder(settings.assets).read(sha256)))
        assert picture.size == (64, 64) and "upsampler" not in picture.info["toadworks"]


def test_weights_that_changed_since_the_plan_make_nothing(
    planned: tuple[Settings, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, table = planned
    monkeypatch.setattr(making, "weights_hashes", lambda spec, parts: Hashes("f" * 64))
    failed = stylized(settings, table)
    assert len(failed) == 4 and "those here are ffffffffffff" in failed[0]
    assert table.frame().empty


def test_score_that_is_no_number_is_kept_as_none(
    planned: tuple[Settings, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, table = planned

    def scored(self: making.Maker, requests: list[Request], *given: object) -> list[Restyled]:
        pixels = np.full((64, 64, 3), 9, np.uint8)
        return [Restyled(pixels, scores=(float("nan"), 0.5), kept=1) for _ in requests]

    monkeypatch.setattr(making.Maker, "make", scored)
    assert stylized(settings, table) == []
    assert set(table.frame()["sample_scores"]) == {'{"kept": 1, "scorer": "evidence", "scores": [null, 0.5]}'}


def test_full_gpu_ends_the_run_and_says_why(planned: tuple[Settings, Table], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, table = planned
    unet = making.maker(settings.model, settings.parts, "auto", 4).model.base.unet

    def full(*given: object) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(unet, "forward", full)
    with pytest.raises(RunFailed, match="memory is too small"):
        stylized(settings, table)
    assert table.count_missing() == 4
