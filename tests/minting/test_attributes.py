"""Rules on attributes: what each does, in which order, and which cannot be followed."""

from __future__ import annotations

from typing import Any

import pytest

from errors import BadSetting, BadSource
from minting.attributes import Rules, check_rules, is_number, ruled, source_attributes, unused

GIVEN = [
    {"trait_type": "Bg", "value": "Red"},
    {"trait_type": "Level", "value": 3, "display_type": "number", "max_value": 10},
    {"value": "lonely"},
]


def test_no_rule_changes_nothing() -> None:
    assert ruled(GIVEN, Rules()) == GIVEN


def test_drop_and_rename_go_by_the_name_as_it_comes() -> None:
    made = ruled(GIVEN, Rules(drop=["Level", "Background"], rename={"Bg": "Background"}))
    assert made == [{"trait_type": "Background", "value": "Red"}, {"value": "lonely"}]


@pytest.mark.parametrize(
    ("value", "bucket"),
    [(-1, "under 2"), (1.99, "under 2"), (2, "2 to 4"), (3.5, "2 to 4"), (4, "4 or more"), (99, "4 or more")],
)
def test_buckets_hold_their_lower_bound(value: float, bucket: str) -> None:
    attribute = {"trait_type": "Level", "value": value, "display_type": "number", "max_value": 100}
    assert ruled([attribute], Rules(buckets={"Level": [2, 4.0]})) == [{"trait_type": "Level", "value": bucket}]


def test_value_that_is_no_number_falls_in_no_bucket() -> None:
    given = [{"trait_type": "Level", "value": "None"}]
    assert ruled(given, Rules(buckets={"Level": [2]}, rename={"Level": "Rank"})) == [
        {"trait_type": "Rank", "value": "None"}
    ]


@pytest.mark.parametrize(
    ("kind", "made"),
    [("date", {"value": 3, "display_type": "date"}), ("", {"value": "3"})],
)
def test_display_type_is_set_or_taken_away(kind: str, made: dict[str, Any]) -> None:
    rules = Rules(display_type={"Level": kind})
    given = [{"trait_type": "Level", "value": 3.0 if kind == "" else 3, "display_type": "number"}]
    assert ruled(given, rules) == [{"trait_type": "Level", **made}]


def test_max_value_is_what_it_is_out_of() -> None:
    assert ruled(GIVEN[1:2], Rules(max_value={"Level": 5.0}))[0]["max_value"] == 5
    assert isinstance(ruled(GIVEN[1:2], Rules(max_value={"Level": 5.0}))[0]["max_value"], int)


def test_rules_leave_what_they_are_given() -> None:
    before = [dict(one) for one in GIVEN]
    ruled(GIVEN, Rules(rename={"Bg": "B"}, buckets={"Level": [1]}, max_value={"Level": 3}))
    assert before == GIVEN


def test_rule_for_no_trait_is_told() -> None:
    assert unused(Rules(drop=["Bg"], buckets={"Lvl": [1]}), ["Bg", "Level"]) == ["Lvl"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("drop", [3]),
        ("drop", [" "]),
        ("rename", {"Bg": ""}),
        ("rename", {"Bg": 3}),
        ("buckets", {"Level": []}),
        ("buckets", {"Level": 3}),
        ("buckets", {"Level": [2, 2]}),
        ("buckets", {"Level": [True]}),
        ("buckets", {"Level": [float("nan")]}),
        ("display_type", {"Level": "percent"}),
        ("max_value", {"Level": "10"}),
        ("max_value", {"Level": 10**400}),
    ],
)
def test_rule_that_cannot_be_names_its_key(key: str, value: Any) -> None:
    with pytest.raises(BadSetting, match=rf"my\.toml: attributes\.{key}"):
        check_rules(Rules(**{key: value}), "my.toml")


@pytest.mark.parametrize(
    "other", [{"display_type": {"Level": "number"}}, {"display_type": {"Level": ""}}, {"max_value": {"Level": 9}}]
)
def test_buckets_are_text(other: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="buckets"):
        check_rules(Rules(buckets={"Level": [2]}, **other), "my.toml")


def test_number_beyond_a_float_is_none() -> None:
    """JSON has no bound on its digits, and what reads it has."""
    assert is_number(2**1000) and not is_number(-(10**400))
    with pytest.raises(BadSource, match=r"source 7: attribute .* has no value"):
        source_attributes("7", [{"trait_type": "Level", "value": 10**400}])


def test_zero_is_a_value_and_blank_is_none() -> None:
    given = [{"trait_type": "Hat", "value": 0}, {"trait_type": "Bg", "value": ""}, {"trait_type": "Eye", "value": None}]
    assert [one["value"] for one in source_attributes("7", given)] == [0]
