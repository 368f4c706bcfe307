"""A release, the journal's folder, an IPFS service and a proxy before it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import s3 as s3_module
from flows.publish import packed
from minting.uploading import asking
from minting.uploading.contents import Contents, check_files, read_contents
from minting.uploading.journal import Journal
from minting.uploading.pieces import Destination, Root
from minting.uploading.sending import Cost, Delivery, pieces_of
from tests.collection_db.breaking import Breaking, breaking
from tests.minting.uploading.ipfs_service import Ipfs, serving
from tests.minting.uploading.releases import write_release


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between tries: they are as many, and sooner. Nor for the disk: no power fails here."""
    for module in (asking, s3_module):
        monkeypatch.setattr(module, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def release(tmp_path: Path) -> Contents:
    read = read_contents(write_release(tmp_path / "release"))
    check_files(read)
    return read


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal")
    yield opened
    opened.close()


@pytest.fixture
def ipfs() -> Iterator[Ipfs]:
    with serving() as service:
        yield service


@pytest.fixture
def between(ipfs: Ipfs) -> Iterator[Breaking]:
    """A proxy before the IPFS service."""
    with breaking(ipfs.port) as proxy:
        yield proxy


class Sender:
    """Sends a release, as `toadworks publish` does, with the journal of the test. `moved`: bytes sent and read back."""

    def __init__(self, contents: Contents, journal: Journal, folder: Path) -> None:
        self.contents, self.journal, self.folder = contents, journal, folder
        self.moved = 0
        self._lock = threading.Lock()

    def delivery(self, destination: Destination, recheck: bool = False) -> Delivery:
        stages, _ = pieces_of(
            self.contents.parts, destination, lambda part: packed(self.contents, part, self.folder / "cars")
        )
        return Delivery(stages, destination, self.journal, recheck)

    def cost(self, destination: Destination) -> Cost:
        return self.delivery(destination).cost()

    def __call__(self, destination: Destination, parallel: int = 2, recheck: bool = False) -> Delivery:
        delivery = self.delivery(destination, recheck)
        self.moved = 0
        delivery.send(parallel, self._watch, self.folder)
        return delivery

    def roots(self) -> dict[str, Root]:
        """Each part that has a CID, packed."""
        return {
            part.name: packed(self.contents, part, self.folder / "cars") for part in self.contents.parts if part.cid
        }

    def _watch(self, count: int) -> None:
        with self._lock:
            self.moved += count


@pytest.fixture
def send(release: Contents, journal: Journal, tmp_path: Path) -> Sender:
    return Sender(release, journal, tmp_path)
