"""`toadworks check`: whatever is not as it should be is told, by name, and nothing else is."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from collection_db import Table
from flows import check as checking
from flows.check import Findings, check, told
from flows.freeing import free, freeable
from flows.ingest import png
from tests.flows.conftest import Storage
from tests.flows.ponds import Pond, drawing

EVERYWHERE = pytest.mark.parametrize("storage", ["folder", "bucket", "postgresql"], indirect=True)
IN_STORES = pytest.mark.parametrize("storage", ["folder", "bucket"], indirect=True)


def sql(table: Table, statement: str) -> None:
    with table.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def files_below(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


@EVERYWHERE
def test_healthy_collection_is_clean(lake: Pond, storage: Storage) -> None:
    before = files_below(storage.root)
    found = check(lake.settings)
    assert found == Findings(looked_at=6) and found.clean
    assert files_below(storage.root) == before
    assert told(found)[0] == "       6  assets read"


@IN_STORES
@pytest.mark.parametrize(("how", "kind"), [("missing", "missing"), ("truncated", "damaged"), ("flipped", "damaged")])
def test_spoilt_asset_is_told_by_name(lake: Pond, storage: Storage, how: str, kind: str) -> None:
    spoilt = lake.image_of(lake.ids[2])
    storage.spoil(spoilt, how)
    found = check(lake.settings)
    assert getattr(found, kind) == [spoilt] and not found.clean
    assert found == Findings(missing=found.missing, damaged=found.damaged, looked_at=5 if kind == "missing" else 6)
    assert f"          {spoilt}" in told(found) and f"       1  assets {kind}" in told(found)


def test_every_kind_of_asset_is_looked_at(lake: Pond, storage: Storage) -> None:
    named = {row.image_sha256 for row in lake.table.sources()} | {lake.image_of(id) for id in lake.ids}
    for sha256 in named:
        storage.spoil(sha256, "flipped")
    assert check(lake.settings).damaged == sorted(named) and len(named) == 6


@IN_STORES
def test_file_that_nothing_names_is_told_and_does_no_harm(lake: Pond, storage: Storage) -> None:
    sha256 = lake.assets.put(png(drawing(99)))
    found = check(lake.settings)
    assert [one.sha256 for one in found.unreferenced] == [sha256] and found.clean
    [line] = [line for line in told(found) if f"{sha256[:2]}/{sha256[2:]}.png" in line]
    assert f"{storage.file(sha256).stat().st_size:,} bytes" in line


def test_left_over_temporary_file_is_told(lake: Pond, storage: Storage) -> None:
    file = storage.file(lake.image_of(lake.ids[0]))
    left = file.with_name(f"{file.name}.tmp-00000000-1-ab")
    left.write_bytes(b"half a pict")
    two_hours_ago = time.time() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    found = check(lake.settings)
    assert found.clean and any(str(left) in line for line in told(found))
    assert left.exists()


def test_temporary_file_of_a_living_writer_is_not_told(lake: Pond, storage: Storage) -> None:
    file = storage.file(lake.image_of(lake.ids[0]))
    file.with_name(f"{file.name}.tmp-00000000-1-ab").write_bytes(b"half a pict")  # of another machine, just now
    assert check(lake.settings) == Findings(looked_at=6)


@pytest.mark.parametrize("storage", ["folder", "postgresql"], indirect=True)
def test_fault_in_the_table_is_told(lake: Pond, storage: Storage) -> None:
    sql(lake.table, f"UPDATE candidates SET verdict = 'accept', stars = 3 WHERE id = '{lake.ids[2]}'")
    found = check(lake.settings)
    assert [fault.id for fault in found.faults] == [lake.ids[2]] and not found.clean
    assert f"          {lake.ids[2][:12]} its row and its ledger or recipe differ in verdict, stars" in told(found)


@IN_STORES
def test_quick_check_reads_nothing(lake: Pond, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.spoil(lake.image_of(lake.ids[2]), "flipped")
    monkeypatch.setattr(type(lake.assets), "read", lambda self, sha256: pytest.fail("it was read"))
    found = check(lake.settings, quick=True)
    assert found == Findings(looked_at=6, quick=True) and told(found)[0] == "       6  assets are there"


@IN_STORES
def test_quick_check_finds_what_is_missing(lake: Pond, storage: Storage) -> None:
    gone = [lake.image_of(id) for id in lake.ids[2:]]
    for sha256 in gone:
        storage.spoil(sha256, "missing")
    found = check(lake.settings, quick=True)
    assert found.missing == sorted(gone) and found.looked_at == 4


def test_long_lists_are_cut_and_counted(lake: Pond, storage: Storage) -> None:
    ids = lake.add([(0, drawing(seed)) for seed in range(200, 225)])
    for id in ids:
        storage.spoil(lake.image_of(id), "missing")
    lines = told(check(lake.settings))
    at = lines.index("      25  assets missing")
    assert lines[at + 21 : at + 23] == ["          ... and 5 more", "       0  assets damaged"]


def test_writer_meanwhile_causes_no_false_alarm(lake: Pond) -> None:
    done, added = threading.Event(), 0

    def write() -> None:
        nonlocal added
        while not done.is_set():
            lake.add([(0, drawing(1000 + added))])
            added += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        found = [check(lake.settings) for _ in range(4)]
    finally:
        done.set()
        writing.join()
    assert all(one.clean for one in found), found
    assert added and check(lake.settings) == Findings(looked_at=6 + added)


def test_asset_put_after_the_listing_is_not_missing(lake: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Table.named_assets

    def late(table: Table, kind: str) -> dict[str, str]:
        lake.add([(0, drawing(77))])
        return asked(table, kind)

    monkeypatch.setattr(Table, "named_assets", late)
    assert check(lake.settings).clean


@pytest.mark.parametrize("quick", [False, True])
def test_image_freed_meanwhile_is_not_missing(lake: Pond, monkeypatch: pytest.MonkeyPatch, quick: bool) -> None:
    asked = Table.named_assets

    def early(table: Table, kind: str) -> dict[str, str]:
        named = asked(table, kind)
        if found := freeable(lake.settings):
            free(lake.settings, found)
        return named

    monkeypatch.setattr(checking.Table, "named_assets", early)
    assert check(lake.settings, quick).clean
    assert lake.table.candidates(lake.ids[1:2])[0].freed_at is not None


def test_collection_without_anything_is_clean(pond) -> None:
    empty = pond(sources=[])
    assert check(empty.settings) == Findings()
    assert not empty.settings.assets.exists()
