"""Style catalogues: what they give, and that every mistake is named with its file, its key and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from errors import BadSetting
from styles.catalogue import SHIPPED, Style, catalogue_file, read_catalogue, shipped_catalogues

T = 20
GOOD = """
guidance_scales = [2, 4.5]
insertion_steps = [0.3, 12]
[[styles]]
name = "crayon"
prompt = "a crayon doodle of a toad"
[[styles]]
name = " ink "
prompt = "cafe\u0301 ink"
guidance_scales = [3]
insertion_steps = [0, 20, 0.999, 0.001, 8]
"""


def read(folder: Path, text: str, steps: int = T) -> list[Style]:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return read_catalogue(file, steps)


@pytest.mark.parametrize("name", shipped_catalogues())
@pytest.mark.parametrize("steps", [1, 20, 1000])
def test_shipped_catalogues_read(name: str, steps: int) -> None:
    styles = read_catalogue(SHIPPED / f"{name}.toml", steps)
    assert len(styles) > 3 and "toads" in shipped_catalogues()
    assert all(0 <= step <= steps for style in styles for step in style.insertion_steps)


def test_styles_have_their_own_numbers_or_the_file_s(tmp_path: Path) -> None:
    crayon, ink = read(tmp_path, GOOD)
    assert crayon == Style("crayon", "a crayon doodle of a toad", (2.0, 4.5), (6, 12))
    assert ink == Style("ink", "caf\u00e9 ink", (3.0,), (0, 20, 8))


def test_fractions_follow_the_number_of_steps(tmp_path: Path) -> None:
    text = GOOD.replace("[0.3, 12]", "[0.3, 0.5]").replace("[0, 20, 0.999, 0.001, 8]", "[0.4]")
    assert [style.insertion_steps for style in read(tmp_path, text, steps=100)] == [(30, 50), (40,)]


def test_repeated_numbers_count_once(tmp_path: Path) -> None:
    text = GOOD.replace("[2, 4.5]", "[2, 4.5, 2.0]").replace("[0.3, 12]", "[6, 0.3, 12]")
    assert read(tmp_path, text)[0] == Style("crayon", "a crayon doodle of a toad", (2.0, 4.5), (6, 12))


WRONG: dict[str, tuple[str, str, str, str]] = {  # what: (instead of, written, key, allowed)
    "empty prompt": ('"a crayon doodle of a toad"', '"  "', "styles[1].prompt", "text"),
    "missing prompt": ('prompt = "a crayon doodle of a toad"', "", "styles[1].prompt", "text"),
    "prompt a number": ('"a crayon doodle of a toad"', "7", "styles[1].prompt", "text"),
    "empty name": ('"crayon"', '""', "styles[1].name", "text"),
    "name a list": ('"crayon"', '["crayon"]', "styles[1].name", "text"),
    "repeated prompt": ('"cafe\u0301 ink"', '"A  crayon doodle of a TOAD"', "styles[2].prompt", "each only once"),
    "repeated name": ('" ink "', '"Crayon"', "styles[2].name", "each only once"),
    "scale a text": ("[2, 4.5]", '[2, "4.5"]', "styles[1].guidance_scales", "finite numbers"),
    "scale nan": ("[2, 4.5]", "[nan]", "styles[1].guidance_scales", "finite numbers"),
    "scale infinite": ("[2, 4.5]", "[-inf]", "styles[1].guidance_scales", "finite numbers"),
    "scale a bool": ("[2, 4.5]", "[true]", "styles[1].guidance_scales", "finite numbers"),
    "scale beyond floats": ("[2, 4.5]", f"[1{'0' * 400}]", "styles[1].guidance_scales", "finite numbers"),
    "no list of scales": ("[2, 4.5]", "2", "styles[1].guidance_scales", "list"),
    "empty scales": ("[3]", "[]", "styles[2].guidance_scales", "list"),
    "no scales": ("guidance_scales = [2, 4.5]", "", "styles[1].guidance_scales", "list"),
    "step above T": ("[0.3, 12]", "[21]", "styles[1].insertion_steps", "0..20"),
    "step below 0": ("[0.3, 12]", "[-1]", "styles[1].insertion_steps", "0..20"),
    "fraction above 1": ("[0.3, 12]", "[1.5]", "styles[1].insertion_steps", "fractions of T between 0 and 1"),
    "fraction below 0": ("[0.3, 12]", "[-0.5]", "styles[1].insertion_steps", "fractions of T between 0 and 1"),
    "step nan": ("[0.3, 12]", "[nan]", "styles[1].insertion_steps", "0..20"),
    "step a bool": ("[0.3, 12]", "[true]", "styles[1].insertion_steps", "0..20"),
    "step a text": ("[0.3, 12]", '["6"]', "styles[1].insertion_steps", "0..20"),
    "no steps": ("insertion_steps = [0.3, 12]", "", "styles[1].insertion_steps", "0..20"),
    "unknown key": ("guidance_scales = [3]", "guidance_scale = [3]", "styles[2].guidance_scale", "insertion_steps"),
    "unknown top key": ("guidance_scales = [2, 4.5]", "scales = [2]", "scales", "guidance_scales"),
}


@pytest.mark.parametrize("what", WRONG)
def test_mistake_is_named(tmp_path: Path, what: str) -> None:
    before, after, key, allowed = WRONG[what]
    assert GOOD.count(before) == 1
    with pytest.raises(BadSetting) as caught:
        read(tmp_path, GOOD.replace(before, after))
    assert caught.value.key == key and allowed in caught.value.allowed
    assert caught.value.file == str(tmp_path / "mine.toml")
    assert str(caught.value).startswith(f"{tmp_path / 'mine.toml'}: {key}: ")


@pytest.mark.parametrize("text", ["", "guidance_scales = [2]", "styles = []", "styles = 3", "styles = [3]", "[styles]"])
def test_catalogue_without_styles_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSetting, match=r"mine\.toml: styles.*\[\[styles\]\]"):
        read(tmp_path, text)


@pytest.mark.parametrize("content", [b"styles = [", b"\xff\xfe", b"a = 1\na = 2"])
def test_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(BadSetting, match=r"mine\.toml: the file: is not TOML"):
        read_catalogue(tmp_path / "mine.toml", T)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"gone\.toml: the file: cannot be read"):
        read_catalogue(tmp_path / "gone.toml", T)


def test_catalogue_is_shipped_or_beside_the_collection(tmp_path: Path) -> None:
    expected: dict[str, Any] = {"toads": SHIPPED / "toads.toml", "mine.toml": tmp_path / "mine.toml"}
    assert {name: catalogue_file(name, tmp_path) for name in expected} == expected
