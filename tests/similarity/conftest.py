"""Real toads for the tests, where there are some."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from PIL import Image

from similarity import distances


@pytest.fixture(autouse=True)
def numpy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What everybody has is tested; faiss has a test of its own."""
    monkeypatch.setattr(distances, "_faiss", lambda: None)


@pytest.fixture(scope="session")
def toads() -> list[Image.Image]:
    """300 real 36x36 toads as RGB, always the same ones."""
    given = os.environ.get("TOADWORKS_TOADZ")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "toadz"
    files = sorted(folder.glob("images/*.png"))
    if not files:
        problem = f"no real toads in {folder / 'images'}: name their folder in TOADWORKS_TOADZ"
        if given or os.environ.get("TOADWORKS_REQUIRE_ALL") == "1":
            pytest.fail(problem)
        pytest.skip(problem)
    random.Random(1).shuffle(files)
    images = []
    for file in files:
        with Image.open(file) as image:
            if image.size == (36, 36):
                images.append(image.convert("RGB"))
        if len(images) == 300:
            break
    return images
