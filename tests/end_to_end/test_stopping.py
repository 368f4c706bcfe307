"""Runs that are stopped: Ctrl-C, and SIGKILL while work is being done. What was made stays, and is made once."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from collection_db import Table
from flows.ingest import chosen_sources, ingest_batch
from flows.pair import plan_recipes
from flows.settings import Settings
from flows.stylize import make_missing
from tests.end_to_end.studio import processes_with

SOURCES = 10


def made(url: str) -> dict[str, str]:
    """{candidate id: SHA-256 of its picture} as the table has it now."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            return dict(connection.exec_driver_sql("SELECT id, image_sha256 FROM candidates").tuples().all())
    except sa.exc.DBAPIError:  # not migrated yet
        return {}
    finally:
        engine.dispose()


def make_without_prefect(settings: Settings) -> None:
    files, _ = chosen_sources(settings)
    ingest_batch.fn(str(settings.file), [(id, str(file)) for id, file in files.items()], 0)
    plan_recipes.fn(str(settings.file))
    assert make_missing(settings)[1] == []


def wait_for(condition, process, seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, f"the run ended too soon: {process.communicate()}"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def assert_whole(assets: Path) -> None:
    """Every file under a final name holds what its name says."""
    files = [file for file in assets.rglob("*.png") if ".tmp-" not in file.name]
    assert files
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.parent.name + file.stem


def test_ctrl_c_stops_and_says_how_to_go_on(tmp_path, toadworks, start, small_collection):
    settings = small_collection(tmp_path, 12, steps=20)
    database = settings.database_url
    process = start("run", cwd=settings.folder)
    wait_for(lambda: made(database), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in errors and "Traceback" not in errors
    kept = made(database)
    assert 0 < len(kept) < 48
    assert toadworks("run", cwd=settings.folder).returncode == 0
    assert len(made(database)) == 48 and kept.items() <= made(database).items()


@pytest.mark.slow
def test_ten_kills_lose_and_repeat_nothing(tmp_path, toadworks, start, small_collection):
    undisturbed = small_collection(tmp_path / "undisturbed", SOURCES, steps=8)
    make_without_prefect(undisturbed)
    wanted = made(undisturbed.database_url)
    assert len(wanted) == 4 * SOURCES

    settings = small_collection(tmp_path / "killed", SOURCES, steps=8)
    url = settings.database_url
    rng = random.Random(1)
    kills_after_a_candidate = 0
    for kill in range(10):
        before = len(made(url))
        process = start("run", cwd=settings.folder)
        if kill == 0:
            wait_for(settings.assets.exists, process)  # while sources are read
        elif before < 4 * SOURCES - 4:
            wait_for(lambda before=before: len(made(url)) > before, process)  # while candidates are made
        else:
            wait_for(lambda: list(settings.sheets.glob("*")), process)  # while sheets are drawn
        time.sleep(rng.random() * 0.3)
        process.kill()
        process.communicate()
        kills_after_a_candidate += bool(made(url))
        assert_whole(settings.assets)
    assert kills_after_a_candidate >= 8
    assert toadworks("run", cwd=settings.folder).returncode == 0
    assert made(url) == wanted
    assert_whole(settings.assets)
    assert not list(settings.assets.rglob("*.tmp-*"))
    table = Table.open(url)
    assert table.faults() == [] and table.count_missing() == 0
    table.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_run_leaves_no_server_behind(tmp_path, start, small_collection, environment):
    settings = small_collection(tmp_path, 2)
    process = start("run", cwd=settings.folder)
    home = f"PREFECT_HOME={environment['PREFECT_HOME']}"
    wait_for(lambda: len(list(processes_with(home))) > 1, process)  # the run and its server
    wait_for(lambda: made(settings.database_url), process)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while list(processes_with(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not list(processes_with(home))
