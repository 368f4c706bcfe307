"""A token's attributes: the source's own, the style's and the recipe's, and a user's rules on them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from errors import BadSetting, BadSource

OWN_TRAITS = ("Style", "Guidance Scale", "Insertion Step")
DISPLAY_TYPES = ("number", "boost_number", "boost_percentage", "date")
_KEYS = ("trait_type", "value", "display_type", "max_value")

Attribute = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What becomes of attributes, each rule by the name of the trait as it comes: `drop` leaves it out, `rename` gives
    it another name, `buckets` puts its numbers between bounds ([2, 4] makes "under 2", "2 to 4" and "4 or more"; "2 to
    4" holds 2 and not 4), `display_type` says how a number is shown ("" as plain text), `max_value` what it is out of.
    """

    drop: Sequence[str] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, Sequence[float]] = field(default_factory=dict)
    display_type: Mapping[str, str] = field(default_factory=dict)
    max_value: Mapping[str, float] = field(default_factory=dict)

    @property
    def traits(self) -> set[str]:
        """All that a rule names."""
        return {*self.drop, *self.rename, *self.buckets, *self.display_type, *self.max_value}


def own_attributes(style: str, guidance_scale: float, insertion_step: int) -> list[Attribute]:
    """What a token has of its style and recipe."""
    return [
        {"trait_type": "Style", "value": style},
        {"trait_type": "Guidance Scale", "value": whole(guidance_scale), "display_type": "number"},
        {"trait_type": "Insertion Step", "value": insertion_step, "display_type": "number"},
    ]


def source_attributes(source: str, attributes: Sequence[Mapping[str, Any]]) -> list[Attribute]:
    """The source's own attributes. One that is called as ours are (in any case) becomes "Source <name>", since two
    traits of one name would be counted together; one whose value is null says nothing and is left out.

    Raises BadSource, naming the token, for an attribute without a value or whose value is not text or a number.
    """
    ours = {name.casefold() for name in OWN_TRAITS}
    taken = ours | {str(given.get("trait_type")).casefold() for given in attributes}
    kept = []
    for given in attributes:
        value = given.get("value", ())
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if not (isinstance(value, str | bool) or is_number(value)):
            problem = f"attribute {dict(given)!r} has no value that is text or a number"
            raise BadSource(f"source {source}", problem)
        attribute = {key: given[key] for key in _KEYS if key in given}
        if isinstance(value, bool):
            attribute = {**attribute, "value": str(value).lower()}
            attribute.pop("display_type", None)
        name = str(attribute.get("trait_type"))
        if name.casefold() in ours:
            while name.casefold() in taken:
                name = f"Source {name}"
            attribute["trait_type"] = name
        kept.append(attribute)
    return kept


def ruled(attributes: Iterable[Mapping[str, Any]], rules: Rules) -> list[Attribute]:
    """The attributes as the rules have them, in their order. A value that is no number stays as it is where a rule
    speaks of numbers."""
    made = []
    for given in attributes:
        name = str(given.get("trait_type"))
        if name in rules.drop:
            continue
        attribute = dict(given)
        if name in rules.rename:
            attribute["trait_type"] = rules.rename[name]
        if is_number(attribute["value"]):
            _show(attribute, name, rules)
        made.append(attribute)
    return made


def unused(rules: Rules, seen: Collection[str]) -> list[str]:
    """Traits that a rule names and no token has: misspelt, as a rule."""
    return sorted(rules.traits - set(seen))


def check_rules(rules: Rules, file: Path | str) -> None:
    """Raises BadSetting for rules that cannot be followed."""

    def require(holds: bool, key: str, problem: str, allowed: str) -> None:
        if not holds:
            raise BadSetting(file, f"attributes.{key}", problem, allowed)

    for name in rules.drop:
        require(isinstance(name, str) and bool(name.strip()), "drop", f"{name!r} names no trait", "names of traits")
    for name, other in rules.rename.items():
        said = isinstance(other, str) and bool(other.strip())
        require(said, "rename", f"{name!r} becomes {other!r}", 'text, such as {"Bg" = "Background"}')
    for name, bounds in rules.buckets.items():
        numbers = isinstance(bounds, list | tuple) and bool(bounds) and all(is_number(bound) for bound in bounds)
        rising = numbers and all(low < high for low, high in pairwise(bounds))
        require(rising, "buckets", f"{name!r} has the bounds {bounds!r}", "rising numbers, such as [2, 4]")
    for name, kind in rules.display_type.items():
        known = ("", *DISPLAY_TYPES)
        require(kind in known, "display_type", f"{name!r} is shown as {kind!r}", ", ".join(map(repr, known)))
        require(
            name not in rules.buckets, "display_type", f"{name!r} is put into buckets, which are text", "one of the two"
        )
    for name, most in rules.max_value.items():
        require(is_number(most), "max_value", f"{name!r} is out of {most!r}", "a number")
        require(name not in rules.buckets, "max_value", f"{name!r} is put into buckets", "one of the two")


def is_number(value: object) -> bool:
    """A number as JSON's readers have it: finite, and not beyond what a float can be."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def whole(value: float) -> float | int:
    """3.0 as 3, so that a scale is written in one way however it was typed."""
    return int(value) if float(value).is_integer() else value


def _show(attribute: Attribute, name: str, rules: Rules) -> None:
    """How a number is shown."""
    if bounds := rules.buckets.get(name):
        attribute["value"] = _bucket(attribute["value"], bounds)
        attribute.pop("display_type", None)
        attribute.pop("max_value", None)
    if (kind := rules.display_type.get(name)) is not None:
        attribute.pop("display_type", None)
        if kind:
            attribute["display_type"] = kind
        else:
            attribute["value"] = str(whole(attribute["value"]))
    if (most := rules.max_value.get(name)) is not None:
        attribute["max_value"] = whole(most)


def _bucket(value: float, bounds: Sequence[float]) -> str:
    if value < bounds[0]:
        return f"under {whole(bounds[0])}"
    for low, high in pairwise(bounds):
        if value < high:
            return f"{whole(low)} to {whole(high)}"
    return f"{whole(bounds[-1])} or more"
