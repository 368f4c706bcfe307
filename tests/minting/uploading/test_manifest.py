"""A release is held against its manifest before anything is sent: all faults at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import BadRelease, NothingLeft
from minting.uploading.manifest import Contents, check_files, is_inside, read_manifest
from tests.minting.uploading.releases import JSON_MIME, write_release


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def problems(folder: Path) -> list[str]:
    with pytest.raises(BadRelease) as caught:
        check_files(read_manifest(folder))
    return caught.value.problems


def test_parts_come_in_the_order_of_sending(tmp_path: Path) -> None:
    read = read_manifest(write_release(tmp_path, previews=True))
    check_files(read)
    assert [part.name for part in read.parts] == ["images", "previews", "metadata", "collection.json", ""]
    assert [item.name for item in read.parts[-1].items] == ["collection.csv", "index.html", "manifest.json"]
    assert all(item.cid for part in read.parts[:-1] for item in part.items)
    assert [part.is_file for part in read.parts[:-1]] == [False, False, False, True]
    assert {item.mime for item in read.parts[2].items} == {JSON_MIME}


def test_signature_goes_with_the_manifest(release: Contents) -> None:
    (release.folder / "manifest.signature.json").write_text("{}")
    assert [item.name for item in read_manifest(release.folder).items][-1] == "manifest.signature.json"


def test_every_file_that_was_changed_is_told(release: Contents) -> None:
    folder = release.folder
    (folder / "images/1.png").unlink()
    (folder / "images/2.png").write_bytes(b"short")
    (folder / "metadata/3").write_bytes((folder / "metadata/3").read_bytes().replace(b"#3", b"#4"))
    (folder / "images/9.png").write_bytes(b"frog")
    (folder / "images/3.png").rename(folder / "images/three.png")
    (folder / "images/3.png").symlink_to("three.png")
    assert sorted(problems(folder)) == [
        "images/1.png: the file is not there",
        "images/2.png: it has 5 bytes instead of 3002",
        "images/3.png: it is a link",
        "images/9.png: the manifest does not know it; remove it",
        "images/three.png: the manifest does not know it; remove it",
        "metadata/3: it was changed since: its SHA-256 is another",
    ]


def test_hidden_files_are_nobody_s(release: Contents) -> None:
    (release.folder / "images" / ".DS_Store").write_bytes(b"x")
    check_files(read_manifest(release.folder))


def test_release_without_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match=r"there is no .*manifest\.json; `toadworks export` writes the release first"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "\x00", '{"format": "1"}'])
def test_what_is_no_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadRelease, match=r"it is no JSON|not of format 1"):
        read_manifest(tmp_path)


BAD = {
    "parts: it is not there": lambda m: m.pop("parts"),
    "parts: images: it has no CID": lambda m: m["parts"]["images"].pop("cid"),
    "parts: images: 4 files": lambda m: m["parts"]["images"].update(files=4),
    "tokens: it is no list": lambda m: m.update(tokens={}),
    "profile: it is no text": lambda m: m.pop("profile"),
    "token 1: image: it names no file in the release": lambda m: m["tokens"][0]["image"].update(path="../secret"),
    "token 2: metadata: it names no file": lambda m: m["tokens"][1].pop("metadata"),
    "token 3: image: images/1.png: it is listed twice": lambda m: m["tokens"][2].update(image=m["tokens"][0]["image"]),
    "images/1.png: its sha256 is not": lambda m: m["tokens"][0]["image"].update(sha256="AB" * 32),
    "images/1.png: its bytes are no number": lambda m: m["tokens"][0]["image"].update(bytes=True),
    "images/1.png: its mime is no MIME type, such as image/png": lambda m: m["tokens"][0]["image"].update(mime="png"),
    "files: entry 1: it names no file": lambda m: m["files"].insert(0, None),
}


@pytest.mark.parametrize("told", BAD)
def test_wrong_entries_are_told(release: Contents, told: str) -> None:
    changed(release.folder, BAD[told])
    assert any(told in problem for problem in problems(release.folder))


def test_several_wrong_entries_are_told_at_once(release: Contents) -> None:
    for told in ("profile: it is no text", "token 2: metadata: it names no file", "parts: images: it has no CID"):
        changed(release.folder, BAD[told])
    assert len(problems(release.folder)) >= 3


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "images/../../x", "images//1.png", "./x", ".", "a\\b", "c:x", "a\nb", "a/"]
)
def test_paths_stay_inside(path: str) -> None:
    assert not is_inside(path) and is_inside("images/1.png") and is_inside("metadata/1")
