"""Rarity: counts, OpenRarity's score and rank worked out by hand, and what is folded together or left out."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest

from minting.rarity import TRAIT_COUNT_SHOWN, RarityTable, rarity_csv, rarity_table


def token(name: str = "Toad", **traits: Any) -> dict[str, Any]:
    return {"name": name, "attributes": [{"trait_type": key, "value": value} for key, value in traits.items()]}


def shares(*counts: int) -> float:
    """The entropy in bits of one trait whose values have these counts."""
    total = sum(counts)
    return sum(count / total * math.log2(total / count) for count in counts)


def counts(table: RarityTable) -> dict[str, dict[str, int]]:
    return {trait.name: {value.shown: value.count for value in trait.values} for trait in table.traits}


def test_score_is_information_over_entropy() -> None:
    table = rarity_table([token(Hat="crown"), token(Hat="cap"), token(Hat="cap"), token(Hat="cap")])
    entropy = shares(1, 3)  # the trait count is 1 everywhere and says nothing
    assert table.entropy == pytest.approx(entropy, abs=1e-12)
    assert [row.score for row in table.rows] == pytest.approx([2 / entropy, *[math.log2(4 / 3) / entropy] * 3])
    assert [row.rank for row in table.rows] == [1, 2, 2, 2]


def test_not_having_a_trait_is_a_value() -> None:
    table = rarity_table([token(Hat="cap"), token(Hat="cap"), token(Hat="cap"), token()])
    entropy = shares(3, 1) + shares(3, 1)  # the hat, and the trait count
    assert counts(table) == {"Hat": {"cap": 3, "": 1}, TRAIT_COUNT_SHOWN: {"1": 3, "0": 1}}
    assert table.rows[3].score == pytest.approx(4 / entropy)
    assert [value.missing for value in table.traits[0].values] == [False, True]


def test_trait_that_none_has_elsewhere_goes_before_the_score() -> None:
    # the last carries less information than the first ones, but has a value of its own
    tokens = [token(A="x", B="p")] * 2 + [token(A="y", B="q")] * 14 + [token(A="z", B="q")] * 14
    table = rarity_table([*tokens, token(A="own", B="q")])
    first = min(table.rows, key=lambda row: row.rank)
    assert (first.number, first.unique, first.rank) == (31, 1, 1)
    assert table.rows[0].score > first.score and table.rows[0].rank == 2


def test_case_and_blanks_tell_no_values_apart() -> None:
    table = rarity_table([token(Hat=" Crown"), token(**{"hat ": "CROWN"}), token(HAT="cap")])
    assert counts(table)["Hat"] == {"Crown": 2, "cap": 1}
    assert len(table.traits) == 2


def test_later_of_two_traits_of_one_name_counts() -> None:
    twice = {"name": "T", "attributes": [{"trait_type": "Hat", "value": v} for v in ("crown", "cap")]}
    assert counts(rarity_table([twice]))["Hat"] == {"cap": 1}


def test_none_and_empty_do_not_add_to_the_trait_count() -> None:
    table = rarity_table([token(A="None", B="x"), token(A=" ", B="x"), token(A="x", B="x")])
    assert counts(table)[TRAIT_COUNT_SHOWN] == {"1": 2, "2": 1}
    assert counts(table)["A"] == {"": 1, "None": 1, "x": 1}


@pytest.mark.parametrize(
    ("value", "display_type", "kind"),
    [
        (3, None, "number"),
        (3, "number", "number"),
        ("3", "boost_number", "number"),
        (0.5, "boost_percentage", "number"),
        (1_700_000_000, "date", "date"),
        ("3", None, "text"),
        ("3", "unheard of", "text"),
    ],
)
def test_numbers_and_dates_are_counted_but_not_scored(value: Any, display_type: str | None, kind: str) -> None:
    tokens = [token(Hat="cap") for _ in range(4)]
    tokens[0]["attributes"].append({"trait_type": "Level", "value": value, "display_type": display_type})
    table = rarity_table(tokens)
    level = next(trait for trait in table.traits if trait.name == "Level")
    assert (level.kind, level.scored) == (kind, kind == "text")
    assert counts(table)["Level"] == {str(value): 1, "": 3}
    assert counts(table)[TRAIT_COUNT_SHOWN] == {"1": 3, "2": 1}
    levels = 2 if kind == "text" else 1  # the trait count is another one then
    assert table.rows[0].score == pytest.approx(levels * 2 / (levels * shares(1, 3)))
    assert table.rows[0].unique == levels


def test_traits_of_one_name_are_told_apart() -> None:
    attributes = [
        {"trait_type": "Level", "value": "high"},
        {"trait_type": "level", "value": 3},
        {"trait_type": "Level", "value": 4, "display_type": "date"},
        {"trait_type": "trait count", "value": "many"},
        {"value": "lonely"},
    ]
    table = rarity_table([{"name": "T", "attributes": attributes}])
    names = ["Level", "level (number)", "Level (date)", "trait count", "(no name)", "Trait Count (counted)"]
    assert [trait.name for trait in table.traits] == names
    assert [value.shown for value in table.rows[0].values] == ["high", "3", "4", "many", "lonely", "5"]


@pytest.mark.parametrize("count", [1, 5])
def test_tokens_that_are_all_alike_score_nothing(count: int) -> None:
    table = rarity_table([token(Hat="cap", Body="green")] * count)
    assert [(row.rank, row.score) for row in table.rows] == [(1, 0.0)] * count
    assert table.entropy == 0.0


def test_no_tokens_have_no_traits() -> None:
    assert rarity_table([]) == RarityTable((), (), 0.0)


def test_by_rank_puts_equals_by_number() -> None:
    table = rarity_table([token(Hat=hat) for hat in ("cap", "bow", "cap", "crown", "bow")])
    assert [(row.rank, row.number) for row in table.by_rank()] == [(1, 4), (2, 1), (2, 2), (2, 3), (2, 5)]


def test_values_are_listed_by_how_often_they_occur() -> None:
    tokens = [token(Hat=hat) for hat in ("b", "a", "c", "c")] + [token()] * 3
    [hat, _] = rarity_table(tokens).traits
    assert [(value.shown, value.count) for value in hat.values] == [("c", 2), ("a", 1), ("b", 1), ("", 3)]


def test_csv_has_value_and_count_of_every_trait() -> None:
    table = rarity_table([token('A "toad",\ntwice', Hat="crown"), token("B", Body="green"), token("C", Body="green")])
    lines = list(csv.DictReader(io.StringIO(rarity_csv(table))))
    assert lines[0] | {"score": ""} == {
        "number": "1",
        "name": 'A "toad",\ntwice',
        "rank": "1",
        "score": "",
        "Hat": "crown",
        "Hat (count)": "1",
        "Body": "",
        "Body (count)": "1",
        "Trait Count": "1",
        "Trait Count (count)": "3",
    }
    assert [float(line["score"]) for line in lines] == [row.score for row in table.rows]
    assert (lines[1]["Hat"], lines[1]["Hat (count)"]) == ("", "2")
