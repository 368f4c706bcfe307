"""Captions for training pictures: the style's wording around a toad described in more or fewer words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from glide.training import painter
from glide.training.looks import LOOKS

PLAIN = "plain"
PLAIN_PHRASES = ("{toad}", "a picture of {toad}", "{toad}, plain")


def caption(style: str, noun: str, extras: list[str], rng: np.random.Generator) -> str:
    """One wording of `style` (a key of LOOKS, or "plain") for a toad, bare half the time, else with some extras."""
    toad = "a toad"
    if rng.random() < 0.5:
        toad = f"a {noun}"
        chosen = [str(extra) for extra in rng.permutation(extras)[: rng.integers(0, 3)]]
        if chosen:
            toad += " with " + " and ".join(chosen)
    phrases = PLAIN_PHRASES if style == PLAIN else LOOKS[style].phrases
    return phrases[rng.integers(len(phrases))].replace("{toad}", toad)


def painted_words(toad: painter.Toad) -> tuple[str, list[str]]:
    """(noun, extras) of a painted toad. Its background is left out: most styles paint over it."""
    noun, *extras = painter.words(toad)[:-1]
    return noun, extras


def metadata_words(file: Path) -> tuple[str, list[str]]:
    """(noun, extras) of a real toad from its OpenSea metadata."""
    told = ("Head", "Eyes", "Mouth", "Accessory I", "Accessory II", "Clothes")
    traits = json.loads(file.read_text())["attributes"]
    return "toad", [str(trait["value"]).lower() for trait in traits if trait["trait_type"] in told]
