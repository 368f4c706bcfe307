"""`toadworks gc`: only what nobody wants goes, nothing else minds, and what is wanted again is made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collection_db import Table
from errors import NothingLeft
from flows import freeing
from flows.backup import back_up
from flows.calibrate import calibrate
from flows.check import Findings, check
from flows.export import write_tokens
from flows.freeing import free, freeable
from flows.group import group_candidates
from flows.look_alike_sheets import draw_look_alikes
from flows.look_alikes import listed
from flows.repair import repair
from flows.settings import Settings
from flows.sheets import draw_sheets
from flows.stylize import make_missing
from tests.flows.conftest import Storage
from tests.flows.made import Opened, copied, made
from tests.flows.ponds import Pond, drawing

EVERYWHERE = pytest.mark.parametrize("storage", ["folder", "bucket", "postgresql"], indirect=True)


def stored(pond: Pond | Opened) -> set[str]:
    return {one.sha256 for one in pond.settings.open_assets().stored()}


def images(pond: Pond | Opened, ids: list[str]) -> set[str]:
    return {pond.image_of(id) for id in ids}


def freed(settings: Settings) -> int:
    return free(settings, freeable(settings))


@EVERYWHERE
def test_only_rejected_images_go(lake: Pond) -> None:
    before, looks = stored(lake), lake.seen()
    [row] = lake.table.candidates(lake.ids[1:2])
    found = freeable(lake.settings)
    assert [row.id for row in found.rows] == lake.ids[1:2]
    assert found.size == len(lake.assets.read(row.image_sha256))
    assert free(lake.settings, found) == 1
    assert stored(lake) == before - {row.image_sha256}
    assert lake.seen() == looks and len(lake.table.frame()) == 4
    [after] = lake.table.candidates(lake.ids[1:2])
    assert after.freed_at is not None
    assert {**after._mapping, "freed_at": None} == dict(row._mapping)
    assert freeable(lake.settings).rows == [] and freed(lake.settings) == 0


def test_disputed_and_tokens_are_kept(lake: Pond) -> None:
    disputed, token = lake.ids[2:]
    for verdict, curator in (("accept", "ann"), ("reject", "bea")):
        lake.table.decide([disputed], verdict, curator)
    lake.table.decide([token], "reject", "ann")
    row = {"number": 1, "candidate_id": token, "name": "Toad #1", "image_sha256": lake.image_of(token)}
    lake.table.set_tokens([row])
    assert [row.id for row in freeable(lake.settings).rows] == [lake.ids[1]]
    lake.table.decide([disputed], "reject", "ann")  # now they agree
    assert {row.id for row in freeable(lake.settings).rows} == {lake.ids[1], disputed}


@pytest.mark.parametrize("change", ["accepted", "disputed", "a token"])
def test_what_changed_since_it_was_listed_is_kept(lake: Pond, change: str) -> None:
    id = lake.ids[1]
    found = freeable(lake.settings)
    lake.table.decide([id], "accept", "bea")
    if change == "disputed":
        lake.table.decide([id], "reject", "cat")
    elif change == "a token":
        row = {"number": 1, "candidate_id": id, "name": "Toad #1", "image_sha256": lake.image_of(id)}
        lake.table.set_tokens([row])
        lake.table.decide([id], "reject", "cat", settles=True)
    assert free(lake.settings, found) == 0
    assert lake.table.candidates([id])[0].freed_at is None and lake.image_of(id) in stored(lake)


@pytest.mark.parametrize("by", ["another candidate", "a source", "a token"])
def test_bytes_that_another_row_uses_stay(lake: Pond, by: str) -> None:
    id, image = lake.ids[1], lake.image_of(lake.ids[1])
    column = {"another candidate": "candidates SET image_sha256", "a source": "sources SET mask_sha256"}.get(by)
    if column is None:
        lake.table.set_tokens([{"number": 1, "candidate_id": lake.ids[0], "name": "x", "image_sha256": image}])
    else:
        which = f" WHERE id = '{lake.ids[3]}'" if by == "another candidate" else ""
        with lake.table.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {column} = '{image}'{which}")
    assert freed(lake.settings) == 0
    assert image in stored(lake) and lake.table.candidates([id])[0].freed_at is not None


class Killed(BaseException):
    """The process is gone."""


def test_killed_between_row_and_file_nothing_is_missing(lake: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(type(lake.assets), "remove", killed)
        freed(lake.settings)
    found = check(lake.settings)
    assert found.clean and [one.sha256 for one in found.unreferenced] == [lake.image_of(lake.ids[1])]


def test_killed_before_the_row_frees_nothing(lake: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Table, "set_freed", killed)
        freed(lake.settings)
    assert check(lake.settings) == Findings(looked_at=6)


def test_many_are_freed_some_at_a_time(lake: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = lake.add([(0, drawing(seed)) for seed in range(30, 37)])
    lake.table.decide(ids, "reject", "ann")
    monkeypatch.setattr(freeing, "AT_ONCE", 3)
    assert freed(lake.settings) == 8
    assert not images(lake, ids) & stored(lake) and len(stored(lake)) == 5


@EVERYWHERE
def test_freed_is_not_missing_until_it_is_wanted(lake: Pond) -> None:
    freed(lake.settings)
    assert check(lake.settings) == Findings(looked_at=5)
    lake.table.undo([2], "ann")
    assert check(lake.settings).missing == [lake.image_of(lake.ids[1])]


def test_image_that_was_not_removed_counts_again_when_wanted(lake: Pond, storage: Storage) -> None:
    id = lake.ids[1]
    lake.table.set_freed([id])  # and killed
    lake.table.decide([id], "accept", "ann")
    assert check(lake.settings).clean and lake.table.candidates([id])[0].freed_at is not None
    assert write_tokens.fn(str(lake.settings.file)) == 2
    assert lake.table.candidates([id])[0].freed_at is None


def test_repair_counts_such_an_image_again_too(lake: Pond) -> None:
    id = lake.ids[1]
    lake.table.set_freed([id])
    lake.table.undo([2], "ann")
    repair(lake.settings, check(lake.settings))
    assert lake.table.candidates([id])[0].freed_at is None and lake.image_of(id) in stored(lake)


def test_export_of_a_freed_image_says_what_to_do(lake: Pond) -> None:
    id = lake.ids[1]
    freed(lake.settings)
    lake.table.decide([id], "accept", "ann")
    with pytest.raises(NothingLeft, match=rf"1 accepted .* freed \({id[:8]}\); `toadworks check --repair` makes"):
        write_tokens.fn(str(lake.settings.file))
    assert lake.table.tokens() == [] and not lake.settings.release_folder.exists()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, one_thread_here: None) -> Settings:
    """A collection that was really made: two sources, two styles."""
    settings = made(tmp_path_factory.mktemp("made") / "pond")
    group_candidates(settings)
    return settings


@pytest.fixture
def real(original: Settings, tmp_path: Path) -> Opened:
    """A copy of it with one candidate rejected and freed."""
    opened = Opened(copied(original, tmp_path / "pond"))
    opened.table.decide(opened.ids[:1], "reject", "ann")
    assert freed(opened.settings) == 1
    return opened


def test_wanted_again_it_is_made_again(real: Opened, original: Settings) -> None:
    id = real.ids[0]
    real.table.decide([id], "accept", "ann")
    done = repair(real.settings, check(real.settings))
    assert (done.restored, done.replaced, done.problems) == (1, 0, [])
    assert real.bytes_of(real.image_of(id)) == Opened(original).bytes_of(real.image_of(id))
    assert real.table.candidates([id])[0].freed_at is None and check(real.settings).clean
    assert write_tokens.fn(str(real.settings.file)) == 1


def test_repair_leaves_freed_images_alone(real: Opened) -> None:
    done = repair(real.settings, check(real.settings))
    assert (done.restored, done.replaced, done.problems) == (0, 0, [])
    assert real.image_of(real.ids[0]) not in stored(real)


def test_sheets_leave_freed_pictures_out(real: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(draw_sheets.fn(str(real.settings.file))) >= 2
    assert "1 pictures are left out" in capsys.readouterr().err.replace("2 pictures", "1 pictures")
    real.table.decide(real.ids, "reject", "ann")
    assert freed(real.settings) == 3
    assert draw_sheets.fn(str(real.settings.file))


def test_run_makes_nothing_of_freed_images(real: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_missing(real.settings) == (0, [])
    before = real.table.frame()
    group_candidates(real.settings)
    assert real.table.frame().equals(before) and capsys.readouterr().err == ""


def wide(settings: Settings, keys: str = "bits = 128\ncolour = 100.0\nchroma = 100.0\ngrey = 255") -> Settings:
    settings.file.write_text(f"{settings.file.read_text()}\n[look_alikes]\n{keys}\n")
    return Settings.read(settings.file)


def test_look_alikes_are_shown_without_freed_pictures(real: Opened) -> None:
    settings = wide(real.settings)
    group_candidates(settings)
    assert any("groups of look-alikes" in line for line in listed(settings, 0))
    assert draw_look_alikes(settings)


def test_other_hashing_goes_on_without_freed_pictures(real: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    settings = wide(real.settings, 'algorithm = "dhash"')
    group_candidates(settings)
    assert "left out" not in capsys.readouterr().err
    frame = real.table.frame().set_index("id")
    assert frame.loc[real.ids[1:], "leader"].notna().all()
    draw_sheets.fn(str(settings.file))


def test_calibration_goes_on_without_freed_pictures(lake: Pond) -> None:
    for number in range(17):
        lake.style = f"style {number}"
        lake.add([(source, drawing(300 + 2 * number + source)) for source in (0, 1)])
    lake.table.decide(lake.ids[2:], "reject", "ann")
    assert freed(lake.settings) == 3
    told, _, picture = calibrate(lake.settings)
    assert "candidates, one a source and style" in told and picture.exists()


@pytest.mark.parametrize("kind", ["needed", "all"])
def test_backup_goes_on_without_freed_pictures(lake: Pond, tmp_path: Path, kind: str) -> None:
    freed(lake.settings)
    report = back_up(lake.settings, tmp_path / "saved", kind)
    assert report.problems == [] and report.assets == {"needed": 3, "all": 5}[kind]
