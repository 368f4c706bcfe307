"""What a token and its collection say of themselves: JSON as wallets and marketplaces read it, with where the picture
came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

from errors import BadSetting
from minting.attributes import Attribute, Rules, own_attributes, ruled, source_attributes, whole

PLACEHOLDERS = ("{collection}", "{number}", "{source}", "{style}")
TEMPLATES = ("name_template", "description_template", "token_url", "animation_url")
STANDARDS = ("ERC-721", "ERC-1155")
FORMATS = {"png": ".png", "webp": ".webp"}


@dataclass(frozen=True, kw_only=True)
class Token:
    """An accepted candidate with its number in the new collection, and the recipe that made it.

    `number`: from 1; `source`: the source token's id; `source_attributes`: that token's own, in OpenSea's form
    (trait_type, value, display_type); `guidance_scale`: s; `insertion_step`: k of `steps` T; `recipe`: every input that
    changes pixels, whose canonical JSON has `recipe_id` as its SHA-256; `image`: the picture's
    file, whose text chunk "toadworks" is carried over where there is one; `name`: its own, or "" for the template's;
    `preview`: an animated WebP of its sampling, if there is one.
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
    preview: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """How the new collection is called and shown: the keys of [release] in a collection.toml, as docs/settings.md tells
    them, with `rules` for [attributes], `lists` (as `manifest.WalletList`) for drop.allowlist, and `settings_file`, the
    user's file that errors name."""

    collection: str
    symbol: str = ""
    description: str = ""
    name_template: str = "{collection} #{number}"
    description_template: str = "Source {source} as {style}."
    external_url: str = ""
    token_url: str = ""
    animation_url: str = ""
    background_color: str = ""
    collection_image: str = ""
    banner_image: str = ""
    featured_image: str = ""
    collaborators: Sequence[str] = ()
    royalty_basis_points: int = 0
    royalty_recipient: str = ""
    standard: str = "ERC-721"
    profile: str = "unixfs-v1-2025"
    image_base_uri: str = ""
    metadata_base_uri: str = ""
    image_format: str = "png"
    image_size: int = 512
    image_limit: int = 0
    resampling: str = "nearest"
    previews: bool = False
    placeholder_image: str = ""
    rules: Rules = field(default_factory=Rules)
    lists: Sequence[Mapping[str, Any]] = ()
    settings_file: Path | str = "collection.toml"

    def image_path(self, number: int) -> str:
        """Of a token's image within the release."""
        return f"images/{number}{FORMATS[self.image_format]}"

    def metadata_path(self, number: int) -> str:
        """Of a token's metadata within the release."""
        return f"metadata/{metadata_name(number, self.standard)}"


def metadata_name(number: int, standard: str) -> str:
    """What a contract asks for behind its base URI: ERC-721's `tokenURI` joins the number, without padding or ending
    (OpenZeppelin's and ERC721A's `baseURI`); of ERC-1155 clients put 64 hexadecimal digits, lower case, where the URI
    has {id} (EIP-1155, "Metadata")."""
    return f"{number:064x}.json" if standard == "ERC-1155" else str(number)


def preview_path(number: int) -> str:
    return f"previews/{number}.webp"


def joined(base: str, name: str) -> str:
    """A base URI and a name, with one slash between."""
    return f"{base}{'' if base.endswith('/') else '/'}{name}"


def token_metadata(token: Token, release: Release, image: str, preview: str = "") -> dict[str, Any]:
    """One token's JSON object: ERC-721's name, description and image ("ERC721 Metadata JSON Schema" of EIP-721; an
    ERC-1155 token has `decimals` too), OpenSea's external_url, animation_url, background_color and attributes, and
    properties.provenance: what makes the picture again. `image`, `preview`: their URIs.

    Raises BadSetting for a template that cannot be filled in, BadSource for an attribute that is none.
    """
    values = _values(token, release)
    file = release.settings_file

    def filled(key: str) -> str:
        return fill_in(f"release.{key}", getattr(release, key), values, file)

    metadata: dict[str, Any] = {"name": token_name(token, release), "description": filled("description_template")}
    if release.standard == "ERC-1155":
        metadata["decimals"] = 0
    metadata["image"] = image
    further = {
        "external_url": filled("token_url") or release.external_url,
        "animation_url": filled("animation_url") or preview,
        "background_color": release.background_color,
    }
    metadata |= {key: value for key, value in further.items() if value}
    metadata["attributes"] = ruled(given_attributes(token), release.rules)
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


def given_attributes(token: Token) -> list[Attribute]:
    """The source's attributes, then the token's own, before any rule. Raises BadSource for one that is none."""
    return [
        *source_attributes(token.source, token.source_attributes),
        *own_attributes(token.style, token.guidance_scale, token.insertion_step),
    ]


def token_name(token: Token, release: Release) -> str:
    """Its own name, or the template's. Raises BadSetting for a template that cannot be filled in."""
    key = "release.name_template"
    return token.name or fill_in(key, release.name_template, _values(token, release), release.settings_file)


def collection_metadata(release: Release, image: str) -> dict[str, Any]:
    """The collection's own JSON object, which `contractURI` names (ERC-7572), with OpenSea's royalty fields where there
    is a royalty. `image`: the URI of its picture, unless the settings name one."""
    about = {
        "name": release.collection,
        "symbol": release.symbol,
        "description": release.description,
        "image": release.collection_image or image,
        "banner_image": release.banner_image,
        "featured_image": release.featured_image,
        "external_link": release.external_url,
        "collaborators": list(release.collaborators),
        "seller_fee_basis_points": release.royalty_basis_points,
        "fee_recipient": release.royalty_recipient,
    }
    return {key: value for key, value in about.items() if value}


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


def _values(token: Token, release: Release) -> dict[str, str | int]:
    """What the placeholders stand for."""
    return {
        "collection": release.collection,
        "number": token.number,
        "source": token.source,
        "style": token.style,
    }
