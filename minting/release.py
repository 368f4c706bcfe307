"""Writes a release: numbered images, their metadata, the collection's own, a table and a gallery page.

The folder appears whole or not at all, and the same tokens give the same bytes.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from errors import BadSetting, BadSource, BadValue, NothingLeft, ToadworksError
from minting.gallery import gallery_page
from minting.metadata import Release, Token, fill_in, token_metadata

__all__ = ["BadNumbers", "Release", "Token", "release_image", "write_release"]

TEXT_CHUNK = "toadworks"
CONTENTS = {"images", "metadata", "collection.json", "collection.csv", "index.html"}
_KEPT_MODES = {"L", "LA", "RGB", "RGBA"}
RESAMPLING = {"nearest": Image.Resampling.NEAREST, "lanczos": Image.Resampling.LANCZOS}


class BadNumbers(ToadworksError):
    """Token numbers that do not run from 1 without a gap or a repeat."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"token numbers must run from 1 without a gap: {problem}")
        self.problem = problem


def write_release(
    folder: Path, tokens: Sequence[Token], release: Release, progress: Callable[[int], None] | None = None
) -> Path:
    """Write `folder` with images/1.png, metadata/1.json, metadata/_metadata.json (all of them), collection.json
    (contract metadata, ERC-7572), collection.csv and index.html; return its path. An earlier release there is replaced.

    Everything is written beside it, as <name>.tmp-<process>, and swapped in at the end: until then, and if anything
    fails, the earlier release stays. One process at a time may write to a folder. `progress` gets the number of tokens
    done. Raises NothingLeft without tokens, BadNumbers, BadSetting for settings that cannot be used, BadSource for an
    image that does not decode, BadValue where `folder` holds something that is no release.
    """
    tokens = sorted(tokens, key=lambda token: token.number)
    _check_numbers([token.number for token in tokens])
    check_release(release)
    folder = folder.resolve()
    _check_replaceable(folder)
    metadata = [token_metadata(token, release) for token in tokens]

    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for name in ("images", "metadata"):
            (unfinished / name).mkdir(parents=True)
        for done, (token, about) in enumerate(zip(tokens, metadata, strict=True), start=1):
            (unfinished / "images" / f"{token.number}.png").write_bytes(release_image(token.image, release))
            _write_json(unfinished / "metadata" / f"{token.number}.json", about)
            if progress:
                progress(done)
        _write_json(unfinished / "metadata" / "_metadata.json", metadata)
        _write_json(unfinished / "collection.json", collection_metadata(release))
        (unfinished / "collection.csv").write_text(_table(tokens, metadata), encoding="utf-8", newline="")
        page = gallery_page(release, list(zip(tokens, metadata, strict=True)))
        (unfinished / "index.html").write_text(page, encoding="utf-8", newline="")
        _swap_in(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder


def release_image(file: Path, release: Release) -> bytes:
    """The image as a PNG in the release's size, squeezed without loss. Besides pixels and colour profile, only its
    text chunk "toadworks" (where it came from) is carried over. Raises BadSource, BadSetting."""
    try:
        with Image.open(file) as opened:
            opened.load()
            if opened.mode in _KEPT_MODES and "transparency" not in opened.info:
                image = opened.copy()
            else:  # a palette cannot be resampled, CMYK cannot be a PNG
                image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadSource(file, f"the image does not decode ({error})") from error
    longer = max(image.size)
    if release.image_size and release.image_size != longer:
        if release.resampling == "nearest" and release.image_size % longer:
            raise BadSetting(
                release.settings_file,
                "release.image_size",
                f"{release.image_size} is no whole multiple of {longer}, the size of {file}, as nearest needs",
                f'0 (as it is), a multiple of {longer}, or resampling "lanczos"',
            )
        size = [max(1, round(side * release.image_size / longer)) for side in image.size]
        image = image.resize((size[0], size[1]), RESAMPLING[release.resampling])
    text = image.info.get(TEXT_CHUNK)
    image.info = {key: image.info[key] for key in ("icc_profile",) if key in image.info}
    chunks = PngImagePlugin.PngInfo()
    if text is not None:
        chunks.add_text(TEXT_CHUNK, text)
    packed = io.BytesIO()
    image.save(packed, "PNG", pnginfo=chunks, optimize=True)
    return packed.getvalue()


def collection_metadata(release: Release) -> dict[str, str]:
    """The collection's own JSON object, which `contractURI` names (ERC-7572); its picture is the first token's."""
    about = {
        "name": release.collection,
        "symbol": release.symbol,
        "description": release.description,
        "image": release.image_uri(1, within="images/"),
        "external_link": release.external_url,
    }
    return {key: value for key, value in about.items() if value}


def _check_numbers(numbers: Sequence[int]) -> None:
    """`numbers` are sorted. Says which is the first that is missing, repeated or too small."""
    if not numbers:
        raise NothingLeft("there are no tokens to release: accept some candidates first")
    for expected, number in enumerate(numbers, start=1):
        if number < 1:
            raise BadNumbers(f"{number} is too small")
        if number < expected:
            raise BadNumbers(f"{number} is there twice")
        if number > expected:
            raise BadNumbers(f"{expected} is missing")


def check_release(release: Release) -> None:
    """Raises BadSetting for settings that no release can be written with."""
    file = release.settings_file
    if not release.collection.strip():
        raise BadSetting(file, "release.collection", "is empty", "the new collection's name")
    if release.resampling not in RESAMPLING:
        raise BadSetting(file, "release.resampling", f"{release.resampling!r} is not known", ", ".join(RESAMPLING))
    if release.image_size < 0:
        raise BadSetting(file, "release.image_size", f"{release.image_size} is negative", "0 (as it is) or pixels")
    if release.external_url and not release.external_url.startswith(("https://", "http://", "ipfs://")):
        problem = f"{release.external_url!r} is no web address"
        raise BadSetting(file, "release.external_url", problem, "https://, http://, ipfs://")
    example: dict[str, str | int] = {"collection": "", "number": 1, "source": "", "style": ""}
    fill_in("release.name_template", release.name_template, example, file)
    fill_in("release.description_template", release.description_template, example, file)


def _check_replaceable(folder: Path) -> None:
    """A release replaces a release: anything else in the folder is somebody's work and is not deleted."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BadValue("release folder", str(folder), "a new folder, not a file")
    others = sorted({entry.name for entry in folder.iterdir()} - CONTENTS - {".DS_Store", "Thumbs.db"})
    if others:
        raise BadValue("release folder's entry", others[0], f"{', '.join(sorted(CONTENTS))} in {folder}")


def _swap_in(unfinished: Path, folder: Path) -> None:
    """Two renames: killed between them, the name is free and both releases are whole beside it."""
    earlier = unfinished.with_name(f"{unfinished.name}-earlier")
    try:
        if folder.exists():
            shutil.rmtree(earlier, ignore_errors=True)
            folder.rename(earlier)
        unfinished.rename(folder)
    except BaseException:
        if earlier.exists() and not folder.exists():
            earlier.rename(folder)
        raise
    # What is left beside it: the earlier release, and what runs that were killed had begun.
    for left in folder.parent.glob(f"{glob.escape(folder.name)}.tmp-[0-9]*"):
        shutil.rmtree(left, ignore_errors=True)


def _write_json(file: Path, content: Any) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    file.write_text(text, encoding="utf-8", newline="")


def _columns(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of a token's provenance fits a cell."""
    provenance = metadata["properties"]["provenance"]
    return {key: value for key, value in provenance.items() if not isinstance(value, dict)}


def _table(tokens: Sequence[Token], metadata: Sequence[dict[str, Any]]) -> str:
    """CSV with a line for each token: what a spreadsheet needs to check or sort the drop."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["number", "name", "image", *_columns(metadata[0])])
    for token, about in zip(tokens, metadata, strict=True):
        lines.writerow([token.number, about["name"], f"images/{token.number}.png", *_columns(about).values()])
    return text.getvalue()
