"""`toadworks shuffle` as it is typed: commit, show, reveal, on a release's manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import toadworks
from errors import BadShuffle, NothingLeft
from flows.settings import Settings
from flows.shuffle import MANIFEST, RECORD, SEED
from tests.flows.ponds import Pond, drawing

BLOCK_HASH = "0x" + "4e" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "images").mkdir()
    file = tmp_path / "collection.toml"
    file.write_text('[sources]\nimages = "images"\n', encoding="utf-8")
    return Settings.read(file)


def exported(settings: Settings, count: int = 12) -> None:
    """As much of a release as the shuffle reads."""
    hashes = [hashlib.sha256(bytes([n])).hexdigest() for n in range(count)]
    tokens = [{"number": n, "recipe": one, "image": {"sha256": one}} for n, one in enumerate(hashes, start=1)]
    provenance = {"sha256": hashlib.sha256("".join(hashes).encode()).hexdigest()}
    settings.release_folder.mkdir(exist_ok=True)
    told = json.dumps({"format": 1, "provenance": provenance, "tokens": tokens})
    (settings.release_folder / MANIFEST).write_text(told, encoding="utf-8")


def typed(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(toadworks.cli, ["shuffle", *words, "-c", str(settings.folder)])


def test_shuffle_is_committed_shown_and_revealed(settings: Settings) -> None:
    exported(settings)
    made = typed(settings, "commit", "--chain-id", "1", "--block", "21500000")
    assert made.exit_code == 0 and "committed to 12 tokens and block 21500000 of chain 1" in made.output
    shown = typed(settings, "show").output
    assert "state       committed" in shown and "seed        here, and secret" in shown
    seed = json.loads((settings.folder / SEED).read_text())["seed"]
    assert seed not in made.output + shown

    done = typed(settings, "reveal", "--block-hash", BLOCK_HASH)
    record = json.loads((settings.folder / RECORD).read_text())
    assert done.exit_code == 0 and record["provenance_sha256"] in done.output
    assert record["seed"] == seed and record["commitment"] in made.output
    shown = typed(settings, "show").output
    assert f"token 1     is initial number {record['order'][0] + 1}\n" in shown and "... and 2 more" in shown


def test_shuffle_needs_an_export_and_a_commitment(settings: Settings) -> None:
    for words in (("commit", "--chain-id", "1", "--block", "5"), ("reveal", "--block-hash", BLOCK_HASH), ("show",)):
        assert isinstance(typed(settings, *words).exception, NothingLeft)
    assert not (settings.folder / RECORD).exists() and not (settings.folder / SEED).exists()


def test_second_commitment_is_refused(settings: Settings) -> None:
    exported(settings)
    typed(settings, "commit", "--chain-id", "1", "--block", "5")
    before = (settings.folder / RECORD).read_bytes()
    exported(settings, 13)
    again = typed(settings, "commit", "--chain-id", "1", "--block", "9")
    assert isinstance(again.exception, BadShuffle)
    assert (settings.folder / RECORD).read_bytes() == before


def test_missing_seed_is_shown(settings: Settings) -> None:
    exported(settings)
    typed(settings, "commit", "--chain-id", "1", "--block", "5")
    (settings.folder / SEED).unlink()
    assert "seed        MISSING: put back your copy of .shuffle.seed" in typed(settings, "show").output


def test_published_numbers_cannot_be_shuffled(settings: Settings) -> None:
    lake = Pond(settings, [drawing(0)])
    [id] = lake.add([(0, drawing(5))])
    lake.table.decide([id], "accept", "ann")
    lake.table.set_tokens([{"number": 1, "candidate_id": id, "name": "Toad", "image_sha256": lake.image_of(id)}])
    exported(settings)
    words = ("commit", "--chain-id", "1", "--block", "5")
    lake.table.publish_tokens()
    refused = typed(settings, *words)
    assert "1 of the tokens are published, and their numbers stay" in str(refused.exception)
    assert not (settings.folder / RECORD).exists() and not (settings.folder / SEED).exists()
    lake.table.close()
