"""All alike pairs of 100,000 real pictures, against brute force: each compared with each.

They are all real toads at 64 pixels (nearly 6,000), each 32nd of them drawn in the sixteen looks (nearly 3,000), 1,000
candidates that tadpole makes here, of 250 of those toads in four looks, each with another seed and one to four steps
left of 15, and copies of all these until there are 100,000: saved as JPEG, noisy, brighter, moved by a pixel, mirrored,
or with their colour channels changed. It takes about three minutes on one core, and 1.3 GB.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glide.models import Model
from glide.prepare import prepare
from glide.request import Options, Request
from glide.restyle import restyle
from glide.training.data import real_toads
from glide.training.looks import LOOKS, render
from similarity.distances import Thresholds
from similarity.hashes import fingerprints
from similarity.pairs import Pairs, pairs_within
from similarity.prints import Prints

COUNT = 100_000
STEPS = 15
TIGHT, DEFAULT, WIDE = Thresholds(16, 1.0, 2.5, 8), Thresholds(), Thresholds(50, 6.0, math.inf, 255)


def drawn(toads: list[Path]) -> Iterator[np.ndarray]:
    """uint8 [64, 64, 3]: each toad as it is, then some in every look."""
    rng = np.random.default_rng(1)
    for number, file in enumerate(toads):
        image = Image.open(file).convert("RGB")
        yield prepare(image)
        if number % 32 == 0:
            yield from (np.asarray(render(look, image, rng)) for look in LOOKS)


def candidates(model: Model, toads: list[Path]) -> Iterator[np.ndarray]:
    """uint8 [64, 64, 3]: four of each toad."""
    looks, requests = [look.phrases[0] for look in LOOKS.values()], []
    for number, file in enumerate(toads):
        source = prepare(Image.open(file))
        for nth in range(4):
            prompt = looks[(number + nth) % len(looks)].replace("{toad}", "a toad")
            requests.append(Request(source, prompt, 1.0, STEPS - 1 - nth, seed=4 * number + nth))
    for made in restyle(model, requests, Options(steps=STEPS), width=16):
        assert not made.problem
        yield made.pixels


def edited(pixels: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Of six edits the one with this number."""
    if number % 6 == 0:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(40, 95)))
        return np.asarray(Image.open(file))
    if number % 6 == 1:
        return (pixels + rng.normal(0, rng.uniform(1, 12), pixels.shape)).round().clip(0, 255).astype(np.uint8)
    if number % 6 == 2:
        return (pixels * rng.uniform(0.85, 1.15)).round().clip(0, 255).astype(np.uint8)
    if number % 6 == 3:
        return np.roll(pixels, 1, axis=rng.integers(0, 2))
    return pixels[:, ::-1] if number % 6 == 4 else pixels[..., [1, 2, 0]]


def all_prints(originals: list[np.ndarray]) -> Prints:
    """Of the pictures and their copies, in any order."""
    rng, made = np.random.default_rng(2), [fingerprints(originals)]
    for start in range(len(originals), COUNT, 2_000):
        numbers = range(start, min(start + 2_000, COUNT))
        copies = [edited(originals[number % len(originals)], number // len(originals), rng) for number in numbers]
        made.append(fingerprints(copies))
    return Prints.joined(made).take(rng.permutation(COUNT))


def brute_force(prints: Prints, limits: Thresholds) -> Pairs:
    """The definition: the bits of all pairs, row by row, then the rest of those that are near in them."""
    words, rows, found = prints.bits.view(np.uint64).T.copy(), [], []
    for row in range(len(prints)):
        bits = np.bitwise_count(words[:, row, None] ^ words[:, row + 1 :]).sum(axis=0, dtype=np.uint16)
        near = np.flatnonzero(bits <= limits.bits)
        rows.append((np.full(len(near), row), row + 1 + near, bits[near]))
        if sum(len(left) for left, *_ in rows) > 10_000 or row == len(prints) - 1:
            found.append(within_looks(prints, *map(np.concatenate, zip(*rows, strict=True)), limits))
            rows.clear()
    return Pairs(*map(np.concatenate, zip(*found, strict=True)))


def within_looks(prints: Prints, left: np.ndarray, right: np.ndarray, bits: np.ndarray, limits: Thresholds) -> Pairs:
    squares = np.square(prints.colours[left] - prints.colours[right])
    colour = np.sqrt(squares.sum(axis=-1)).reshape(-1, 64).mean(axis=1)
    near = colour <= limits.colour
    chroma = np.sqrt(squares[near][..., 1:].sum(axis=-1)).max(axis=(1, 2))
    greys = np.abs(prints.greys[left[near]].astype(np.int16) - prints.greys[right[near]]).max(axis=(1, 2))
    some = Pairs(left[near], right[near], bits[near], colour[near], chroma, greys)
    return some.take((chroma <= limits.chroma) & (greys <= limits.grey))


@pytest.mark.slow
def test_all_pairs_of_many_are_those_of_brute_force(toadz: Path, tadpole: Model, one_thread: None) -> None:
    toads = [file for held_out in (False, True) for file in real_toads(toadz, held_out)]
    assert len(toads) > 1000
    originals = [*drawn(toads), *candidates(tadpole, toads[5 : 5 + 250 * 16 : 16])]
    prints = all_prints(originals)
    assert len(prints) == COUNT

    every = brute_force(prints, WIDE)
    assert np.median(every.colour) > 1 and len(every.left) > 500_000
    for limits in (WIDE, DEFAULT, TIGHT):
        most = (limits.bits, limits.colour, limits.chroma, limits.grey)
        inside = np.all([apart <= limit for apart, limit in zip(every[2:], most, strict=True)], axis=0)
        found = pairs_within(prints, limits)
        assert inside.sum() > 10_000 and len(found.left) == inside.sum()
        for column, expected in zip(found, every, strict=True):
            assert np.array_equal(column, expected[inside])
