"""What a toad wears or holds besides a hat."""

from __future__ import annotations

import numpy as np

from glide.training.painter.sheet import GOLD, INK, RED, WHITE, Sheet, box, disc, ring
from glide.training.painter.traits import Toad


def draw_accessory(sheet: Sheet, toad: Toad, eye: int, mouth: int, jitter: np.random.Generator) -> None:
    """What the toad wears or holds besides a hat."""
    kind = toad.accessory
    if kind == "pipe":
        sheet.box(5, mouth + 1, 13, mouth + 1, (110, 66, 40))
        sheet.outlined(box(4, mouth - 1, 6, mouth + 1), (150, 90, 50))
        sheet.dots(((5, mouth - 4), (4, mouth - 6), (5, mouth - 8)), (220, 220, 224))
    elif kind == "cigarette":
        sheet.outlined(box(4, mouth + 1, 12, mouth + 1), WHITE)
        sheet.box(4, mouth + 1, 4, mouth + 1, RED)
        sheet.dots(((3, mouth - 2), (4, mouth - 3), (3, mouth - 5)), (210, 210, 214))
    elif kind == "necklace":
        for x in range(11, 27):
            sheet.dots(((x, 21 + (2 if 14 < x < 23 else 1) - (x < 12 or x > 25)),), GOLD)
        sheet.outlined(box(18, 24, 19, 25), GOLD)
    elif kind == "scarf":
        sheet.outlined(box(10, 21, 27, 22), (60, 90, 210))
        sheet.outlined(box(23, 22, 25, 27), (60, 90, 210))
        sheet.box(23, 24, 25, 24, WHITE)
    elif kind == "bubble gum":
        sheet.outlined(disc(18.5, mouth + 1.5, 3.2, 3.2), (255, 130, 190))
        sheet.box(17, mouth, 17, mouth, WHITE)
    elif kind == "monocle":
        sheet.fill(ring(disc(21.5, float(eye), 2.6, 2.6)), GOLD)
        sheet.box(25, eye + 2, 25, eye + 8, GOLD)
    elif kind == "bow tie":
        sheet.outlined(box(13, 21, 15, 24) | box(21, 21, 23, 24) | box(16, 22, 20, 23), RED)
        sheet.box(18, 22, 18, 23, GOLD)
    elif kind == "flies":
        for x, y in jitter.integers((2, 2), (33, 9), (3, 2)):
            sheet.box(x, y, x + 1, y + 1, INK)
            sheet.dots(((x - 1, y - 1), (x + 2, y - 1)), WHITE)
    elif kind == "watch":
        sheet.box(24, 25, 28, 25, GOLD)
        sheet.outlined(box(25, 24, 26, 25), WHITE, GOLD)
