"""How rare each token is: how often every trait value occurs, and OpenRarity's score and rank.

The score is OpenRarity's information content (github.com/OpenRarity/open-rarity, 0.7): the bits that a token's traits
carry, divided by the entropy of the collection.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TRAIT_COUNT = "meta_trait:trait_count"  # OpenRarity's name for how many traits a token has, itself a trait
TRAIT_COUNT_SHOWN = "Trait Count"
NAMELESS = "(no name)"  # for a trait without a trait_type
NUMBERS = ("number", "boost_number", "boost_percentage")  # OpenSea's display types of traits that are no categories
DATE = "date"
_SAYS_NOTHING = ("", "none")  # values that are not counted as a trait
_Key = tuple[str, str]  # kind, name

TEXT, NUMBER = "text", "number"


@dataclass(frozen=True)
class Value:
    """A trait's value and the tokens that have it. `shown`: as it was first written; "" for not having the trait,
    which is told by `missing`."""

    shown: str
    count: int
    missing: bool = False


@dataclass(frozen=True)
class Trait:
    """A trait and its values, the most frequent first; tokens without it are one more value, at the end.

    `name`: as it was first written; `kind`: "text", "number" or "date"; `scored`: whether it counts for the score,
    which only text does.
    """

    name: str
    kind: str
    values: tuple[Value, ...]

    @property
    def scored(self) -> bool:
        return self.kind == TEXT


@dataclass(frozen=True)
class Row:
    """A token. `number`: from 1; `rank`: 1 is the rarest, equals share one (1, 2, 2, 4); `score`: 0 or more, about 1
    for the usual; `unique`: how many of its trait values no other token has; `values`: one of each of the table's
    traits, in their order."""

    number: int
    name: str
    rank: int
    score: float
    unique: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class RarityTable:
    """`rows`: by number; `traits`: in the order in which they first appear, the trait count last; `entropy`: of the
    whole collection, in bits."""

    rows: tuple[Row, ...]
    traits: tuple[Trait, ...]
    entropy: float

    def by_rank(self) -> list[Row]:
        """The rows, the rarest first; equals by number."""
        return sorted(self.rows, key=lambda row: (row.rank, row.number))


@dataclass(frozen=True)
class _Traits:
    """One token's traits by (kind, folded name): the folded value, and name and value as written."""

    values: dict[_Key, str]
    shown: dict[_Key, tuple[str, str]]


def rarity_table(tokens: Sequence[Mapping[str, Any]]) -> RarityTable:
    """Counts, scores and ranks of tokens, given as their metadata (ERC-721 JSON objects with OpenSea's "attributes"),
    number 1 first.

    As OpenRarity does it: names and values are compared in lower case, without blanks around them; of two traits of
    one name in a token the last counts; not having a trait is a value of its own; how many traits a token has (but
    for empty ones and "none") is one more trait. Score: the sum over traits of -log2(share of tokens with that
    value), divided by the sum of -p log2 p over all values of all traits. Rank: by the number of values that no other
    token has, then by score; scores within a part in 1e9 are equal.

    Numbers and dates (a display type of `NUMBERS` or `DATE`, or a value that is no text) are counted and add to the
    trait count, but have no part in the score: the open-rarity package refuses collections that have any, its scorer
    leaves them out.
    """
    folded = [_traits_of(token) for token in tokens]
    keys = list(dict.fromkeys(key for one in folded for key in one.values if key != (TEXT, TRAIT_COUNT)))
    keys += [(TEXT, TRAIT_COUNT)] if tokens else []
    counts = {key: Counter(one.values.get(key) for one in folded) for key in keys}  # None: it has no such trait
    shown: dict[_Key, dict[str | None, str]] = {key: {None: ""} for key in keys}
    names: dict[_Key, str] = {}
    for one in folded:
        for key, (name, value) in one.shown.items():
            names.setdefault(key, name or NAMELESS)
            shown[key].setdefault(one.values[key], value)
    names = _told_apart({key: names[key] for key in keys})

    scored = [key for key in keys if key[0] == TEXT]
    total = len(tokens)
    bits = {key: {value: math.log2(total / count) for value, count in counts[key].items()} for key in scored}
    entropy = math.fsum(
        counts[key][value] / total * information for key in scored for value, information in bits[key].items()
    )
    scores = [
        math.fsum(bits[key][one.values.get(key)] for key in scored) / (entropy or 1.0)  # 0: all are alike
        for one in folded
    ]
    unique = [sum(counts[key][value] == 1 for key, value in one.values.items() if key[0] == TEXT) for one in folded]
    values = {
        key: {value: Value(shown[key][value], count, value is None) for value, count in counts[key].items()}
        for key in keys
    }
    rows = [
        Row(
            number,
            str(token.get("name", "")),
            rank,
            score,
            alone,
            tuple(values[key][one.values.get(key)] for key in keys),
        )
        for number, (token, one, rank, score, alone) in enumerate(
            zip(tokens, folded, _ranks(scores, unique), scores, unique, strict=True), start=1
        )
    ]
    traits = [Trait(names[key], key[0], tuple(sorted(values[key].values(), key=_order))) for key in keys]
    return RarityTable(tuple(rows), tuple(traits), entropy)


def rarity_csv(table: RarityTable) -> str:
    """A line a token, by number: number, name, rank, score, then for each trait its value and, as "NAME (count)", how
    many tokens have that value; of a trait that a token has not, how many have it not either."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    columns = [column for trait in table.traits for column in (trait.name, f"{trait.name} (count)")]
    lines.writerow(["number", "name", "rank", "score", *columns])
    for row in table.rows:
        cells = [cell for value in row.values for cell in (value.shown, value.count)]
        lines.writerow([row.number, row.name, row.rank, repr(row.score), *cells])
    return text.getvalue()


def _traits_of(token: Mapping[str, Any]) -> _Traits:
    values: dict[_Key, str] = {}
    shown: dict[_Key, tuple[str, str]] = {}
    for attribute in token.get("attributes") or ():
        name, value = str(attribute.get("trait_type") or ""), attribute.get("value")
        if value is None:
            continue
        kind = _kind(value, attribute.get("display_type"))
        key = (kind, _folded(name))
        values[key] = _folded(value) if kind == TEXT else str(value)
        shown[key] = (name.strip(), str(value).strip())
    # one that a token already says of itself is replaced, and does not count
    said = any(name == TRAIT_COUNT for _, name in values)
    count = str(sum(kind != TEXT or value not in _SAYS_NOTHING for (kind, _), value in values.items()) - said)
    values[TEXT, TRAIT_COUNT], shown[TEXT, TRAIT_COUNT] = count, (TRAIT_COUNT_SHOWN, count)
    return _Traits(values, shown)


def _kind(value: object, display_type: object) -> str:
    if display_type == DATE:
        return DATE
    return TEXT if isinstance(value, str) and display_type not in NUMBERS else NUMBER


def _told_apart(names: Mapping[_Key, str]) -> dict[_Key, str]:
    """A number may be called as a text is, and a trait as our own "Trait Count"."""
    found: dict[_Key, str] = {}
    taken: set[str] = set()
    for (kind, key), name in names.items():
        while _folded(name) in taken:
            name = f"{name} ({'counted' if key == TRAIT_COUNT else kind})"
        taken.add(_folded(name))
        found[kind, key] = name
    return found


def _folded(text: str) -> str:
    return text.lower().strip()


def _order(value: Value) -> tuple[bool, int, str]:
    return value.missing, -value.count, value.shown


def _ranks(scores: Sequence[float], unique: Sequence[int]) -> list[int]:
    """OpenRarity compares only the scores of neighbours in that order, so a token with fewer unique values may share
    the rank of one with more."""
    order = sorted(range(len(scores)), key=lambda n: (unique[n], scores[n]), reverse=True)
    ranks = [0] * len(scores)
    for place, n in enumerate(order):
        before = order[place - 1] if place else None
        equal = before is not None and math.isclose(scores[n], scores[before])
        ranks[n] = ranks[before] if equal and before is not None else place + 1
    return ranks
