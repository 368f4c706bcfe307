"""The fields of a token's metadata and of the collection's: their types, their ranges, and what was left unfilled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eth_utils.address import is_checksum_address, is_hex_address

from minting.attributes import DISPLAY_TYPES, is_number
from minting.linting.faults import Tell, check_uri, quoted
from minting.metadata import PLACEHOLDERS

LARGEST_ROYALTY = 1000  # basis points, a tenth: what the large marketplaces take
LATEST_DATE = 2**33  # seconds since 1970, the year 2242; what is beyond was meant in milliseconds
_TOKEN_KEYS = {
    *("name", "description", "image", "image_data", "external_url", "animation_url", "youtube_url"),
    *("background_color", "attributes", "properties", "decimals", "localization"),
}
_COLLECTION_KEYS = {
    *("name", "symbol", "description", "image", "banner_image", "featured_image", "external_link", "collaborators"),
    *("seller_fee_basis_points", "fee_recipient"),
}
_EDIT = "change it in collection.toml and export again"


def check_token(about: Any, tell: Tell) -> bool:
    """A token's JSON by EIP-721, EIP-1155 and OpenSea's "Metadata Standards"; True if it is an object at all."""
    if not isinstance(about, dict):
        tell(f"is {quoted(about)}, no object", "export again")
        return False
    _check_keys(about, _TOKEN_KEYS, tell)
    _check_texts(about, ("name", "description"), tell)
    if "image" not in about and "image_data" not in about:
        tell("has no image", "export again")
    for key in ("external_url", "animation_url", "youtube_url"):
        if key in about:
            check_uri(about[key], key, tell, secure=key == "animation_url")
    colour = about.get("background_color")
    if colour is not None and not (isinstance(colour, str) and re.fullmatch("[0-9a-fA-F]{6}", colour)):
        tell(f"background_color is {quoted(colour)}", "write six hexadecimal digits without #")
    decimals = about.get("decimals", 0)
    if not isinstance(decimals, int) or isinstance(decimals, bool) or decimals < 0:
        tell(f"decimals is {quoted(decimals)}", "write 0: the tokens cannot be divided")
    attributes = about.get("attributes", [])
    if not isinstance(attributes, list):
        tell(f"attributes is {quoted(attributes)}, no list", "make it a list of objects")
        return True
    for number, attribute in enumerate(attributes, start=1):
        _check_attribute(attribute, f"attribute {number}", tell)
    return True


def check_collection(about: Any, tell: Tell) -> None:
    """The contract's JSON by ERC-7572, and its royalty (ERC-2981's basis points, under OpenSea's names)."""
    if not isinstance(about, dict):
        tell(f"is {quoted(about)}, no object", "export again")
        return
    _check_keys(about, _COLLECTION_KEYS, tell)
    _check_texts(about, ("name",), tell)
    for key in ("symbol", "description"):
        if key in about and not isinstance(about[key], str):
            tell(f"{key} is {quoted(about[key])}, no text", _EDIT)
    for key in ("image", "banner_image", "featured_image", "external_link"):
        if key in about:
            check_uri(about[key], key, tell, secure=key != "external_link")
    people = about.get("collaborators", [])
    if not isinstance(people, list):
        tell(f"collaborators is {quoted(people)}, no list", _EDIT)
    for person in people if isinstance(people, list) else ():
        check_address(person, "collaborator", tell)
    check_royalty(about.get("seller_fee_basis_points", 0), about.get("fee_recipient", ""), tell)


def check_royalty(points: object, recipient: object, tell: Tell) -> None:
    if not isinstance(points, int) or isinstance(points, bool) or not 0 <= points <= LARGEST_ROYALTY:
        most = f"0..{LARGEST_ROYALTY} basis points ({LARGEST_ROYALTY // 100} %)"
        tell(f"the royalty is {quoted(points)}", f"set release.royalty_basis_points to {most}")
    elif points and not recipient:
        tell("has a royalty, but nobody to receive it", "set release.royalty_recipient")
    if recipient:
        check_address(recipient, "the royalty's recipient", tell)


def check_address(address: object, what: str, tell: Tell) -> None:
    """An Ethereum address with its checksum (EIP-55), and not the zero address, from which nothing comes back."""
    if not isinstance(address, str) or not is_hex_address(address) or not address.startswith("0x"):
        tell(f"{what} {quoted(address)} is no address", "write 0x and 40 hexadecimal digits")
    elif int(address, 16) == 0:
        tell(f"{what} is the zero address: what is sent there is lost", "name one that somebody has the key of")
    elif not is_checksum_address(address):
        tell(f"{what} {address} has a wrong checksum (EIP-55)", "copy it once more, with its capital letters")


def _check_keys(about: Mapping[str, Any], known: set[str], tell: Tell) -> None:
    for key in sorted(set(about) - known):
        tell(f"has the key {quoted(key)}, which no marketplace reads", f"known are {', '.join(sorted(known))}")


def _check_texts(about: Mapping[str, Any], keys: tuple[str, ...], tell: Tell) -> None:
    for key in keys:
        text = about.get(key)
        if not isinstance(text, str) or (key == "name" and not text.strip()):
            tell(f"{key} is {quoted(text)}", _EDIT)
        elif left := [one for one in PLACEHOLDERS if one in text]:
            tell(f"{key} still has {left[0]} in it", _EDIT)


def _check_attribute(attribute: Any, where: str, tell: Tell) -> None:
    rules = "change it by [attributes] in collection.toml"
    if not isinstance(attribute, dict):
        tell(f"{where} is {quoted(attribute)}, no object", "write {trait_type, value}")
        return
    name, value, kind = (attribute.get(key) for key in ("trait_type", "value", "display_type"))
    if "trait_type" in attribute and not (isinstance(name, str) and name.strip()):
        tell(f"{where} has the trait_type {quoted(name)}", "give it a name, or leave the key out")
    where = f"{where} ({quoted(name)})"
    if not (is_number(value) or (isinstance(value, str) and value.strip())):
        tell(f"{where} has the value {quoted(value)}", f"text or a finite number; {rules}")
    if kind is not None and kind not in (*DISPLAY_TYPES, "string"):
        tell(f"{where} has the display_type {quoted(kind)}", f"known are {', '.join(DISPLAY_TYPES)}; {rules}")
    elif kind in DISPLAY_TYPES and not is_number(value):
        tell(f"{where} is shown as {kind}, but {quoted(value)} is no number", rules)
    elif kind == "date" and not (isinstance(value, int) and 0 <= value < LATEST_DATE):
        tell(f"{where} is no date: {quoted(value)}", "write whole seconds since 1970, not milliseconds")
    if "max_value" in attribute:
        most = attribute["max_value"]
        if not is_number(most) or (is_number(value) and value > most):
            tell(f"{where} is {quoted(value)} out of {quoted(most)}", rules)
