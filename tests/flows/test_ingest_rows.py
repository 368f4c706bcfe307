"""From files to rows: what is bad is left out by name and the rest goes on; a second run changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from collection_db import AssetFolder, Table
from flows import pair
from flows.ingest import chosen_sources, ingest_batch, source_row
from flows.settings import Settings
from glide.models import Hashes

Collection = Callable[..., Settings]
Picture = Callable[..., Image.Image]


@pytest.fixture
def fill(images: Path, picture: Picture) -> Callable[..., None]:
    """fill(1, 2): pictures and metadata of these ids."""

    def filled(*numbers: int) -> None:
        for number in numbers:
            picture(number).save(images / f"{number}.png")
            about = {"attributes": [{"trait_type": "Number", "value": number}]}
            (images.parent / "metadata" / f"{number}.json").write_text(json.dumps(about))

    return filled


Fill = Callable[..., None]


def ingest(settings: Settings) -> tuple[list[str], list[tuple[str, str]]]:
    """What the stage does for one batch of all files."""
    files, skipped = chosen_sources(settings)
    batch = [(id, str(file)) for id, file in files.items()]
    taken, more = ingest_batch.fn(str(settings.folder), batch, first=0)
    return taken, skipped + more


def rows_of(settings: Settings) -> list[dict[str, Any]]:
    table = Table.open(settings.database_url)
    rows = [dict(row._mapping) for row in table.sources()]
    table.close()
    return rows


def test_good_source_becomes_a_row(collection: Collection, fill: Fill, images: Path) -> None:
    fill(7)
    settings = collection(metadata='"metadata"', licence='"CC0-1.0"')
    assert ingest(settings) == (["7"], [])
    [row] = rows_of(settings)
    assert (row["id"], row["file"], row["licence"]) == ("7", str(images / "7.png"), "CC0-1.0")
    assert (row["width"], row["height"], row["frames"], row["mask_sha256"]) == (36, 36, 1, None)
    assert row["attributes"] == [{"trait_type": "Number", "value": 7}]
    with Image.open(AssetFolder(settings.assets).path(row["image_sha256"])) as kept, Image.open(row["file"]) as given:
        assert kept.tobytes() == given.tobytes()


def test_alpha_is_kept_as_a_mask(collection: Collection, images: Path, picture: Picture) -> None:
    picture(1, channels=4).save(images / "1.png")
    settings = collection()
    row = source_row("1", images / "1.png", settings, AssetFolder(settings.assets))
    with Image.open(AssetFolder(settings.assets).path(row["mask_sha256"])) as mask:
        assert mask.tobytes() == picture(1, channels=4).getchannel("A").tobytes()


def test_bad_files_are_left_out_and_the_rest_goes_on(collection: Collection, fill: Fill, images: Path) -> None:
    fill(1, 2, 3, 4, 10)
    (images / "2.png").write_bytes((images / "2.png").read_bytes()[:300])
    (images / "3.png").write_text("no picture")
    (images / "4.gif").write_bytes(b"")
    (images / "notes.txt").write_text("")
    settings = collection()
    taken, skipped = ingest(settings)
    assert taken == [row["id"] for row in rows_of(settings)] == ["1", "10"]
    assert [row["position"] for row in rows_of(settings)] == [0, 1]
    assert sorted(name for name, _ in skipped) == ["2.png", "3.png", "4.gif", "4.png", "notes.txt"]
    assert all(reason for _, reason in skipped)


@pytest.mark.parametrize("broken", ["{", "[]", '{"attributes": 3}', f'{{"attributes": [{{"value": 1{"0" * 400}}}]}}'])
def test_broken_metadata_leaves_its_source_out(collection: Collection, fill: Fill, images: Path, broken: str) -> None:
    fill(1, 2, 3)
    (images.parent / "metadata" / "2.json").write_text(broken)
    taken, skipped = ingest(collection(metadata='"metadata"'))
    assert taken == ["1", "3"]
    assert [name for name, _ in skipped] == ["2.json"] and "metadata" in skipped[0][1]


def test_source_without_metadata_has_no_attributes(collection: Collection, fill: Fill, images: Path) -> None:
    fill(1, 2)
    (images.parent / "metadata" / "1.json").unlink()
    settings = collection(metadata='"metadata"')
    assert ingest(settings) == (["1", "2"], [])
    assert [row["attributes"] for row in rows_of(settings)] == [[], [{"trait_type": "Number", "value": 2}]]


def test_same_picture_twice_is_one_source(collection: Collection, fill: Fill, images: Path) -> None:
    fill(1, 3)
    with Image.open(images / "1.png") as first:
        first.save(images / "2.bmp")
    taken, skipped = ingest(collection())
    assert taken == ["1", "3"]
    assert [name for name, _ in skipped] == ["2.bmp"] and "same picture as source '1'" in skipped[0][1]


def test_only_and_limit_let_in_what_they_say(collection: Collection, fill: Fill, images: Path) -> None:
    fill(1, 2, 3, 10)
    (images / "2.gif").write_bytes(b"")
    assert ingest(collection(limit=2))[0] == ["1", "3"]
    taken, skipped = ingest(collection(only='["10", 1, "2", "99"]'))
    assert taken == ["10", "1"]
    assert sorted(name for name, _ in skipped) == ["2.gif", "2.png", "99"]
    assert ingest(collection(only='["10", "1"]', limit=1)) == (["10"], [])


def test_frame_that_is_not_there_is_told_of_each(collection: Collection, fill: Fill) -> None:
    fill(1, 2)
    taken, skipped = ingest(collection(frame=1))
    assert taken == [] and [name for name, _ in skipped] == ["1.png", "2.png"]


def state_of(settings: Settings) -> tuple[Any, ...]:
    files = sorted(file for file in settings.assets.rglob("*") if file.is_file())
    return rows_of(settings), [(file, file.stat().st_ino, file.read_bytes()) for file in files]


def test_second_run_changes_nothing(collection: Collection, fill: Fill, images: Path) -> None:
    fill(1, 2, 3)
    (images / "3.png").write_text("no picture")
    settings = collection(metadata='"metadata"')
    first, before = ingest(settings), state_of(settings)
    assert len(before[0]) == len(before[1]) == 2
    assert ingest(settings) == first and state_of(settings) == before


def test_changed_file_is_followed(collection: Collection, fill: Fill, images: Path, picture: Picture) -> None:
    fill(1, 2)
    settings = collection()
    ingest(settings)
    before = rows_of(settings)
    picture(9).save(images / "2.png")
    ingest(settings)
    after = rows_of(settings)
    assert after[0] == before[0] and after[1]["pixels_sha256"] != before[1]["pixels_sha256"]
    assert after[1]["added_at"] == before[1]["added_at"]


def test_planning_twice_plans_nothing_new(collection: Collection, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "weights_hashes", lambda spec, parts: Hashes("w" * 64))
    fill(1, 2)
    grid = '[grid]\nstyles = ["oil", "ink"]\nguidance_scales = [2]\ninsertion_steps = [0.4, 6, 12]\nseeds = {}'
    settings = collection(grid.format("[1, 2]"))
    ingest(settings)
    assert pair.plan_recipes.fn(str(settings.folder)) == (2 * 2 * 2 * 2, 0, [])  # 0.4 is 6 of 15
    assert pair.plan_recipes.fn(str(settings.folder)) == (0, 16, [])
    collection(grid.format("[2, 3, 2]"))
    assert pair.plan_recipes.fn(str(settings.folder)) == (8, 8, [])


def test_grid_counts_repeated_seeds_once(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "weights_hashes", lambda spec, parts: Hashes("w" * 64))
    grid = pair.grid_of(collection("[grid]\nseeds = [5, 5, 6]"), [("1", "a" * 64)], {"1": ""})
    assert len({cell.recipe.id for cell in grid.cells()}) == len(grid)


def test_sample_is_the_same_each_time(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "weights_hashes", lambda spec, parts: Hashes("w" * 64))
    sources = [(str(n), f"{n:064x}") for n in range(5)]
    masks = dict.fromkeys("01234", "")

    def ids(seed: int) -> list[str]:
        settings = collection(f"[grid]\nsample = 7\nsample_seed = {seed}")
        return [cell.recipe.id for cell in pair.cells(settings, sources, masks)]

    first, again, other = ids(1), ids(1), ids(2)
    assert first == again != other and len(first) == 7
