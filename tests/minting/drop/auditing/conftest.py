"""A chain with a drop on it, which every test finds as the first one did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minting.manifest import FILE, read_manifest
from minting.metadata import Release, Token
from minting.placeholder import write_placeholder
from minting.release import write_release
from tests.chains import Anvil, accounts
from tests.drops import PRICE, Drop

RELEASE = Release(collection="Crayon Toads", symbol="TOAD", image_size=64)
TOKENS = 6


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of a release of six tokens, and of its placeholder."""
    folder = tmp_path_factory.mktemp("releases")
    tokens = []
    for number in range(1, TOKENS + 1):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        tokens.append(
            Token(
                number=number,
                source="7",
                source_licence="CC0-1.0",
                style="crayon",
                prompt="a toad",
                guidance_scale=3.0,
                insertion_step=4,
                steps=15,
                mode="clean",
                seed=number,
                recipe_id=f"{number:064x}",
                model="tadpole",
                weights_sha256="ab" * 32,
                image=folder / f"{number}.png",
            )
        )
    release = write_release(folder / "release", tokens, RELEASE)
    return release, write_placeholder(folder / "placeholder", read_manifest(release / FILE), RELEASE)


@pytest.fixture(scope="module")
def standing(anvil_binary: Path, releases: tuple[Path, Path]) -> Iterator[Drop]:
    """Revealed, both phases set, four tokens minted to the team and one sold."""
    release, placeholder = (read_manifest(folder / FILE) for folder in releases)
    node = Anvil(anvil_binary)
    owner, friend, buyer = accounts(3)
    drop = Drop(node, owner, release, {owner.address: 7_500, friend.address: 2_500}, placeholder=placeholder).open()
    drop.call("teamMint", friend.address, 4)
    drop.call("mint", 1, sender=buyer, value=PRICE)
    yield drop
    node.stop()


@pytest.fixture
def drop(standing: Drop) -> Iterator[Drop]:
    """`standing`, and the chain is taken back afterwards."""
    before = standing.anvil.ask("evm_snapshot")
    yield standing
    standing.anvil.ask("evm_revert", before)
