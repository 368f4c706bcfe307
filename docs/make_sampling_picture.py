"""Draws docs/pictures/samplers.png (the three samplers at few and at many steps) and docs/pictures/inpainting.png
(what a style makes of the whole picture, of the toad alone, and of what is behind it), both with tadpole.

Run it from the repository's root: `python docs/make_sampling_picture.py`. It takes about a minute on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from curation.contact_sheets import grid_sheet  # noqa: E402
from glide.masks import MASKS, repainted  # noqa: E402
from glide.models import TADPOLE, Parts, load_model  # noqa: E402
from glide.prepare import prepare  # noqa: E402
from glide.request import Options, Request  # noqa: E402
from glide.restyle import restyle  # noqa: E402
from glide.samplers import SAMPLERS  # noqa: E402
from glide.training import painter  # noqa: E402
from styles.catalogue import catalogue_file, read_catalogue  # noqa: E402

WIDTH = 8
SCALE = 4.0
STEPS = (8, 15, 30)
PROMPTS = {style.name: style.prompt for style in read_catalogue(catalogue_file("toads", DOCS), steps=15)}


def toad(seed: int) -> Image.Image:
    return painter.paint(painter.random_toad(np.random.default_rng(seed)))


def request(source: Image.Image, style: str, step: int, mask: str = "") -> Request:
    repaint = repainted(mask, source) if mask else None
    return Request(prepare(source), PROMPTS[style], SCALE, step, seed=1, mode="noised", repaint=repaint)


def samplers() -> Image.Image:
    """Samplers down; styles, and steps within each, across. The insertion step is a tenth of T."""
    source, styles, model = toad(5), ("stained glass", "vaporwave"), load_model(TADPOLE)
    made: dict[tuple[str, str, int], Image.Image] = {}
    for sampler in SAMPLERS:
        for steps in STEPS:
            requests = [request(source, style, round(steps / 10)) for style in styles]
            outcomes = restyle(model, requests, Options(steps=steps, sampler=sampler), width=len(styles))
            for style, outcome in zip(styles, outcomes, strict=True):
                made[sampler, style, steps] = Image.fromarray(outcome.pixels)
    columns = [(style, steps) for style in styles for steps in STEPS]
    return grid_sheet(
        "Three samplers, at few steps and at more",
        list(SAMPLERS),
        [f"{style}, {steps} steps" for style, steps in columns],
        [[made[sampler, *column] for column in columns] for sampler in SAMPLERS],
        footer=f"tadpole, scale {SCALE:g}, noised insertion at a tenth of the steps, seed 1; above, the source",
        title_image=source,
        theme="light",
    )


def inpainting() -> Image.Image:
    """Toads down; styles, and within each the part that is repainted, across."""
    sources, styles = [toad(seed) for seed in (1, 2, 5)], ("stained glass", "vaporwave", "comic")
    options = Options(steps=15, sampler="ddim")
    made: dict[tuple[int, str, str], Image.Image] = {}
    for masks in (("",), MASKS):
        cells = [(row, style, mask) for row in range(len(sources)) for style in styles for mask in masks]
        requests = [request(sources[row], style, 1, mask) for row, style, mask in cells]
        model = load_model(TADPOLE, Parts(masked=masks == MASKS))
        for cell, outcome in zip(cells, restyle(model, requests, options, width=WIDTH), strict=True):
            made[cell] = Image.fromarray(outcome.pixels)
    columns = [(style, mask) for style in styles for mask in ("", *MASKS)]
    return grid_sheet(
        "The whole picture, only the toad, only what is behind it",
        [""] * len(sources),
        [f"{style}: {mask or 'whole'}" for style, mask in columns],
        [[made[row, *column] for column in columns] for row in range(len(sources))],
        row_images=sources,
        footer=f"tadpole, ddim, 15 steps, scale {SCALE:g}, noised insertion at step 1, seed 1; on the left, the source",
        theme="light",
    )


def main() -> None:
    for name, drawn in (("samplers", samplers), ("inpainting", inpainting)):
        file = DOCS / "pictures" / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        sheet = drawn()
        sheet.save(file, optimize=True)
        print(f"wrote {file.relative_to(DOCS.parent)}, {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
