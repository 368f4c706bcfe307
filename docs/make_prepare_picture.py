"""Draws docs/pictures/prepare.png: the ways in which a 36 px source becomes 64 px, side by side.

Run it from the repository's root: `python docs/make_prepare_picture.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from curation.contact_sheets import grid_sheet  # noqa: E402
from glide.prepare import PREPARE, prepare  # noqa: E402
from glide.training import painter  # noqa: E402

CELL = 192
NUMBERS = (3, 8)  # of the painter's toads, from seed 7
FACE = (10, 10, 19, 19)  # the part of a 36 px toad that the last row enlarges: left, top, right, bottom


def toads() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    drawn = [painter.paint(painter.random_toad(rng)) for _ in range(max(NUMBERS))]
    return [drawn[number - 1] for number in NUMBERS]


def enlarged(picture: Image.Image) -> Image.Image:
    """By the largest whole factor that fits a cell, centred on white: every pixel is drawn as a square."""
    times = CELL // max(picture.size)
    grown = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    cell = Image.new("RGB", (CELL, CELL), "white")
    cell.paste(grown, ((CELL - grown.width) // 2, (CELL - grown.height) // 2))
    return cell


def face(picture: Image.Image, method: str | None) -> Image.Image:
    """The same part of the toad, wherever this way of preparing has put it."""
    scale, shift = {None: (1.0, 0), "pad": (1.0, 14)}.get(method, (64 / 36, 0))
    return picture.crop(tuple(round(edge * scale) + shift for edge in FACE))


def main() -> None:
    sources = toads()
    columns: dict[str, list[Image.Image]] = {"the source, 36 px": sources}
    faces = {"the source, 36 px": face(sources[-1], None)}
    for method in PREPARE:
        label = f"{method} (default)" if method == "area" else method
        columns[label] = [Image.fromarray(prepare(source, method)) for source in sources]
        faces[label] = face(columns[label][-1], method)
    rows = [[enlarged(pictures[row]) for pictures in columns.values()] for row in range(len(sources))]
    rows.append([enlarged(picture) for picture in faces.values()])
    labels = ["a toad", "another", "its face, enlarged"]
    sheet = grid_sheet("How a 36 px source becomes 64 px", labels, list(columns), rows, cell=CELL, theme="light")
    file = DOCS / "pictures" / "prepare.png"
    file.parent.mkdir(exist_ok=True)
    sheet.save(file, optimize=True)
    print(f"wrote {file.relative_to(DOCS.parent)}, {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
