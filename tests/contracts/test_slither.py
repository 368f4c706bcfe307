"""What Slither says of Drop.sol is what docs/contract.md answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.contracts.solidity import CONTRACTS

ROOT = CONTRACTS.parent
OWN = ROOT / ".venv" / "slither" / "bin" / "slither"  # it wants older libraries than ours: an environment of its own


@pytest.fixture
def slither(compiler: None) -> str:
    named = os.environ.get("TOADWORKS_SLITHER") or (str(OWN) if OWN.exists() else shutil.which("slither"))
    if not named:
        missing("no Slither: install slither-analyzer, or name its program in TOADWORKS_SLITHER")
    return named


def said(slither: str) -> dict[str, object]:
    command = ["node", str(CONTRACTS / "slither.mjs"), slither]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_slither_finds_what_the_page_answers(slither: str):
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    answered = re.findall(r"^\| `([\w-]+)` \| (\w+) \| `([\w.]+)` \|", page, flags=re.MULTILINE)
    found = [(one["check"], one["impact"], one["where"]) for one in said(slither)["findings"]]  # type: ignore[attr-defined]
    assert sorted(found) == sorted(answered)
    assert "High" not in {impact for _, impact, _ in found}


@pytest.mark.slow
def test_slither_would_find_more(slither: str, tmp_path: Path):
    """That the way to it works: a function that gives all the money to anybody is told of."""
    for name in ("contracts", "minting/drop"):
        (tmp_path / name).mkdir(parents=True)
    for file in ("slither.mjs", "solc.mjs"):
        shutil.copy(CONTRACTS / file, tmp_path / "contracts" / file)
    (tmp_path / "contracts" / "node_modules").symlink_to(CONTRACTS / "node_modules")
    question = json.loads((ROOT / "minting" / "drop" / "Drop.input.json").read_text(encoding="utf-8"))
    source = question["sources"]["Drop.sol"]["content"]
    drain = "function drain(address payable to) external { to.transfer(address(this).balance); }"
    weaker = source.replace("    // Money\n", f"    {drain}\n")
    assert weaker != source
    question["sources"]["Drop.sol"]["content"] = weaker
    (tmp_path / "minting" / "drop" / "Drop.input.json").write_text(json.dumps(question))
    command = ["node", str(tmp_path / "contracts" / "slither.mjs"), slither]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    found = {(one["check"], one["where"]) for one in json.loads(done.stdout)["findings"]}
    assert ("arbitrary-send-eth", "drain") in found
