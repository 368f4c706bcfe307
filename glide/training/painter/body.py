"""The toad itself, without a face: haunches, trunk, head and feet, and the pattern of its skin."""

from __future__ import annotations

import numpy as np

from glide.training.painter.sheet import INK, SIZE, Mask, Sheet, box, disc
from glide.training.painter.traits import BELLIES, BODIES, Toad


def _head_mask(toad: Toad, top: int) -> Mask:
    """The head and trunk in one shape, from row `top` to the ground."""
    if toad.build == "round":
        return disc(18.0, top + 7.0, 8.6, 7.2) | box(10, top + 7, 26, 27)
    if toad.build == "bulgy":
        bumps = disc(13.0, top + 2.0, 3.3, 2.6) | disc(23.0, top + 2.0, 3.3, 2.6)
        return bumps | disc(18.0, top + 8.0, 9.0, 6.0) | box(10, top + 8, 26, 27)
    if toad.build == "wide":
        return disc(18.0, top + 6.0, 10.4, 6.2) | box(10, top + 6, 26, 27)
    return box(12, top, 25, 27) | box(11, top + 1, 26, 27) | box(10, top + 3, 27, 27)


def draw_body(sheet: Sheet, toad: Toad, top: int, jitter: np.random.Generator) -> None:
    """Haunches, trunk, head and feet, with three-tone shading and the skin's pattern."""
    lit, middle, shade = BODIES[toad.body]
    line = INK if toad.outline == "black" else tuple(int(c * 0.6) for c in shade)
    line = (line[0], line[1], line[2])
    haunches = disc(9.5, 23.5, 4.6, 4.4) | disc(27.0, 23.5, 4.6, 4.4)
    head = _head_mask(toad, top)
    sheet.outlined(haunches, middle, line)
    sheet.fill(haunches & ~np.roll(haunches, 1, axis=0), lit)
    sheet.fill(haunches & ~np.roll(haunches, -2, axis=0), shade)
    sheet.outlined(head & box(0, 0, 35, 26), middle, line)
    whole = head | haunches
    sheet.fill(head & ~np.roll(head, (2, 2), axis=(0, 1)) & box(0, 0, 35, 20), lit)
    sheet.fill(head & ~np.roll(head, -3, axis=1), shade)
    _draw_skin(sheet, toad, whole & box(0, 0, 35, 26), jitter)
    if toad.belly != "none":
        sheet.fill(disc(18.0, 23.5, 5.2, 4.6) & box(0, top + 12, 35, 26), BELLIES[toad.belly])
    for left in (8, 13, 19, 24):
        sheet.outlined(box(left, 27, left + 3, 27), lit, line)
    # Front legs: two dark strokes down the middle of the trunk.
    for x in (15, 18, 21):
        sheet.box(x, 23 if x != 18 else 25, x, 27, line)


def _draw_skin(sheet: Sheet, toad: Toad, where: Mask, jitter: np.random.Generator) -> None:
    """Warts, stripes or spots on the painted body."""
    lit, _, shade = BODIES[toad.body]
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    if toad.skin == "striped":
        slope = int(jitter.integers(0, 2))
        sheet.fill(where & ((rows + columns * slope) % 5 < 2), shade)
    elif toad.skin == "warty":
        for x, y in jitter.integers((7, 8), (30, 26), (16, 2)):
            sheet.fill(where & box(x, y, x, y), lit)
            sheet.fill(where & box(x, y + 1, x, y + 1), shade)
    elif toad.skin == "spotted":
        spot = shade if jitter.random() < 0.6 else lit
        for x, y in jitter.integers((7, 8), (30, 26), (9, 2)):
            sheet.fill(where & disc(float(x), float(y), 1.5, 1.5), spot)
