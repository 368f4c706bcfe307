"""Verifying: a release holds against its manifest, and no byte of it can change unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from errors import BadRelease
from minting import shuffling
from minting.ethereum import Account
from minting.manifest import FILE
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

    unmoved = write_release(tmp_path / "other", tokens, RELEASE, shuffle=shuffle.record)
    assert "another order than it gives" in told(unmoved)
    change(folder, lambda about: about["shuffle"].update(block_hash="0x" + "2f" * 32))
    assert "the shuffle: " in told(folder)
