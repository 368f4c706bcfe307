"""Draws docs/pictures/masks.png: a few toads, and what a style may change of each under the two masks.

Run it from the repository's root: `python docs/make_masks_picture.py`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from curation.contact_sheets import grid_sheet  # noqa: E402
from glide.masks import MASKS, repainted  # noqa: E402
from glide.prepare import prepare  # noqa: E402
from glide.training import painter  # noqa: E402

CELL = 192
SCENES = {
    "plain": "one colour",
    "speckled": "speckles",
    "gradient": "a fading sky",
    "two-band": "two colours",
}
BACKGROUNDS = ("lilac", "sky blue", "orange", "peach")
KEPT, KEPT_DARK = (226, 222, 214), (206, 201, 192)  # a chequered pattern stands for what is kept


def toads() -> dict[str, Image.Image]:
    rng = np.random.default_rng(21)
    drawn = {}
    for (scene, label), background in zip(SCENES.items(), BACKGROUNDS, strict=True):
        drawn[label] = painter.paint(replace(painter.random_toad(rng), scene=scene, background=background))
    return drawn


def only(mask: str, source: Image.Image) -> Image.Image:
    """The prepared source where a style may change it; the rest is hidden."""
    y, x = np.indices((64, 64)) // 4
    pattern = np.where(((x + y) % 2 == 0)[..., None], KEPT, KEPT_DARK)
    return Image.fromarray(np.where(repainted(mask, source)[..., None], prepare(source), pattern).astype(np.uint8))


def enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((CELL, CELL), Image.Resampling.NEAREST)


def main() -> None:
    sources = toads()
    rows = [
        [enlarged(Image.fromarray(prepare(source))), *(enlarged(only(mask, source)) for mask in MASKS)]
        for source in sources.values()
    ]
    sheet = grid_sheet("What a style may change", list(sources), ["the source", *MASKS], rows, cell=CELL, theme="light")
    file = DOCS / "pictures" / "masks.png"
    file.parent.mkdir(exist_ok=True)
    sheet.save(file, optimize=True)
    print(f"wrote {file.relative_to(DOCS.parent)}, {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
