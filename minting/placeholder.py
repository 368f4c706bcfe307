"""What is shown until the reveal: one picture for all tokens, and a promise of the release behind it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from errors import BadRelease, BadSetting
from minting.images import release_image
from minting.linting import lint
from minting.manifest import Manifest, Picture, Promise, TokenEntry, provenance
from minting.metadata import FORMATS, Release, collection_metadata
from minting.release import COLLECTION, Meter, Writer, about_image, silent
from minting.shuffling import Shuffle
from minting.swapping import refused, replacing

SIDE, FIELDS = 64, 8  # pixels of the picture that is drawn where none is given, and fields along its side
DESCRIPTION = "Not revealed yet."


def write_placeholder(folder: Path, behind: Manifest, release: Release, meter: Meter = silent) -> Path:
    """Write the pre-reveal release of the one whose manifest is `behind`: as many tokens, with one picture, no
    attributes, and nothing of where they came from. Its manifest holds the promise: the number of tokens, the
    provenance hash over the images, and the commitment of a shuffle if there is one.

    The picture is `release.placeholder_image`, a file beside the collection.toml, or one that is drawn from the
    collection's name. Raises as `write_release` does.
    """
    folder = folder.resolve()
    with replacing(folder) as unfinished:
        writer = Writer(unfinished, release, (), meter)
        (unfinished / "images").mkdir()
        path = f"images/placeholder{FORMATS[release.image_format]}"
        (unfinished / path).write_bytes(_picture(release))
        writer.add_part("images")
        picture = Picture(path=path, cid=writer.cids[path], **about_image((unfinished / path).read_bytes(), path))
        uri = writer.image_uri(path)
        names = {token.number: f"{release.collection} #{token.number}" for token in behind.tokens}
        (unfinished / "metadata").mkdir()
        for number, name in names.items():
            about: dict[str, object] = {"name": name, "description": DESCRIPTION, "image": uri}
            if release.standard == "ERC-1155":
                about["decimals"] = 0
            writer.write_json(release.metadata_path(number), about)
        writer.add_part("metadata")
        entries = [
            TokenEntry(
                number=number,
                name=name,
                source="",
                source_licence="",
                recipe="",
                model="",
                weights_sha256="",
                image=picture,
                metadata=writer.file(release.metadata_path(number)),
            )
            for number, name in names.items()
        ]
        writer.write_json(COLLECTION, collection_metadata(release, uri))
        writer.write_manifest("placeholder", entries, promise_of(behind), behind.shuffle)
        if faults := lint(unfinished):
            raise BadRelease(refused(folder), list(map(str, faults)))
    return folder


def promise_of(behind: Manifest) -> Promise:
    return Promise(count=len(behind.tokens), provenance_sha256=behind.provenance.sha256)


def broken_promises(promise: Promise, shuffle: Mapping[str, Any] | None, release: Manifest) -> list[str]:
    """What of a placeholder's promise, and of the commitment that it was published with, the release does not keep;
    tokens may have been added behind those promised."""
    if len(release.tokens) < promise.count:
        return [f"{promise.count} tokens were promised, and there are {len(release.tokens)}"]
    if shuffle and Shuffle(shuffle).state == "committed":
        given = release.shuffle or {}
        if changed := [key for key in shuffle if given.get(key) != shuffle[key]]:
            return [f"the shuffle is not the one that was committed to: {', '.join(changed)}"]
        return unrevealed(release)
    images = [token.image for token in release.tokens[: promise.count]]
    if provenance(images).sha256 != promise.provenance_sha256:
        return ["the images, or their order, are not those whose provenance hash was published with the placeholder"]
    return []


def unrevealed(release: Manifest) -> list[str]:
    """A release that is still in the order before its shuffle must not get out: it would tell who gets what."""
    if release.shuffle and Shuffle(release.shuffle).state != "revealed":
        return ["the shuffle is not revealed: `toadworks shuffle reveal` comes first, then `toadworks export`"]
    return []


def _picture(release: Release) -> bytes:
    if release.placeholder_image:
        file = Path(release.settings_file).parent / release.placeholder_image
        if not file.is_file():
            raise BadSetting(release.settings_file, "release.placeholder_image", f"there is no {file}", "an image")
        return release_image(file, release)
    packed = io.BytesIO()
    drawn(release.collection).save(packed, "PNG")
    packed.seek(0)
    return release_image(packed, release)


def drawn(name: str) -> Image.Image:
    """Fields in shades of one colour: it differs between collections, and shows nothing of what is behind."""
    digest = np.frombuffer(hashlib.shake_256(name.encode()).digest(FIELDS * FIELDS + 3), np.uint8)
    colour = 64 + digest[:3] / 2
    shades = 0.55 + digest[3:].reshape(FIELDS, FIELDS, 1) / 255 * 0.45
    pixels = (colour * shades).astype(np.uint8)
    return Image.fromarray(pixels.repeat(SIDE // FIELDS, 0).repeat(SIDE // FIELDS, 1))
