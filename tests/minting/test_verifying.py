"""Verifying: a release holds against its manifest, and no byte of it can change unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from errors import BadRelease
from minting import shuffling
from minting.ethereum import Account
from minting.manifest import FILE, Picture, provenance
from minting.metadata import Release, Token
from minting.release import write_release
from minting.shuffling import Initial
from minting.signing import sign_manifest
from minting.verifying import verify

RELEASE = Release(collection="Crayon Toads", image_size=64)
BLOCK_HASH = "0x" + "1f" * 32


@pytest.fixture
def tokens(make_token: Callable[..., Token]) -> list[Token]:
    return [make_token(number) for number in range(1, 7)]


@pytest.fixture
def folder(tokens: list[Token], tmp_path: Path) -> Path:
    return write_release(tmp_path / "drop", tokens, RELEASE)


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    about = json.loads((folder / FILE).read_text())
    edit(about)
    (folder / FILE).write_text(json.dumps(about))


def told(folder: Path) -> str:
    return "\n".join(map(str, verify(folder).faults))


@pytest.mark.parametrize("profile", ["unixfs-v1-2025", "kubo --cid-version=1", "unixfs-v0-2015"])
def test_release_holds(tokens: list[Token], tmp_path: Path, profile: str) -> None:
    done: list[int] = []
    folder = write_release(tmp_path / "drop", tokens, replace(RELEASE, profile=profile))
    found = verify(folder, done.append)
    assert (found.faults, found.signed_by, found.block) == ([], "", "")
    assert sum(done) == len(found.manifest.all_files())


def test_every_file_is_looked_at(folder: Path) -> None:
    for path in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()):
        if path == FILE:
            continue
        data = (folder / path).read_bytes()
        (folder / path).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert f"{path}: has another SHA-256" in told(folder), path
        assert f"{path}: its CID is" in told(folder), path
        (folder / path).write_bytes(data + b" ")
        assert f"{path}: has {len(data) + 1} bytes" in told(folder), path
        (folder / path).unlink()
        assert f"{path}: is not there" in told(folder), path
        (folder / path).write_bytes(data)
    assert told(folder) == ""


def test_file_too_many_changes_the_folder_s_cid(folder: Path) -> None:
    (folder / "images" / "8.png").write_bytes(b"x")
    assert "images: its CID is" in told(folder)


def test_images_exchanged_with_their_entries_break_the_provenance(folder: Path) -> None:
    def exchange(about: dict[str, Any]) -> None:
        one, two = about["tokens"][0], about["tokens"][1]
        one["image"], two["image"] = two["image"], one["image"]

    change(folder, exchange)
    assert "the provenance hash is not that of the images" in told(folder)


def test_keccak_is_checked_too(folder: Path) -> None:
    change(folder, lambda about: about["tokens"][0]["image"].update(keccak256="0" * 64))
    assert "images/1.png: has another Keccak-256" in told(folder)


def test_numbers_with_a_gap_are_told(folder: Path) -> None:
    change(folder, lambda about: about["tokens"].pop(0))
    assert "do not run from 1" in told(folder)


def test_signature_is_checked(folder: Path) -> None:
    account = Account.from_key("0x" + "42" * 32)
    sign_manifest(folder, account)
    assert verify(folder).signed_by == account.address
    change(folder, lambda about: about.update(software="mine"))
    with pytest.raises(BadRelease, match="did not sign"):
        verify(folder)


def test_revealed_shuffle_is_recomputed(tokens: list[Token], tmp_path: Path) -> None:
    shuffling.commit(tmp_path, Initial.of_manifest(write_release(tmp_path / "drop", tokens, RELEASE) / FILE), 137, 9)
    committed = shuffling.read(tmp_path)
    assert committed is not None
    folder = write_release(tmp_path / "drop", tokens, RELEASE, shuffle=committed.record)
    assert verify(folder).faults == [] and "not revealed yet" in verify(folder).block

    shuffle = shuffling.reveal(tmp_path, BLOCK_HASH)
    numbers = shuffle.numbers()
    moved = [replace(token, number=numbers[token.recipe_id]) for token in tokens]
    folder = write_release(tmp_path / "drop", moved, RELEASE, shuffle=shuffle.record)
    found = verify(folder)
    assert found.faults == []
    assert "block 9 of the chain with id 137" in found.block and BLOCK_HASH in found.block

    late = replace(tokens[0], number=7, recipe_id="9" * 64, image=tmp_path / "made" / "late.png")
    Image.new("RGB", (64, 64)).save(late.image)
    assert told(write_release(tmp_path / "more", [*moved, late], RELEASE, shuffle=shuffle.record)) == ""

    unmoved = write_release(tmp_path / "other", tokens, RELEASE, shuffle=shuffle.record)
    assert "another order than it gives" in told(unmoved)
    change(folder, lambda about: about["shuffle"].update(block_hash="0x" + "2f" * 32))
    assert "the shuffle: " in told(folder)


def in_tokens(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda about: about["tokens"][0]["image"].update(changes)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        # the entry that `files` has would be held against the file, and the token's own believed
        (lambda about: about["files"].append({**about["tokens"][0]["metadata"], "sha256": "0" * 64}), "in two ways"),
        (lambda about: about["files"].append({**about["tokens"][0]["metadata"], "cid": "x"}), "in two ways"),
        (lambda about: about["files"].append({**about["files"][0], "path": "Manifest.json"}), "listed by itself"),
        (lambda about: about["files"].append({**about["files"][0], "path": "manifest.signature.json"}), "by itself"),
        (lambda about: about["files"].append({**about["files"][0], "path": "index.html/x"}), "cannot be in it"),
        (in_tokens(path="images/\0"), "no path that can be written"),
        (in_tokens(path="images/1\u202e.png"), "no path that can be written"),
        (in_tokens(path="images/" + "é" * 128), "no path that can be written"),
        (in_tokens(path="x/" * 512 + "y"), "no path that can be written"),
        (in_tokens(path="images/../1.png"), "no path within"),
        (in_tokens(path="/images/1.png"), "no path within"),
        (in_tokens(path="images/./1.png"), "no path within"),
        (in_tokens(path="images\\1.png"), "no path within"),
        (in_tokens(path=""), "no path within"),
        (in_tokens(cid="../../../x"), "match pattern"),
        (lambda about: about["parts"]["images"].update(cid="a\x1b[2J"), "match pattern"),
        (lambda about: about.update(shuffle=[1]), "should be an object"),
    ],
)
def test_manifest_made_to_deceive_is_refused(
    folder: Path, edit: Callable[[dict[str, Any]], object], problem: str
) -> None:
    change(folder, edit)
    with pytest.raises(BadRelease, match=problem):
        verify(folder)


def test_longest_path_is_taken(folder: Path) -> None:
    change(folder, lambda about: about["files"][0].update(path="x/" * 511 + "ab"))
    assert "is not there" in told(folder)


@pytest.mark.parametrize("part", ["images", "metadata", "collection.json"])
def test_nothing_stays_outside_of_the_parts(folder: Path, part: str) -> None:
    change(folder, lambda about: about["parts"].pop(part))
    assert f"it has no part called {part}" in told(folder)
    if part != "collection.json":
        assert f"{part}/{'1.png' if part == 'images' else '1'} is in none of its parts" in told(folder)


@pytest.mark.parametrize(("key", "name"), [("base_uri", "metadata"), ("contract_uri", "collection.json")])
def test_uris_lead_to_the_parts(folder: Path, key: str, name: str) -> None:
    change(folder, lambda about: about.update({key: "ipfs://bafyother/"}))
    assert f"its {key} is not where its {name} is" in told(folder)
    change(folder, lambda about: about.update({key: "https://toads.art/tokens/"}))
    assert told(folder) == ""


@pytest.mark.parametrize("key", ["files", "bytes"])
def test_size_of_a_part_is_counted(folder: Path, key: str) -> None:
    for name in ("images", "collection.json"):
        change(folder, lambda about, name=name: about["parts"][name].update({key: 7}))
        assert f"{name}: has " in told(folder)


def test_kind_of_a_file_is_that_of_its_name(folder: Path) -> None:
    change(folder, in_tokens(mime="text/html"))
    assert "images/1.png: is called 'text/html' in the manifest" in told(folder)


def test_link_in_a_part_is_told_beside_the_rest(folder: Path) -> None:
    (folder / "images" / "9.png").symlink_to(folder / FILE)
    (folder / "index.html").write_text("x")
    assert "images/9.png: is a symbolic link" in told(folder) and "index.html: has 1 bytes" in told(folder)


@pytest.mark.parametrize("record", [{"block_hash": 5}, {"block": [1]}, {"count": 3, "initial": {}}])
def test_shuffle_that_is_none_is_told(folder: Path, record: dict[str, Any]) -> None:
    change(folder, lambda about: about.update(shuffle=record))
    assert "the shuffle: " in told(folder) and verify(folder).block == ""


def test_order_that_is_said_is_the_one_that_is_seen(folder: Path) -> None:
    def exchange(about: dict[str, Any]) -> None:
        """A manifest all of whose sums are right, with other tokens in it than the contract shows."""
        one, two = about["tokens"][0], about["tokens"][1]
        one["image"], two["image"] = two["image"], one["image"]
        images = [Picture(**token["image"]) for token in about["tokens"]]
        about["provenance"] = provenance(images).model_dump()

    change(folder, exchange)
    assert "token 1's image is said to be images/2.png" in told(folder)
    assert "metadata/1: its image is not images/2.png" in told(folder)


def test_metadata_under_another_number_is_told(folder: Path) -> None:
    def exchange(about: dict[str, Any]) -> None:
        one, two = about["tokens"][0], about["tokens"][1]
        one["metadata"], two["metadata"] = two["metadata"], one["metadata"]

    change(folder, exchange)
    assert "token 1's metadata is said to be metadata/2" in told(folder)


@pytest.mark.parametrize("image", ["ipfs://bafyother/1.png", 5, None])
def test_metadata_names_the_image_of_the_part(folder: Path, image: object) -> None:
    about = json.loads((folder / "metadata/1").read_text())
    (folder / "metadata/1").write_text(json.dumps(about | {"image": image}))
    assert "metadata/1: its image is not images/1.png" in told(folder)


def test_metadata_that_is_no_json_is_told(folder: Path) -> None:
    (folder / "metadata/1").write_text("[" * 100_000)
    assert "metadata/1: is no JSON" in told(folder)


def test_images_may_be_elsewhere(tokens: list[Token], tmp_path: Path) -> None:
    assert told(write_release(tmp_path / "drop", tokens, replace(RELEASE, image_base_uri="https://toads.art/i"))) == ""


@pytest.mark.parametrize(
    "edit",
    [
        lambda about: about.update(more=1),
        lambda about: about["tokens"][0].update(number="1"),
        lambda about: about["tokens"][0].update(number=0),
        lambda about: about["parts"]["images"].update(bytes=-1),
        lambda about: about.update(format=2),
    ],
)
def test_manifest_of_another_form_is_refused(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    change(folder, edit)
    with pytest.raises(BadRelease, match=FILE):
        verify(folder)


def test_a_few_of_many_faults_of_form_are_told(folder: Path) -> None:
    change(folder, lambda about: [token.update(number=0) for token in about["tokens"]])
    with pytest.raises(BadRelease) as caught:
        verify(folder)
    assert len(caught.value.faults) == 6 and caught.value.faults[-1] == "... and 1 more"


def test_manifest_has_a_largest_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minting.manifest.LARGEST", (folder / FILE).stat().st_size)
    assert told(folder) == ""
    monkeypatch.setattr("minting.manifest.LARGEST", (folder / FILE).stat().st_size - 1)
    with pytest.raises(BadRelease, match="so it is no manifest"):
        verify(folder)


def test_link_in_a_file_s_place_is_not_followed(folder: Path) -> None:
    (folder / "index.html").rename(folder / "index.htm")
    (folder / "index.html").symlink_to(folder / "index.htm")
    assert "index.html: is not there" in told(folder)
