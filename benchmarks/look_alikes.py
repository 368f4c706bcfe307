"""How right are look-alikes? Copies that are found, and different pictures that are confused, with the default rule.

    python benchmarks/look_alikes.py [--toads 0] [--styled 1000] [--copies 400]

Real toads from the folder that TOADWORKS_TOADZ names (default ../shared/toadz): those of 36x36 pixels, at 36, 64 and
288 pixels; some of them in the sixteen looks that tadpole learns, at 64; with their colours exchanged. Painted toads
with one colour changed. Every confused pair of real toads is named. `--toads N` takes N of them, drawn at random: how
a collection of that size would fare. It takes about ten minutes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from glide.prepare import prepare
from glide.training.looks import LOOKS, render
from glide.training.painter import paint, random_toad
from glide.training.painter.traits import BACKGROUNDS, BODIES
from similarity.calibrate import APART, edit_distances, rate_at_most
from similarity.distances import DEFAULT, Thresholds, distances_of
from similarity.hashes import fingerprints, mirrored_bits
from similarity.pairs import Pairs, pairs_between, pairs_within
from similarity.prints import Prints

BATCH = 1000
NARROW = Thresholds(40, 2.0, 1e9, 255)  # bits and mean colour alone, as was measured beforehand


def toads(count: int) -> dict[str, Image.Image]:
    folder = Path(os.environ.get("TOADWORKS_TOADZ", Path(__file__).parents[2] / "shared" / "toadz")) / "images"
    found = {}
    for file in sorted(folder.glob("*.png"), key=lambda file: (len(file.stem), file.stem)):
        with Image.open(file) as image:
            if image.size == (36, 36):
                found[file.stem] = image.convert("RGB")
    if not found:
        sys.exit(f"no toads of 36x36 pixels in {folder}: name their folder in TOADWORKS_TOADZ")
    if count and count < len(found):
        kept = np.random.default_rng(0).permutation(len(found))[:count]
        found = {id: image for number, (id, image) in enumerate(found.items()) if number in set(kept.tolist())}
    return found


def sized(image: Image.Image, size: int) -> np.ndarray:
    """As it is, as the model is given it, or every pixel eight times as large."""
    pixels = np.asarray(image)
    return prepare(image, size=size) if size == 64 else pixels.repeat(size // 36, axis=0).repeat(size // 36, axis=1)


def printed(pictures: Iterable[np.ndarray]) -> Prints:
    parts = [fingerprints(list(some)) for some in batched(pictures, BATCH)]
    return Prints.joined(parts)


def batched(items: Iterable[np.ndarray], size: int) -> Iterable[list[np.ndarray]]:
    iterator = iter(items)
    while some := list(itertools.islice(iterator, size)):
        yield some


def copies(pictures: Sequence[np.ndarray], count: int) -> None:
    """The share of edited pictures that are still alike to what they were, edit by edit."""
    some = np.random.default_rng(7).permutation(len(pictures))[:count]
    apart = edit_distances(Image.fromarray(pictures[number]) for number in some)
    for limits, name in ((DEFAULT, "found"), (NARROW, "found by two terms")):
        shares = {edit: float(limits.hold(one).mean()) for edit, one in apart.items()}
        told = ", ".join(f"{edit} {share:.1%}" for edit, share in shares.items())
        mean = np.mean([share for edit, share in shares.items() if edit not in APART])
        print(f"  copies {name}: {mean:.2%} without {', '.join(APART)} ({told})")


def confused(pairs: int, found: int) -> str:
    return (
        f"{found:,} of {pairs:,} pairs confused, {found / pairs:.1e} (95 %: at most {rate_at_most(found, pairs):.1e})"
    )


def plain(sources: dict[str, Image.Image], size: int, count: int) -> Prints:
    ids, pictures = list(sources), [sized(image, size) for image in sources.values()]
    prints = printed(pictures)
    number = len(ids) * (len(ids) - 1) // 2
    near = pairs_within(prints)
    print(f"real toads at {size} px: {confused(number, len(near.left))}")
    print(f"  by two terms, 40 bits and colour 2: {len(pairs_within(prints, NARROW).left):,}")
    for left, right, bits, colour, chroma, grey in zip(*near, strict=True):
        pixels = (np.asarray(sources[ids[left]]) != np.asarray(sources[ids[right]])).any(axis=2).sum()
        print(f"  | {ids[left]}, {ids[right]} | {bits} | {colour:.2f} | {chroma:.1f} | {grey} | {pixels} |")
    copies(pictures, count)
    return prints


def styled(sources: dict[str, Image.Image], toads: int, count: int) -> None:
    chosen = np.random.default_rng(3).permutation(len(sources))[:toads]
    images = [list(sources.values())[number] for number in chosen]
    rng = np.random.default_rng(4)
    pictures = [np.asarray(render(look, image, rng)) for look in LOOKS for image in images]
    prints = printed(pictures)
    look, source = np.divmod(np.arange(len(pictures)), len(images))
    total = len(pictures) * (len(pictures) - 1) // 2
    near = pairs_within(prints)
    print(f"{len(images):,} real toads in {len(LOOKS)} looks at 64 px: {confused(total, len(near.left))}")
    print(f"  by two terms, 40 bits and colour 2: {len(pairs_within(prints, NARROW).left):,}")
    same_look, same_source = look[near.left] == look[near.right], source[near.left] == source[near.right]
    print(f"  one look, other sources: {(same_look & ~same_source).sum():,}")
    print(f"  other looks, one source: {(~same_look & same_source).sum():,}")
    print(f"  other looks and sources: {(~same_look & ~same_source).sum():,}")
    by_look = {name: int((same_look & (look[near.left] == n)).sum()) for n, name in enumerate(LOOKS)}
    print(f"  by look: {', '.join(f'{name} {number}' for name, number in by_look.items() if number) or 'none'}")
    print(f"  the same picture to the last pixel: {equal_pictures(near, pictures):,}")
    copies(pictures, count)


def equal_pictures(near: Pairs, pictures: Sequence[np.ndarray]) -> int:
    return sum(
        np.array_equal(pictures[left], pictures[right]) for left, right in zip(near.left, near.right, strict=True)
    )


def palettes(sources: dict[str, Image.Image], prints: Prints, count: int) -> None:
    """Pictures with nothing changed but colours, in pairs."""
    print("other palettes, alike of so many pairs, and of those with a twentieth of the pixels changed by 40 of 255:")
    originals = [sized(image, 64) for image in sources.values()]
    for order in ([2, 1, 0], [0, 2, 1], [1, 2, 0]):
        changed = [np.ascontiguousarray(picture[..., order]) for picture in originals]
        alike = DEFAULT.hold(distances_of(prints, printed(changed)))
        plainly = np.array(
            [(np.ptp([a, b], axis=0).max(axis=2) > 40).mean() > 0.05 for a, b in zip(originals, changed, strict=True)]
        )
        name = "".join("RGB"[channel] for channel in order)
        print(
            f"  real toads, RGB to {name}: {alike.sum():,} of {len(alike):,}; "
            f"{(alike & plainly).sum()} of {plainly.sum():,}"
        )
    rng = np.random.default_rng(5)
    painted = [random_toad(rng) for _ in range(count)]
    before = printed(prepare(paint(toad), size=64) for toad in painted)
    for trait, colours in (("body", list(BODIES)), ("background", list(BACKGROUNDS))):
        others = [
            replace(toad, **{trait: rng.choice([one for one in colours if one != getattr(toad, trait)])})
            for toad in painted
        ]
        alike = DEFAULT.hold(distances_of(before, printed(prepare(paint(toad), size=64) for toad in others)))
        print(f"  painted toads, another {trait}: {alike.sum():,} of {len(alike):,}")


def mirrored(sources: dict[str, Image.Image], prints: Prints) -> None:
    pictures = [sized(image, 64) for image in sources.values()]
    turned = prints.turned(np.concatenate([mirrored_bits(some) for some in batched(pictures, BATCH)]))
    number = len(pictures)
    own = int(DEFAULT.hold(distances_of(prints, turned)).sum())
    near = pairs_between(turned, prints)
    others = int((near.left != near.right).sum())
    flipped = printed(np.ascontiguousarray(picture[:, ::-1]) for picture in pictures)
    found = int(DEFAULT.hold(distances_of(turned, flipped)).sum())
    print(
        f"mirror images of real toads at 64 px: {found:,} of {number:,} found where mirrored = true, {own:,} without;"
    )
    print(f"  {others:,} of {number * (number - 1):,} pairs of a toad and another's mirror image are alike")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--toads", type=int, default=0, help="how many real toads; 0 takes all")
    asked.add_argument("--styled", type=int, default=1000, help="how many of them are drawn in all looks; 0 for none")
    asked.add_argument("--copies", type=int, default=400, help="how many pictures copies are made of, of each kind")
    given = asked.parse_args()
    sources = toads(given.toads)
    print(f"look-alikes: {DEFAULT}")
    for size in (36, 64, 288):
        prints = plain(sources, size, given.copies)
        if size == 64:
            palettes(sources, prints, 1500)
            mirrored(sources, prints)
    if given.styled:
        styled(sources, given.styled, given.copies)


if __name__ == "__main__":
    main()
