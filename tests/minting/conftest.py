"""Made-up tokens with real PNG files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from minting.metadata import Token


@pytest.fixture
def make_token(tmp_path: Path) -> Callable[..., Token]:
    """make_token(number, **changes): a token whose 64x64 image carries a text chunk."""

    def make(number: int = 1, **changes: Any) -> Token:
        image = tmp_path / "made" / f"{number}.png"
        image.parent.mkdir(exist_ok=True)
        text = PngImagePlugin.PngInfo()
        text.add_text("toadworks", f'{{"seed":{number},"prompt":"café"}}')
        text.add_text("Software", "something else")
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(image, pnginfo=text)
        given: dict[str, Any] = {
            "number": number,
            "source": "4591",
            "source_attributes": [{"trait_type": "Body", "value": "Albino"}],
            "source_licence": "CC0-1.0",
            "style": "crayon",
            "prompt": "crayon doodle of a toad",
            "guidance_scale": 3.0,
            "insertion_step": 40,
            "steps": 100,
            "mode": "clean",
            "seed": 2**53 + number,
            "recipe_id": f"{number:064x}",
            "model": "tadpole",
            "weights_sha256": "ab" * 32,
            "image": image,
        }
        return Token(**{**given, **changes})

    return make
