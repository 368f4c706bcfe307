"""A collection on disk to run the stages on, and pictures to put into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.settings import Settings
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
