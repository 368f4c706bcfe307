"""The compiled contract that the package carries."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from minting.drop.contract import compiled
from tests.conftest import missing

CONTRACTS = Path(__file__).parents[3] / "contracts"


def test_what_the_package_carries_is_what_the_source_compiles_to():
    node = shutil.which("node")
    if node is None or not (CONTRACTS / "node_modules" / "solc").is_dir():
        missing("no compiler: `npm install --prefix contracts --no-package-lock`")
    done = subprocess.run(
        [node, str(CONTRACTS / "build.mjs"), "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr


def test_code_is_known_whatever_its_immutables_are():
    runtime = bytearray.fromhex(compiled().runtime[2:])
    place = next(iter(compiled().immutables.values()))[0]
    runtime[place["start"]] ^= 255
    assert compiled().is_code(bytes(runtime))
    runtime[place["start"] + place["length"]] ^= 255
    assert not compiled().is_code(bytes(runtime)) and not compiled().is_code(b"")
