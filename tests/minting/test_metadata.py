"""Token metadata: the fields of ERC-721 and OpenSea, the source's traits, and templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from errors import BadSetting, BadSource
from minting import metadata
from minting.attributes import Rules
from minting.metadata import Release, Token, collection_metadata, joined, metadata_name

RELEASE = Release(collection="Crayon Toads")
IMAGE = "ipfs://bafy/7.png"
OURS = [
    {"trait_type": "Style", "value": "crayon"},
    {"trait_type": "Guidance Scale", "value": 3, "display_type": "number"},
    {"trait_type": "Insertion Step", "value": 40, "display_type": "number"},
]


def token_metadata(token: Token, release: Release, preview: str = "") -> dict[str, Any]:
    return metadata.token_metadata(token, release, IMAGE, preview)


def test_metadata_has_the_standard_fields(make_token: Callable[..., Token]) -> None:
    made = token_metadata(make_token(7), RELEASE)
    assert list(made) == ["name", "description", "image", "attributes", "properties"]
    assert made["name"] == "Crayon Toads #7"
    assert made["description"] == "Source 4591 as crayon."
    assert made["image"] == IMAGE
    assert made["attributes"] == [{"trait_type": "Body", "value": "Albino"}, *OURS]


@pytest.mark.parametrize("base", ["ipfs://bafy", "ipfs://bafy/"])
def test_base_gets_one_slash(base: str) -> None:
    assert joined(base, "7.png") == "ipfs://bafy/7.png"


def test_names_follow_the_standard() -> None:
    assert metadata_name(10, "ERC-721") == "10"
    # the example of EIP-1155's "Metadata" section, for token 0x4cce0
    assert metadata_name(0x4CCE0, "ERC-1155") == "000000000000000000000000000000000000000000000000000000000004cce0.json"


def test_further_fields_are_opensea_s(make_token: Callable[..., Token]) -> None:
    release = Release(
        collection="T",
        standard="ERC-1155",
        external_url="https://toads.example",
        token_url="https://toads.example/{number:03}",
        background_color="a0B1c2",
    )
    made = token_metadata(make_token(7), release, "ipfs://way/7.webp")
    assert made["external_url"] == "https://toads.example/007"
    assert made["animation_url"] == "ipfs://way/7.webp"
    assert (made["background_color"], made["decimals"]) == ("a0B1c2", 0)
    plain = token_metadata(make_token(7), Release(collection="T", external_url="https://toads.example"))
    assert plain["external_url"] == "https://toads.example"
    assert not {"animation_url", "background_color", "decimals"} & set(plain)


def test_animation_of_its_own_goes_before_a_preview(make_token: Callable[..., Token]) -> None:
    release = Release(collection="T", animation_url="https://toads.example/{number}.mp4")
    assert token_metadata(make_token(7), release, "ipfs://way/7.webp")["animation_url"] == "https://toads.example/7.mp4"


def test_rules_apply_to_all_attributes(make_token: Callable[..., Token]) -> None:
    rules = Rules(drop=["Insertion Step"], rename={"Body": "Skin"}, buckets={"Guidance Scale": [2, 4]})
    made = token_metadata(make_token(7), Release(collection="T", rules=rules))["attributes"]
    assert made == [
        {"trait_type": "Skin", "value": "Albino"},
        {"trait_type": "Style", "value": "crayon"},
        {"trait_type": "Guidance Scale", "value": "2 to 4"},
    ]


def test_collection_json_follows_erc_7572() -> None:
    release = Release(
        collection="Crayon Toads",
        symbol="CRAY",
        description="Toads, drawn again.",
        external_url="https://toads.example",
        banner_image="ipfs://banner",
        collaborators=["0x52908400098527886E0F7030069857D2E4169EE7"],
        royalty_basis_points=500,
        royalty_recipient="0x52908400098527886E0F7030069857D2E4169EE7",
    )
    assert collection_metadata(release, "ipfs://bafy/1.png") == {
        "name": "Crayon Toads",
        "symbol": "CRAY",
        "description": "Toads, drawn again.",
        "image": "ipfs://bafy/1.png",
        "banner_image": "ipfs://banner",
        "external_link": "https://toads.example",
        "collaborators": ["0x52908400098527886E0F7030069857D2E4169EE7"],
        "seller_fee_basis_points": 500,
        "fee_recipient": "0x52908400098527886E0F7030069857D2E4169EE7",
    }
    assert collection_metadata(Release(collection="T"), "ipfs://bafy/1.png") == {
        "name": "T",
        "image": "ipfs://bafy/1.png",
    }


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
        {"trait_type": "Eyes", "value": " "},
        {"trait_type": "Rare", "value": True, "display_type": "number"},
    ]
    made = token_metadata(make_token(source_attributes=given), RELEASE)["attributes"]
    assert made[:-3] == [
        {"trait_type": "# Traits", "value": 4, "display_type": "number"},
        {"value": "lonely"},
        {"trait_type": "Speed", "value": 0.5, "max_value": 2},
        {"trait_type": "Rare", "value": "true"},
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
@pytest.mark.parametrize("key", ["name_template", "description_template", "token_url", "animation_url"])
def test_template_that_cannot_be_filled_is_refused(make_token: Callable[..., Token], key: str, template: str) -> None:
    release = Release(collection="T", settings_file="my.toml", **{key: template})  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match=r"my\.toml: release\." + key) as caught:
        token_metadata(make_token(), release)
    assert "{collection}, {number}, {source}, {style}" in str(caught.value)


def test_name_of_its_own_goes_before_the_template(make_token: Callable[..., Token]) -> None:
    assert token_metadata(make_token(7, name="Lily"), RELEASE)["name"] == "Lily"


def test_collection_s_own_picture_goes_before_the_first_token_s() -> None:
    release = Release(collection="T", collection_image="ipfs://own")
    assert collection_metadata(release, "ipfs://bafy/1.png")["image"] == "ipfs://own"


def test_whole_scale_is_written_without_a_point(make_token: Callable[..., Token]) -> None:
    made = token_metadata(make_token(7, guidance_scale=3.0), RELEASE)["properties"]["provenance"]
    assert isinstance(made["guidance_scale"], int)
