"""The training set: real and painted toads, each drawn in a few styles, rendered once and kept as two files."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glide.prepare import prepare
from glide.training import captions, painter
from glide.training.looks import LOOKS, render

STYLES = (captions.PLAIN, *LOOKS)
HELD_OUT = 20  # every 20th real toad is never trained on


def toads_folder() -> Path:
    """The folder of real toads: TOADWORKS_TOADZ, or ../shared/toadz."""
    return Path(os.environ.get("TOADWORKS_TOADZ", "../shared/toadz"))


def real_toads(folder: Path, held_out: bool = False) -> list[Path]:
    """PNGs of 36x36 real toads to train on (or those held out), in order of name."""
    files = sorted((folder / "images").glob("*.png"))
    return [file for number, file in enumerate(files) if (number % HELD_OUT == 0) == held_out]


def draw_one(seed: int, number: int, styles_each: int, real: Path | None) -> list[tuple[NDArray[np.uint8], str]]:
    """`styles_each` renderings (uint8 [64, 64, 3]) of one toad, with captions: a pure function of its arguments."""
    rng = np.random.default_rng([seed, number])
    if real is None:
        toad = painter.random_toad(rng)
        image, (noun, extras) = painter.paint(toad), captions.painted_words(toad)
    else:
        image = Image.open(real).convert("RGB")
        noun, extras = captions.metadata_words(real.parent.parent / "metadata" / f"{real.stem}.json")
    drawn = []
    for style in rng.choice(STYLES, size=styles_each, replace=False):
        pixels = prepare(image) if style == captions.PLAIN else np.asarray(render(str(style), image, rng))
        drawn.append((pixels, captions.caption(str(style), noun, extras, rng)))
    return drawn


def _draw_task(task: tuple[int, int, int, Path | None]) -> list[tuple[NDArray[np.uint8], str]]:
    return draw_one(*task)


def make_set(folder: Path, toads: int, styles_each: int, seed: int) -> tuple[NDArray[np.uint8], list[str]]:
    """uint8 [N, 64, 64, 3] and N captions of `toads` toads (half real where real toads are at hand), kept in `folder`
    and read back if they are there already."""
    name = f"toads-{toads}-{styles_each}-{seed}"
    pixels_file, captions_file = folder / f"{name}.npy", folder / f"{name}.json"
    if not captions_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        real = real_toads(toads_folder())
        order = np.random.default_rng(seed).permutation(len(real)) if real else np.array([], int)
        tasks: list[tuple[int, int, int, Path | None]] = [
            (seed, n, styles_each, real[order[n // 2 % len(real)]] if n % 2 and real else None) for n in range(toads)
        ]
        with ProcessPoolExecutor() as pool:
            drawn = [pair for pairs in pool.map(_draw_task, tasks, chunksize=32) for pair in pairs]
        np.save(pixels_file, np.stack([pixels for pixels, _ in drawn]))
        captions_file.write_text(json.dumps([text for _, text in drawn]))
    return np.load(pixels_file), json.loads(captions_file.read_text())
