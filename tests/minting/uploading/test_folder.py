"""A folder as a place to publish to."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import BadValue, NotPublished
from minting.uploading.contents import Contents
from minting.uploading.folder import Folder
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.releases import contents


@pytest.fixture
def place(release: Contents, tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out" / "toads", release.folder)


def test_all_files_arrive(place: Folder, send: Sender, release: Contents) -> None:
    assert send(place).sent == len(release.items) == 10
    assert contents(place.folder) == contents(release.folder)
    assert send.moved == 2 * sum(item.size for item in release.items)


def test_second_time_sends_nothing(place: Folder, send: Sender, release: Contents) -> None:
    send(place)
    before = {file: file.stat().st_ino for file in place.folder.rglob("*")}
    cost = send.cost(place)
    assert (cost.to_send, cost.to_verify, cost.there, cost.done) == (0, 0, 10, True)
    assert send(place).sent == 0 and send.moved == 0
    assert {file: file.stat().st_ino for file in place.folder.rglob("*")} == before


def test_what_is_there_by_itself_is_only_verified(place: Folder, send: Sender, release: Contents) -> None:
    for name, data in contents(release.folder).items():
        (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / name).write_bytes(data)
    cost = send.cost(place)
    assert (cost.to_send, cost.to_verify) == (0, 10)
    assert send(place).sent == 0


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_recheck_mends_what_was_damaged(place: Folder, send: Sender, release: Contents, damage: str) -> None:
    send(place)
    file = place.folder / "images" / "2.png"
    data = file.read_bytes()
    file.unlink() if damage == "gone" else file.write_bytes(data[:-1] + (b"" if damage == "cut" else b"\0"))
    assert send(place).sent == 0  # what was verified is believed
    assert send(place, recheck=True).sent == 1
    assert contents(place.folder) == contents(release.folder)


def test_other_files_stay(place: Folder, send: Sender) -> None:
    place.folder.mkdir(parents=True)
    (place.folder / "images").mkdir()
    (place.folder / "images" / "mine.png").write_bytes(b"mine")
    send(place)
    assert (place.folder / "images" / "mine.png").read_bytes() == b"mine"


def test_left_over_pieces_are_cleared(place: Folder, send: Sender, release: Contents) -> None:
    (place.folder / "images").mkdir(parents=True)
    (place.folder / "images" / ".1.png.tmp-4711").write_bytes(b"half")
    send(place)
    assert contents(place.folder) == contents(release.folder)


@pytest.mark.parametrize("inside", [".", "images", ".."])
def test_release_itself_is_no_place(release: Contents, inside: str) -> None:
    with pytest.raises(BadValue, match="one apart from"):
        Folder(release.folder / inside, release.folder)


def test_file_is_no_folder(release: Contents, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadValue, match="this is a file"):
        Folder(tmp_path / "out", release.folder)


def test_folder_in_the_way_is_told(place: Folder, send: Sender) -> None:
    (place.folder / "images" / "2.png").mkdir(parents=True)
    with pytest.raises(NotPublished, match=r"2\.png: the file cannot be written \(Is a directory\)") as caught:
        send(place)
    assert "images/2.png" in caught.value.missing and "metadata/1" in caught.value.missing
    assert not (place.folder / "metadata").exists()
