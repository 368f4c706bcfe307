"""Workers that die, or sleep through their lease: what they held is made by another, and by nobody else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collection_db import Table
from collection_db.schema import candidates
from flows.pair import plan_recipes
from flows.settings import Settings
from flows.stylize import make_missing
from flows.working import worker_name
from tests.collection_db.conftest import Given
from tests.crashes.drawing import DRAWN, short_leases
from tests.crashes.test_kills import ROOT, all_rows, ingest_all

Start = Callable[..., subprocess.Popen[str]]
CLAIM = """
import json, sys
from collection_db import Table
from collection_db.schema import candidates
table, ids = Table.open(sys.argv[1]), []
print("ready", flush=True)
sys.stdin.readline()
while rows := table.claim(sys.argv[2], 5, 60)[1]:
    ids += [row.id for row in rows]
print(json.dumps(ids))
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """start(arguments of python...): a process that talks through pipes; killed if the test leaves it."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, *map(str, arguments)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def planned(write_plans: Callable[..., list[Path]], database: str, one_thread: None) -> tuple[Settings, Table]:
    """24 recipes to make."""
    settings = Settings.read(write_plans("pond", database)[0])
    ingest_all(settings)
    plan_recipes.fn(str(settings.file))
    table = Table.open(settings.database_url)
    assert table.count_missing() == 24
    return settings, table


def read(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().strip() == line, process.stderr.read()


def say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def sleep_through_the_lease(worker: subprocess.Popen[str], table: Table) -> None:
    """Stop it when it is about to store what it made, until its lease has run out."""
    read(worker, "made")
    worker.send_signal(signal.SIGSTOP)
    while table.workers()[0].seconds_left > -0.1:
        time.sleep(0.1)


def held_by_another(table: Table) -> set[str]:
    [row] = table.workers()
    assert row.held == DRAWN and row.worker != worker_name()
    with table.engine.begin() as connection:
        return set(connection.exec_driver_sql("SELECT recipe_id FROM work WHERE claim IS NOT NULL").scalars())


def test_no_recipe_is_given_to_two(database: str, tmp_path: Path, start: Start) -> None:
    url = database if "://" in database else f"sqlite:///{tmp_path / database}"
    table = Table.open(url)
    table.add_sources([Given.source(1)])
    planned = [Given.planned(number) for number in range(600)]
    table.plan(planned)
    workers = [start("-c", CLAIM, url, f"worker {number}") for number in range(4)]
    for worker in workers:
        read(worker, "ready")
    for worker in workers:
        say_go(worker)
    drawn = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert sorted(id for ids in drawn for id in ids) == sorted(one.recipe.id for one in planned)
    assert sum(map(bool, drawn)) >= 2  # they drew at the same time
    table.close()


def test_sleeper_cannot_overwrite_who_took_over(planned: tuple[Settings, Table], start: Start) -> None:
    settings, table = planned
    sleeper = start("-m", "tests.crashes.drawing", settings.file, 2, "", 2)
    read(sleeper, "made")
    its_own = held_by_another(table)
    sleeper.send_signal(signal.SIGSTOP)
    with short_leases(2):
        assert make_missing(settings) == (24, [])  # it waits for the lease of one that lives
    before = all_rows(table, candidates)
    assert its_own < {row.id for row in before} and {row.worker for row in before} == {worker_name()}

    sleeper.send_signal(signal.SIGCONT)
    told, errors = sleeper.communicate("\n" * 9, timeout=60)
    assert told.splitlines()[-1] == "stored 0" and "went to another worker, whose pictures count" in errors
    assert all_rows(table, candidates) == before and table.faults() == []
    assets = settings.open_assets()
    for row in before:
        assets.read(row.image_sha256)


def test_sleeper_cannot_store_what_another_holds(planned: tuple[Settings, Table], start: Start) -> None:
    settings, table = planned
    sleeper = start("-m", "tests.crashes.drawing", settings.file, 1, "", 2)
    sleep_through_the_lease(sleeper, table)
    claim, rows = table.claim("another", 100, 600)
    assert len(rows) == 24
    sleeper.send_signal(signal.SIGCONT)
    say_go(sleeper)
    read(sleeper, "made")  # the next ones: those before were refused
    assert all_rows(table, candidates) == []
    made = [{"id": row.id, "image_sha256": row.id, "seconds": 1.0, "worker": "another"} for row in rows]
    assert table.finish(claim, made) == {row.id for row in rows}
    told, _ = sleeper.communicate("\n", timeout=60)
    assert told.splitlines()[-1] == "stored 0"
    assert {row.worker for row in all_rows(table, candidates)} == {"another"} and table.faults() == []


def test_sleeper_that_nobody_replaced_goes_on(planned: tuple[Settings, Table], start: Start) -> None:
    settings, table = planned
    sleeper = start("-m", "tests.crashes.drawing", settings.file, 1, "", 2)
    sleep_through_the_lease(sleeper, table)
    sleeper.send_signal(signal.SIGCONT)
    told, _ = sleeper.communicate("\n" * 9, timeout=60)
    assert told.splitlines()[-1] == "stored 24" and table.faults() == []


@pytest.mark.parametrize("host", ["", "another-machine"])
def test_dead_worker_delays_its_batch_by_the_lease(planned: tuple[Settings, Table], start: Start, host: str) -> None:
    settings, table = planned
    lease = 6 if host else 600
    worker = start("-m", "tests.crashes.drawing", settings.file, lease, host, 2)
    read(worker, "made")
    its_own = held_by_another(table)
    left = table.workers()[0].seconds_left
    worker.kill()
    worker.wait()
    died = time.monotonic()
    with short_leases(600):
        assert make_missing(settings) == (24, [])
    took = time.monotonic() - died
    # one of this machine is known to be dead; what the others left free is not waited for
    assert left < took < left + 30 if host else took < 60
    in_order = [row.id for row in sorted(all_rows(table, candidates), key=lambda row: row.number)]
    assert len(in_order) == 24 and table.faults() == []
    assert not host or set(in_order[-DRAWN:]) == its_own
