"""The sixteen looks: filters that turn a pixel-art toad into a recognisable rendering of the same toad.

They make the pictures that the restyling model learns its styles from. Every look keeps the toad in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from errors import BadValue
from glide.training import filters as f
from glide.training.filters import Array

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


def _grid(image: Array) -> tuple[Array, Array]:
    """Row and column numbers of every pixel, as two (H, W) maps."""
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return rows, columns


def _crayon(image: Array, rng: np.random.Generator) -> Array:
    """Waxy slanting strokes on cream paper, with a loose dark crayon outline."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    colour = f.saturate(f.without_lines(image, mask) * 0.95 + 0.05, 1.6)
    strokes = f.slanted(f.noise_map(rng, shape, (1.1, 9.0)), rng.choice([-1.0, 1.0]))
    grain = f.noise_map(rng, shape, 0.7)
    paper = f.flat(shape, (0.98, 0.95, 0.86))
    coverage = np.where(mask, 0.95 + 0.5 * strokes, 0.05 + 0.55 * strokes) + 0.12 * grain
    drawn = f.mix(paper, colour, np.clip(coverage, 0.0, 0.95))
    line = f.contours(image, mask)
    loose = np.maximum(f.wobble(line, rng, 1.0), 0.7 * f.wobble(line, rng, 1.5))
    return f.mix(drawn, (0.20, 0.12, 0.16), loose * np.clip(0.85 + 0.25 * grain, 0.0, 1.0))


def _oil(image: Array, rng: np.random.Generator) -> Array:
    """Thick curling brush strokes, deep warm colours and a dark swirling ground."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    soft = f.soften(mask, 1.5)
    rows, columns = _grid(image)
    swirl = np.arctan2(rows - 74.0, columns - 64.0) + np.pi / 2.0
    angle = (swirl + 0.7 * f.noise_map(rng, shape, 14.0)).astype(np.float32)
    bristles = f.streak(f.noise_map(rng, shape, 1.2), angle, 7)
    bristles = bristles / max(float(bristles.std()), 1e-6)
    warm = f.saturate(image, 1.3) * np.array([0.98, 0.88, 0.72], dtype=np.float32)
    ground = f.mix(warm * 0.55, (0.34, 0.20, 0.10), 0.35)
    painted = f.streak(f.mix(ground, warm, soft), angle, 2)
    painted = painted * (1.0 + (0.20 - 0.10 * soft) * bristles)[..., None]
    painted = painted + 0.10 * f.relief(bristles)[..., None]
    away = np.hypot(rows - 66.0, columns - 64.0) / 90.0
    return (painted * (1.12 - 0.5 * away**2)[..., None]).astype(np.float32)


def _neon(image: Array, rng: np.random.Generator) -> Array:
    """Glowing coloured tubes along the contours on a night-black wall."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    spare = ((0.1, 1.0, 1.0), (1.0, 0.2, 0.9), (0.3, 1.0, 0.4))[int(rng.integers(3))]
    hue = f.grow(f.vivid(f.without_lines(image, mask), spare) * mask[..., None], 5)
    line = f.contours(image, mask)
    tube = hue * line[..., None]
    glow = f.blur(tube, 2.0) * 1.1 + f.blur(tube, 7.0) * 1.5
    wall = f.flat(shape, (0.03, 0.01, 0.06)) + 0.06 * hue * mask[..., None]
    core = np.clip(f.blur(line, 0.6) * 1.1 - 0.55, 0.0, 1.0)
    return wall + glow + tube * 0.75 + 0.5 * core[..., None]


def _blueprint(image: Array, rng: np.random.Generator) -> Array:
    """White drawing lines on blue paper with a pale grid."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = _grid(image)
    blotch = 0.02 * f.noise_map(rng, shape, 12.0)
    paper = f.flat(shape, (0.07, 0.24, 0.62)) + blotch[..., None]
    offset = float(rng.integers(16))
    fine = ((rows + offset) % 16 < 2) | ((columns + offset) % 16 < 2)
    paper = f.mix(paper, (0.45, 0.65, 0.95), 0.38 * fine)
    tone = f.even_out(f.luminance(f.without_lines(image, mask)), mask)
    paper = f.mix(paper, (0.35, 0.58, 0.92), 0.45 * tone * mask)
    return f.mix(paper, (0.95, 0.98, 1.0), f.contours(image, mask) * 1.1)


def _stained(image: Array, rng: np.random.Generator) -> Array:
    """Bright jewel-coloured panes between thick black leads."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    number, border = f.cells(rng, shape, 22)
    jewels = np.array(
        [
            [0.1, 0.25, 0.85],
            [0.75, 0.08, 0.2],
            [0.95, 0.65, 0.1],
            [0.05, 0.6, 0.45],
            [0.45, 0.12, 0.7],
            [0.1, 0.6, 0.9],
        ],
        dtype=np.float32,
    )
    pane = jewels[rng.integers(len(jewels), size=int(number.max()) + 1)][number]
    shade = rng.uniform(0.85, 1.2, int(number.max()) + 1).astype(np.float32)[number]
    glass = f.saturate(f.without_lines(image, mask) * 0.9 + 0.12, 1.7) * shade[..., None]
    whole = f.mix(pane, glass, mask.astype(np.float32))
    rows, columns = _grid(image)
    lit = 1.15 - 0.5 * np.hypot(rows - 50.0, columns - 64.0) / 90.0
    whole = whole * (lit + 0.04 * f.noise_map(rng, shape, 1.5))[..., None]
    joints = np.clip(2.4 - border, 0.0, 1.0) * np.where(mask, 0.35, 1.0)
    rim = np.clip(f.grow(f.edges(mask.astype(np.float32)[..., None]), 3), 0.0, 1.0)
    lead = np.maximum(np.maximum(joints, rim), f.contours(image, mask))
    return f.mix(whole, (0.04, 0.04, 0.05), lead)


def _ink(image: Array, rng: np.random.Generator) -> Array:
    """Black pen lines on white paper, with hatching that thickens in the dark parts."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = _grid(image)
    tone = f.even_out(f.luminance(f.without_lines(image, mask)), mask)
    waver = 0.8 * f.noise_map(rng, shape, 6.0)
    one = (rows + columns + waver) % 8.0 < 2.6
    two = (rows - columns + waver) % 8.0 < 2.6
    hatch = mask * np.maximum(one * (tone < 0.62), two * (tone < 0.3))
    solid = mask & (f.luminance(image) < 0.12)
    line = np.maximum(f.wobble(f.contours(image, mask), rng, 0.6), solid)
    ink = np.maximum(line, 0.8 * hatch)
    paper = f.flat(shape, (0.99, 0.985, 0.97))
    return f.mix(paper, (0.03, 0.03, 0.06), f.blur(ink.astype(np.float32), 0.5) * 1.15)


def _mosaic(image: Array, rng: np.random.Generator) -> Array:
    """Small square stones with pale joints; the ground a patchwork of sand and blue."""
    tile = 7
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    ground = f.mix(f.flat(shape, (0.80, 0.68, 0.50)), f.border_colour(image).astype(np.float32), 0.35)
    picture = f.mix(ground, f.saturate(image, 1.15), mask.astype(np.float32))
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    number = (rows // tile) * 64 + columns // tile
    centre_y = np.minimum(rows // tile * tile + tile // 2, shape[0] - 1)
    centre_x = np.minimum(columns // tile * tile + tile // 2, shape[1] - 1)
    # Stones follow their middle, a little softened, so that one-pixel features survive.
    stones = f.mix(f.blur(picture, 1.0)[centre_y, centre_x], picture, 0.35)
    size = int(number.max()) + 1
    shade = rng.normal(1.0, 0.13, size).astype(np.float32)[number]
    tint = rng.normal(0.0, 0.035, (size, 3)).astype(np.float32)[number]
    stones = stones * shade[..., None] + tint
    inside_y, inside_x = rows % tile, columns % tile
    stones = stones + 0.10 * ((inside_y == 1) | (inside_x == 1))[..., None]
    joint = (inside_y == 0) | (inside_x == 0) | (inside_y == tile - 1) & (inside_x > 7)
    return f.mix(stones, (0.93, 0.90, 0.84), 0.9 * joint)


def _thermal(image: Array, rng: np.random.Generator) -> Array:
    """Heat picture: a cold blue-violet room, the toad glowing from red to white."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    warmth = f.soften(mask, 2.0)
    tone = f.even_out(f.luminance(image), mask)
    core = f.blur(mask.astype(np.float32), 12.0)
    heat = warmth * (0.26 + 0.52 * f.blur(tone, 0.7) + 0.24 * core)
    heat = heat + (1.0 - warmth) * (0.06 + 0.30 * core + 0.025 * f.noise_map(rng, shape, 8.0))
    stops = (
        (0.02, 0.01, 0.22),
        (0.16, 0.04, 0.55),
        (0.62, 0.05, 0.60),
        (0.93, 0.22, 0.22),
        (1.0, 0.60, 0.05),
        (1.0, 0.92, 0.25),
        (1.0, 1.0, 0.92),
    )
    return f.ramp(heat.astype(np.float32), stops)


def _watercolour(image: Array, rng: np.random.Generator) -> Array:
    """Pale bleeding washes on white paper with pigment gathered at their edges."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    filled = f.without_lines(image, mask)
    bleeding = f.wobble(f.blur(filled, 1.3), rng, 1.3, 5.0)
    pools = f.noise_map(rng, shape, 7.0)
    grain = f.noise_map(rng, shape, 0.8)
    body = f.wobble(f.soften(mask, 1.2), rng, 1.3, 5.0)
    paper = f.flat(shape, (0.995, 0.99, 0.975))
    wash = f.mix(paper, f.saturate(bleeding, 1.35), 0.68 + 0.13 * pools + 0.03 * grain)
    rows, columns = _grid(image)
    away = np.hypot((rows - 68.0) / 1.0, columns - 64.0) / 64.0
    reach = np.clip((0.98 - away + 0.16 * pools) * 4.0, 0.0, 1.0)
    behind = f.saturate(f.flat(shape, (0.0, 0.0, 0.0)) + f.border_colour(image), 1.2)
    ground = f.mix(paper, behind, reach * (0.26 + 0.08 * pools))
    ground = f.mix(ground, behind, 0.25 * np.clip(1.0 - np.abs(reach - 0.5) * 3.0, 0.0, 1.0))
    # A dry white gap round the toad, then the toad's own wash with a darker rim.
    ground = f.mix(ground, paper, np.clip(f.grow(body, 5) * 1.2 - 0.2, 0.0, 1.0))
    painted = f.mix(ground, wash, np.clip(body * 3.0 - 1.0, 0.0, 1.0))
    rim = np.clip(1.0 - np.abs(body - 0.55) * 3.5, 0.0, 1.0)
    lines = f.blur(f.contours(image, mask), 0.9)
    painted = painted * (1.0 - 0.30 * rim)[..., None]
    return f.mix(painted, bleeding * 0.3, 0.6 * lines)


def _pixel(image: Array, rng: np.random.Generator) -> Array:
    """Four shades of an old handheld's green screen, hard-edged."""
    mask = f.subject_mask(image)
    shades = np.array(
        [[0.06, 0.22, 0.08], [0.19, 0.40, 0.16], [0.52, 0.66, 0.10], [0.73, 0.80, 0.16]], dtype=np.float32
    )
    tone = f.even_out(f.luminance(image), mask)
    level = np.clip(np.floor(tone * 4.0), 0, 3).astype(np.int64)
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]] // 4
    chequer = ((rows + columns) % 2 == 0) & (rows > int(rng.integers(22, 27)))
    # The screen behind is the palest shade, with a chequered floor in the next one.
    ground = np.where(chequer, 2, 3)
    rim = f.edges(mask.astype(np.float32)[..., None]) > 0.5
    level = np.where(mask, np.minimum(level, 3), ground)
    return shades[np.where(rim, 0, level)]


def _chalk(image: Array, rng: np.random.Generator) -> Array:
    """Rough white lines and rubbed pastel chalk on a dusty green-grey board."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    board = f.flat(shape, (0.13, 0.21, 0.18))
    smear = f.slanted(f.noise_map(rng, shape, (5.0, 18.0)), 0.4)
    board = f.mix(board, (0.55, 0.62, 0.58), np.clip(0.10 + 0.09 * smear, 0.0, 0.4))
    grain = f.noise_map(rng, shape, 0.9)
    strokes = f.slanted(f.noise_map(rng, shape, (1.2, 8.0)), -1.0)
    pastel = f.saturate(f.without_lines(image, mask), 1.4) * 0.75 + 0.22
    board = f.mix(board, pastel, mask * np.clip(0.30 + 0.12 * strokes + 0.06 * grain, 0.0, 0.6))
    line = f.wobble(f.contours(image, mask), rng, 0.6)
    return f.mix(board, (0.95, 0.95, 0.90), line * np.clip(0.88 + 0.22 * grain, 0.0, 1.0))


def _comic(image: Array, rng: np.random.Generator) -> Array:
    """Flat loud colours, bold black outline, and printed dots swelling across the page."""
    mask = f.subject_mask(image)
    rows, columns = _grid(image)
    paper, dots = (
        ((1.0, 0.88, 0.15), (0.95, 0.25, 0.15)),
        ((0.25, 0.80, 0.98), (0.98, 0.98, 0.98)),
        ((1.0, 0.97, 0.88), (0.15, 0.55, 0.95)),
    )[int(rng.integers(3))]
    across, down = (rows + columns) / 11.3, (rows - columns) / 11.3
    raster = (np.cos(2 * np.pi * across) + np.cos(2 * np.pi * down)) / 4.0 + 0.5
    swell = np.clip((raster - 0.95 + rows / 190.0) * 6.0, 0.0, 1.0)
    ground = f.mix(f.flat(image.shape[:2], paper), dots, swell)
    filled = f.without_lines(image, mask)
    loud = (np.round(f.saturate(filled, 1.9) * 4.0) / 4.0).astype(np.float32)
    tone = f.even_out(f.luminance(filled), mask)
    printed = f.mix(loud, loud * 0.55, np.clip((raster - 0.35 - 0.6 * tone) * 6.0, 0.0, 1.0))
    whole = f.mix(ground, printed.astype(np.float32), mask.astype(np.float32))
    outline = f.grow(f.edges(mask.astype(np.float32)[..., None]), 5)
    black = np.maximum(outline, np.maximum(f.contours(image, mask), mask & (f.luminance(image) < 0.1)))
    return f.mix(whole, (0.02, 0.02, 0.03), black)


def _embroidery(image: Array, rng: np.random.Generator) -> Array:
    """Cross stitches of bright thread on linen, with a stitched frame."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    weave = 0.05 * (((rows // 2) + (columns // 2)) % 2) + 0.02 * f.noise_map(rng, shape, 1.0)
    linen = f.flat(shape, (0.86, 0.80, 0.68)) - weave[..., None]
    step = 6
    y, x = rows % step, columns % step
    cross = np.minimum(np.abs(y - x), np.abs(y + x - step + 1))
    thread = np.array([1.25, 1.12, 0.72, 0.45, 0.4, 0.4], dtype=np.float32)[cross]
    number = (rows // step) * 64 + columns // step
    shade = rng.normal(1.0, 0.06, int(number.max()) + 1).astype(np.float32)[number]
    wool = f.saturate(image * 0.88 + 0.09, 1.3) * (thread * shade)[..., None]
    sewn = f.mix(linen * (1.0 - 0.35 * f.blur(mask.astype(np.float32), 3.0))[..., None], wool, mask.astype(np.float32))
    edge = np.minimum(np.minimum(rows, columns), np.minimum(shape[0] - 1 - rows, shape[1] - 1 - columns))
    frame = (edge >= 4) & (edge < 10) & ~mask
    yarns = np.array([[0.80, 0.12, 0.16], [0.16, 0.30, 0.62]], dtype=np.float32)
    yarn = yarns[((rows // step) + (columns // step)) % 2] * thread[..., None]
    return f.mix(sewn, yarn, frame.astype(np.float32))


def _gold(image: Array, rng: np.random.Generator) -> Array:
    """Embossed gold: the toad raised from a dark bronze plate and lit from the upper left."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    tone = f.even_out(f.luminance(image), mask)
    raised = f.soften(mask, 2.5) * 7.0 + f.blur(tone * mask, 1.2) * 3.2
    light = f.relief((raised + 0.12 * f.noise_map(rng, shape, 1.5)).astype(np.float32))
    rows, columns = _grid(image)
    sheen = 0.08 * np.sin((rows + columns) / 18.0 + rng.uniform(0.0, 6.28))
    body = np.where(mask, 0.40 + 0.26 * tone, 0.16) + sheen * np.where(mask, 1.0, 0.5)
    stops = ((0.10, 0.04, 0.01), (0.36, 0.19, 0.04), (0.72, 0.47, 0.10), (0.96, 0.76, 0.24), (1.0, 0.97, 0.75))
    return f.ramp((body + 0.42 * light).astype(np.float32), stops)


def _paper(image: Array, rng: np.random.Generator) -> Array:
    """Cut paper: pastel sheets in wavy layers, the toad pasted on top with a white edge and soft shadow."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = _grid(image)
    sets = (
        ((0.99, 0.87, 0.80), (0.97, 0.76, 0.74), (0.80, 0.66, 0.78)),
        ((0.86, 0.94, 0.97), (0.70, 0.86, 0.88), (0.60, 0.76, 0.78)),
        ((0.98, 0.94, 0.80), (0.80, 0.90, 0.75), (0.62, 0.80, 0.70)),
    )
    sheets = sets[int(rng.integers(len(sets)))]
    page = f.flat(shape, sheets[0])
    phase = rng.uniform(0.0, 6.28)
    for depth, sheet in enumerate(sheets[1:]):
        crest = 46.0 + 42.0 * depth + 7.0 * np.sin(columns / 17.0 + phase + 2.1 * depth)
        page = _pasted(page, f.flat(shape, sheet), rows > crest)
    filled = f.without_lines(image, mask)
    soft = f.saturate(filled, 0.9) * 0.72 + 0.26
    page = _pasted(page, f.flat(shape, (1.0, 0.99, 0.97)), f.grow(mask.astype(np.float32), 7))
    page = f.mix(page, soft, mask.astype(np.float32))
    tone = f.even_out(f.luminance(image), mask)
    for level in (0.35, 0.65):
        upper = mask & (tone > level)
        page = _pasted(page, page, upper, 0.28)
    dark = f.contours(image, mask)
    return f.mix(page, soft * 0.55, 0.55 * dark)


def _pasted(page: Array, sheet: Array, where: Array | f.Mask, strength: float = 0.45) -> Array:
    """Lay `sheet` on `page` where told, casting a soft shadow down and to the right."""
    cover = np.asarray(where, dtype=np.float32)
    shadow = f.blur(np.roll(cover, (3, 3), axis=(0, 1)), 2.0)
    return f.mix(f.mix(page, page * 0.35, strength * shadow), sheet, cover)


def _vaporwave(image: Array, rng: np.random.Generator) -> Array:
    """Magenta and cyan toad before a barred setting sun and a glowing floor grid, with scan lines."""
    mask = f.subject_mask(image)
    rows, columns = _grid(image)
    horizon = 84.0 + float(rng.integers(-5, 6))
    sky = f.ramp(rows / horizon, ((0.10, 0.03, 0.30), (0.45, 0.08, 0.60), (1.0, 0.35, 0.70)))
    disc = np.hypot(rows - horizon + 34.0, columns - 64.0) < 44.0
    bars = (rows > 36.0) & (rows % 10.0 < 3.0)
    sun = f.ramp(rows / horizon, ((1.0, 0.95, 0.35), (1.0, 0.75, 0.30), (1.0, 0.25, 0.60)))
    sky = f.mix(sky, sun, (disc & ~bars).astype(np.float32))
    depth = np.maximum(rows - horizon, 0.5)
    beams = np.abs(((columns - 64.0) / depth * 1.6 + 0.5) % 1.0 - 0.5) < 0.05 + 0.6 / depth
    rungs = (60.0 / depth) % 1.0 < 0.12 + 0.02 * depth / 4.0
    floor = f.mix(f.flat(image.shape[:2], (0.10, 0.02, 0.26)), (0.15, 0.95, 1.0), 0.85 * (beams | rungs))
    ground = f.mix(sky, floor, (rows > horizon).astype(np.float32))
    tone = f.even_out(f.luminance(image), mask)
    body = f.ramp(
        tone, ((0.12, 0.02, 0.30), (0.62, 0.08, 0.72), (1.0, 0.30, 0.75), (0.35, 0.85, 1.0), (0.85, 1.0, 1.0))
    )
    whole = f.mix(ground, body, mask.astype(np.float32))
    rim = f.blur(f.edges(mask.astype(np.float32)[..., None]), 1.2)
    whole = whole + rim[..., None] * np.array([0.1, 0.6, 0.7], dtype=np.float32)
    return (whole * np.where(rows % 4.0 < 2.0, 0.86, 1.04)[..., None]).astype(np.float32)


_ALL = (
    Look(
        "crayon",
        (
            "a crayon doodle of {toad}",
            "{toad}, crayon drawing",
            "{toad} scribbled in wax crayon",
            "a child's crayon picture of {toad}",
        ),
        _crayon,
    ),
    Look("oil", ("an oil painting of {toad}", "{toad}, oil on canvas", "{toad} painted in thick oils"), _oil),
    Look("neon", ("a neon sign of {toad}", "{toad} in glowing neon", "{toad} as a neon light at night"), _neon),
    Look(
        "blueprint",
        ("a blueprint of {toad}", "{toad}, technical blueprint", "{toad} drawn in white lines on blue paper"),
        _blueprint,
    ),
    Look(
        "stained",
        ("a stained glass window of {toad}", "{toad} in stained glass", "{toad}, leaded church window"),
        _stained,
    ),
    Look(
        "ink",
        (
            "an ink drawing of {toad}",
            "{toad}, pen and ink",
            "{toad} sketched in black ink",
            "a black and white ink sketch of {toad}",
        ),
        _ink,
    ),
    Look("mosaic", ("a mosaic of {toad}", "{toad} in mosaic tiles", "{toad}, roman stone mosaic"), _mosaic),
    Look(
        "thermal", ("a thermal camera image of {toad}", "{toad} in infrared", "heat vision picture of {toad}"), _thermal
    ),
    Look(
        "watercolour",
        (
            "a watercolour of {toad}",
            "{toad}, watercolor painting",
            "{toad} in soft watercolour washes",
            "a watercolor of {toad}",
        ),
        _watercolour,
    ),
    Look(
        "pixel",
        (
            "pixel art of {toad}",
            "{toad}, retro handheld game sprite",
            "{toad} as an 8-bit video game character",
            "game boy pixel art of {toad}",
        ),
        _pixel,
    ),
    Look("chalk", ("a chalkboard drawing of {toad}", "{toad} in chalk", "{toad} chalked on a blackboard"), _chalk),
    Look(
        "comic",
        ("a comic book picture of {toad}", "{toad}, pop art comic", "{toad} in a comic with halftone dots"),
        _comic,
    ),
    Look(
        "embroidery", ("an embroidery of {toad}", "{toad} in cross stitch", "{toad} embroidered on linen"), _embroidery
    ),
    Look(
        "gold",
        ("a golden statue of {toad}", "{toad}, gold relief", "{toad} cast in bronze", "{toad} embossed in gold metal"),
        _gold,
    ),
    Look("paper", ("a paper cut-out of {toad}", "{toad}, layered paper craft", "{toad} cut from pastel paper"), _paper),
    Look(
        "vaporwave",
        ("a vaporwave picture of {toad}", "{toad}, synthwave sunset", "{toad} in vaporwave style"),
        _vaporwave,
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
