"""Placeholders: they show nothing of what is behind them, and what they promise is held against the release."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from errors import BadRelease, BadSetting
from minting import shuffling
from minting.linting import lint
from minting.manifest import FILE, Manifest, read_manifest
from minting.metadata import Release, Token
from minting.placeholder import broken_promises, drawn, unrevealed, write_placeholder
from minting.release import write_release
from minting.shuffling import Initial
from minting.verifying import verify

RELEASE = Release(collection="Crayon Toads", name_template="{style} of {source}", image_size=64)


@pytest.fixture
def tokens(make_token: Callable[..., Token]) -> list[Token]:
    return [make_token(number, source="toad-4591", recipe_id=f"{number:02x}" * 32) for number in range(1, 7)]


@pytest.mark.parametrize("standard", ["ERC-721", "ERC-1155"])
def test_placeholder_tells_nothing(tokens: list[Token], tmp_path: Path, standard: str) -> None:
    release = replace(RELEASE, standard=standard)
    behind = read_manifest(write_release(tmp_path / "drop", tokens, release) / FILE)
    folder = write_placeholder(tmp_path / "placeholder", behind, release)
    assert lint(folder) == [] and verify(folder).faults == []
    assert [file.name for file in (folder / "images").iterdir()] == ["placeholder.png"]
    everything = "".join(
        file.read_text() for file in folder.rglob("*") if file.suffix in ("", ".json") and file.is_file()
    )
    for secret in ("toad-4591", "crayon of", "albino", tokens[0].recipe_id, tokens[0].prompt, "tadpole"):
        assert secret.lower() not in everything.lower(), secret
    manifest = read_manifest(folder / FILE)
    assert manifest.promise is not None and manifest.promise.provenance_sha256 == behind.provenance.sha256
    about = json.loads((folder / release.metadata_path(3)).read_text())
    assert about["name"] == "Crayon Toads #3" and about.get("decimals") == (0 if standard == "ERC-1155" else None)
    assert about["image"] == f"ipfs://{manifest.parts['images'].cid}/placeholder.png"


def test_picture_of_ones_own_is_shown(tokens: list[Token], tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (9, 8, 7)).save(tmp_path / "egg.png")
    release = replace(RELEASE, placeholder_image="egg.png", settings_file=tmp_path / "collection.toml")
    behind = read_manifest(write_release(tmp_path / "drop", tokens, release) / FILE)
    folder = write_placeholder(tmp_path / "placeholder", behind, release)
    shown = Image.open(folder / "images/placeholder.png")
    assert shown.size == (64, 64) and shown.getpixel((5, 5)) == (9, 8, 7)
    with pytest.raises(BadSetting, match=r"release\.placeholder_image: there is no"):
        write_placeholder(tmp_path / "other", behind, replace(release, placeholder_image="hen.png"))


def test_drawn_picture_is_the_collection_s_own() -> None:
    one, again, other = (np.asarray(drawn(name)) for name in ("Pond", "Pond", "Lake"))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def broken(placeholder: Manifest, release: Manifest) -> list[str]:
    assert placeholder.promise is not None
    return broken_promises(placeholder.promise, placeholder.shuffle, release)


def test_release_that_keeps_its_promise(tokens: list[Token], tmp_path: Path) -> None:
    behind = read_manifest(write_release(tmp_path / "drop", tokens[:4], RELEASE) / FILE)
    placeholder = read_manifest(write_placeholder(tmp_path / "placeholder", behind, RELEASE) / FILE)
    assert broken(placeholder, behind) == []
    more = read_manifest(write_release(tmp_path / "drop", tokens, RELEASE) / FILE)
    assert broken(placeholder, more) == []
    fewer = read_manifest(write_release(tmp_path / "drop", tokens[:3], RELEASE) / FILE)
    assert broken(placeholder, fewer) == ["4 tokens were promised, and there are 3"]
    swapped = [replace(tokens[1], number=1), replace(tokens[0], number=2), *tokens[2:4]]
    other = read_manifest(write_release(tmp_path / "drop", swapped, RELEASE) / FILE)
    assert "or their order" in broken(placeholder, other)[0]


def test_promised_shuffle_is_kept(tokens: list[Token], tmp_path: Path) -> None:
    shuffling.commit(tmp_path, Initial.of_manifest(write_release(tmp_path / "drop", tokens, RELEASE) / FILE), 137, 9)
    committed = shuffling.read(tmp_path)
    assert committed is not None
    hidden = read_manifest(write_release(tmp_path / "drop", tokens, RELEASE, shuffle=committed.record) / FILE)
    placeholder = read_manifest(write_placeholder(tmp_path / "placeholder", hidden, RELEASE) / FILE)
    assert verify(tmp_path / "placeholder").faults == []  # its images are not those of the order
    assert "is not revealed" in broken(placeholder, hidden)[0] == unrevealed(hidden)[0]

    shuffle = shuffling.reveal(tmp_path, "0x" + "1f" * 32)
    numbers = shuffle.numbers()
    moved = [replace(token, number=numbers[token.recipe_id]) for token in tokens]
    revealed = read_manifest(write_release(tmp_path / "drop", moved, RELEASE, shuffle=shuffle.record) / FILE)
    assert broken(placeholder, revealed) == unrevealed(revealed) == []

    (tmp_path / "again").mkdir()
    shuffling.commit(tmp_path / "again", Initial.of_manifest(tmp_path / "drop" / FILE), 137, 9)
    other = shuffling.reveal(tmp_path / "again", "0x" + "1f" * 32)
    ground = read_manifest(write_release(tmp_path / "drop", moved, RELEASE, shuffle=other.record) / FILE)
    assert "not the one that was committed to" in broken(placeholder, ground)[0]


def test_placeholder_with_faults_is_refused(tokens: list[Token], tmp_path: Path) -> None:
    behind = read_manifest(write_release(tmp_path / "drop", tokens, RELEASE) / FILE)
    with pytest.raises(BadRelease, match="is still a placeholder"):
        write_placeholder(tmp_path / "placeholder", behind, replace(RELEASE, banner_image="ipfs://YOUR_CID/b.png"))
    assert not (tmp_path / "placeholder").exists()


def test_placeholder_s_picture_is_linted(tokens: list[Token], tmp_path: Path) -> None:
    behind = read_manifest(write_release(tmp_path / "drop", tokens, RELEASE) / FILE)
    folder = write_placeholder(tmp_path / "placeholder", behind, RELEASE)
    (folder / "images/placeholder.png").write_bytes(b"x")
    about = json.loads((folder / "metadata/2").read_text())
    (folder / "metadata/2").write_text(json.dumps(about | {"image": about["image"].replace("placeholder", "2")}))
    found = {fault.file: fault.problem for fault in lint(folder)}
    assert "does not decode" in found["images/placeholder.png"] and "not this token's" in found["metadata/2"]
