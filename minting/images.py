"""A token's picture as markets want it: enlarged by whole factors or smoothly, PNG or WebP, without loss."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from PIL import Image, PngImagePlugin

from errors import BadSetting, BadSource
from minting.metadata import Release

TEXT_CHUNK = "toadworks"
RESAMPLING = {"nearest": Image.Resampling.NEAREST, "lanczos": Image.Resampling.LANCZOS}
LARGEST_WEBP = 16383  # pixels a side: the format's own bound
_KEPT_MODES = {"L", "LA", "RGB", "RGBA"}


def release_image(file: Path | IO[bytes], release: Release) -> bytes:
    """The image in the release's size and format, squeezed without loss. Besides pixels and colour profile, only its
    text chunk "toadworks" (where it came from) is carried over, which a WebP has no place for.

    Raises BadSource for an image that does not decode, or that comes out larger than `image_limit` bytes; BadSetting
    for a size that does not suit it.
    """
    image, text = _opened(file)
    image = _resized(image, file, release)
    packed = io.BytesIO()
    profile: dict[str, Any] = {key: image.info[key] for key in ("icc_profile",) if key in image.info}
    image.info = {key: profile[key] for key in profile}
    if release.image_format == "webp":
        # exact: pixels under full transparency keep their colours, as in the PNG
        image.save(packed, "WEBP", lossless=True, method=6, exact=True, **profile)
    else:
        chunks = PngImagePlugin.PngInfo()
        if text is not None:
            chunks.add_text(TEXT_CHUNK, text)
        image.save(packed, "PNG", pnginfo=chunks, optimize=True)
    size = packed.tell()
    if release.image_limit and size > release.image_limit:
        smaller = "WebP, " if release.image_format == "png" else ""
        told = f"comes to {size} bytes, and release.image_limit is {release.image_limit}"
        raise BadSource(
            _name(file), f"the image {told}: {smaller}a smaller release.image_size or a higher limit would do"
        )
    return packed.getvalue()


def _opened(file: Path | IO[bytes]) -> tuple[Image.Image, str | None]:
    """The picture, in a mode that can be resampled and saved, and its text chunk."""
    try:
        with Image.open(file) as opened:
            opened.load()
            if opened.mode in _KEPT_MODES and "transparency" not in opened.info:
                image = opened.copy()
            else:  # a palette cannot be resampled, CMYK cannot be a PNG
                image = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadSource(_name(file), f"the image does not decode ({error})") from error
    return image, image.info.get(TEXT_CHUNK)


def _resized(image: Image.Image, file: Path | IO[bytes], release: Release) -> Image.Image:
    longer = max(image.size)
    if release.image_size and release.image_size != longer:
        if release.resampling == "nearest" and release.image_size % longer:
            raise BadSetting(
                release.settings_file,
                "release.image_size",
                f"{release.image_size} is no whole multiple of {longer}, the size of {_name(file)}, as nearest needs",
                f'0 (as it is), a multiple of {longer}, or resampling "lanczos"',
            )
        size = [max(1, round(side * release.image_size / longer)) for side in image.size]
        info = image.info
        image = image.resize((size[0], size[1]), RESAMPLING[release.resampling])
        image.info = info
    if release.image_format == "webp" and max(image.size) > LARGEST_WEBP:
        problem = f"{max(image.size)} pixels are more than a WebP can have"
        raise BadSetting(release.settings_file, "release.image_size", problem, f"{LARGEST_WEBP} at most, or PNG")
    return image


def _name(file: Path | IO[bytes]) -> Path | str:
    return file if isinstance(file, Path) else "the picture that was drawn"
