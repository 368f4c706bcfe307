"""What `toadworks check --repair` mends besides plain candidates: masks, large and chosen images, the table, and what
lies about."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from flows import making
from flows import repair as repairing
from flows.check import check
from flows.group import group_candidates
from flows.ingest import png
from flows.repair import Repaired, repair
from flows.settings import Settings
from flows.stylize import make_missing
from tests.flows.conftest import Storage
from tests.flows.made import GRID, Opened, copied, made, prepared
from tests.flows.ponds import Pond, drawing

pytestmark = pytest.mark.usefixtures("one_thread_here")
KINDS = {
    "large, of two samples, scored": """
[model]
name = "untrained"
steps = 1
batch = 4
[grid]
styles = ["oil"]
guidance_scales = [2]
insertion_steps = [1]
[choosing]
samples = 2
scorer = "clip"
[upsampler]
use = true
respacing = "2"
""",
    "of the subject alone": GRID + '[inpainting]\nmask = "subject"\n',
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_recipe_is_made_again_byte_for_byte(tmp_path: Path, kind: str) -> None:
    pond = Opened(made(tmp_path / "pond", KINDS[kind], alpha=True))
    images = {pond.image_of(id): pond.bytes_of(pond.image_of(id)) for id in pond.ids}
    for image in images:
        pond.spoil(image)
    before = pond.table.frame()
    making.maker.cache_clear()
    assert repair(pond.settings, check(pond.settings)) == Repaired(restored=len(images))
    assert {image: pond.bytes_of(image) for image in images} == images
    assert pond.table.frame().equals(before) and check(pond.settings).clean


@pytest.fixture
def masked(tmp_path: Path) -> Opened:
    """A collection with a mask drawn for each source."""
    folder = tmp_path / "pond"
    (folder / "masks").mkdir(parents=True)
    for number in (1, 2):
        mask = Image.new("L", (40, 40), 0)
        mask.paste(255, (5 * number, 8, 30, 30))
        mask.save(folder / "masks" / f"{number}.png")
    return Opened(made(folder, GRID + '[inpainting]\nmask = "masks"\n'))


def masks_of(pond: Opened) -> list[str]:
    return sorted(sha256 for sha256, suffix in pond.table.named_assets("all").items() if suffix == ".pbm")


def test_drawn_masks_come_from_the_users_files(masked: Opened) -> None:
    masks = masks_of(masked)
    for sha256 in masks:
        masked.spoil(sha256)
    masked.spoil(masked.image_of(masked.ids[0]))  # whose recipe needs one of them
    assert repair(masked.settings, check(masked.settings)) == Repaired(restored=3) and len(masks) == 2
    assert check(masked.settings).clean
    assert all(masked.assets.path(sha256).suffix == ".pbm" for sha256 in masks)


@pytest.mark.parametrize("how", ["changed", "gone", "damaged", "another setting"])
def test_drawn_mask_that_changed_is_told(masked: Opened, how: str) -> None:
    file = masked.settings.folder / "masks" / "1.png"
    if how == "changed":
        Image.new("L", (40, 40), 255).save(file)
    elif how == "gone":
        file.unlink()
    elif how == "damaged":
        file.write_bytes(b"no picture")
    else:
        masked.settings.file.write_text(masked.settings.file.read_text().replace('"masks"', '"subject"'))
    masks = masks_of(masked)
    for sha256 in masks:
        masked.spoil(sha256)
    done = repair(Settings.read(masked.settings.file), check(masked.settings))
    lost = check(masked.settings).missing
    assert done.problems == [f"mask {one[:12]}: no file of inpainting.mask is this mask any more" for one in lost]
    assert len(lost) == (2 if how == "another setting" else 1) and done.restored == 2 - len(lost)


def test_one_mask_for_all_that_is_damaged_is_told(masked: Opened) -> None:
    masked.settings.file.write_text(masked.settings.file.read_text().replace('"masks"', '"masks/1.png"'))
    (masked.settings.folder / "masks" / "1.png").write_bytes(b"no picture")
    image = masked.image_of(masked.ids[0])
    masked.spoil(masks_of(masked)[0])
    masked.spoil(image)
    done = repair(Settings.read(masked.settings.file), check(masked.settings))
    assert any("1.png" in problem for problem in done.problems)


def aged(file: Path, hours: float) -> Path:
    then = time.time() - 3600 * hours
    os.utime(file, (then, then))
    return file


def test_old_files_that_nothing_names_go(lake: Pond, storage: Storage) -> None:
    young, old = (storage.file(lake.assets.put(png(drawing(seed)))) for seed in (98, 99))
    aged(young, 0.9)
    aged(old, 1.1)
    named = {storage.file(sha256) for sha256 in lake.table.named_assets("all")}
    for file in named:
        aged(file, 500)
    left = aged(_touched(old.with_name(f"{old.name}.tmp-00000000-1-ab")), 1.1)
    writing = _touched(old.with_name(f"{old.name}.tmp-00000000-2-ab"))
    assert repair(lake.settings, check(lake.settings)) == Repaired(removed=2, young=1)
    assert all(file.exists() for file in (young, writing, *named)) and not old.exists() and not left.exists()


def _touched(file: Path) -> Path:
    file.write_bytes(b"half a pict")
    return file


@pytest.mark.parametrize("storage", ["bucket"], indirect=True)
def test_old_files_go_from_a_bucket(lake: Pond, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = lake.assets.put(png(drawing(99)))
    assert repair(lake.settings, check(lake.settings)) == Repaired(young=1)
    monkeypatch.setattr(repairing, "UNWANTED_AFTER", timedelta(seconds=-5))
    assert repair(lake.settings, check(lake.settings)) == Repaired(removed=1)
    assert sha256 not in {one.sha256 for one in lake.assets.stored()} and check(lake.settings).looked_at == 6


def test_file_that_a_run_came_to_name_stays(lake: Pond, storage: Storage) -> None:
    picture = drawing(99)
    file = aged(storage.file(lake.assets.put(png(picture))), 5)
    found = check(lake.settings)
    lake.add([(0, picture)])
    aged(file, 5)
    assert [one.sha256 for one in found.unreferenced] and repair(lake.settings, found) == Repaired()
    assert file.exists() and check(lake.settings).clean


@pytest.mark.parametrize("storage", ["folder", "postgresql"], indirect=True)
def test_faults_of_the_table_are_mended(lake: Pond) -> None:
    lake.table.record([], "ann")
    before = lake.table.frame()
    with lake.table.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE candidates SET verdict = 'accept', stars = 9 WHERE id = '{lake.ids[2]}'")
        connection.exec_driver_sql(f"UPDATE candidates SET style = 'oil' WHERE id = '{lake.ids[3]}'")
        connection.exec_driver_sql(f"INSERT INTO tagged VALUES ('astray', '{lake.ids[0]}')")
    found = check(lake.settings)
    assert {fault.id for fault in found.faults} == {lake.ids[0], *lake.ids[2:]}
    assert repair(lake.settings, found) == Repaired(rows=3)
    assert check(lake.settings).clean and lake.table.frame().equals(before)


@pytest.mark.parametrize("storage", ["folder", "postgresql"], indirect=True)
@pytest.mark.parametrize("what", ["leader_id", "twin_id", "fingerprint"])
def test_what_points_nowhere_is_found_anew(lake: Pond, what: str) -> None:
    group_candidates(lake.settings)
    before = lake.seen()
    with lake.table.engine.begin() as connection:
        if what == "fingerprint":
            connection.exec_driver_sql(f"DELETE FROM fingerprints WHERE candidate_id = '{lake.ids[2]}'")
        else:
            connection.exec_driver_sql(f"UPDATE candidates SET {what} = '{'f' * 64}' WHERE id = '{lake.ids[2]}'")
    [fault] = check(lake.settings).faults
    assert fault.id == lake.ids[2] and what in fault.told
    assert repair(lake.settings, check(lake.settings)) == Repaired(rows=1)
    assert check(lake.settings).clean
    group_candidates(lake.settings)  # as `run` does
    assert check(lake.settings).clean and lake.seen() == before


def test_recipe_that_is_not_drawn_is_drawn_again(lake: Pond, storage: Storage) -> None:
    lake.table.plan([*lake.planned, lake.recipe(0, 77)])
    with lake.table.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM work")
    assert repair(lake.settings, check(lake.settings)) == Repaired(rows=1)
    assert [row.id for row in lake.table.missing()] == [lake.recipe(0, 77).recipe.id]


@pytest.mark.parametrize("storage", ["bucket"], indirect=True)
def test_lost_images_come_back_into_a_bucket(tmp_path: Path, storage: Storage) -> None:
    settings = prepared(tmp_path / "real", GRID + storage.text)
    assert make_missing(settings) == (4, [])
    found = check(settings)
    assert found.clean and found.looked_at == 6
    images = sorted(one.sha256 for one in settings.open_assets().stored())
    for number, sha256 in enumerate(images):
        storage.spoil(sha256, ("missing", "truncated")[number % 2])
    assert repair(settings, check(settings)) == Repaired(restored=6)
    assert check(settings).clean and sorted(one.sha256 for one in settings.open_assets().stored()) == images


def test_moved_collection_finds_its_sources(masked: Opened, tmp_path: Path) -> None:
    moved = Opened(copied(masked.settings, tmp_path / "moved"))
    for file in (masked.settings.images / "1.png", masked.settings.images / "2.png"):
        file.unlink()
    moved.spoil(moved.table.sources()[0].image_sha256)
    assert repair(moved.settings, check(moved.settings)) == Repaired(restored=1)
