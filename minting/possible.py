"""Are the settings of a release ones that it can be written with?"""

from __future__ import annotations

import re
from collections.abc import Collection

from errors import BadSetting
from minting.attributes import check_rules
from minting.images import RESAMPLING
from minting.ipfs import PROFILES
from minting.linting.faults import WEB_SCHEMES, Tell
from minting.linting.metadata import check_address, check_royalty
from minting.metadata import FORMATS, STANDARDS, TEMPLATES, Release, fill_in

URIS = ("external_url", "collection_image", "banner_image", "featured_image", "image_base_uri", "metadata_base_uri")


def check_release(release: Release) -> None:
    """Raises BadSetting for settings that no release can be written with."""
    file = release.settings_file

    def require(key: str, holds: bool, problem: str, allowed: str) -> None:
        if not holds:
            raise BadSetting(file, f"release.{key}", problem, allowed)

    def among(key: str, allowed: Collection[str]) -> None:
        require(key, getattr(release, key) in allowed, f"{getattr(release, key)!r} is not known", ", ".join(allowed))

    def told(key: str) -> Tell:
        return lambda problem, remedy: require(key, False, problem, remedy)

    require("collection", bool(release.collection.strip()), "is empty", "the new collection's name")
    among("standard", STANDARDS)
    among("profile", PROFILES)
    among("image_format", FORMATS)
    among("resampling", RESAMPLING)
    require("image_size", release.image_size >= 0, f"{release.image_size} is negative", "0 (as it is) or pixels")
    require("image_limit", release.image_limit >= 0, f"{release.image_limit} is negative", "0 (no limit) or bytes")
    for key in URIS:
        given = getattr(release, key)
        problem = f"{given!r} is no web address"
        require(key, not given or given.startswith(WEB_SCHEMES), problem, f"empty, {', '.join(WEB_SCHEMES)}")
    colour = release.background_color
    written = not colour or bool(re.fullmatch("[0-9a-fA-F]{6}", colour))
    require("background_color", written, f"{colour!r} is no colour", 'six hexadecimal digits without #, or ""')
    check_royalty(release.royalty_basis_points, release.royalty_recipient, told("royalty_basis_points"))
    for person in release.collaborators:
        check_address(person, "collaborator", told("collaborators"))
    example: dict[str, str | int] = {"collection": "", "number": 1, "source": "", "style": ""}
    for key in TEMPLATES:
        fill_in(f"release.{key}", getattr(release, key), example, file)
    check_rules(release.rules, file)
