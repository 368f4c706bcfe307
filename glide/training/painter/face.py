"""Eyes and mouths."""

from __future__ import annotations

from glide.training.painter.sheet import INK, RED, SIZE, WHITE, Sheet, box, disc
from glide.training.painter.traits import BODIES, Toad


def draw_eyes(sheet: Sheet, toad: Toad, y: int) -> None:
    """Eyes with their highlights; `y` is the row of their middle."""
    shade = BODIES[toad.body][2]
    kind = toad.eyes
    if kind in ("glasses", "sunglasses"):
        rim, lens = ((200, 60, 50), (240, 244, 255)) if kind == "glasses" else (INK, (36, 36, 52))
        sheet.box(9, y - 1, 27, y - 1, rim)
        for x in (12, 20):
            sheet.box(x - 1, y - 2, x + 4, y + 2, rim)
            sheet.box(x, y - 1, x + 3, y + 1, lens)
            if kind == "glasses":
                sheet.box(x + 2, y, x + 3, y + 1, INK)
            else:
                sheet.dots(((x, y - 1), (x + 1, y - 1)), (150, 160, 200))
        return
    if kind == "one-eyed":
        sheet.outlined(disc(18.5, float(y), 3.6, 2.6), WHITE)
        sheet.box(18, y - 1, 20, y + 1, (40, 90, 180))
        sheet.box(19, y, 20, y + 1, INK)
        sheet.dots(((18, y - 1),), WHITE)
        return
    for side, x in enumerate((12, 20)):
        if kind == "eyepatch" and side == 1:
            sheet.box(x - 1, y - 1, x + 4, y + 2, INK)
            sheet.box(10, y - 2, 26, y - 2, INK)
        elif kind == "big":
            sheet.outlined(box(x, y - 2, x + 3, y + 1), WHITE)
            sheet.box(x + 1, y - 1, x + 3, y + 1, INK)
            sheet.dots(((x + 1, y - 1),), WHITE)
        elif kind == "googly":
            sheet.outlined(disc(x + 1.5, float(y - 1), 2.6, 2.6), WHITE)
            sheet.box(x + side, y - 1 + side, x + 1 + side, y + side, INK)
        elif kind == "sleepy":
            sheet.box(x, y - 1, x + 4, y, shade)
            sheet.box(x, y + 1, x + 4, y + 1, INK)
        elif kind == "angry":
            sheet.box(x, y, x + 4, y + 1, WHITE)
            sheet.box(x + 2 - side, y, x + 3 - side, y + 1, RED)
            slant = ((x, y - 2), (x + 1, y - 2), (x + 2, y - 1), (x + 3, y - 1), (x + 4, y))
            sheet.dots(tuple((2 * x + 4 - px, py) if side else (px, py) for px, py in slant), INK)
        elif kind == "laser":
            sheet.box(x, y - 1, x + 3, y + 1, RED)
            sheet.box(x + 1, y, x + 2, y, WHITE)
            if side == 1:
                sheet.box(x + 3, y, SIZE - 1, y, (255, 70, 70))
                sheet.box(x + 6, y - 1, SIZE - 1, y - 1, (255, 160, 150))
        elif kind == "glowing":
            sheet.box(x - 1, y - 1, x + 4, y + 1, INK)
            sheet.box(x, y, x + 3, y, (255, 236, 80))
            sheet.dots(((x + 2, y),), WHITE)
        else:
            sheet.box(x, y - 1, x + 4, y - 1, INK)
            sheet.box(x, y, x + 4, y + 1, WHITE)
            sheet.box(x + 2, y, x + 3, y + 1, INK)


def draw_mouth(sheet: Sheet, toad: Toad, y: int) -> None:
    """The mouth; `y` is its row."""
    kind = toad.mouth
    if kind == "blue lips":
        sheet.box(11, y, 26, y + 1, (40, 140, 240))
        sheet.dots(((10, y - 1), (27, y - 1)), (40, 140, 240))
        return
    if kind == "beard":
        sheet.fill(disc(18.5, y + 2.0, 7.5, 3.4) & box(0, y, 35, 35), (92, 56, 34))
        sheet.box(15, y + 1, 22, y + 1, (230, 130, 120))
        return
    if kind == "wide smile":
        sheet.fill(disc(18.5, float(y), 7.5, 3.2) & box(0, y, 35, 35), INK)
        sheet.box(14, y + 2, 23, y + 2, (220, 80, 90))
        return
    sheet.box(12, y, 25, y, INK)
    if kind == "smile":
        sheet.dots(((11, y - 1), (26, y - 1), (10, y - 2), (27, y - 2)), INK)
    elif kind == "frown":
        sheet.dots(((11, y + 1), (26, y + 1)), INK)
    elif kind == "teeth":
        sheet.box(12, y + 1, 25, y + 1, WHITE)
        sheet.dots(tuple((x, y + 1) for x in range(13, 26, 2)), INK)
    elif kind == "tongue out":
        sheet.outlined(box(20, y + 1, 23, y + 4), (240, 110, 120))
        sheet.box(21, y + 1, 21, y + 3, (200, 70, 90))
