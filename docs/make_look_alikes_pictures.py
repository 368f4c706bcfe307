"""Draws docs/pictures/calibration.png from the real toads, and prints what was found, with the pairs that are confused.

Run it from the repository's root: `python docs/make_look_alikes_pictures.py`. It reads the toads from the folder that
TOADWORKS_TOADZ names (default ../shared/toadz) and takes less than a minute.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from glide.prepare import prepare  # noqa: E402
from similarity.calibrate import WIDEST, Distances, edit_distances, propose  # noqa: E402
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
    sources = toads()
    ids, images = list(sources), list(sources.values())
    pixels = np.stack([prepare(image, size=64) for image in images])  # as the model is given them
    bits, colours = fingerprints(pixels)
    near = pairs_within(bits, colours, WIDEST)
    some = np.random.default_rng(2).permutation(len(pixels))[:COPIED]
    proposal = propose(
        edit_distances(Image.fromarray(pixels[number]) for number in some),
        Distances(near.bits, near.colour),
        len(ids) * (len(ids) - 1) // 2,
    )
    limits = proposal.thresholds
    print(limits, f"found {proposal.found:.4f}, {proposal.false} false of {proposal.pairs:,} pairs")
    print(proposal.found_by_edit)

    false = np.flatnonzero((near.bits <= limits.bits) & (near.colour <= np.float32(limits.colour)))
    false = false[np.lexsort((near.colour[false], near.bits[false]))]
    for pair in false:
        left, right = int(near.left[pair]), int(near.right[pair])
        count = np.count_nonzero((np.asarray(images[left]) != np.asarray(images[right])).any(axis=2))
        print(f"| {ids[left]}, {ids[right]} | {near.bits[pair]} | {near.colour[pair]:.2f} | {count} |")

    own = np.full(len(ids), 256)
    alike_in_colour = near.colour <= np.float32(limits.colour)
    for side in (near.left, near.right):
        np.minimum.at(own, side[alike_in_colour], near.bits[alike_in_colour])
    shown = own[own <= WIDEST.bits]
    print(f"{len(own) - len(shown)} toads have no neighbour of like colour within {WIDEST.bits} bits")
    title = f"The {len(shown):,} toads with a neighbour of like colour"
    save(stacked([histogram(shown, limits.bits, title), roc(proposal)]), "calibration.png")


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
