"""The images of a release: do they decode, are they what the manifest says, are no two the same?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from minting.linting.faults import Tell
from minting.manifest import MIMES

_HOME = re.compile(
    r"(?<![\w.:/])/(?:home|Users)/[^/\s\"'\\]+/|(?<![\w.:/])/root/|[A-Za-z]:(?:\\\\?|/)Users(?:\\\\?|/)[^\\/\s\"']+|file://"
)


@dataclass(frozen=True)
class Seen:
    """What an image is: `pixels` is a SHA-256 over its size and its pixels as RGBA, whatever the file's format."""

    width: int
    height: int
    mime: str
    pixels: str


def look(file: Path, tell: Tell, private: Iterable[str] = ()) -> Seen | None:
    """Decode an image to its last pixel; None, and a fault, where it does not."""
    try:
        with Image.open(file) as image:
            image.load()
            mime = Image.MIME.get(image.format or "", "")
            for key, value in image.info.items():
                if isinstance(value, str | bytes):
                    text = value if isinstance(value, str) else value.decode("latin-1")
                    check_private(text, f"its {key!r}", tell, private)
            rgba = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        tell(f"does not decode ({error})", "export again")
        return None
    pixels = hashlib.sha256(b"%d %d " % rgba.size)
    pixels.update(rgba.tobytes())
    if mime != MIMES.get(file.suffix):
        tell(f"is {mime or 'of an unknown kind'}, which its ending does not say", "export again")
    return Seen(*rgba.size, mime, pixels.hexdigest())


def check_private(text: str, where: str, tell: Tell, private: Iterable[str] = ()) -> None:
    """Nothing that leaves the house names a folder of it. `private`: paths of this machine besides people's homes."""
    found = _HOME.search(text)
    named = found.group() if found else next((path for path in private if path and _names(text, path)), "")
    if named:
        tell(
            f"{where} names a private path, {named}", "take it out of the names, texts or attributes, and export again"
        )


def _names(text: str, path: str) -> bool:
    """Is it there as a path of its own, and not as a piece of an address or of another path's name?"""
    return path in text and bool(re.search(rf"(?<![\w./-]){re.escape(path)}(?![\w-])", text))
