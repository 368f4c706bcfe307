"""The release as spreadsheets: everything on a token in a line, and OpenSea's form of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from minting.manifest import TokenEntry

Listed = Sequence[tuple[TokenEntry, dict[str, Any]]]
"""Tokens with their metadata, by number."""


def token_table(tokens: Listed) -> str:
    """CSV with a line for each token: its files, and where it came from."""
    columns = list(_origin(tokens[0][1]))
    rows = (
        [entry.number, entry.name, entry.image.path, entry.image.cid, entry.image.sha256, *_origin(about).values()]
        for entry, about in tokens
    )
    return _csv(["number", "name", "image", "image_cid", "image_sha256", *columns], rows)


def opensea_table(tokens: Listed) -> str:
    """CSV as OpenSea's studio takes it beside the images: a column "attributes[NAME]" for every trait."""
    names = list(dict.fromkeys(_trait(one) for _, about in tokens for one in about["attributes"]))
    rows = []
    for entry, about in tokens:
        values = {_trait(one): one["value"] for one in about["attributes"]}
        image, url = PurePosixPath(entry.image.path).name, about.get("external_url", "")
        found = [values.get(name, "") for name in names]
        rows.append([entry.number, about["name"], about["description"], image, url, *found])
    header = ["tokenID", "name", "description", "file_name", "external_url"]
    return _csv([*header, *(f"attributes[{name}]" for name in names)], rows)


def _trait(attribute: dict[str, Any]) -> str:
    return str(attribute.get("trait_type", ""))


def _origin(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of a token's provenance fits a cell."""
    provenance = metadata["properties"]["provenance"]
    return {key: value for key, value in provenance.items() if not isinstance(value, dict)}


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(header)
    lines.writerows(rows)
    return text.getvalue()
