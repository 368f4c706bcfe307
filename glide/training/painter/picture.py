"""The whole picture: the backdrop, and on it the toad, from its body to what it holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glide.training.painter.accessories import draw_accessory
from glide.training.painter.body import draw_body
from glide.training.painter.face import draw_eyes, draw_mouth
from glide.training.painter.hats import draw_hat
from glide.training.painter.sheet import SIZE, Sheet
from glide.training.painter.traits import BACKGROUNDS, Toad


def _backdrop(toad: Toad, jitter: np.random.Generator) -> NDArray[np.uint8]:
    """The background as (36, 36, 3)."""
    colour = np.array(BACKGROUNDS[toad.background], dtype=np.float64)
    field = np.broadcast_to(colour, (SIZE, SIZE, 3)).copy()
    rows = np.arange(SIZE)[:, None, None]
    if toad.scene == "gradient":
        field *= 1.12 - 0.4 * rows / SIZE
    elif toad.scene == "two-band":
        field *= np.where(rows < int(jitter.integers(20, 27)), 1.0, 0.72)
    elif toad.scene == "speckled":
        field *= jitter.choice([0.93, 1.0, 1.07], (SIZE, SIZE, 1))
    elif toad.scene == "starry":
        field *= 0.45
        for x, y in jitter.integers(0, SIZE, (22, 2)):
            field[y, x] = (250, 246, 210)
    return np.clip(field, 0, 255).astype(np.uint8)


def paint(toad: Toad, transparent: bool = False) -> Image.Image:
    """A 36x36 picture, RGB or (`transparent`) RGBA; the same toad always gives the same picture."""
    jitter = np.random.default_rng(toad.variation)
    backdrop = _backdrop(toad, jitter)
    top = 10 if toad.size == "large" else 14
    eye, mouth = (top + 4, top + 8) if toad.size == "large" else (top + 3, top + 6)
    sheet = Sheet()
    draw_body(sheet, toad, top, jitter)
    draw_mouth(sheet, toad, mouth)
    draw_hat(sheet, toad, top)
    draw_eyes(sheet, toad, eye)
    draw_accessory(sheet, toad, eye, mouth, jitter)
    if transparent:
        alpha = np.where(sheet.solid, 255, 0).astype(np.uint8)
        return Image.fromarray(np.dstack([sheet.colours, alpha]))
    return Image.fromarray(np.where(sheet.solid[..., None], sheet.colours, backdrop).astype(np.uint8))
