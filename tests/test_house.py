"""The house: which room may import which, read from the source of every room."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEIGHBOURS: dict[str, set[str]] = {  # room: the other rooms that it may import
    "styles": set(),
    "glide": set(),
    "similarity": set(),
    "minting": set(),
    "collection_db": {"styles"},
    "curation": {"collection_db"},
    "flows": {"styles", "glide", "similarity", "minting", "collection_db", "curation"},
    "commands": {"flows", "collection_db", "curation"},
}
SHARED = {"errors", "durable", "s3"}  # modules that every room may import
MODULES = {*NEIGHBOURS, *SHARED, "toadworks", "tests", "benchmarks"}


def imports_of(source: str) -> set[str]:
    """The first names of all modules that a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0] if not node.level else ".")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            found |= {str(arg.value).split(".")[0] for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def test_every_way_of_importing_is_seen() -> None:
    source = "import a.b, c\nfrom d.e import f\ndef g():\n    from h import i\nfrom . import j\nimport_module('k.l')"
    assert imports_of(source) == {"a", "c", "d", "h", ".", "k"}


@pytest.mark.parametrize("room", NEIGHBOURS)
def test_room_imports_only_its_neighbours(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    allowed = {room, *SHARED, *NEIGHBOURS[room]}
    wrong = {
        str(file.relative_to(ROOT)): strange
        for file in files
        if (strange := (imports_of(file.read_text(encoding="utf-8")) & (MODULES | {"."})) - allowed)
    }
    assert wrong == {}


@pytest.mark.parametrize("shared", sorted(SHARED))
def test_what_all_rooms_share_imports_no_room(shared: str) -> None:
    assert imports_of((ROOT / f"{shared}.py").read_text(encoding="utf-8")) & MODULES <= {"errors"} - {shared}


def test_only_commands_import_the_flows() -> None:
    files = [*ROOT.glob("*.py"), *(file for room in NEIGHBOURS for file in (ROOT / room).rglob("*.py"))]
    entering = {file.parent.name for file in files if "flows" in imports_of(file.read_text())}
    assert entering == {"flows", "commands"}


def test_every_room_is_known_here() -> None:
    rooms = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert rooms == set(NEIGHBOURS)


def test_openmp_is_told_how_to_wait_before_torch_is_loaded() -> None:
    asked = "import sys, os, flows; print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules)"
    without = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=without, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["PASSIVE", "False"]
