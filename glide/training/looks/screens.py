"""Looks that shine: neon tubes, and the screens of a thermal camera, a handheld game and vaporwave."""

from __future__ import annotations

import numpy as np

from glide.training import filters as f
from glide.training.filters import Array


def neon(image: Array, rng: np.random.Generator) -> Array:
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


def thermal(image: Array, rng: np.random.Generator) -> Array:
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


def pixel(image: Array, rng: np.random.Generator) -> Array:
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


def vaporwave(image: Array, rng: np.random.Generator) -> Array:
    """Magenta and cyan toad before a barred setting sun and a glowing floor grid, with scan lines."""
    mask = f.subject_mask(image)
    rows, columns = f.grid(image)
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
