"""The pages say what the code does: every command, option, setting and link is held against it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

import errors
import toadworks
from flows.settings import DEFAULTS
from glide.released import CHECKPOINTS, VOCABULARIES
from minting.chain.networks import read_network
from styles.catalogue import read_catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md")])
TYPES = {str: "text", int: "whole number", float: "number", list: "list", bool: "true or false", dict: "table"}


def commands_of(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """Every command by its full name, those of groups too: "weights", "weights fetch"."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[before + name] = command
        if isinstance(command, click.Group):
            found |= commands_of(command, f"{before}{name} ")
    return found


COMMANDS = commands_of(toadworks.cli)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The page's sections by their `## ` heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def options_of(command: click.Command) -> set[str]:
    """Every way of writing an option of the command, but for help, which all have."""
    return {way for option in command.params if isinstance(option, click.Option) for way in option.opts}


def options_told(section: str) -> set[str]:
    """What the option table of a section lists: the first column's `-c`, `--collection PATH` and so on."""
    rows = re.findall(r"^\| (`-.+?`) \|", section, flags=re.MULTILINE)
    return {way for row in rows for way in re.findall(r"`(-[-\w]+)", row)}


def toml_blocks(file: Path) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```$", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(file: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(file: Path) -> list[str]:
    """Relative links and pictures. What stands in a comment is not there yet."""
    text = re.sub(r"<!--.*?-->", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_command_has_section(name: str) -> None:
    assert f"toadworks {name}" in sections(page("commands.md"))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_match_command(name: str) -> None:
    section = sections(page("commands.md"))[f"toadworks {name}"]

    assert options_told(section) == options_of(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_usage_names_arguments(name: str) -> None:
    section = sections(page("commands.md"))[f"toadworks {name}"]
    usage = re.search(rf"^    toadworks {name}\b.*$", section, flags=re.MULTILINE)
    given = [given for given in COMMANDS[name].params if isinstance(given, click.Argument)]
    told = {argument.metavar or str(argument.name).upper() for argument in given}

    assert usage is not None
    assert all(argument in usage[0] for argument in told)


def test_no_command_is_made_up() -> None:
    told = {heading.removeprefix("toadworks ") for heading in sections(page("commands.md")) if heading[:4] == "toad"}

    assert told == set(COMMANDS)


def test_exit_statuses_are_all_told() -> None:
    told = set(map(int, re.findall(r"^\| (\d+) \|", sections(page("commands.md"))["Exit statuses"], re.MULTILINE)))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

    assert told == {0, toadworks.INTERRUPTED, *(kind.exit_status for kind in kinds)}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_commands_that_pages_type_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    typed = re.findall(r"(?:^ {4}|`)toadworks ([a-z][a-z-]*)(?: ([a-z]+))?", text, flags=re.MULTILINE)
    names = {
        f"{name} {second}" if second and isinstance(COMMANDS.get(name), click.Group) else name for name, second in typed
    }

    assert names <= set(COMMANDS)


def test_settings_match_defaults() -> None:
    row = r"^\| `([\w.]+)` \| ([a-z ]+) \| `(.+?)` \| .+ \| .+ \|$"
    told = {key: (kind, value) for key, kind, value in re.findall(row, page("settings.md"), flags=re.MULTILINE)}
    meant: dict[str, Any] = {
        f"{section}.{key}".lstrip("."): (TYPES[type(default)], json.dumps(default))
        for section, keys in DEFAULTS.items()
        for key, default in keys.items()
    }

    assert told == meant


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    dead = []
    for link in links(file):
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


def test_every_page_is_reached() -> None:
    assert {file.name for file in DOCS.glob("*.md")} - {"index.md"} <= set(links(DOCS / "index.md"))


def test_released_files_are_all_told() -> None:
    told = dict(re.findall(r"^\| `([\w-]+)` \| `([\w.]+)` \| .+ \|$", page("weights.md"), flags=re.MULTILINE))

    assert told == {key: file.name for key, file in (CHECKPOINTS | VOCABULARIES).items()}


def test_catalogues_in_styles_are_read(tmp_path: Path) -> None:
    examples = [block for block in toml_blocks(DOCS / "styles.md") if "[[styles]]" in block]
    file = tmp_path / "my-styles.toml"

    for example in examples:
        file.write_text(example, encoding="utf-8")
        assert read_catalogue(file, steps=20)
    assert examples


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_settings_in_examples_exist(file: Path) -> None:
    for block in toml_blocks(file):
        if "[[styles]]" not in block:
            for section, keys in tomllib.loads(block).items():
                if section == "networks":
                    assert all(read_network(name, about, file) for name, about in keys.items())
                else:
                    assert set(keys) <= set(DEFAULTS[section])


def test_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 60
