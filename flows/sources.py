"""Reading a user's source files: which there are, and one file's pixels and attributes. Everything untidy ends in a
BadSource that says what is wrong with which file."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from collection_db import Assets
from errors import BadSource, DamagedAsset, MissingAsset

SUFFIXES = (".png", ".gif", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
LARGEST_PIXELS = 50_000_000  # a decoded frame of this size takes 200 MB
LARGEST_SIDE = 20_000  # a picture that is not square is centred on a square
LARGEST_METADATA = 4_000_000  # bytes
LARGEST_NUMBER = 10**100
# what Pillow raises for damaged files, besides its own errors
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error, IndexError, TypeError, KeyError)


@dataclass(frozen=True)
class SourceImage:
    """One source's taken frame: RGB, or RGBA where a pixel is transparent."""

    image: Image.Image
    frames: int

    @property
    def pixels_sha256(self) -> str:
        """SHA-256 over mode, size and pixels: the same picture in another file format is the same source."""
        head = f"{self.image.mode} {self.image.width} {self.image.height} ".encode()
        return hashlib.sha256(head + self.image.tobytes()).hexdigest()

    @property
    def mask(self) -> Image.Image | None:
        """Alpha as 8-bit grey, or None where everything is opaque."""
        return self.image.getchannel("A") if self.image.mode == "RGBA" else None


def find_sources(folder: Path) -> tuple[dict[str, Path], list[tuple[str, str]]]:
    """({id: file} in natural order, [(file, reason)] of what cannot be taken).

    An id is the file's name without the ending: of two files with one id neither is taken.
    """
    by_id: dict[str, list[Path]] = defaultdict(list)
    refused = []
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        if file.suffix.lower() not in SUFFIXES:
            refused.append((file.name, f"not an image file; taken are {', '.join(SUFFIXES)}"))
            continue
        by_id[file.stem].append(file)
    for id, files in by_id.items():
        if len(files) > 1:
            names = " and ".join(file.name for file in files)
            refused += [(file.name, f"{names} have the same id {id!r}; keep one of them") for file in files]
    taken = {id: files[0] for id, files in by_id.items() if len(files) == 1}
    return dict(sorted(taken.items(), key=lambda pair: natural_order(pair[0]))), refused


def natural_order(text: str) -> list[tuple[int, int, str]]:
    """A sort key that puts 2 before 10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def read_image(file: Path, frame: int = 0) -> SourceImage:
    """Frame `frame` of an image file, upright and in sRGB. Raises BadSource for what does not decode, is larger than
    50 megapixels or has fewer frames."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(file) as opened:
                if opened.width * opened.height > LARGEST_PIXELS:
                    megapixels = opened.width * opened.height / 1e6
                    raise BadSource(
                        file, f"has {megapixels:.0f} megapixels; at most {LARGEST_PIXELS / 1e6:.0f} are taken"
                    )
                if max(opened.size) > LARGEST_SIDE:
                    raise BadSource(file, f"is {max(opened.size)} pixels long; at most {LARGEST_SIDE} are taken")
                frames = getattr(opened, "n_frames", 1)
                if frame >= frames:
                    raise BadSource(file, f"has {frames} frames; frame {frame} (counted from 0) is not there")
                opened.seek(frame)
                opened.load()
                return SourceImage(_plain(opened), frames)
    except Image.DecompressionBombError as error:
        raise BadSource(file, f"is too large to decode ({error})") from error
    except UNREADABLE as error:
        raise BadSource(file, f"does not decode as an image ({_short(error)})") from error


def _plain(opened: Image.Image) -> Image.Image:
    """RGB, or RGBA where a pixel is really transparent; the camera's turn and the colour profile applied."""
    profile = opened.info.get("icc_profile")
    try:
        upright = ImageOps.exif_transpose(opened)
    except UNREADABLE:
        upright = opened  # damaged camera data says nothing of the picture
    if upright.mode.startswith("I"):  # 16 bits of grey: Pillow would clip them at 255
        upright = Image.fromarray((np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    image = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    if profile and opened.mode in ("RGB", "RGBA"):
        image = _in_srgb(image, profile)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image  # a damaged profile says nothing: the pixels are taken as sRGB, as browsers do
    return converted or image


def asset_picture(assets: Assets, sha256: str) -> Image.Image:
    """A picture of the asset store. Raises RunFailed where it is missing or damaged."""
    return Image.open(io.BytesIO(assets.read(sha256)))


@dataclass
class Pictures:
    """Pictures of an asset store to be drawn; those that are not there are counted and left out."""

    assets: Assets
    lost: int = 0

    def get(self, sha256: str) -> Image.Image | None:
        """The picture, or None where it is missing or damaged."""
        try:
            return asset_picture(self.assets, sha256)
        except (MissingAsset, DamagedAsset):
            self.lost += 1
            return None

    def told(self) -> str:
        """A sentence on those that were left out; empty where there are none."""
        if not self.lost:
            return ""
        return f"{self.lost} pictures are left out: they were freed, or are missing or damaged; see `toadworks check`"


def read_attributes(file: Path) -> list[dict[str, Any]]:
    """The "attributes" of a token's OpenSea metadata. Raises BadSource where the file is not such JSON."""
    try:
        if file.stat().st_size > LARGEST_METADATA:
            raise BadSource(file, f"is larger than {LARGEST_METADATA // 1_000_000} MB")
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        raise BadSource(file, f"the metadata is not JSON ({_short(error)})") from error
    if not isinstance(content, dict):
        raise BadSource(file, "the metadata is not a JSON object")
    attributes = content.get("attributes", [])
    if not isinstance(attributes, list) or not all(_is_attribute(given) for given in attributes):
        raise BadSource(file, 'metadata: "attributes" is not a list of {"trait_type": text, "value": text or number}')
    return attributes


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _is_attribute(given: Any) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("trait_type", ""), str):
        return False
    value = given.get("value")
    if isinstance(value, int):
        return abs(value) < LARGEST_NUMBER
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
