"""What the tests of CIDs and CAR files share: folders of fixed bytes, and other people's importer and unpacker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing

ROOT = Path(__file__).parents[3]
NPM = ROOT / "tests" / "npm"


@pytest.fixture(scope="session")
def ipfs_golden(golden: Path) -> Path:
    folder = golden / "ipfs"
    if not (folder / "expected.json").exists():
        missing(f"{folder} holds no expected.json")
    return folder


@pytest.fixture(scope="session")
def golden_folders(ipfs_golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders whose CIDs are known."""
    made = tmp_path_factory.mktemp("golden")
    subprocess.run([sys.executable, str(ipfs_golden / "make_fixture.py")], cwd=made, check=True)
    return made


@dataclass(frozen=True)
class Node:
    """Programs of others, run by Node."""

    folder: Path

    def imported(self, jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What js-ipfs-unixfs makes of folders: see import.mjs."""
        file = self.folder / "jobs.json"
        file.write_text(json.dumps(jobs, default=str))
        told = self._run(NPM / "import.mjs", file)
        return json.loads(told)

    def car(self, *arguments: object) -> str:
        """The answer of the `ipfs-car` command."""
        return self._run(NPM / "node_modules" / "ipfs-car" / "bin.js", *arguments)

    def _run(self, *command: object) -> str:
        done = subprocess.run(
            ["node", "--no-warnings", *map(str, command)], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    if not (NPM / "node_modules" / "ipfs-car").is_dir():
        missing("no other importer: `npm install --prefix tests/npm --no-package-lock`")
    return Node(tmp_path_factory.mktemp("node"))


Tree = dict[str, "bytes | Tree"]


def planted(tree: Tree, folder: Path) -> Path:
    """Write a tree of folders (dicts) and files (bytes) to `folder`, and return that."""
    folder.mkdir()
    for name, what in tree.items():
        if isinstance(what, bytes):
            (folder / name).write_bytes(what)
        else:
            planted(what, folder / name)
    return folder


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below `folder` with its bytes, and every folder with None."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")
    }


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def most_memory(script: str, *arguments: object) -> tuple[str, int]:
    """What a script prints in a process of its own, and by how many kilobytes its memory grew at most after its imports
    of `minting.ipfs`."""
    measured = (
        "import re, sys; from pathlib import Path; from minting.ipfs import *\n"
        "used = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        f"before = used()\n{script}\nprint(used() - before)"
    )
    command = [sys.executable, "-c", measured, *map(str, arguments)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return told[0], int(told[-1])
