"""What a token says of itself: ERC-721 metadata as marketplaces read it, with where the picture came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

from errors import BadSetting, BadSource

PLACEHOLDERS = ("{collection}", "{number}", "{source}", "{style}")
OWN_TRAITS = ("Style", "Guidance Scale", "Insertion Step")
_OPENSEA_KEYS = ("trait_type", "value", "display_type", "max_value")


@dataclass(frozen=True, kw_only=True)
class Token:
    """An accepted candidate with its number in the new collection, and the recipe that made it.

    `number`: from 1; `source`: the source token's id; `source_attributes`: that token's own, in OpenSea's form
    (trait_type, value, display_type); `guidance_scale`: s; `insertion_step`: k of `steps` T; `recipe`: every input that
    changes pixels, whose canonical JSON has `recipe_id` as its SHA-256; `image`: the picture's
    file, whose text chunk "toadworks" is carried over where there is one; `name`: its own, or "" for the template's.
    """

    number: int
    source: str
    source_attributes: Sequence[Mapping[str, Any]] = ()
    source_licence: str = ""
    style: str
    prompt: str
    guidance_scale: float
    insertion_step: int
    steps: int
    mode: str
    seed: int
    recipe_id: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    model: str
    weights_sha256: str
    image: Path
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Release:
    """How the new collection is called and shown.

    `collection`, `symbol`, `description`: of the whole collection; `name_template`, `description_template`: of each
    token, with the placeholders {collection} {number} {source} {style} (a number may be padded: {number:04});
    `external_url`: the collection's own page or ""; `image_base_uri`: what comes before "1.png" in the metadata (an
    ipfs:// folder), or "" for paths within the release; `image_size`: the longer side in pixels, 0 for as it is;
    `resampling`: "nearest" (whole factors only) or "lanczos"; `settings_file`: the user's file that errors name.
    """

    collection: str
    symbol: str = ""
    description: str = ""
    name_template: str = "{collection} #{number}"
    description_template: str = "Source {source} as {style}."
    external_url: str = ""
    image_base_uri: str = ""
    image_size: int = 512
    resampling: str = "nearest"
    settings_file: Path | str = "collection.toml"

    def image_uri(self, number: int, *, within: str) -> str:
        """Where a token's image is: under `image_base_uri`, or else relative to a file, `within` the images' folder
        as seen from there ("../images/")."""
        base = self.image_base_uri or within
        return f"{base}{'' if base.endswith('/') else '/'}{number}.png"


def token_metadata(token: Token, release: Release) -> dict[str, Any]:
    """One token's JSON object: ERC-721's name, description and image ("ERC721 Metadata JSON Schema" of EIP-721),
    OpenSea's external_url and attributes, and properties.provenance: what makes the picture again.

    Raises BadSetting for a template that cannot be filled in, BadSource for an attribute that is none.
    """
    values: dict[str, str | int] = {
        "collection": release.collection,
        "number": token.number,
        "source": token.source,
        "style": token.style,
    }
    metadata: dict[str, Any] = {}
    file = release.settings_file
    metadata["name"] = token.name or fill_in("release.name_template", release.name_template, values, file)
    metadata["description"] = fill_in("release.description_template", release.description_template, values, file)
    metadata["image"] = release.image_uri(token.number, within="../images/")
    if release.external_url:
        metadata["external_url"] = release.external_url
    metadata["attributes"] = [
        *source_attributes(token.source, token.source_attributes),
        *own_attributes(token.style, token.guidance_scale, token.insertion_step),
    ]
    metadata["properties"] = {
        "provenance": {
            "source": token.source,
            "source_licence": token.source_licence,
            "recipe": token.recipe_id,
            "model": token.model,
            "weights_sha256": token.weights_sha256,
            "seed": token.seed,
            "prompt": token.prompt,
            "style": token.style,
            "guidance_scale": whole(token.guidance_scale),
            "insertion_step": token.insertion_step,
            "steps": token.steps,
            "mode": token.mode,
            "inputs": dict(token.recipe),
        }
    }
    return metadata


def fill_in(key: str, template: str, values: Mapping[str, str | int], settings_file: Path | str) -> str:
    """The template with its placeholders filled in. Raises BadSetting, naming `key`, for any but those allowed."""
    allowed = ", ".join(PLACEHOLDERS)
    try:
        for _, name, spec, conversion in Formatter().parse(template):
            if name is not None and (name not in values or conversion or "{" in (spec or "")):
                problem = f"unknown placeholder {{{name}}} in {template!r}"
                raise BadSetting(settings_file, key, problem, allowed)
        return template.format_map(values)
    except ValueError as error:  # a lone brace, or a format that does not suit the value
        problem = f"{template!r} cannot be filled in ({error})"
        raise BadSetting(settings_file, key, problem, allowed) from error


def own_attributes(style: str, guidance_scale: float, insertion_step: int) -> list[dict[str, Any]]:
    """What a token has of its style and recipe."""
    return [
        {"trait_type": "Style", "value": style},
        {"trait_type": "Guidance Scale", "value": whole(guidance_scale), "display_type": "number"},
        {"trait_type": "Insertion Step", "value": insertion_step, "display_type": "number"},
    ]


def source_attributes(source: str, attributes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The source's own attributes. One that is called as ours are (in any case) becomes "Source <name>", since two
    traits of one name would be counted together; one whose value is null says nothing and is left out.

    Raises BadSource, naming the token, for an attribute without a value or whose value is not text or a number.
    """
    ours = {name.casefold() for name in OWN_TRAITS}
    taken = ours | {str(given.get("trait_type")).casefold() for given in attributes}
    kept = []
    for given in attributes:
        value = given.get("value", ())
        if value is None:
            continue
        if not (isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))):
            problem = f"attribute {dict(given)!r} has no value that is text or a number"
            raise BadSource(f"source {source}", problem)
        attribute = {key: given[key] for key in _OPENSEA_KEYS if key in given}
        name = str(attribute.get("trait_type"))
        if name.casefold() in ours:
            while name.casefold() in taken:
                name = f"Source {name}"
            attribute["trait_type"] = name
        kept.append(attribute)
    return kept


def whole(value: float) -> float | int:
    """3.0 as 3, so that a scale is written in one way however it was typed."""
    return int(value) if float(value).is_integer() else value
