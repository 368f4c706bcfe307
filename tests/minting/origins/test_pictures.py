"""Images by their bytes, and SVG that wants more than to be drawn."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from errors import BadSource
from minting.origins.pictures import called, check_svg, draw, suffix_of
from tests.conftest import missing

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 24 24">'
TOAD = f'{HEAD}<rect width="24" height="24" fill="#0f0"/><rect x="6" y="6" width="12" height="12" fill="#f00"/></svg>'


@pytest.fixture(autouse=True)
def resvg() -> None:
    try:
        import resvg_py  # noqa: F401
    except ImportError:
        missing('nothing draws SVG: install the extra "svg"')


def picture(kind: str) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(packed, kind)
    return packed.getvalue()


def drawn(svg: str) -> Image.Image:
    return Image.open(io.BytesIO(draw(svg.encode(), "token"))).convert("RGB")


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("PNG", ".png"), ("GIF", ".gif"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("BMP", ".bmp"), ("TIFF", ".tif")],
)
def test_image_is_known_by_its_bytes(kind: str, suffix: str) -> None:
    assert suffix_of(picture(kind)) == suffix


@pytest.mark.parametrize(
    "before",
    ["", "\ufeff", "\n  ", '<?xml version="1.0"?>\n', "<!-- toad -->", '<!DOCTYPE svg PUBLIC "x" "http://y/z.dtd">'],
)
def test_svg_is_known_by_its_bytes(before: str) -> None:
    assert suffix_of((before + TOAD).encode()) == ".svg"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\x00\x00\x00\x18ftypmp42", "a video"),
        (b"glTF\x02", "a 3D model"),
        (b'{"error": 1}', "JSON"),
        (b"%!PS-Adobe-3.0 EPSF", "of no kind"),
        (b"", "of no kind"),
        (b"<html><svg></svg></html>", "a web page"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(data: bytes, told: str) -> None:
    assert suffix_of(data) == "" and told in called(data)


def test_svg_is_drawn_sharp_and_large() -> None:
    image = drawn(TOAD)
    assert image.size == (1024, 1024)
    assert sorted(colour for _, colour in image.getcolors()) == [(0, 255, 0), (255, 0, 0)]


def test_image_within_is_drawn() -> None:
    png = base64.b64encode(picture("PNG")).decode()
    image = drawn(f'{HEAD}<image width="24" height="24" href="data:image/png;base64,{png}"/></svg>')
    assert image.getpixel((512, 512)) == (0, 128, 0)
    inner = base64.b64encode(TOAD.encode()).decode()
    image = drawn(f'{HEAD}<image width="24" height="24" xlink:href="data:image/svg+xml;base64,{inner}"/></svg>')
    assert image.getpixel((512, 512)) == (255, 0, 0)


@pytest.mark.parametrize(
    "to",
    [
        "https://toadz.example/1.png",
        "http://169.254.169.254/",
        "//x/1.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "1.png",
        " ../../toad.png",
    ],
)
@pytest.mark.parametrize("how", ["href", "xlink:href", "HREF"])
def test_svg_that_names_other_files_is_refused(to: str, how: str) -> None:
    with pytest.raises(BadSource, match="another file"):
        draw(f'{HEAD}<image width="24" height="24" {how}="{to}"/></svg>'.encode(), "token")


def test_file_of_this_machine_is_not_drawn(tmp_path: Path) -> None:
    """Also not from an SVG within, however deep."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("PNG"))
    svg = f'{HEAD}<image width="24" height="24" href="{secret}"/></svg>'
    for _ in range(3):
        with pytest.raises(BadSource, match=r"another file|holds others"):
            draw(svg.encode(), "token")
        packed = base64.b64encode(svg.encode()).decode()
        svg = f'{HEAD}<image width="24" height="24" href="data:image/svg+xml;base64,{packed}"/></svg>'


@pytest.mark.parametrize(
    ("svg", "told"),
    [
        (f'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>{TOAD}', "declares entities"),
        (f'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>{TOAD}', "declares entities"),
        (f"{HEAD}<text>&a;</text></svg>", "damaged"),
        (f"{HEAD}<g>", "damaged"),
        (HEAD + "<g>" * 5000 + "</g>" * 5000 + "</svg>", "within each other"),
        (HEAD + "<g/>" * 100_001 + "</svg>", "elements"),
        (f"{HEAD}<foreignObject><div/></foreignObject></svg>", "HTML"),
        ("<html/>", "no SVG"),
        (f"{HEAD}<!--{'x' * 4_000_000}--></svg>", "larger than 4 MB"),
        (f'{HEAD}<image href="data:text/html,hi"/></svg>', "of a kind"),
    ],
)
def test_svg_that_cannot_be_trusted_is_refused(svg: str, told: str) -> None:
    with pytest.raises(BadSource, match=told):
        check_svg(svg.encode(), "token")


def test_svg_that_is_not_utf_8_is_refused() -> None:
    for svg in (TOAD.encode("utf-16"), TOAD.replace("#0f0", "ü").encode("latin-1")):
        with pytest.raises(BadSource, match=r"UTF-8|damaged"):
            check_svg(svg, "token")


def test_svg_bomb_costs_little() -> None:
    """Ten to the ninth rectangles in a few lines."""
    levels = "".join(f'<g id="a{at}">' + f'<use href="#a{at - 1}"/>' * 10 + "</g>" for at in range(1, 10))
    bomb = f'{HEAD}<defs><g id="a0"><rect width="1" height="1"/></g>{levels}</defs><use href="#a9"/></svg>'
    with pytest.raises(BadSource, match=r"too much memory or time|cannot be drawn"):
        draw(bomb.encode(), "token")


@pytest.mark.parametrize("size", ["1e9", "0", "-5", "nan"])
def test_svg_of_any_size_is_drawn_or_refused(size: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}"><rect width="9" height="9"/></svg>'
    try:
        assert max(drawn(svg).size) <= 1024
    except BadSource as error:
        assert "draw" in str(error)


def test_missing_renderer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadSource, match=r"toadworks\[svg\]"):
        draw(TOAD.encode(), "token")
