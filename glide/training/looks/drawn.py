"""Looks that are drawn or painted: crayon, oil, blueprint, ink, watercolour, chalk, comic."""

from __future__ import annotations

import numpy as np

from glide.training import filters as f
from glide.training.filters import Array


def crayon(image: Array, rng: np.random.Generator) -> Array:
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


def oil(image: Array, rng: np.random.Generator) -> Array:
    """Thick curling brush strokes, deep warm colours and a dark swirling ground."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    soft = f.soften(mask, 1.5)
    rows, columns = f.grid(image)
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


def blueprint(image: Array, rng: np.random.Generator) -> Array:
    """White drawing lines on blue paper with a pale grid."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = f.grid(image)
    blotch = 0.02 * f.noise_map(rng, shape, 12.0)
    paper = f.flat(shape, (0.07, 0.24, 0.62)) + blotch[..., None]
    offset = float(rng.integers(16))
    fine = ((rows + offset) % 16 < 2) | ((columns + offset) % 16 < 2)
    paper = f.mix(paper, (0.45, 0.65, 0.95), 0.38 * fine)
    tone = f.even_out(f.luminance(f.without_lines(image, mask)), mask)
    paper = f.mix(paper, (0.35, 0.58, 0.92), 0.45 * tone * mask)
    return f.mix(paper, (0.95, 0.98, 1.0), f.contours(image, mask) * 1.1)


def ink(image: Array, rng: np.random.Generator) -> Array:
    """Black pen lines on white paper, with hatching that thickens in the dark parts."""
    shape = image.shape[:2]
    mask = f.subject_mask(image)
    rows, columns = f.grid(image)
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


def watercolour(image: Array, rng: np.random.Generator) -> Array:
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
    rows, columns = f.grid(image)
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


def chalk(image: Array, rng: np.random.Generator) -> Array:
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


def comic(image: Array, rng: np.random.Generator) -> Array:
    """Flat loud colours, bold black outline, and printed dots swelling across the page."""
    mask = f.subject_mask(image)
    rows, columns = f.grid(image)
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
