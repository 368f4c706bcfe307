"""The journal: what was said stays said, whatever killed the process that said it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from minting.uploading.journal import BEGUN, LOST, SENT, VERIFIED, Journal
from minting.uploading.pieces import Item

ROOT = Path(__file__).parents[3]
TOAD = Item("images/1.png", Path("1.png"), "ab" * 32, 812, "image/png")
TO = "s3://toads/pond/"
KILLED = """
import os, signal, sys
from pathlib import Path
from minting.uploading.journal import SENT, Journal
from minting.uploading.pieces import Item
journal = Journal(Path(sys.argv[1]))
for number in range(50):
    journal.say("folder", Item(f"{number}.png", Path("x"), "ab" * 32, 1, "image/png"), SENT)
os.write(os.open(journal.file, os.O_WRONLY | os.O_APPEND), b'{"to": "folder", "name": "torn')
os.kill(os.getpid(), signal.SIGKILL)
"""


def again(journal: Journal) -> Journal:
    journal.close()
    return Journal(journal.file.parent)


def test_what_is_said_is_known_again(journal: Journal) -> None:
    assert journal.state(TO, TOAD) == ""
    for state in (SENT, VERIFIED):
        journal.say(TO, TOAD, state)
        assert journal.state(TO, TOAD) == state
    assert again(journal).state(TO, TOAD) == VERIFIED


def test_lost_is_unknown_again(journal: Journal) -> None:
    journal.say(TO, TOAD, VERIFIED)
    journal.say(TO, TOAD, LOST)
    assert journal.state(TO, TOAD) == again(journal).state(TO, TOAD) == ""


@pytest.mark.parametrize("change", [{"sha256": "cd" * 32}, {"name": "images/2.png"}, {"mime": "image/webp"}])
def test_other_content_name_or_type_is_another(journal: Journal, change: dict[str, str]) -> None:
    journal.say(TO, TOAD, VERIFIED)
    assert journal.state(TO, replace(TOAD, **change)) == ""  # type: ignore[arg-type]


def test_other_destination_is_another(journal: Journal) -> None:
    journal.say(TO, TOAD, VERIFIED)
    assert journal.state("s3://toads/pond2/", TOAD) == ""


def test_upload_that_was_begun_is_known_until_it_ends(journal: Journal) -> None:
    journal.say(TO, TOAD, BEGUN, "https://uploads.example/7")
    journal = again(journal)
    assert (journal.begun(TO, TOAD), journal.state(TO, TOAD)) == ("https://uploads.example/7", "")
    journal.say(TO, TOAD, SENT)
    assert journal.begun(TO, TOAD) == ""


@pytest.mark.parametrize("torn", [b'{"to": "s3', b"\xff\xfe", b"[]", b'{"to": 3}', b"{}\n{", b"\n\n"])
def test_torn_lines_harm_nothing(journal: Journal, torn: bytes) -> None:
    journal.say(TO, TOAD, SENT)
    with journal.file.open("ab") as file:
        file.write(torn)
    journal = again(journal)
    journal.say(TO, replace(TOAD, name="images/2.png"), VERIFIED)
    journal = again(journal)
    assert journal.state(TO, TOAD) == SENT and journal.state(TO, replace(TOAD, name="images/2.png")) == VERIFIED


def test_killed_writer_loses_nothing_that_it_said(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False).returncode == -9
    journal = Journal(tmp_path)
    said = [replace(TOAD, name=f"{number}.png") for number in range(50)]
    assert all(journal.state("folder", item) == SENT for item in said)
    journal.close()


def test_only_its_owner_reads_it(journal: Journal) -> None:
    assert stat.S_IMODE(journal.file.stat().st_mode) == 0o600
