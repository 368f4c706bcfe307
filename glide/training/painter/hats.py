"""Hats, hair and all else that sits on a head."""

from __future__ import annotations

import numpy as np

from glide.training.painter.sheet import GOLD, INK, RED, SIZE, WHITE, Sheet, box, disc
from glide.training.painter.traits import Toad


def draw_hat(sheet: Sheet, toad: Toad, top: int) -> None:
    """What is on the head, sitting on row `top`."""
    kind = toad.hat
    base = top + 1
    if kind in ("red cap", "blue cap"):
        colour, dark = (RED, (160, 24, 40)) if kind == "red cap" else ((70, 110, 240), (40, 64, 170))
        sheet.outlined(disc(18.0, base, 7.5, 5.2) & box(0, 0, 35, base), colour)
        sheet.outlined(box(18, base, 29, base), dark)
        sheet.box(16, base - 3, 18, base - 2, WHITE)
    elif kind == "crown":
        points = box(12, base - 5, 13, base) | box(18, base - 6, 19, base) | box(24, base - 5, 25, base)
        sheet.outlined(points | box(12, base - 2, 25, base), GOLD)
        sheet.dots(((13, base - 1), (24, base - 1)), (60, 120, 240))
        sheet.box(18, base - 1, 19, base - 1, RED)
    elif kind == "top hat":
        sheet.outlined(box(13, base - 8, 24, base), (58, 54, 70))
        sheet.outlined(box(9, base, 28, base), (58, 54, 70))
        sheet.box(13, base - 3, 24, base - 2, RED)
    elif kind == "straw hat":
        sheet.outlined(disc(18.5, base, 6.5, 5.0) & box(0, 0, 35, base), (240, 206, 110))
        sheet.outlined(box(6, base, 31, base + 1), (222, 178, 80))
        sheet.box(12, base - 1, 25, base - 1, (160, 60, 50))
    elif kind in ("wizard hat", "party hat"):
        colour, spots = ((70, 56, 160), GOLD) if kind == "wizard hat" else ((240, 110, 180), (120, 230, 240))
        rows, columns = np.mgrid[0:SIZE, 0:SIZE]
        wide = 0.62 if kind == "wizard hat" else 0.42
        peak = base - 11
        cone = (np.abs(columns - 18.5) <= (rows - peak) * wide) & (rows >= peak) & (rows <= base)
        sheet.outlined(cone, colour)
        sheet.dots(((18, base - 6), (16, base - 2), (21, base - 3), (19, base - 1)), spots)
        if kind == "wizard hat":
            sheet.outlined(box(8, base, 29, base), colour)
        else:
            sheet.fill(disc(18.5, float(peak), 1.6, 1.6), GOLD)
    elif kind == "helmet":
        sheet.outlined(disc(18.5, base + 1, 9.5, 6.5) & box(0, 0, 35, base + 1), (156, 166, 180))
        sheet.box(18, base - 5, 19, base + 1, (96, 104, 120))
        sheet.box(10, base + 1, 27, base + 1, (96, 104, 120))
        sheet.box(13, base - 3, 14, base - 2, WHITE)
    elif kind == "flower":
        for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2)):
            sheet.fill(disc(23.5 + dx, base - 2.5 + dy, 1.6, 1.6), (250, 130, 190))
        sheet.fill(disc(23.5, base - 2.5, 1.2, 1.2), GOLD)
    elif kind == "beanie":
        sheet.outlined(disc(18.5, base, 8.5, 6.0) & box(0, 0, 35, base), (240, 130, 50))
        sheet.box(10, base - 1, 27, base, (250, 220, 180))
        sheet.fill(disc(18.5, base - 7.0, 1.6, 1.6), WHITE)
    elif kind == "mohawk":
        for step, tall in enumerate((3, 5, 7, 6, 7, 5, 3)):
            sheet.box(12 + 2 * step, base - tall, 13 + 2 * step, base - 1, (50, 210, 110))
            sheet.box(13 + 2 * step, base - tall + 2, 13 + 2 * step, base - 1, (20, 140, 80))
    elif kind == "antennae":
        for x in (13, 23):
            sheet.box(x, base - 4, x, base, INK)
            sheet.outlined(box(x, base - 6, x + 1, base - 5), (250, 230, 90))
    elif kind == "fez":
        sheet.outlined(box(13, base - 6, 23, base), (190, 40, 56))
        sheet.box(18, base - 7, 24, base - 7, GOLD)
        sheet.box(24, base - 7, 24, base - 3, GOLD)
    elif kind == "headband":
        sheet.box(10, base + 1, 27, base + 2, RED)
        sheet.box(28, base + 2, 31, base + 2, RED)
        sheet.box(28, base + 3, 29, base + 5, RED)
    elif kind == "halo":
        sheet.fill(disc(18.5, base - 5.0, 7.5, 2.0) & ~disc(18.5, base - 5.0, 5.5, 0.9), (255, 240, 130))
    elif kind == "sprout":
        sheet.box(18, base - 4, 18, base, (40, 120, 50))
        sheet.fill(disc(15.5, base - 5.0, 2.6, 1.4) | disc(21.0, base - 5.0, 2.6, 1.4), (110, 210, 80))
    elif kind == "orange hair":
        sheet.fill(
            (disc(18.5, base + 1.0, 10.5, 6.5) & box(0, 0, 35, base))
            | box(8, base, 10, base + 6)
            | box(27, base, 29, base + 6),
            (255, 106, 30),
        )
        sheet.dots(tuple((x, base - 3 - x % 3) for x in range(11, 27, 2)), (200, 66, 20))
