"""Draws docs/pictures/calibration.png from the real toads, and look-alikes.png from painted ones that are run through
tadpole; prints the calibration.

Run it from the repository's root: `python docs/make_look_alikes_pictures.py`. It reads the toads from the folder that
TOADWORKS_TOADZ names (default ../shared/toadz) and takes some minutes.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from flows.look_alike_sheets import GROUPS  # noqa: E402
from flows.new import paint_sources, write_collection  # noqa: E402
from flows.server import run_flow  # noqa: E402
from glide.prepare import prepare  # noqa: E402
from similarity.calibrate import edit_distances, propose, widest  # noqa: E402
from similarity.distances import Distances  # noqa: E402
from similarity.hashes import fingerprints  # noqa: E402
from similarity.pairs import pairs_within  # noqa: E402
from similarity.pictures import histogram, roc  # noqa: E402

COPIED = 600  # toads that copies are made of


def toads() -> dict[str, Image.Image]:
    """All toads of 36x36 pixels, by id. A few tokens are larger: those are other drawings."""
    folder = Path(os.environ.get("TOADWORKS_TOADZ", DOCS.parents[1] / "shared" / "toadz")) / "images"
    found = {}
    for file in sorted(folder.glob("*.png"), key=lambda file: int(file.stem)):
        with Image.open(file) as image:
            if image.size == (36, 36):
                found[file.stem] = image.convert("RGB")
    return found


def main() -> None:
    draw_calibration()
    draw_groups()


def draw_calibration() -> None:
    sources = toads()
    pixels = np.stack([prepare(image, size=64) for image in sources.values()])  # as the model is given them
    prints = fingerprints(pixels)
    near = pairs_within(prints, widest())
    apart = Distances(*near[2:])
    some = np.random.default_rng(2).permutation(len(pixels))[:COPIED]
    proposal = propose(
        edit_distances(Image.fromarray(pixels[number]) for number in some),
        apart,
        len(pixels) * (len(pixels) - 1) // 2,
    )
    limits = proposal.thresholds
    print(limits, f"found {proposal.found:.4f}, {proposal.false} false of {proposal.pairs:,} pairs")
    print(proposal.found_by_edit)
    own = np.full(len(pixels), 256)
    alike = replace(limits, bits=widest().bits).hold(apart)
    for side in (near.left, near.right):
        np.minimum.at(own, side[alike], near.bits[alike])
    shown = own[own <= widest().bits]
    title = f"The {len(shown):,} of {len(own):,} toads with a neighbour of like colours"
    save(stacked([histogram(shown, limits.bits, title), roc(proposal)]), "calibration.png")


def draw_groups() -> None:
    """Late insertion steps give many look-alikes."""
    with tempfile.TemporaryDirectory() as folder:
        images = paint_sources(Path(folder) / "toads", count=5, seed=11)
        styles = ("crayon", "neon", "comic")
        settings = write_collection(
            Path(folder) / "pond", images, styles=styles, guidance_scales=(2, 5), insertion_steps=(7, 9, 11)
        )
        text = settings.file.read_text(encoding="utf-8")
        settings.file.write_text(re.sub(r"(?m)^source_bits = \S+", "source_bits = 4", text), encoding="utf-8")
        run_flow("flows.collection", "make_collection", str(settings.file), "")
        with Image.open(settings.sheets / GROUPS) as sheet:
            save(sheet.convert("RGB"), "look-alikes.png")


def stacked(pictures: list[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (max(one.width for one in pictures), sum(one.height for one in pictures)), "#faf8f4")
    y = 0
    for picture in pictures:
        whole.paste(picture, (0, y))
        y += picture.height
    return whole


def save(picture: Image.Image, name: str) -> None:
    file = DOCS / "pictures" / name
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"wrote {file.relative_to(DOCS.parent)}, {picture.width} x {picture.height}")


if __name__ == "__main__":
    main()
