"""Draws endless 36x36 pixel-art toads of this project's own design, with their attributes and caption words.

They are source pictures for training the restyling model without depending on any collection's art.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped, unused-ignore]

SIZE = 36
RGB = tuple[int, int, int]
Mask = NDArray[np.bool_]

# Three tones each: lit, middle, shaded.
BODIES: dict[str, tuple[RGB, RGB, RGB]] = {
    "green": ((150, 214, 90), (96, 172, 66), (52, 112, 60)),
    "lime": ((214, 244, 96), (170, 218, 42), (104, 156, 30)),
    "blue": ((140, 176, 252), (88, 124, 236), (50, 68, 164)),
    "teal": ((104, 214, 196), (44, 160, 152), (20, 100, 110)),
    "pink": ((255, 192, 206), (240, 140, 170), (182, 84, 128)),
    "golden": ((255, 234, 128), (240, 190, 52), (178, 120, 26)),
    "grey": ((184, 190, 196), (130, 136, 144), (82, 86, 98)),
    "purple": ((192, 148, 238), (142, 92, 202), (88, 50, 140)),
    "red": ((246, 120, 100), (212, 62, 58), (142, 30, 48)),
    "brown": ((190, 144, 100), (142, 98, 66), (90, 58, 44)),
    "white": ((255, 255, 255), (236, 236, 232), (184, 186, 198)),
    "orange": ((255, 186, 96), (248, 138, 40), (184, 84, 24)),
    "black": ((84, 86, 100), (54, 54, 66), (32, 30, 42)),
}
BELLIES: dict[str, RGB] = {
    "cream": (250, 234, 190),
    "yellow": (250, 222, 110),
    "white": (248, 248, 244),
    "pink": (250, 186, 186),
    "pale green": (206, 236, 160),
    "pale blue": (190, 220, 248),
}
BACKGROUNDS: dict[str, RGB] = {
    "yellow": (238, 208, 96),
    "salmon": (230, 146, 130),
    "teal": (20, 128, 126),
    "blue": (98, 122, 244),
    "lilac": (168, 160, 240),
    "sage": (106, 136, 122),
    "khaki": (190, 184, 150),
    "grey": (126, 126, 126),
    "plum": (154, 132, 158),
    "mauve": (176, 118, 156),
    "dark": (46, 50, 54),
    "sky blue": (150, 208, 236),
    "mint": (170, 226, 194),
    "peach": (250, 208, 176),
    "white": (240, 240, 236),
    "orange": (232, 142, 60),
    "olive": (86, 94, 70),
    "red": (186, 60, 62),
}
EYES = (
    "plain",
    "big",
    "sleepy",
    "angry",
    "one-eyed",
    "laser",
    "glasses",
    "sunglasses",
    "googly",
    "glowing",
    "eyepatch",
)
MOUTHS = ("flat", "smile", "wide smile", "teeth", "tongue out", "frown", "blue lips", "beard")
HATS = (
    "none",
    "red cap",
    "blue cap",
    "crown",
    "top hat",
    "straw hat",
    "wizard hat",
    "helmet",
    "flower",
    "beanie",
    "mohawk",
    "antennae",
    "fez",
    "headband",
    "party hat",
    "halo",
    "sprout",
    "orange hair",
)
ACCESSORIES = ("none", "pipe", "cigarette", "necklace", "scarf", "bubble gum", "monocle", "bow tie", "flies", "watch")
SKINS = ("plain", "warty", "striped", "spotted")
SCENES = ("plain", "gradient", "two-band", "starry", "speckled")
BUILDS = ("blocky", "round", "bulgy", "wide")

INK: RGB = (14, 12, 18)
WHITE: RGB = (250, 250, 250)
RED: RGB = (226, 44, 46)
GOLD: RGB = (250, 200, 50)


@dataclass(frozen=True)
class Toad:
    """Every trait of one toad in plain words; each must be a member of the tuple or table of its kind above.

    `belly` may also be "none". `variation` (0 or more) seeds the small differences: warts, stars, flies.
    """

    body: str
    belly: str
    eyes: str
    mouth: str
    hat: str
    accessory: str
    skin: str
    background: str
    scene: str
    size: str
    build: str
    outline: str
    variation: int


def _pick(rng: np.random.Generator, choices: tuple[str, ...], first: float | None = None) -> str:
    """A random choice; `first` is the chance of the first one, when it is not to be even."""
    if first is not None:
        if rng.random() < first:
            return choices[0]
        choices = choices[1:]
    return choices[int(rng.integers(len(choices)))]


def random_toad(rng: np.random.Generator) -> Toad:
    """A toad with random traits."""
    body = _pick(rng, tuple(BODIES))
    # Backgrounds too near the body's colour would hide it.
    near = {"teal": "sage", "black": "dark", "golden": "yellow"}
    rivals = {body, near.get(body, body)}
    return Toad(
        body=body,
        belly=_pick(rng, ("none", *BELLIES), 0.35),
        eyes=_pick(rng, EYES, 0.2),
        mouth=_pick(rng, MOUTHS, 0.2),
        hat=_pick(rng, HATS, 0.25),
        accessory=_pick(rng, ACCESSORIES, 0.4),
        skin=_pick(rng, SKINS, 0.4),
        background=_pick(rng, tuple(name for name in BACKGROUNDS if name not in rivals)),
        scene=_pick(rng, SCENES, 0.78),
        size=_pick(rng, ("large", "small")),
        build=_pick(rng, BUILDS),
        outline=_pick(rng, ("black", "shaded"), 0.75),
        variation=int(rng.integers(1 << 30)),
    )


def _disc(x: float, y: float, rx: float, ry: float) -> Mask:
    """A filled ellipse."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    return np.asarray(((columns - x) / rx) ** 2 + ((rows - y) / ry) ** 2 <= 1.0)


def _box(left: int, top: int, right: int, bottom: int) -> Mask:
    """A filled rectangle, both corners included."""
    found = np.zeros((SIZE, SIZE), dtype=np.bool_)
    found[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
    return found


def _ring(mask: Mask) -> Mask:
    """The one-pixel outline just outside a shape (no diagonal steps)."""
    return np.asarray(ndimage.binary_dilation(mask) & ~mask)


class _Sheet:
    """The picture being painted: colours, and which pixels have been painted at all."""

    def __init__(self) -> None:
        self.colours = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
        self.solid = np.zeros((SIZE, SIZE), dtype=np.bool_)

    def fill(self, mask: Mask, colour: RGB) -> None:
        """Paint a shape."""
        self.colours[mask] = colour
        self.solid |= mask

    def box(self, left: int, top: int, right: int, bottom: int, colour: RGB) -> None:
        """Paint a rectangle, both corners included."""
        self.fill(_box(left, top, right, bottom), colour)

    def dots(self, places: tuple[tuple[int, int], ...], colour: RGB) -> None:
        """Paint single pixels at (x, y)."""
        for x, y in places:
            self.box(x, y, x, y, colour)

    def outlined(self, mask: Mask, colour: RGB, line: RGB = INK) -> None:
        """Paint a shape with an outline around it."""
        self.fill(_ring(mask), line)
        self.fill(mask, colour)


def _head_mask(toad: Toad, top: int) -> Mask:
    """The head and trunk in one shape, from row `top` to the ground."""
    if toad.build == "round":
        return _disc(18.0, top + 7.0, 8.6, 7.2) | _box(10, top + 7, 26, 27)
    if toad.build == "bulgy":
        bumps = _disc(13.0, top + 2.0, 3.3, 2.6) | _disc(23.0, top + 2.0, 3.3, 2.6)
        return bumps | _disc(18.0, top + 8.0, 9.0, 6.0) | _box(10, top + 8, 26, 27)
    if toad.build == "wide":
        return _disc(18.0, top + 6.0, 10.4, 6.2) | _box(10, top + 6, 26, 27)
    return _box(12, top, 25, 27) | _box(11, top + 1, 26, 27) | _box(10, top + 3, 27, 27)


def _draw_body(sheet: _Sheet, toad: Toad, top: int, jitter: np.random.Generator) -> None:
    """Haunches, trunk, head and feet, with three-tone shading and the skin's pattern."""
    lit, middle, shade = BODIES[toad.body]
    line = INK if toad.outline == "black" else tuple(int(c * 0.6) for c in shade)
    line = (line[0], line[1], line[2])
    haunches = _disc(9.5, 23.5, 4.6, 4.4) | _disc(27.0, 23.5, 4.6, 4.4)
    head = _head_mask(toad, top)
    sheet.outlined(haunches, middle, line)
    sheet.fill(haunches & ~np.roll(haunches, 1, axis=0), lit)
    sheet.fill(haunches & ~np.roll(haunches, -2, axis=0), shade)
    sheet.outlined(head & _box(0, 0, 35, 26), middle, line)
    whole = head | haunches
    sheet.fill(head & ~np.roll(head, (2, 2), axis=(0, 1)) & _box(0, 0, 35, 20), lit)
    sheet.fill(head & ~np.roll(head, -3, axis=1), shade)
    _draw_skin(sheet, toad, whole & _box(0, 0, 35, 26), jitter)
    if toad.belly != "none":
        sheet.fill(_disc(18.0, 23.5, 5.2, 4.6) & _box(0, top + 12, 35, 26), BELLIES[toad.belly])
    for left in (8, 13, 19, 24):
        sheet.outlined(_box(left, 27, left + 3, 27), lit, line)
    # Front legs: two dark strokes down the middle of the trunk.
    for x in (15, 18, 21):
        sheet.box(x, 23 if x != 18 else 25, x, 27, line)


def _draw_skin(sheet: _Sheet, toad: Toad, where: Mask, jitter: np.random.Generator) -> None:
    """Warts, stripes or spots on the painted body."""
    lit, _, shade = BODIES[toad.body]
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    if toad.skin == "striped":
        slope = int(jitter.integers(0, 2))
        sheet.fill(where & ((rows + columns * slope) % 5 < 2), shade)
    elif toad.skin == "warty":
        for x, y in jitter.integers((7, 8), (30, 26), (16, 2)):
            sheet.fill(where & _box(x, y, x, y), lit)
            sheet.fill(where & _box(x, y + 1, x, y + 1), shade)
    elif toad.skin == "spotted":
        spot = shade if jitter.random() < 0.6 else lit
        for x, y in jitter.integers((7, 8), (30, 26), (9, 2)):
            sheet.fill(where & _disc(float(x), float(y), 1.5, 1.5), spot)


def _draw_eyes(sheet: _Sheet, toad: Toad, y: int) -> None:
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
        sheet.outlined(_disc(18.5, float(y), 3.6, 2.6), WHITE)
        sheet.box(18, y - 1, 20, y + 1, (40, 90, 180))
        sheet.box(19, y, 20, y + 1, INK)
        sheet.dots(((18, y - 1),), WHITE)
        return
    for side, x in enumerate((12, 20)):
        if kind == "eyepatch" and side == 1:
            sheet.box(x - 1, y - 1, x + 4, y + 2, INK)
            sheet.box(10, y - 2, 26, y - 2, INK)
        elif kind == "big":
            sheet.outlined(_box(x, y - 2, x + 3, y + 1), WHITE)
            sheet.box(x + 1, y - 1, x + 3, y + 1, INK)
            sheet.dots(((x + 1, y - 1),), WHITE)
        elif kind == "googly":
            sheet.outlined(_disc(x + 1.5, float(y - 1), 2.6, 2.6), WHITE)
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


def _draw_mouth(sheet: _Sheet, toad: Toad, y: int) -> None:
    """The mouth; `y` is its row."""
    kind = toad.mouth
    if kind == "blue lips":
        sheet.box(11, y, 26, y + 1, (40, 140, 240))
        sheet.dots(((10, y - 1), (27, y - 1)), (40, 140, 240))
        return
    if kind == "beard":
        sheet.fill(_disc(18.5, y + 2.0, 7.5, 3.4) & _box(0, y, 35, 35), (92, 56, 34))
        sheet.box(15, y + 1, 22, y + 1, (230, 130, 120))
        return
    if kind == "wide smile":
        sheet.fill(_disc(18.5, float(y), 7.5, 3.2) & _box(0, y, 35, 35), INK)
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
        sheet.outlined(_box(20, y + 1, 23, y + 4), (240, 110, 120))
        sheet.box(21, y + 1, 21, y + 3, (200, 70, 90))


def _draw_hat(sheet: _Sheet, toad: Toad, top: int) -> None:
    """What is on the head, sitting on row `top`."""
    kind = toad.hat
    base = top + 1
    if kind in ("red cap", "blue cap"):
        colour, dark = (RED, (160, 24, 40)) if kind == "red cap" else ((70, 110, 240), (40, 64, 170))
        sheet.outlined(_disc(18.0, base, 7.5, 5.2) & _box(0, 0, 35, base), colour)
        sheet.outlined(_box(18, base, 29, base), dark)
        sheet.box(16, base - 3, 18, base - 2, WHITE)
    elif kind == "crown":
        points = _box(12, base - 5, 13, base) | _box(18, base - 6, 19, base) | _box(24, base - 5, 25, base)
        sheet.outlined(points | _box(12, base - 2, 25, base), GOLD)
        sheet.dots(((13, base - 1), (24, base - 1)), (60, 120, 240))
        sheet.box(18, base - 1, 19, base - 1, RED)
    elif kind == "top hat":
        sheet.outlined(_box(13, base - 8, 24, base), (58, 54, 70))
        sheet.outlined(_box(9, base, 28, base), (58, 54, 70))
        sheet.box(13, base - 3, 24, base - 2, RED)
    elif kind == "straw hat":
        sheet.outlined(_disc(18.5, base, 6.5, 5.0) & _box(0, 0, 35, base), (240, 206, 110))
        sheet.outlined(_box(6, base, 31, base + 1), (222, 178, 80))
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
            sheet.outlined(_box(8, base, 29, base), colour)
        else:
            sheet.fill(_disc(18.5, float(peak), 1.6, 1.6), GOLD)
    elif kind == "helmet":
        sheet.outlined(_disc(18.5, base + 1, 9.5, 6.5) & _box(0, 0, 35, base + 1), (156, 166, 180))
        sheet.box(18, base - 5, 19, base + 1, (96, 104, 120))
        sheet.box(10, base + 1, 27, base + 1, (96, 104, 120))
        sheet.box(13, base - 3, 14, base - 2, WHITE)
    elif kind == "flower":
        for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2)):
            sheet.fill(_disc(23.5 + dx, base - 2.5 + dy, 1.6, 1.6), (250, 130, 190))
        sheet.fill(_disc(23.5, base - 2.5, 1.2, 1.2), GOLD)
    elif kind == "beanie":
        sheet.outlined(_disc(18.5, base, 8.5, 6.0) & _box(0, 0, 35, base), (240, 130, 50))
        sheet.box(10, base - 1, 27, base, (250, 220, 180))
        sheet.fill(_disc(18.5, base - 7.0, 1.6, 1.6), WHITE)
    elif kind == "mohawk":
        for step, tall in enumerate((3, 5, 7, 6, 7, 5, 3)):
            sheet.box(12 + 2 * step, base - tall, 13 + 2 * step, base - 1, (50, 210, 110))
            sheet.box(13 + 2 * step, base - tall + 2, 13 + 2 * step, base - 1, (20, 140, 80))
    elif kind == "antennae":
        for x in (13, 23):
            sheet.box(x, base - 4, x, base, INK)
            sheet.outlined(_box(x, base - 6, x + 1, base - 5), (250, 230, 90))
    elif kind == "fez":
        sheet.outlined(_box(13, base - 6, 23, base), (190, 40, 56))
        sheet.box(18, base - 7, 24, base - 7, GOLD)
        sheet.box(24, base - 7, 24, base - 3, GOLD)
    elif kind == "headband":
        sheet.box(10, base + 1, 27, base + 2, RED)
        sheet.box(28, base + 2, 31, base + 2, RED)
        sheet.box(28, base + 3, 29, base + 5, RED)
    elif kind == "halo":
        sheet.fill(_disc(18.5, base - 5.0, 7.5, 2.0) & ~_disc(18.5, base - 5.0, 5.5, 0.9), (255, 240, 130))
    elif kind == "sprout":
        sheet.box(18, base - 4, 18, base, (40, 120, 50))
        sheet.fill(_disc(15.5, base - 5.0, 2.6, 1.4) | _disc(21.0, base - 5.0, 2.6, 1.4), (110, 210, 80))
    elif kind == "orange hair":
        sheet.fill(
            (_disc(18.5, base + 1.0, 10.5, 6.5) & _box(0, 0, 35, base))
            | _box(8, base, 10, base + 6)
            | _box(27, base, 29, base + 6),
            (255, 106, 30),
        )
        sheet.dots(tuple((x, base - 3 - x % 3) for x in range(11, 27, 2)), (200, 66, 20))


def _draw_accessory(sheet: _Sheet, toad: Toad, eye: int, mouth: int, jitter: np.random.Generator) -> None:
    """What the toad wears or holds besides a hat."""
    kind = toad.accessory
    if kind == "pipe":
        sheet.box(5, mouth + 1, 13, mouth + 1, (110, 66, 40))
        sheet.outlined(_box(4, mouth - 1, 6, mouth + 1), (150, 90, 50))
        sheet.dots(((5, mouth - 4), (4, mouth - 6), (5, mouth - 8)), (220, 220, 224))
    elif kind == "cigarette":
        sheet.outlined(_box(4, mouth + 1, 12, mouth + 1), WHITE)
        sheet.box(4, mouth + 1, 4, mouth + 1, RED)
        sheet.dots(((3, mouth - 2), (4, mouth - 3), (3, mouth - 5)), (210, 210, 214))
    elif kind == "necklace":
        for x in range(11, 27):
            sheet.dots(((x, 21 + (2 if 14 < x < 23 else 1) - (x < 12 or x > 25)),), GOLD)
        sheet.outlined(_box(18, 24, 19, 25), GOLD)
    elif kind == "scarf":
        sheet.outlined(_box(10, 21, 27, 22), (60, 90, 210))
        sheet.outlined(_box(23, 22, 25, 27), (60, 90, 210))
        sheet.box(23, 24, 25, 24, WHITE)
    elif kind == "bubble gum":
        sheet.outlined(_disc(18.5, mouth + 1.5, 3.2, 3.2), (255, 130, 190))
        sheet.box(17, mouth, 17, mouth, WHITE)
    elif kind == "monocle":
        sheet.fill(_ring(_disc(21.5, float(eye), 2.6, 2.6)), GOLD)
        sheet.box(25, eye + 2, 25, eye + 8, GOLD)
    elif kind == "bow tie":
        sheet.outlined(_box(13, 21, 15, 24) | _box(21, 21, 23, 24) | _box(16, 22, 20, 23), RED)
        sheet.box(18, 22, 18, 23, GOLD)
    elif kind == "flies":
        for x, y in jitter.integers((2, 2), (33, 9), (3, 2)):
            sheet.box(x, y, x + 1, y + 1, INK)
            sheet.dots(((x - 1, y - 1), (x + 2, y - 1)), WHITE)
    elif kind == "watch":
        sheet.box(24, 25, 28, 25, GOLD)
        sheet.outlined(_box(25, 24, 26, 25), WHITE, GOLD)


def _backdrop(toad: Toad, jitter: np.random.Generator) -> NDArray[np.uint8]:
    """The background as (36, 36, 3)."""
    colour = np.array(BACKGROUNDS[toad.background], dtype=np.float64)
    field = np.broadcast_to(colour, (SIZE, SIZE, 3)).copy()
    rows = np.arange(SIZE)[:, None, None]
    if toad.scene == "gradient":
        field *= 1.12 - 0.4 * rows / SIZE
    elif toad.scene == "two-band":
        field *= np.where(rows < int(jitter.integers(20, 27)), 1.0, 0.72)
    elif toad.scene == "speckled":
        field *= jitter.choice([0.93, 1.0, 1.07], (SIZE, SIZE, 1))
    elif toad.scene == "starry":
        field *= 0.45
        for x, y in jitter.integers(0, SIZE, (22, 2)):
            field[y, x] = (250, 246, 210)
    return np.clip(field, 0, 255).astype(np.uint8)


def paint(toad: Toad, transparent: bool = False) -> Image.Image:
    """A 36x36 picture, RGB or (`transparent`) RGBA; the same toad always gives the same picture."""
    jitter = np.random.default_rng(toad.variation)
    backdrop = _backdrop(toad, jitter)
    top = 10 if toad.size == "large" else 14
    eye, mouth = (top + 4, top + 8) if toad.size == "large" else (top + 3, top + 6)
    sheet = _Sheet()
    _draw_body(sheet, toad, top, jitter)
    _draw_mouth(sheet, toad, mouth)
    _draw_hat(sheet, toad, top)
    _draw_eyes(sheet, toad, eye)
    _draw_accessory(sheet, toad, eye, mouth, jitter)
    if transparent:
        alpha = np.where(sheet.solid, 255, 0).astype(np.uint8)
        return Image.fromarray(np.dstack([sheet.colours, alpha]))
    return Image.fromarray(np.where(sheet.solid[..., None], sheet.colours, backdrop).astype(np.uint8))


def attributes(toad: Toad) -> list[dict[str, str]]:
    """The traits in OpenSea form, leaving out those that are "none"."""
    pairs = (
        ("Background", toad.background),
        ("Scene", toad.scene),
        ("Body", toad.body),
        ("Belly", toad.belly),
        ("Skin", toad.skin),
        ("Eyes", toad.eyes),
        ("Mouth", toad.mouth),
        ("Hat", toad.hat),
        ("Accessory", toad.accessory),
        ("Build", toad.build),
        ("Size", toad.size),
    )
    return [{"trait_type": kind, "value": value.title()} for kind, value in pairs if value != "none"]


def words(toad: Toad) -> list[str]:
    """Short noun phrases for captions, the toad itself first and the background last."""
    skin = "" if toad.skin == "plain" else f"{toad.skin} "
    found = [f"{skin}{toad.body} toad"]
    if toad.eyes in ("glasses", "sunglasses", "eyepatch"):
        found.append(toad.eyes)
    elif toad.eyes == "one-eyed":
        found.append("one eye")
    elif toad.eyes != "plain":
        found.append(f"{toad.eyes} eyes")
    found += [trait for trait in (toad.hat, toad.accessory) if trait != "none"]
    if toad.mouth not in ("flat", "frown"):
        found.append(toad.mouth)
    if toad.belly != "none":
        found.append(f"{toad.belly} belly")
    scene = "" if toad.scene == "plain" else f"{toad.scene} "
    return [*found, f"{scene}{toad.background} background"]
