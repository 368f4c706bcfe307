"""Workers: each recipe is made once, whoever else works; what one leaves undone is made by another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from collection_db import Table
from commands.making import status
from flows import stylize, working
from flows.stylize import make_missing
from flows.working import share, worker_name
from tests.flows.made import GRID, Opened, prepared

pytestmark = pytest.mark.usefixtures("one_thread_here")
ELSEWHERE = "elsewhere/1/ab"
WORK = """
import sys
from flows import stylize
from flows.settings import Settings
import torch
torch.set_num_threads(1)
stylize.TASK_BATCH = 2
print("ready", flush=True)
sys.stdin.readline()
print(*stylize.make_missing(Settings.read(sys.argv[1])))
"""


@pytest.fixture
def pond(tmp_path: Path) -> Opened:
    """Four recipes that nobody made."""
    return Opened(prepared(tmp_path / "pond"))


def candidates(table: Table) -> list[Any]:
    return table.candidates(table.frame()["id"])


def dead_worker() -> str:
    """A worker of this machine whose process has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return f"{socket.gethostname()}/{ended.pid}/ab"


def finished(table: Table, claim: str, rows: list[Any]) -> set[str]:
    made = [{"id": row.id, "image_sha256": "a" * 64, "seconds": 1.0, "worker": ELSEWHERE} for row in rows]
    return table.finish(claim, made)


def test_two_processes_make_each_recipe_once(tmp_path: Path) -> None:
    pond = Opened(prepared(tmp_path / "pond", GRID.replace("[grid]", "[grid]\nseeds = [1, 2, 3]")))
    command = [sys.executable, "-c", WORK, str(pond.settings.folder)]
    own = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, env=own, text=True, **pipes) for _ in range(2)]
    for process in both:  # both have imported what they need when the first one begins
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=300) for process in both]
    assert all(process.returncode == 0 for process in both), told
    counts = Counter(row.worker for row in candidates(pond.table))
    assert sum(counts.values()) == 12 and pond.table.count_missing() == 0 and pond.table.workers() == []
    assert sorted(int(out.split()[0]) for out, _ in told) == sorted([0] * (2 - len(counts)) + list(counts.values()))
    assert all(out.split(maxsplit=1)[1] == "[]\n" for out, _ in told)


def test_share_of_a_dead_worker_is_drawn_at_once(pond: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    pond.table.claim(dead_worker(), 3, 86_400)
    monkeypatch.setattr(working.time, "sleep", lambda seconds: pytest.fail("it waited"))
    assert make_missing(pond.settings) == (4, [])


def test_worker_waits_for_what_another_holds(
    pond: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    claim, rows = pond.table.claim(ELSEWHERE, 3, 86_400)
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert len(candidates(pond.table)) == looks  # one was made here, the others are not touched
        finished(pond.table, claim, rows[looks - 1 : looks])

    monkeypatch.setattr(working.time, "sleep", sleep)
    assert make_missing(pond.settings) == (1, []) and looks == 3
    assert Counter(row.worker for row in candidates(pond.table)) == {ELSEWHERE: 3, worker_name(): 1}
    assert capsys.readouterr().err.count("waiting for 3 that 1 other workers make now") == 1


@pytest.mark.parametrize("how", ["its lease runs out", "it dies"])
def test_what_another_leaves_undone_is_made_here(pond: Opened, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    pond.table.claim(ELSEWHERE, 3, 86_400)
    gone = dead_worker()

    def sleep(seconds: float) -> None:
        change = ("leased_until = ?", 1.0) if how == "its lease runs out" else ("worker = ?", gone)
        pond.sql(f"UPDATE work SET {change[0]} WHERE claim IS NOT NULL", change[1])

    monkeypatch.setattr(working.time, "sleep", sleep)
    assert make_missing(pond.settings) == (4, []) and pond.table.workers() == []


def test_what_failed_is_told_and_tried_again(pond: Opened) -> None:
    source = pond.table.sources()[0]
    data = pond.bytes_of(source.image_sha256)
    pond.spoil(source.image_sha256)
    made, failed = make_missing(pond.settings)
    assert made == 2 and len(failed) == 2 and all("source 1: " in told for told in failed)
    told = CliRunner().invoke(status, ["-c", str(pond.settings.folder)]).output
    assert "       2  failed\n" in told and "       2  missing\n" in told
    for row in pond.table.problems():
        assert f"failed {row.id[:8]} (1, {row.style}): source 1: " in told
    pond.assets.put(data)
    assert make_missing(pond.settings) == (2, []) and pond.table.problems() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_stopped_worker_gives_its_share_back(
    pond: Opened, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    held = []

    def stopped(*given: Any) -> None:
        held.extend(pond.table.workers())
        raise error

    with monkeypatch.context() as patched, pytest.raises(error):
        patched.setattr(stylize, "_store_few", stopped)
        make_missing(pond.settings)
    assert [(row.worker, row.held) for row in held] == [(worker_name(), 4)]
    assert pond.table.workers() == [] and pond.table.count_missing() == 4


def test_lease_is_renewed_while_work_goes_on(pond: Opened) -> None:
    pond.settings["storage"]["lease"] = 2  # less than collection.toml allows
    with share(pond.settings, pond.table, 9) as (claim, rows):
        assert claim and len(rows) == 4
        until = time.monotonic() + 60
        with pond.table.engine.connect() as connection:
            first = connection.exec_driver_sql("SELECT max(leased_until) FROM work").scalar_one()
        while time.time() < first + 0.2:  # until after the first lease's end
            assert time.monotonic() < until
            time.sleep(0.05)
        [worker] = pond.table.workers()
        assert worker.held == 4 and worker.seconds_left > 0
        assert pond.table.claim(ELSEWHERE, 9, 60)[1] == []
    assert pond.table.workers() == []


def test_result_that_came_too_late_is_left_out(
    pond: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = stylize._made

    def late(*given: Any) -> Any:
        outcome = made(*given)
        pond.sql("UPDATE work SET leased_until = ?", 1.0)
        claim, rows = pond.table.claim(ELSEWHERE, 9, 86_400)
        finished(pond.table, claim, rows)
        return outcome

    monkeypatch.setattr(stylize, "_made", late)
    assert make_missing(pond.settings) == (0, [])
    assert {row.worker for row in candidates(pond.table)} == {ELSEWHERE}
    assert "4 of 4 took longer than their lease" in capsys.readouterr().err


def test_nothing_to_make_ends_at_once(pond: Opened) -> None:
    assert make_missing(pond.settings) == (4, [])
    before = pond.table.frame()
    assert make_missing(pond.settings) == (0, []) and pond.table.frame().equals(before)
