"""Backup and restore as a person types them."""

from __future__ import annotations

import json
import shutil

import pytest

from collection_db import AssetFolder
from flows.settings import Settings
from tests.flows.ponds import Pond, drawing


@pytest.fixture
def pond(tmp_path, small_collection):
    """The folder of a collection with candidates of its two sources, one of them accepted."""
    made = Pond(small_collection(tmp_path, 2), [drawing(0), drawing(1)])
    made.table.decide(made.add([(0, drawing(5)), (1, drawing(6))])[:1], "accept", "ann")
    made.table.close()
    return made.settings.folder


@pytest.fixture
def other(tmp_path, pond):
    """A folder with the same settings, and nothing else."""
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(pond / "collection.toml", folder)
    return folder


def typed(toadworks, *arguments, cwd):
    told = toadworks(*arguments, cwd=cwd)
    assert told.returncode == 0, told.stderr
    return told.stdout


def counts(toadworks, folder):
    """What `status` says, without the places of things."""
    return typed(toadworks, "status", cwd=folder).split("table:")[0]


def tokens(folder):
    return {file.name: file.read_bytes() for file in (folder / "release" / "images").iterdir()}


def test_restored_collection_has_the_same_status(tmp_path, pond, other, toadworks):
    saved = tmp_path / "saved"
    assert "3  assets, 3 of them new" in typed(toadworks, "backup", saved, cwd=pond)
    assert "1  decisions" in typed(toadworks, "restore", saved, cwd=other)
    before = counts(toadworks, pond)
    assert counts(toadworks, other) == before and "1  accepted" in before
    again = toadworks("restore", saved, cwd=other)
    assert again.returncode == 2 and "2 candidates" in again.stderr and "Traceback" not in again.stderr
    assert counts(toadworks, other) == before


def test_missing_picture_is_told_and_the_rest_is_saved(tmp_path, pond, toadworks):
    settings = Settings.read(pond)
    lost = next((settings.assets).glob("??/*"))
    sha256 = lost.parent.name + lost.stem
    lost.unlink()
    told = toadworks("backup", tmp_path / "saved", "--assets", "all", cwd=pond)
    assert told.returncode == 1
    assert str(AssetFolder(settings.assets).path(sha256)) in told.stderr
    assert "1 assets are missing or damaged" in told.stderr
    assert json.loads((tmp_path / "saved" / "backup.json").read_text())["assets"]["missing"] == 1


@pytest.mark.slow
def test_restored_collection_goes_on(tmp_path, small_collection, toadworks):
    pond, other, saved = small_collection(tmp_path, 2).folder, tmp_path / "other", tmp_path / "saved"
    typed(toadworks, "run", "--accept", "leaders", cwd=pond)
    typed(toadworks, "backup", saved, "--assets", "all", cwd=pond)
    other.mkdir()
    shutil.copy(pond / "collection.toml", other)
    typed(toadworks, "restore", saved, cwd=other)
    assert "0 candidates made, 8 in the plan" in typed(toadworks, "run", cwd=other)
    for folder in (pond, other):
        typed(toadworks, "export", cwd=folder)
    assert tokens(other) == tokens(pond) != {}
