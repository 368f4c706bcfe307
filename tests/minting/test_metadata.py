"""Token metadata: the fields of ERC-721 and OpenSea, the source's traits, and templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from errors import BadSetting, BadSource
from minting.metadata import Release, Token, token_metadata

RELEASE = Release(collection="Crayon Toads")
OURS = [
    {"trait_type": "Style", "value": "crayon"},
    {"trait_type": "Guidance Scale", "value": 3, "display_type": "number"},
    {"trait_type": "Insertion Step", "value": 40, "display_type": "number"},
]


def test_metadata_has_the_standard_fields(make_token: Callable[..., Token]) -> None:
    made = token_metadata(make_token(7), RELEASE)
    assert list(made) == ["name", "description", "image", "attributes", "properties"]
    assert made["name"] == "Crayon Toads #7"
    assert made["description"] == "Source 4591 as crayon."
    assert made["image"] == "../images/7.png"
    assert made["attributes"] == [{"trait_type": "Body", "value": "Albino"}, *OURS]


@pytest.mark.parametrize("base", ["ipfs://bafy", "ipfs://bafy/"])
def test_image_base_gets_its_slash(make_token: Callable[..., Token], base: str) -> None:
    release = Release(collection="T", image_base_uri=base, external_url="https://toads.example")
    made = token_metadata(make_token(7), release)
    assert made["image"] == "ipfs://bafy/7.png"
    assert made["external_url"] == "https://toads.example"


def test_provenance_says_what_made_it(make_token: Callable[..., Token]) -> None:
    token = make_token(2, guidance_scale=2.5, recipe={"prompt": "crayon doodle of a toad", "steps": 100})
    assert token_metadata(token, RELEASE)["properties"]["provenance"] == {
        "source": "4591",
        "source_licence": "CC0-1.0",
        "recipe": f"{2:064x}",
        "model": "tadpole",
        "weights_sha256": "ab" * 32,
        "seed": 2**53 + 2,
        "prompt": "crayon doodle of a toad",
        "style": "crayon",
        "guidance_scale": 2.5,
        "insertion_step": 40,
        "steps": 100,
        "mode": "clean",
        "inputs": {"prompt": "crayon doodle of a toad", "steps": 100},
    }


def test_source_traits_keep_their_values(make_token: Callable[..., Token]) -> None:
    given = [
        {"trait_type": "# Traits", "value": 4, "display_type": "number", "trait_count": 900},
        {"value": "lonely"},
        {"trait_type": "Speed", "value": 0.5, "max_value": 2},
        {"trait_type": "Hat", "value": None},
    ]
    made = token_metadata(make_token(source_attributes=given), RELEASE)["attributes"]
    assert made[:-3] == [
        {"trait_type": "# Traits", "value": 4, "display_type": "number"},
        {"value": "lonely"},
        {"trait_type": "Speed", "value": 0.5, "max_value": 2},
    ]


def test_source_trait_called_style_is_renamed(make_token: Callable[..., Token]) -> None:
    names = ["Style", "Source Style", "insertion step", "Body"]
    given = [{"trait_type": name, "value": "x"} for name in names]
    made = token_metadata(make_token(source_attributes=given), RELEASE)["attributes"]
    kept = [attribute["trait_type"] for attribute in made[:-3]]
    assert kept == ["Source Source Style", "Source Style", "Source insertion step", "Body"]
    assert made[-3:] == OURS


@pytest.mark.parametrize("value", [["a"], {"a": 1}, float("nan"), float("inf")])
def test_value_that_is_no_trait_names_its_source(make_token: Callable[..., Token], value: Any) -> None:
    with pytest.raises(BadSource, match="source 4591"):
        token_metadata(make_token(source_attributes=[{"trait_type": "Body", "value": value}]), RELEASE)


def test_templates_are_filled_in(make_token: Callable[..., Token]) -> None:
    release = Release(collection="T", name_template="{collection}-{number:04} {{{style}}}", description_template="")
    made = token_metadata(make_token(7), release)
    assert (made["name"], made["description"]) == ("T-0007 {crayon}", "")


@pytest.mark.parametrize(
    "template",
    ["{seed}", "{}", "{0}", "{number.real}", "{style!r}", "{number:{source}}", "{number", "{style:d}"],
)
@pytest.mark.parametrize("key", ["name_template", "description_template"])
def test_template_that_cannot_be_filled_is_refused(make_token: Callable[..., Token], key: str, template: str) -> None:
    release = Release(collection="T", settings_file="my.toml", **{key: template})  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match=r"my\.toml: release\." + key) as caught:
        token_metadata(make_token(), release)
    assert "{collection}, {number}, {source}, {style}" in str(caught.value)
