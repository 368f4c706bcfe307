"""Style catalogues: a TOML file of named prompts, each with the guidance scales and insertion steps worth trying."""

from __future__ import annotations

import math
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import BadSetting

SHIPPED = Path(__file__).parent / "catalogues"
KEYS = ("guidance_scales", "insertion_steps")
STYLE_KEYS = ("name", "prompt", *KEYS)


@dataclass(frozen=True)
class Style:
    """A named prompt. `guidance_scales` are finite numbers; `insertion_steps` are k, 0..T, fractions of T resolved."""

    name: str
    prompt: str
    guidance_scales: tuple[float, ...]
    insertion_steps: tuple[int, ...]


def shipped_catalogues() -> list[str]:
    """Names of the catalogues that come with Toadworks."""
    return sorted(file.stem for file in SHIPPED.glob("*.toml"))


def catalogue_file(named: str, beside: Path) -> Path:
    """The file of a catalogue named in a collection.toml in the folder `beside`: a path, or a shipped one's name."""
    shipped = SHIPPED / f"{named}.toml"
    return shipped if shipped.is_file() else beside / named


def read_toml(file: Path) -> dict[str, Any]:
    """The file's content. Raises BadSetting where it cannot be read, with the line where it is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(file, "the file", f"cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(file, "the file", f"is not TOML: {error}") from error


def read_catalogue(file: Path, steps: int) -> list[Style]:
    """The styles of a catalogue, for T = `steps`.

    `guidance_scales` and `insertion_steps` at the top of the file serve every style that names none of its own; an
    insertion step is a whole number 0..T, or a fraction of T (0.4).

    Raises BadSetting, naming the file, the key and what is allowed, for an empty or repeated name or prompt, or a
    number that cannot be.
    """
    content = read_toml(file)
    _known_keys(content, (*KEYS, "styles"), file, "")
    tables = content.get("styles")
    if not isinstance(tables, list) or not tables:
        raise BadSetting(
            file, "styles", "there are none", "one [[styles]] table or more, each with a name and a prompt"
        )
    styles: list[Style] = []
    seen: dict[str, str] = {}
    for number, table in enumerate(tables, start=1):
        style = _style(table, content, file, f"styles[{number}]", steps)
        for key, text in (("name", style.name), ("prompt", style.prompt)):
            folded = f"{key} {' '.join(text.lower().split())}"
            if folded in seen:
                raise BadSetting(
                    file, f"styles[{number}].{key}", f"{text!r} is there already, in {seen[folded]}", "each only once"
                )
            seen[folded] = f"styles[{number}]"
        styles.append(style)
    return styles


def _style(table: Any, defaults: dict[str, Any], file: Path, where: str, steps: int) -> Style:
    if not isinstance(table, dict):
        raise BadSetting(file, where, f"{table!r} is not a table", "[[styles]] with a name and a prompt")
    _known_keys(table, STYLE_KEYS, file, f"{where}.")
    merged = {key: defaults[key] for key in KEYS if key in defaults} | table
    return Style(
        name=_text(merged, "name", file, where),
        prompt=_text(merged, "prompt", file, where),
        guidance_scales=guidance_scales(merged.get("guidance_scales"), file, f"{where}.guidance_scales"),
        insertion_steps=insertion_steps(merged.get("insertion_steps"), steps, file, f"{where}.insertion_steps"),
    )


def _known_keys(table: dict[str, Any], known: tuple[str, ...], file: Path, where: str) -> None:
    for key in table:
        if key not in known:
            raise BadSetting(file, f"{where}{key}", "is not a key of a catalogue", ", ".join(known))


def _text(table: dict[str, Any], key: str, file: Path, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadSetting(file, f"{where}.{key}", "is empty" if not value else f"{value!r} is not text", "text")
    return unicodedata.normalize("NFC", value.strip())


def guidance_scales(given: Any, file: Path, key: str) -> tuple[float, ...]:
    """A list of finite numbers, repeats dropped."""
    allowed = "a list of finite numbers up to a million, such as [2.0, 4.0]"
    for value in _list(given, file, key, allowed):
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6 or math.isnan(value):
            raise BadSetting(file, key, f"{value!r} is not a number", allowed)
    return tuple(dict.fromkeys(float(value) for value in given))


def insertion_steps(given: Any, steps: int, file: Path, key: str) -> tuple[int, ...]:
    """A list of k, 0..T, where a number with a fraction between 0 and 1 is a share of T; repeats dropped."""
    allowed = f"whole numbers 0..{steps} (T), or fractions of T between 0 and 1, such as 0.4"
    resolved = []
    for value in _list(given, file, key, allowed):
        if isinstance(value, float) and 0 < value < 1:
            value = round(value * steps)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= steps:
            raise BadSetting(file, key, f"{value!r} is none of these", allowed)
        resolved.append(value)
    return tuple(dict.fromkeys(resolved))


def _list(given: Any, file: Path, key: str, allowed: str) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise BadSetting(file, key, "is missing or empty", allowed)
    return given
