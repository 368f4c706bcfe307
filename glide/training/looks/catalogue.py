"""Every look with the wordings that ask for it, and rendering a picture in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from errors import BadValue
from glide.training.filters import Array
from glide.training.looks import crafted, drawn, screens

WORKING_SIZE = 128


@dataclass(frozen=True)
class Look:
    """One style.

    `phrases` are wordings with a `{toad}` placeholder; `draw` takes a float32 (128, 128, 3) image in 0..1 and
    a random generator and returns an image of the same shape (values may leave 0..1 and are clipped later).
    """

    name: str
    phrases: tuple[str, ...]
    draw: Callable[[Array, np.random.Generator], Array]


_ALL = (
    Look(
        "crayon",
        (
            "a crayon doodle of {toad}",
            "{toad}, crayon drawing",
            "{toad} scribbled in wax crayon",
            "a child's crayon picture of {toad}",
        ),
        drawn.crayon,
    ),
    Look("oil", ("an oil painting of {toad}", "{toad}, oil on canvas", "{toad} painted in thick oils"), drawn.oil),
    Look("neon", ("a neon sign of {toad}", "{toad} in glowing neon", "{toad} as a neon light at night"), screens.neon),
    Look(
        "blueprint",
        ("a blueprint of {toad}", "{toad}, technical blueprint", "{toad} drawn in white lines on blue paper"),
        drawn.blueprint,
    ),
    Look(
        "stained",
        ("a stained glass window of {toad}", "{toad} in stained glass", "{toad}, leaded church window"),
        crafted.stained,
    ),
    Look(
        "ink",
        (
            "an ink drawing of {toad}",
            "{toad}, pen and ink",
            "{toad} sketched in black ink",
            "a black and white ink sketch of {toad}",
        ),
        drawn.ink,
    ),
    Look("mosaic", ("a mosaic of {toad}", "{toad} in mosaic tiles", "{toad}, roman stone mosaic"), crafted.mosaic),
    Look(
        "thermal",
        ("a thermal camera image of {toad}", "{toad} in infrared", "heat vision picture of {toad}"),
        screens.thermal,
    ),
    Look(
        "watercolour",
        (
            "a watercolour of {toad}",
            "{toad}, watercolor painting",
            "{toad} in soft watercolour washes",
            "a watercolor of {toad}",
        ),
        drawn.watercolour,
    ),
    Look(
        "pixel",
        (
            "pixel art of {toad}",
            "{toad}, retro handheld game sprite",
            "{toad} as an 8-bit video game character",
            "game boy pixel art of {toad}",
        ),
        screens.pixel,
    ),
    Look("chalk", ("a chalkboard drawing of {toad}", "{toad} in chalk", "{toad} chalked on a blackboard"), drawn.chalk),
    Look(
        "comic",
        ("a comic book picture of {toad}", "{toad}, pop art comic", "{toad} in a comic with halftone dots"),
        drawn.comic,
    ),
    Look(
        "embroidery",
        ("an embroidery of {toad}", "{toad} in cross stitch", "{toad} embroidered on linen"),
        crafted.embroidery,
    ),
    Look(
        "gold",
        ("a golden statue of {toad}", "{toad}, gold relief", "{toad} cast in bronze", "{toad} embossed in gold metal"),
        crafted.gold,
    ),
    Look(
        "paper",
        ("a paper cut-out of {toad}", "{toad}, layered paper craft", "{toad} cut from pastel paper"),
        crafted.paper,
    ),
    Look(
        "vaporwave",
        ("a vaporwave picture of {toad}", "{toad}, synthwave sunset", "{toad} in vaporwave style"),
        screens.vaporwave,
    ),
)

LOOKS: dict[str, Look] = {look.name: look for look in _ALL}


def enlarged(image: Image.Image) -> Array:
    """An image of any mode as float32 (128, 128, 3) in 0..1; pixel art keeps its crisp, square pixels."""
    rgb = image.convert("RGB")
    if min(rgb.size) < 2 * WORKING_SIZE:
        # Whole multiples keep every source pixel the same size; the box filter then only softens borders.
        times = -(-2 * WORKING_SIZE // min(rgb.size))
        rgb = rgb.resize((rgb.width * times, rgb.height * times), Image.Resampling.NEAREST)
    rgb = rgb.resize((WORKING_SIZE, WORKING_SIZE), Image.Resampling.BOX)
    return np.asarray(rgb, dtype=np.float32) / np.float32(255.0)


def render(name: str, image: Image.Image, rng: np.random.Generator, size: int = 64) -> Image.Image:
    """Draw `image` in the look called `name`: an RGB picture, `size` pixels square.

    Raises BadValue for an unknown name.
    """
    if name not in LOOKS:
        raise BadValue("look", name, ", ".join(LOOKS))
    drawn = LOOKS[name].draw(enlarged(image), rng)
    pixels = (np.clip(drawn, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    picture = Image.fromarray(pixels)
    if size == WORKING_SIZE:
        return picture
    return picture.resize((size, size), Image.Resampling.BOX)
