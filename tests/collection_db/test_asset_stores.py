"""What every asset store does, in a folder and in a bucket of a real S3 service alike."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import GeneratorType

import pytest

from collection_db import Assets, open_assets
from collection_db.assets import named_by
from errors import BadValue, DamagedAsset, MissingAsset
from tests.collection_db.serving import FORGOTTEN_S

MANY = 1_234  # more than a page of a bucket's list
HOUR = timedelta(hours=1)


@dataclass
class Kept:
    """A store, and the folder in which its files really lie."""

    store: Assets
    folder: Path

    def file(self, sha256: str, suffix: str = ".png") -> Path:
        return self.folder / sha256[:2] / f"{sha256[2:]}{suffix}"

    def lay(self, data: bytes, suffix: str = ".png", pause: float = FORGOTTEN_S) -> str:
        """A file put there by somebody else."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.file(sha256).parent.mkdir(parents=True, exist_ok=True)
        self.file(sha256, suffix).write_bytes(data)
        time.sleep(pause)
        return sha256

    def lay_old(self, data: bytes) -> str:
        """One that was put an hour ago."""
        name, then = self.lay(data), (datetime.now(UTC) - HOUR).timestamp()
        os.utime(self.file(name), (then, then))
        time.sleep(FORGOTTEN_S)
        return name

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*") if file.is_file())


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "folder":
        return Kept(open_assets(tmp_path / "toads"), tmp_path / "toads")
    s3, bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
    return Kept(open_assets(f"s3://{bucket.name}/all/toads", s3.url), bucket / "all" / "toads")


def test_bytes_that_were_put_are_read(kept: Kept) -> None:
    for data in (b"toad", b"", os.urandom(3_000_000)):
        assert kept.store.read(kept.store.put(data)) == data


def test_same_bytes_are_kept_once(kept: Kept) -> None:
    name = kept.store.put(b"toad")
    assert kept.store.put(b"toad") == kept.store.put(b"toad", ".webp") == name == hashlib.sha256(b"toad").hexdigest()
    assert kept.files() == [f"{name[:2]}/{name[2:]}.png"]


def test_another_suffix_is_found(kept: Kept) -> None:
    name = kept.store.put(b"frog", ".pbm")
    assert kept.store.read(name) == b"frog" and kept.store.local(name).suffix == ".pbm"
    assert kept.store.put(b"frog") == name and kept.files() == [f"{name[:2]}/{name[2:]}.pbm"]


def test_missing_asset_is_told(kept: Kept) -> None:
    kept.store.put(b"toad")
    for method in (kept.store.read, kept.store.local):
        with pytest.raises(MissingAsset, match=f"{'b' * 62}.png: the asset is missing"):
            method("ab" + "b" * 62)


@pytest.mark.parametrize("damage", [b"toaf", b"to", b"toad and frog", b""])
def test_damaged_asset_is_told_and_mended(kept: Kept, damage: bytes) -> None:
    name = kept.store.put(b"toad")
    kept.file(name).write_bytes(damage)
    time.sleep(FORGOTTEN_S)
    for method in (kept.store.read, kept.store.local):
        with pytest.raises(DamagedAsset, match=f"{name[2:]}.png: the asset is damaged"):
            method(name)
    assert kept.store.put(b"toad") == name
    assert kept.store.read(name) == kept.file(name).read_bytes() == b"toad"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "*" * 64])
def test_no_name_leads_outside(kept: Kept, name: str) -> None:
    for method in (kept.store.read, kept.store.local, kept.store.remove):
        with pytest.raises(BadValue, match="64 small hex digits"):
            method(name)
    with pytest.raises(BadValue, match="suffix"):
        kept.store.put(b"", "/" + name)


def test_local_file_holds_the_bytes(kept: Kept) -> None:
    name = kept.store.put(b"toad", ".webp")
    assert kept.store.local(name) == kept.store.local(name)
    assert kept.store.local(name).read_bytes() == b"toad" and kept.store.local(name).suffix == ".webp"


def test_everything_stored_is_listed(kept: Kept) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # a bucket counts whole seconds
    names = {kept.store.put(data, suffix): len(data) for data, suffix in ((b"toad", ".png"), (b"", ".pbm"))}
    listed = list(kept.store.stored())
    assert {one.sha256: one.size for one in listed} == names and len(listed) == 2
    assert all(before <= one.modified <= datetime.now(UTC) + timedelta(seconds=2) for one in listed)
    assert all(named_by("/".join(one.where.split("/")[-2:])) == one.sha256 for one in listed)


def test_strangers_are_not_listed(kept: Kept) -> None:
    name = kept.lay(b"toad")
    for stranger in ("notes.txt", "ab/notes.txt", f"ab/{'c' * 61}.png", f"ab/{'c' * 62}", f"AB/{'c' * 62}.png"):
        (kept.folder / stranger).parent.mkdir(exist_ok=True)
        (kept.folder / stranger).write_bytes(b"frog")
    (kept.folder / "ab" / f"{'c' * 62}.png.tmp-00000000-1-0").write_bytes(b"half a fr")
    assert [one.sha256 for one in kept.store.stored()] == [name]


def test_many_are_listed_one_by_one(kept: Kept) -> None:
    names = {kept.lay(str(number).encode(), pause=0) for number in range(MANY)} | {kept.lay(b"last")}
    listed = kept.store.stored()
    assert isinstance(listed, GeneratorType) and next(listed).sha256 in names
    told = [one.sha256 for one in kept.store.stored()]
    assert len(told) == len(names) == MANY + 1 and set(told) == names


def test_empty_store_is_no_error(kept: Kept) -> None:
    assert list(kept.store.stored()) == [] and list(kept.store.sweep()) == []
    kept.store.remove("a" * 64)
    assert kept.files() == []


def test_removed_asset_is_gone_and_others_stay(kept: Kept) -> None:
    gone, stays = kept.store.put(b"toad"), kept.store.put(b"frog")
    kept.lay(b"toad", ".webp")
    kept.store.remove(gone)
    kept.store.remove(gone)
    assert [one.sha256 for one in kept.store.stored()] == [stays]
    with pytest.raises(MissingAsset):
        kept.store.read(gone)


def test_bytes_put_again_are_as_new(kept: Kept) -> None:
    kept.lay_old(b"toad")
    between = datetime.now(UTC) - HOUR / 2
    assert [one.modified < between for one in kept.store.stored()] == [True]
    kept.store.put(b"toad")
    assert [one.modified > between for one in kept.store.stored()] == [True]


def test_what_is_new_is_not_removed_as_old(kept: Kept) -> None:
    new, old = kept.store.put(b"toad"), kept.lay_old(b"frog")
    for name in (new, old):
        kept.store.remove(name, older_than=datetime.now(UTC) - HOUR / 2)
    assert [one.sha256 for one in kept.store.stored()] == [new]


def test_threads_may_put_and_read(kept: Kept) -> None:
    def put(number: int) -> bool:
        return kept.store.read(kept.store.put(str(number % 20).encode())) == str(number % 20).encode()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(put, range(60)))
    assert len(list(kept.store.stored())) == 20


def test_forked_process_may_put_and_read(kept: Kept) -> None:
    name = kept.store.put(b"toad")  # there are open connections now
    with multiprocessing.get_context("fork").Pool(2) as processes:
        puts = [processes.apply_async(kept.store.put, (str(number).encode(),)) for number in range(20)]
        assert {put.get(60) for put in puts} == {hashlib.sha256(str(n).encode()).hexdigest() for n in range(20)}
    assert kept.store.read(name) == b"toad" and len(list(kept.store.stored())) == 21


def test_check_says_where_and_writes_nothing(kept: Kept) -> None:
    assert "toads" in kept.store.check()
    assert kept.files() == []
