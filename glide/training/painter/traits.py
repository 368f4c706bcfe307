"""What a toad can be: every trait with its colours, a toad with one of each, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glide.training.painter.sheet import RGB

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
