"""What a token's image is, by its bytes; and SVG, which is drawn to pixels, without a look at any other file."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from xml.parsers import expat

from errors import BadSource
from minting.origins.uris import data_of

SIDE = 1024  # pixels of the longer side of an SVG's drawing
LARGEST_SVG, MOST_ELEMENTS, MOST_NESTED = 4_000_000, 100_000, 100  # bytes
MOST_WITHIN = 2  # SVGs in an SVG's images, and in theirs
DRAWING_S = 30  # seconds, of which it may compute some
EXTRA = 'drawing SVG needs the extra "svg": pip install "toadworks[svg]"'
_DRAW = Path(__file__).with_name("draw_svg.py")
_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), ".png"),
    (re.compile(rb"GIF8[79]a"), ".gif"),
    (re.compile(rb"\xff\xd8\xff"), ".jpg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), ".webp"),
    (re.compile(rb"BM"), ".bmp"),
    (re.compile(rb"II\*\x00|MM\x00\*"), ".tif"),
)
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s)*<(?:\w+:)?svg[\s>/]", re.DOTALL
)
_OTHERS = (
    (re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE), "a web page"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "a video"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "a video"),
    (re.compile(rb"glTF"), "a 3D model"),
    (re.compile(rb"%PDF"), "a PDF"),
    (re.compile(rb"\s*[{\[]"), "JSON"),
)


def suffix_of(data: bytes) -> str:
    """The ending that a file of such bytes should have: ".png", ".gif", ".jpg", ".webp", ".bmp", ".tif", ".svg"; "" for
    all else. Only the beginning is looked at."""
    head = data[:4096]
    found = next((suffix for magic, suffix in _MAGIC if magic.match(head)), "")
    return found or (".svg" if _SVG.match(head) else "")


def called(data: bytes) -> str:
    """What data is that is no image: "a web page"."""
    return next((name for magic, name in _OTHERS if magic.match(data[:200])), "of no kind that is known")


def draw(svg: bytes, shown: str) -> bytes:
    """A PNG of an SVG, 1024 pixels on its longer side, drawn by resvg. Raises BadSource (of `shown`) for what
    `check_svg` refuses, what does not draw, or what takes too much to draw."""
    check_svg(svg, shown)
    if importlib.util.find_spec("resvg_py") is None:
        raise BadSource(shown, EXTRA)
    command = [sys.executable, "-I", str(_DRAW), str(SIDE)]
    try:
        done = subprocess.run(command, input=svg, capture_output=True, timeout=DRAWING_S, check=False)
    except subprocess.TimeoutExpired:
        raise BadSource(shown, f"its SVG takes more than {DRAWING_S} s to draw") from None
    if done.returncode < 0:
        raise BadSource(shown, "its SVG takes too much memory or time to draw")
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        raise BadSource(shown, "its SVG cannot be drawn")
    return done.stdout


def check_svg(svg: bytes, shown: str, within: int = 0) -> None:
    """That drawing it needs no other file: what it refers to is in itself, or in data: URIs. Raises BadSource for what
    is no such SVG, declares entities, or is too large or nested too deep.

    Whoever draws it may look for the files that it names, also those of this machine.
    """
    if len(svg) > LARGEST_SVG or within > MOST_WITHIN:
        raise BadSource(shown, f"its SVG is larger than {LARGEST_SVG / 1e6:g} MB, or holds others in others")
    if any(svg.startswith(mark) for mark in (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b")):
        raise BadSource(shown, "its SVG is not UTF-8")
    parser = expat.ParserCreate("utf-8")
    depth = elements = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MOST_NESTED or elements > MOST_ELEMENTS:
            raise BadSource(
                shown, f"its SVG has more than {MOST_ELEMENTS} elements, or {MOST_NESTED} within each other"
            )
        if elements == 1 and name.rpartition(":")[2] != "svg":
            raise BadSource(shown, "it is no SVG")
        if name.rpartition(":")[2] == "foreignObject":
            raise BadSource(shown, "its SVG holds HTML, which is not drawn; its image would not be whole")
        for key, value in attributes.items():
            if key.rpartition(":")[2].lower() == "href" and name.rpartition(":")[2] != "a":
                _check_reference(value.strip(), shown, within)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*declared: object) -> None:
        raise BadSource(shown, "its SVG declares entities, which can stand for any amount of text")

    def doctype(name: str, system: str | None, public: str | None, has_subset: int) -> None:
        if has_subset:
            refuse()

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.EntityDeclHandler, parser.StartDoctypeDeclHandler = refuse, doctype
    try:
        parser.Parse(svg, True)
    except expat.ExpatError as error:
        raise BadSource(shown, f"its SVG is damaged ({expat.ErrorString(error.code)})") from None


def _check_reference(reference: str, shown: str, within: int) -> None:
    if reference.startswith("#") or not reference:
        return
    if not reference.lower().startswith("data:"):
        raise BadSource(shown, "its SVG refers to another file, which is not looked at; its image would not be whole")
    data = data_of(reference)
    if suffix_of(data) == ".svg" or "svg" in reference[:60].lower() or b"<svg" in data[:4096]:
        check_svg(data, shown, within + 1)
    elif not suffix_of(data):
        raise BadSource(shown, "its SVG holds an image of a kind that is not taken")
