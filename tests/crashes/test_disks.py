"""A disk that fills up, and a folder that nobody may write to: one clear sentence, and the same command goes on when
that is put right."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import flows.stylize
from collection_db import AssetFolder, Table
from collection_db.schema import candidates
from errors import RunFailed
from flows.pair import plan_recipes
from flows.settings import Settings
from flows.stylize import make_batch
from tests.collection_db.conftest import Given
from tests.conftest import missing
from tests.crashes.conftest import Run
from tests.crashes.test_kills import all_rows, ingest_all
from tests.crashes.workers import NOBODY_LOOKS

ROOM = "; make room: nothing is lost, and the same command goes on from here"
WRITABLE = "; the file and its folder must be writable"


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    command = ["mount", *arguments, str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        missing("no disk can be mounted: that takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        yield tmp_path / "disk"


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """As a disk that was mounted so; for others than root as a folder that is not theirs."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_whole(settings: Settings, made: int) -> None:
    """So many candidates, each once and with its picture."""
    table, assets = Table.open(settings.database_url), settings.open_assets()
    rows = all_rows(table, candidates)
    assert len(rows) == made and table.count_missing() == 0 and table.faults() == []
    for row in rows:
        assets.read(row.image_sha256)  # verified
    assert not list(settings.assets.rglob("*.tmp-*"))
    table.close()


def some_made(settings: Settings, count: int) -> str:
    """Ingest and plan all, and make so many candidates; the id of one."""
    ingest_all(settings)
    plan_recipes.fn(str(settings.file))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flows.stylize, "TASK_BATCH", count)
        assert make_batch(str(settings.file), NOBODY_LOOKS) == (count, count, [])
    table = Table.open(settings.database_url)
    [id, *_] = table.frame()["id"]
    table.close()
    return str(id)


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """The one that a failing command ends with."""
    assert ended.returncode in (1, 2) and "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "filled_kb", "told"),
    [
        ("database", 1500, "the table cannot be written: database or disk is full"),
        ("assets", 1900, "the asset cannot be written: No space left on device"),
    ],
)
def test_full_disk_is_told_and_the_run_goes_on(
    small_disk: Path,
    tmp_path: Path,
    toadworks: Run,
    small_collection: Callable[..., Settings],
    what: str,
    filled_kb: int,
    told: str,
) -> None:
    place = small_disk / ("table.db" if what == "database" else "assets")
    settings = small_collection(tmp_path, 8, **{what: f'"{place}"'})
    filler = small_disk / "filler"
    filler.write_bytes(bytes(filled_kb * 1024))
    said = sentence(toadworks("run", cwd=settings.folder))
    assert str(place) in said and said.endswith(told + ROOM)
    filler.unlink()
    table = Table.open(settings.database_url)
    assert table.faults() == []
    table.close()
    assert toadworks("run", cwd=settings.folder).returncode == 0
    assert_whole(settings, 32)


def test_full_disk_gets_no_table(
    small_disk: Path, tmp_path: Path, toadworks: Run, small_collection: Callable[..., Settings]
) -> None:
    settings = small_collection(tmp_path, 2, database=f'"{small_disk / "table.db"}"')
    (small_disk / "filler").write_bytes(bytes(2000 * 1024))
    said = sentence(toadworks("status", cwd=settings.folder))
    assert f"{small_disk / 'table.db'}: database: cannot be opened: " in said and said.endswith(ROOM)
    (small_disk / "filler").unlink()
    assert toadworks("status", cwd=settings.folder).returncode == 0


@pytest.mark.slow
def test_read_only_table_is_told_and_the_run_goes_on(
    tmp_path: Path, toadworks: Run, small_collection: Callable[..., Settings]
) -> None:
    settings = small_collection(tmp_path, 2, database='"data/table.db"')
    folder = settings.folder / "data"
    folder.mkdir()
    with read_only(folder):
        said = sentence(toadworks("status", cwd=settings.folder))
        assert str(folder / "table.db") in said and said.endswith("unable to open database file" + WRITABLE)
    id = some_made(settings, 4)
    table = Table.open(settings.database_url)  # open, as beside a program that is at it
    with read_only(folder):
        for arguments in (("run",), ("accept", id)):
            said = sentence(toadworks(*arguments, cwd=settings.folder))
            assert said.endswith("the table cannot be written: attempt to write a readonly database" + WRITABLE)
        assert toadworks("status", cwd=settings.folder).returncode == 0
    assert toadworks("accept", id, cwd=settings.folder).returncode == 0
    assert toadworks("run", cwd=settings.folder).returncode == 0
    table.close()
    assert_whole(settings, 8)


@pytest.mark.slow
def test_read_only_assets_are_told_and_the_run_goes_on(
    tmp_path: Path, toadworks: Run, small_collection: Callable[..., Settings]
) -> None:
    settings = small_collection(tmp_path, 2)
    id = some_made(settings, 4)
    with read_only(settings.assets):
        said = sentence(toadworks("run", cwd=settings.folder))
        assert "the asset cannot be written: " in said and said.endswith("; the folder must be writable")
        assert toadworks("accept", id, cwd=settings.folder).returncode == 0  # it takes no asset
    assert toadworks("run", cwd=settings.folder).returncode == 0
    assert_whole(settings, 8)


def test_table_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    table = Table.open(f"sqlite:///{tmp_path / 'table.db'}")
    ids = Given.candidates(table, 20)
    recorded = []
    with files_up_to(tmp_path.joinpath("table.db-wal").stat().st_size + 1_000_000):
        with pytest.raises(RunFailed) as caught:
            for note in range(1000):
                table.decide(ids, "accept", "ann", str(note))
                recorded.append(str(note))
        assert str(caught.value).endswith(ROOM) and recorded
        assert {row.note for row in table.candidates(ids)} == {recorded[-1]} and table.faults() == []
    table.decide(ids, "accept", "ann", recorded[-1] + " and more")
    assert len(table.decisions(ids[0])) == len(recorded) + 1 and table.faults() == []
    table.close()


def test_asset_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    assets, data = AssetFolder(tmp_path / "assets"), bytes(100_000)
    with files_up_to(50_000):
        with pytest.raises(RunFailed) as caught:
            assets.put(data)
        told = str(caught.value)
        assert told.startswith(str(assets.path(hashlib.sha256(data).hexdigest()))) and told.endswith(ROOM)
        assert not [file for file in assets.root.rglob("*") if file.is_file()]
    assert assets.read(assets.put(data)) == data
