"""A collection on disk to run the stages on, and pictures to put into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from collection_db import AssetFolder
from flows.settings import Settings
from tests.collection_db.serving import FORGOTTEN_S
from tests.flows.ponds import Pond, drawing


def picture(seed: int = 0, size: tuple[int, int] = (36, 36), channels: int = 3) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8).squeeze()
    )


@pytest.fixture(name="picture")
def _picture() -> Callable[..., Image.Image]:
    """picture(seed, size, channels): noise, another for each seed."""
    return picture


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """An empty folder of source images, beside a folder of metadata."""
    for name in ("images", "metadata"):
        (tmp_path / name).mkdir()
    return tmp_path / "images"


@pytest.fixture
def collection(images: Path) -> Callable[..., Settings]:
    """collection(text): the settings of a collection.toml of these sources, `text` added to [sources] and after it."""

    def made(text: str = "", **sources: Any) -> Settings:
        file = images.parent / "collection.toml"
        lines = [f"{key} = {value}" for key, value in {"images": '"images"', **sources}.items()]
        file.write_text("\n".join(["[sources]", *lines, text]), encoding="utf-8")
        return Settings.read(images.parent)

    return made


@pytest.fixture
def pond(collection: Callable[..., Settings]) -> Callable[..., Pond]:
    """pond(sources, text): a collection with these source pictures, `text` in its collection.toml."""

    def made(sources: Sequence[Image.Image] = (drawing(0), drawing(1)), text: str = "") -> Pond:
        return Pond(collection(text), sources)

    return made


class Storage:
    """`text`: what collection.toml says of it; the assets' files lie below `root`."""

    def __init__(self, text: str, root: Path) -> None:
        self.text, self.root = text, root

    def file(self, sha256: str) -> Path:
        """The file of an asset, to be spoilt."""
        return AssetFolder(self.root).path(sha256)

    def spoil(self, sha256: str, how: str) -> Path:
        """Let an asset be missing, truncated or flipped (in a bit); its file."""
        file = self.file(sha256)
        data = file.read_bytes()
        if how == "missing":
            file.unlink()
        elif how == "truncated":
            file.write_bytes(data[:-20])
        else:
            file.write_bytes(data[:60] + bytes([data[60] ^ 4]) + data[61:])
        time.sleep(2 * FORGOTTEN_S)  # then the service has seen it
        return file


@pytest.fixture
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Where table and assets are: in a file and a folder, or (as a test's `parametrize` says, indirectly) "postgresql"
    or "bucket"."""
    kind = getattr(request, "param", "folder")
    if kind == "postgresql":
        return Storage(f'[storage]\ndatabase = "{request.getfixturevalue("postgres_url")}"\n', tmp_path / "assets")
    if kind == "bucket":
        request.getfixturevalue("monkeypatch").setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        place, service = request.getfixturevalue("bucket"), request.getfixturevalue("s3")
        text = f'[storage]\nassets = "s3://{place.name}/toads"\nendpoint_url = "{service.url}"\n'
        return Storage(text, place / "toads")
    return Storage("", tmp_path / "assets")


@pytest.fixture
def lake(pond: Callable[..., Pond], storage: Storage) -> Iterator[Pond]:
    """A pond of two sources and four candidates in that storage: the first is accepted, the second rejected."""
    made = pond(text=storage.text)
    made.ids = made.add([(0, drawing(5)), (0, drawing(6)), (1, drawing(7)), (1, drawing(8))])
    made.table.decide(made.ids[:1], "accept", "ann")
    made.table.decide(made.ids[1:2], "reject", "ann")
    yield made
    made.table.close()


@pytest.fixture(scope="module")
def one_thread_here() -> Iterator[None]:
    """`one_thread` for a whole module: what is made in it is made with one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
