"""Looks that are made by hand of some material: stained glass, mosaic, embroidery, gold, cut paper."""

from __future__ import annotations

import numpy as np

from glide.training import filters as f
from glide.training.filters import Array


def stained(image: Array, rng: np.random.Generator) -> Array:
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
    rows, columns = f.grid(image)
    lit = 1.15 - 0.5 * np.hypot(rows - 50.0, columns - 64.0) / 90.0
    whole = whole * (lit + 0.04 * f.noise_map(rng, shape, 1.5))[..., None]
    joints = np.clip(2.4 - border, 0.0, 1.0) * np.where(mask, 0.35, 1.0)
    rim = np.clip(f.grow(f.edges(mask.astype(np.float32)[..., None]), 3), 0.0, 1.0)
    lead = np.maximum(np.maximum(joints, rim), f.contours(image, mask))
    return f.mix(whole, (0.04, 0.04, 0.05), lead)


def mosaic(image: Array, rng: np.random.Generator) -> Array:
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


def embroidery(image: Array, rng: np.random.Generator) -> Array:
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


def gold(image: Array, rng: np.random.Generator) -> Array:
    """Embossed gold: the toad raised from a dark bronze plate and lit from the upper left."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    tone = f.even_out(f.luminance(image), mask)
    raised = f.soften(mask, 2.5) * 7.0 + f.blur(tone * mask, 1.2) * 3.2
    light = f.relief((raised + 0.12 * f.noise_map(rng, shape, 1.5)).astype(np.float32))
    rows, columns = f.grid(image)
    sheen = 0.08 * np.sin((rows + columns) / 18.0 + rng.uniform(0.0, 6.28))
    body = np.where(mask, 0.40 + 0.26 * tone, 0.16) + sheen * np.where(mask, 1.0, 0.5)
    stops = ((0.10, 0.04, 0.01), (0.36, 0.19, 0.04), (0.72, 0.47, 0.10), (0.96, 0.76, 0.24), (1.0, 0.97, 0.75))
    return f.ramp((body + 0.42 * light).astype(np.float32), stops)


def paper(image: Array, rng: np.random.Generator) -> Array:
    """Cut paper: pastel sheets in wavy layers, the toad pasted on top with a white edge and soft shadow."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = f.grid(image)
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
