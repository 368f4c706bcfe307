"""The program in docs/numbering.md, run as a stranger would: by Python alone, on a record of ours."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minting.shuffle_record import COMMITTED, REVEALED, RULE
from minting.shuffling import RECORD, Initial, commit, reveal

PAGE = Path(__file__).parents[2] / "docs" / "numbering.md"


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    hashes = [hashlib.sha256(bytes([n])).hexdigest() for n in range(240)]
    commit(tmp_path, Initial(tuple(hashes[:120]), tuple(hashes[120:])), 1, 21_500_000)
    return dict(reveal(tmp_path, "0x" + "ab" * 32).record)


def run_listing(record: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    [listing] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (folder / "check.py").write_text(listing, encoding="utf-8")
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
    # -I and -S: nothing of ours, and no package, is in its way
    command = [sys.executable, "-I", "-S", "check.py", RECORD]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_listing_finds_the_same_order(record: dict[str, Any], tmp_path: Path) -> None:
    done = run_listing(record, tmp_path)
    assert done.stderr == "" and done.returncode == 0
    pairs = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert pairs == [(number, place + 1) for number, place in enumerate(record["order"], start=1)]


@pytest.mark.parametrize("key", ["seed", "block_hash", "committed_at", "provenance_sha256"])
def test_listing_finds_what_was_changed(record: dict[str, Any], tmp_path: Path, key: str) -> None:
    changed = record[key][:-2] + ("00" if record[key][-2:] != "00" else "11")
    assert "AssertionError" in run_listing(record | {key: changed}, tmp_path).stderr


def test_page_tells_every_key_and_the_rule() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.+?) \| (commit|reveal) \|", text, flags=re.MULTILINE)
    told = {when: [key for keys, w in table if w == when for key in re.findall(r"`(\w+)`", keys)] for _, when in table}
    assert told == {"commit": list(COMMITTED), "reveal": list(REVEALED)}
    assert f'"{RULE}"' in text
