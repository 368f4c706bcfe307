"""Finishing a review: what starts, what is refused, and that it starts once. Exports are played by small programs."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from errors import BadValue, NothingLeft, RunFailed
from flows import finishing, waiting
from flows.finishing import Finishing, finish, waiting_runs
from flows.waiting import Finished, ReviewedRun
from tests.flows.ponds import Pond

DONE = "print('exporting', flush=True); print('collection:   here (1 tokens)')"
BAD = "import sys; print('toadworks: the disk is full', file=sys.stderr); sys.exit(1)"
FAULTS = (
    "import sys; print('toadworks: release: 2 faults:\\n  token 2: looks like 1\\n  token 3: looks like 1',"
    " file=sys.stderr); sys.exit(2)"
)
Play = Callable[[str], Path]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Play]:
    """play(program): what runs in the place of `toadworks export`; the file it returns gets a line for each start. It
    ends when `tmp_path / "go"` is there."""
    started = tmp_path / "started"
    started.touch()

    def played(program: str) -> Path:
        first = f"open({str(started)!r}, 'a').write('x\\n'); import pathlib, time"
        wait = f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)"
        monkeypatch.setattr(finishing, "EXPORT", (sys.executable, "-c", f"{first}\n{wait}\n{program}"))
        return started

    with temporary_settings({PREFECT_API_URL: None}):
        yield played
    (tmp_path / "go").touch()


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], None]:
    """go(): what plays the export may end."""
    return (tmp_path / "go").touch


def ended(working: Finishing) -> dict[str, str]:
    told = working.wait()
    assert told is not None
    return dict(told)


def test_finish_starts_the_export(lake: Pond, play: Play, go) -> None:
    play(DONE)
    working = Finishing(lake.settings)
    assert working.state()["state"] == "open"
    begun = time.monotonic()
    assert working.finish(" ada ", "all of us") == {
        "state": "running",
        "what": "the export that ada started is under way",
    }
    assert time.monotonic() - begun < 2  # whatever the export takes
    assert working.state()["state"] == "running"
    go()
    told = ended(working)
    assert told == {"state": "done", "what": "ada finished the review; collection: here (1 tokens)"}
    assert Finishing(lake.settings).state() == told == working.state()  # a page that is opened later knows, too


def test_many_who_finish_at_once_start_one_export(lake: Pond, play: Play, go) -> None:
    started = play(DONE)
    pages = [Finishing(lake.settings), Finishing(lake.settings)]  # as two processes have
    with ThreadPoolExecutor(8) as people:
        told = list(people.map(lambda number: pages[number % 2].finish(f"curator {number}"), range(8)))
    assert [one["state"] for one in told] == ["running"] * 8
    assert pages[0].state()["state"] == pages[1].state()["state"] == "running"
    go()
    assert [page.wait() is not None for page in pages].count(True) == 1
    assert started.read_text() == "x\n"


def test_finish_can_be_said_again_later(lake: Pond, play: Play, go) -> None:
    started = play(DONE)
    go()
    for _ in range(2):
        working = Finishing(lake.settings)
        working.finish("ada")
        assert ended(working)["state"] == "done"
    assert started.read_text() == "x\nx\n"


def test_failed_export_lists_every_fault(lake: Pond, play: Play, go) -> None:
    play(FAULTS)
    go()
    with pytest.raises(
        RunFailed, match=r"^the export failed: release: 2 faults: token 2: looks like .* token 3: looks"
    ):
        finish(lake.settings, "ada")


def test_failed_export_says_why(lake: Pond, play: Play, go) -> None:
    play(BAD)
    go()
    with pytest.raises(RunFailed, match=r"^the export failed: the disk is full$"):
        finish(lake.settings, "ada")
    assert Finishing(lake.settings).state() == {"state": "failed", "what": "the export failed: the disk is full"}


def test_nothing_accepted_is_refused(pond, play: Play) -> None:
    started = play(DONE)
    made = pond()
    working = Finishing(made.settings)
    with pytest.raises(NothingLeft, match="nothing is accepted yet of 0 candidates"):
        working.finish("ada")
    assert working.state()["state"] == "open" and started.read_text() == ""


@pytest.mark.parametrize(("curator", "note"), [("", ""), ("x" * 65, ""), ("ada", "x" * 100_000)])
def test_bad_names_and_notes_are_refused(lake: Pond, play: Play, curator: str, note: str) -> None:
    play(DONE)
    with pytest.raises(BadValue):
        Finishing(lake.settings).finish(curator, note)


def test_export_whose_process_was_killed_is_told(lake: Pond, play: Play) -> None:
    started = play(DONE)
    program = (
        "import sys, time; from flows import finishing; from flows.settings import Settings\n"
        f"finishing.EXPORT = {finishing.EXPORT!r}\n"
        "finishing.Finishing(Settings.read(sys.argv[1])).finish('ada'); print('begun', flush=True); time.sleep(60)"
    )
    page = subprocess.Popen([sys.executable, "-c", program, str(lake.settings.file)], stdout=subprocess.PIPE)
    assert page.stdout is not None and page.stdout.readline() == b"begun\n"
    working = Finishing(lake.settings)
    assert working.state() == {"state": "running", "what": "the export that ada started is under way"}
    assert working.finish("bob")["what"] == "the export that ada started is under way"
    page.kill()
    page.communicate()
    assert working.state() == {"state": "failed", "what": "the export that ada started was cut off; finish again"}
    while not started.read_text():  # what was started lives on, and comes to it when it can
        time.sleep(0.05)
    assert started.read_text() == "x\n"


def test_without_a_server_no_run_waits(lake: Pond, play: Play) -> None:
    assert waiting_runs(lake.settings) == []


def test_server_that_does_not_answer_is_told(lake: Pond, play: Play) -> None:
    started = play(DONE)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        working = Finishing(lake.settings)
        told = r"^Prefect's server http://127.0.0.1:9/api does not answer as it should .*; start it, or unset"
        for asked in (lambda: working.finish("ada"), lambda: waiting_runs(lake.settings)):
            with pytest.raises(RunFailed, match=told):
                asked()
        assert working.state()["state"] == "open" and "does not answer" in working.state()["what"]
    assert started.read_text() == ""


class Server:
    """Plays the Prefect server: the runs that were not ended, and what they were resumed with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *runs: ReviewedRun) -> None:
        self.runs, self.faster, self.ended = list(runs), "", ("", "")
        monkeypatch.setattr(finishing, "server_url", lambda: "http://somewhere/api")
        monkeypatch.setattr(finishing, "FRESH_S", -1)
        monkeypatch.setattr(waiting, "reviewed_runs", lambda settings: list(self.runs))
        monkeypatch.setattr(waiting, "resume", self.resume)
        monkeypatch.setattr(waiting, "outcome", lambda id: self.ended)

    def resume(self, run: ReviewedRun, said: Finished) -> bool:
        self.runs = [going(self.faster or said.curator) if one is run else one for one in self.runs]
        return not self.faster


def waits(why: str = "8 candidates can be reviewed") -> ReviewedRun:
    return ReviewedRun(uuid.uuid4(), "make pond", "Suspended", datetime.now(UTC), 1, why)


def going(curator: str) -> ReviewedRun:
    return ReviewedRun(uuid.uuid4(), "make pond", "Running", datetime.now(UTC), 1, "", Finished(curator=curator))


def test_run_that_waits_goes_on(lake: Pond, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    started = play(DONE)
    server = Server(monkeypatch, waits())
    working = Finishing(lake.settings)
    assert working.state() == {"state": "open", "what": "the run make pond waits: 8 candidates can be reviewed"}
    told = working.finish("ada")
    assert told["what"] == "ada finished the review: the run make pond goes on, and exports what is accepted"
    assert working.wait() is None
    assert working.state()["what"].startswith("ada finished the review: the run make pond goes on (Running since ")
    assert working.finish("bob")["what"].startswith("ada finished")
    server.runs, server.ended = [], ("Completed", "ada finished the review: 1 tokens")
    assert Finishing(lake.settings).state() == {"state": "done", "what": "ada finished the review: 1 tokens"}
    server.ended = ("Crashed", "")
    assert Finishing(lake.settings).state() == {"state": "failed", "what": "the run ended as Crashed; finish again"}
    server.ended = ("", "")  # deleted there
    assert Finishing(lake.settings).state()["state"] == "open"
    assert started.read_text() == ""


def test_run_that_was_finished_elsewhere_is_followed(lake: Pond, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play(BAD)
    server = Server(monkeypatch, going("bob"))
    working = Finishing(lake.settings)
    assert working.state()["what"].startswith("bob finished the review: the run make pond goes on (Running since ")
    server.runs, server.ended = [], ("Completed", "bob finished the review: 1 tokens")
    assert working.state() == {"state": "done", "what": "bob finished the review: 1 tokens"}


def test_who_was_faster_is_told(lake: Pond, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    started = play(DONE)
    Server(monkeypatch, waits()).faster = "bob"
    assert (
        Finishing(lake.settings).finish("ada")["what"].startswith("bob finished the review: the run make pond goes on")
    )
    assert started.read_text() == ""


def test_no_run_waits_so_the_export_is_started(lake: Pond, play: Play, go, monkeypatch: pytest.MonkeyPatch) -> None:
    started = play(DONE)
    Server(monkeypatch)
    go()
    heard: list[str] = []
    told = finish(lake.settings, "ada", heard=heard.append)
    assert told == "ada finished the review; collection: here (1 tokens)" and heard == ["exporting"]
    assert started.read_text() == "x\n"
