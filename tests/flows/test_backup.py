"""Backup folders: which assets they hold, what they never replace, and what a restore refuses."""

import hashlib
import json
import os
import shutil
from dataclasses import replace

import pytest

from collection_db import AssetFolder, PlannedRecipe, Table
from collection_db.backup import require_empty
from errors import BadSetting, BadValue, NothingLeft, RunFailed
from flows import backup
from flows.backup import back_up, restore
from flows.masking import ASSET_SUFFIX
from flows.settings import Settings
from tests.flows.ponds import drawing

MASK = b"P4\n8 1\n\xff"


@pytest.fixture
def chosen(pond):
    """A pond of two sources and three candidates, the first of which is accepted."""
    made = pond()
    made.ids = made.add([(0, drawing(5)), (0, drawing(6)), (1, drawing(7))])
    made.table.decide(made.ids[:1], "accept", "ann")
    made.images = [row.image_sha256 for row in made.table.candidates(made.ids)]
    made.of_sources = {row.image_sha256 for row in made.table.sources()}
    return made


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "saved"


@pytest.fixture
def empty(tmp_path, chosen):
    """The same collection on another machine."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    shutil.copy(chosen.settings.file, home)
    shutil.copytree(chosen.settings.images, home / "images")
    return Settings.read(home)


def assets_in(folder):
    files = list((folder / "assets").glob("??/*"))
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.parent.name + file.stem
    return {file.parent.name + file.stem for file in files}


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def state(settings):
    table = Table.open(settings.database_url)
    told = table.counts(), [tuple(row) for row in table.accepted()]
    table.close()
    return told


def restored(settings, folder):
    report = restore(settings, folder)
    return report, state(settings)


@pytest.mark.parametrize(("kind", "candidates"), [("needed", 1), ("all", 3)])
def test_backup_holds_the_assets_of_its_kind(chosen, folder, kind, candidates):
    report = back_up(chosen.settings, folder, kind)
    assert assets_in(folder) == chosen.of_sources | set(chosen.images[:candidates])
    assert (report.assets, report.new, report.problems) == (2 + candidates, 2 + candidates, [])
    assert report.left_out == 3 - candidates


def test_backup_of_no_assets_is_the_table_alone(chosen, folder, empty):
    assert back_up(chosen.settings, folder, "none").left_out == 5
    assert assets_in(folder) == set()
    assert restored(empty, folder)[1] == state(chosen.settings)


def test_masks_and_tokens_are_needed(chosen, folder):
    sha256 = chosen.assets.put(MASK, ASSET_SUFFIX)
    item = chosen.planned[0]
    masked = PlannedRecipe(replace(item.recipe, mask=sha256), item.source_id, item.style, item.model)
    chosen.table.plan([*chosen.planned, masked])
    token = {"number": 1, "candidate_id": chosen.ids[0], "name": "Toad #1"}
    chosen.table.set_tokens([token | {"image_sha256": chosen.images[2]}])
    back_up(chosen.settings, folder)
    assert assets_in(folder) == chosen.of_sources | {sha256, chosen.images[0], chosen.images[2]}
    assert AssetFolder(folder / "assets").path(sha256).suffix == ASSET_SUFFIX


def test_second_backup_copies_only_what_is_new(chosen, folder):
    back_up(chosen.settings, folder)
    before = {file: file.stat().st_mtime_ns for file in (folder / "assets").glob("??/*")}
    chosen.table.decide(chosen.ids[1:2], "accept", "ann")
    report = back_up(chosen.settings, folder)
    assert (report.new, report.assets) == (1, 4)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert json.loads((folder / "backup.json").read_text())["rows"]["decisions"] == 2


def test_what_is_restored_is_what_was_saved(chosen, folder, empty):
    back_up(chosen.settings, folder)
    report, told = restored(empty, folder)
    assert told == state(chosen.settings) and told[0]["accepted"] == 1
    assert assets_in(empty.folder) == assets_in(folder) == chosen.of_sources | {chosen.images[0]}
    assert (report.assets, report.new, report.problems, report.left_out) == (3, 3, [], 2)


def test_assets_of_an_earlier_backup_come_back_too(chosen, folder, empty):
    back_up(chosen.settings, folder, "all")
    back_up(chosen.settings, folder)
    assert restore(empty, folder).assets == 5
    assert assets_in(empty.folder) == chosen.of_sources | set(chosen.images)


def test_missing_and_damaged_assets_are_told(chosen, folder, empty):
    gone, bad = sorted(chosen.of_sources)
    chosen.assets.path(gone).unlink()
    chosen.assets.path(bad).write_bytes(b"damaged")
    report = back_up(chosen.settings, folder)
    assert {f"{chosen.assets.path(gone)}: the asset is missing"} < set(report.problems)
    assert any(bad[2:] in told and "is damaged" in told for told in report.problems)
    assert (report.assets, report.new, len(report.problems)) == (1, 1, 2)
    report, told = restored(empty, folder)
    assert len(report.problems) == 2 and told == state(chosen.settings)


def test_damaged_file_of_a_backup_is_mended(chosen, folder):
    back_up(chosen.settings, folder)
    file = AssetFolder(folder / "assets").path(chosen.images[0])
    file.write_bytes(b"damaged")
    assert back_up(chosen.settings, folder).new == 1
    assert chosen.images[0] in assets_in(folder)


def test_note_says_what_is_saved_without_secrets(chosen, folder):
    text = chosen.settings.file.read_text()
    url = f"sqlite+pysqlite:///file:{chosen.settings.folder}/toadworks.db?uri=true&password=hunter2"
    chosen.settings.file.write_text(f'{text}\n[storage]\ndatabase = "{url}"\n')
    back_up(Settings.read(chosen.settings.file), folder)
    note = json.loads((folder / "backup.json").read_text())
    assert note["rows"]["candidates"] == 3 and note["assets"] == {"kind": "needed", "files": 3, "missing": 0}
    assert note["table_sha256"] == hashlib.sha256((folder / "toadworks.db").read_bytes()).hexdigest()
    assert not any(b"hunter2" in content for content in contents(folder).values())


def test_backup_never_replaces_the_table_in_use(chosen):
    before = contents(chosen.settings.folder)
    with pytest.raises(BadValue, match="backup folder"):
        back_up(chosen.settings, chosen.settings.folder)
    assert contents(chosen.settings.folder) == before


def test_folder_of_something_else_is_refused(chosen, folder):
    folder.mkdir()
    (folder / "toadworks.db").write_bytes(b"another program's")
    with pytest.raises(BadValue, match="a new folder"):
        back_up(chosen.settings, folder)
    with pytest.raises(BadValue, match="a new folder"):
        back_up(chosen.settings, folder / "toadworks.db")
    assert contents(folder) == {folder / "toadworks.db": b"another program's"}


def test_backup_of_another_collection_is_kept(chosen, folder, empty):
    back_up(chosen.settings, folder)
    before = contents(folder)
    empty.file.write_text('name = "Other"\n' + empty.file.read_text())
    with pytest.raises(BadValue, match="a backup of Other"):
        back_up(Settings.read(empty.file), folder)
    assert contents(folder) == before


def test_earlier_backup_counts_until_the_next_is_complete(chosen, folder, empty, monkeypatch):
    back_up(chosen.settings, folder)
    before = state(chosen.settings)
    chosen.table.decide(chosen.ids, "accept", "ann")
    with monkeypatch.context() as patch, pytest.raises(RunFailed):
        patch.setattr(AssetFolder, "put", lambda *given: (_ for _ in ()).throw(RunFailed("disk full")))
        back_up(chosen.settings, folder)
    assert restored(empty, folder)[1] == before != state(chosen.settings)


@pytest.mark.parametrize(("kills", "complete"), [([0], 0), ([1], 1), ([1, 0], 1), ([1, 2], 2)])
def test_backup_killed_while_it_is_put_in_place_is_whole(chosen, folder, empty, monkeypatch, kills, complete):
    """`kills`: after how many renamings each of some backups is stopped, the second one's first being the end of what
    the first began; `complete`: which of all counts then."""
    back_up(chosen.settings, folder)
    states = [state(chosen.settings)]
    for renames, verdict in zip(kills, ("accept", "reject"), strict=False):
        chosen.table.decide(chosen.ids, verdict, "bo")
        states.append(state(chosen.settings))
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(backup, "os", StoppedAfter(renames))
            back_up(chosen.settings, folder)
    assert restored(empty, folder)[1] == states[complete]
    assert [told[0]["accepted"] for told in states] == [1, 3, 0][: len(states)]
    back_up(chosen.settings, folder)
    assert not list(folder.glob("*.new"))


class StoppedAfter:
    """Stands in for `os`: a process that is stopped before it renames once more."""

    fsync = staticmethod(os.fsync)

    def __init__(self, renames):
        self.left = renames

    def replace(self, source, target):
        if not self.left and source.suffix == ".new":
            raise KeyboardInterrupt
        self.left -= 1
        os.replace(source, target)


def cut(file):
    file.write_bytes(file.read_bytes()[:-1000])


def edit(key, value):
    def edited(file):
        note = file.with_name("backup.json")
        note.write_text(json.dumps(json.loads(note.read_text()) | {key: value}))

    return edited


DAMAGE = {
    "cut": (cut, RunFailed, "SHA-256"),
    "changed": (lambda file: file.write_bytes(file.read_bytes().replace(b"ann", b"eve")), RunFailed, "SHA-256"),
    "gone": (lambda file: file.unlink(), RunFailed, "is missing"),
    "no note": (lambda file: file.with_name("backup.json").unlink(), NothingLeft, "toadworks backup"),
    "torn note": (lambda file: file.with_name("backup.json").write_text('{"format": 1'), RunFailed, "damaged"),
    "other rows": (edit("rows", {"candidates": 4}), RunFailed, "rows: .* damaged"),
    "other revision": (edit("revision", "0001"), RunFailed, "revision: .* damaged"),
    "no assets": (edit("assets", None), RunFailed, "assets: .* damaged"),
    "newer": (edit("format", 2), BadSetting, "newer Toadworks"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_backup_is_refused(chosen, folder, empty, name):
    damage, error, told = DAMAGE[name]
    back_up(chosen.settings, folder)
    damage(folder / "toadworks.db")
    with pytest.raises(error, match=told):
        restore(empty, folder)
    table = Table.open(empty.database_url)
    require_empty(table.engine)
    table.close()
    assert not empty.assets.exists()


def test_collection_in_use_is_never_filled(chosen, folder):
    back_up(chosen.settings, folder)
    chosen.assets.path(chosen.images[0]).unlink()
    before, stored = state(chosen.settings), contents(chosen.settings.assets)
    with pytest.raises(BadSetting, match="3 candidates"):
        restore(chosen.settings, folder)
    assert state(chosen.settings) == before and contents(chosen.settings.assets) == stored


def test_two_backups_into_one_folder_do_not_mix(chosen, folder, monkeypatch):
    told = []

    def meanwhile(*given):
        with pytest.raises(RunFailed, match="another backup"):
            back_up(chosen.settings, folder)
        told.append("refused")
        return real(*given)

    real = backup.save_table
    monkeypatch.setattr(backup, "save_table", meanwhile)
    back_up(chosen.settings, folder)
    assert told == ["refused"]
