"""A release is held against its manifest before anything is sent: all faults at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import BadRelease, NothingLeft
from minting.uploading.contents import Contents, check_files, read_contents
from tests.minting.uploading.releases import JSON_MIME, write_release


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def faults(folder: Path) -> list[str]:
    with pytest.raises(BadRelease) as caught:
        check_files(read_contents(folder))
    return caught.value.faults


def test_parts_come_in_the_order_of_sending(tmp_path: Path) -> None:
    read = read_contents(write_release(tmp_path, previews=True))
    check_files(read)
    assert [part.name for part in read.parts] == ["images", "previews", "metadata", "collection.json", ""]
    assert [item.name for item in read.parts[-1].items] == ["collection.csv", "index.html", "manifest.json"]
    assert all(item.cid for part in read.parts[:-1] for item in part.items)
    assert [part.is_file for part in read.parts[:-1]] == [False, False, False, True]
    assert {item.mime for item in read.parts[2].items} == {JSON_MIME}


def test_signature_goes_with_the_manifest(release: Contents) -> None:
    (release.folder / "manifest.signature.json").write_text("{}")
    assert [item.name for item in read_contents(release.folder).items][-1] == "manifest.signature.json"


def test_every_file_that_was_changed_is_told(release: Contents) -> None:
    folder = release.folder
    (folder / "images/1.png").unlink()
    (folder / "images/2.png").write_bytes(b"short")
    (folder / "metadata/3").write_bytes((folder / "metadata/3").read_bytes().replace(b"#3", b"#4"))
    (folder / "images/9.png").write_bytes(b"frog")
    (folder / "images/3.png").rename(folder / "images/three.png")
    (folder / "images/3.png").symlink_to("three.png")
    anew = "; `toadworks export` writes the release anew"
    assert sorted(faults(folder)) == [
        f"images/1.png: is not there{anew}",
        f"images/2.png: has 5 bytes, and 3002 in manifest.json{anew}",
        f"images/3.png: is a link{anew}",
        "images/9.png: is not in manifest.json; take it away",
        "images/three.png: is not in manifest.json; take it away",
        f"metadata/3: was changed after manifest.json was written{anew}",
    ]


def test_hidden_files_are_nobody_s(release: Contents) -> None:
    (release.folder / "images" / ".DS_Store").write_bytes(b"x")
    check_files(read_contents(release.folder))


def test_release_without_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match=r"there is no .*manifest\.json; `toadworks export` writes the release first"):
        read_contents(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "\x00", '{"format": "1"}'])
def test_what_is_no_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadRelease, match=r"manifest\.json: [0-9]+ faults?:"):
        read_contents(tmp_path)


BAD = {
    "images: 3 files of 9006 bytes are listed, and 4": lambda m: m["parts"]["images"].update(files=4),
    "metadata: 3 files of 57 bytes are listed, and 3 of 9": lambda m: m["parts"]["metadata"].update(bytes=9),
    "tokens.0.image.path: Value error, '../secret'": lambda m: m["tokens"][0]["image"].update(path="../secret"),
    "parts.images.cid: Field required": lambda m: m["parts"]["images"].pop("cid"),
}


@pytest.mark.parametrize("told", BAD)
def test_wrong_manifests_are_told(release: Contents, told: str) -> None:
    changed(release.folder, BAD[told])
    assert any(told in fault for fault in faults(release.folder))


def test_parts_that_nobody_foresaw_come_last(release: Contents) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["parts"]["collection.csv"] = {"cid": "bafkqaaa", "files": 1, "bytes": len(b"number,name\n1,Toad #1\n")}

    changed(release.folder, change)
    read = read_contents(release.folder)
    assert [part.name for part in read.parts] == ["images", "metadata", "collection.json", "collection.csv", ""]


def test_shared_picture_goes_once(release: Contents) -> None:
    """A placeholder's tokens share one."""

    def change(manifest: dict[str, Any]) -> None:
        for token in manifest["tokens"]:
            token["image"] = manifest["tokens"][0]["image"]
        manifest["parts"]["images"].update(files=1, bytes=manifest["tokens"][0]["image"]["bytes"])

    changed(release.folder, change)
    for number in (2, 3):
        (release.folder / f"images/{number}.png").unlink()
    read = read_contents(release.folder)
    check_files(read)
    assert [item.name for item in read.parts[0].items] == ["images/1.png"]
