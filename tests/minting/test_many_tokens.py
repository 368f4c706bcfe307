"""A release of ten thousand tokens, whose folders are sharded: written, verified, packed, and read back by ipfs-car."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minting.ipfs import profile_named, write_car
from minting.manifest import FILE, read_manifest
from minting.metadata import Release, Token
from minting.release import write_release
from minting.verifying import verify
from tests.minting.ipfs.conftest import Node, node

__all__ = ["node"]  # a fixture that is needed here, too

TOKENS = 10_000


@pytest.mark.slow
def test_ten_thousand_tokens_come_back_from_their_cars(
    make_token: Callable[..., Token], tmp_path: Path, node: Node
) -> None:
    example = make_token()
    pixels = np.random.default_rng(1).integers(0, 256, (TOKENS, 8, 8, 3), dtype=np.uint8)
    tokens = []
    for number, picture in enumerate(pixels, start=1):
        image = tmp_path / "made" / f"{number}.png"
        Image.fromarray(picture).save(image)
        tokens.append(Token(**{**vars(example), "number": number, "recipe_id": f"{number:064x}", "image": image}))
    folder = write_release(tmp_path / "drop", tokens, Release(collection="Ten Thousand", image_size=0))
    manifest = read_manifest(folder / FILE)
    assert len(manifest.tokens) == TOKENS and verify(folder).faults == []
    for path, part in manifest.parts.items():
        car = tmp_path / f"{path}.car"
        assert write_car(folder / path, car, profile_named(manifest.profile)).cid == part.cid
        assert node.car("roots", car).split() == [part.cid]
        node.car("unpack", car, "--output", tmp_path / "unpacked" / path)
        if (folder / path).is_dir():
            there = {file.name: file.read_bytes() for file in (tmp_path / "unpacked" / path).iterdir()}
            assert there == {file.name: file.read_bytes() for file in (folder / path).iterdir()}
            assert len(there) == TOKENS
        else:
            assert (tmp_path / "unpacked" / path).read_bytes() == (folder / path).read_bytes()
