"""Finishing a review: the run that waits on a Prefect server goes on, or else the export is started on this machine.

The page and the command line do the same, perhaps at once: a lock in the collection's folder lets one export start, and
the server resumes a run once. Who finished is kept with the run, or beside the lock.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypedDict

import filelock

from collection_db import Table
from collection_db.deciding import checked_text
from durable import write_json
from errors import NothingLeft, RunFailed
from flows.server import quiet_prefect
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.waiting import ReviewedRun

EXPORT = (sys.executable, "-m", "toadworks", "export", "-c")  # and the collection
NEVER = -math.inf
ERROR, LONGEST = "toadworks: ", 500  # how an error begins, and how many letters of it the page shows
NOTE, LOCK = ".finish.json", ".finish.busy"
FRESH_S = 3.0  # for so long an answer of Prefect's server counts: many pages ask
LOOK_S = 0.5  # longer than anybody holds the lock only to see whether it is free

Standing = Literal["open", "running", "done", "failed"]


class State(TypedDict):
    """How the finish stands, and a sentence on it: what finishing would start, how it goes, or what came of it."""

    state: Standing
    what: str


@dataclass(frozen=True)
class Finish:
    """The last finish that was said here. `run`: the id of the run that it let go on; empty for an export here."""

    curator: str
    note: str
    at: str
    run: str = ""
    state: Standing = "running"
    what: str = ""


class Finishing:
    """Finishing the review of one collection, for pages and threads: nothing here takes longer than a server's answer.

    `heard` gets the lines of an export that was started here, as they come; the last one goes into the state.
    """

    def __init__(self, settings: Settings, heard: Callable[[str], object] = lambda line: None) -> None:
        self.settings = settings
        self._heard, self._last = heard, ""
        self._server = server_url()
        self._turn, self._asking, self._looking = threading.Lock(), threading.Lock(), threading.Lock()
        self._busy = filelock.FileLock(settings.folder / LOCK, thread_local=False)
        self._export: threading.Thread | None = None
        self._seen: tuple[float, State | None] = (NEVER, None)

    def state(self) -> State:
        """How it stands, for everybody who works on the collection. A server that does not answer is told of, too."""
        if self._is_busy():
            return self._running()
        return (self._last_seen() if self._server else None) or self._here()

    def finish(self, curator: str, note: str = "") -> State:
        """Let the run that waits go on; where none does, start the export here. Said again while that is under way, it
        starts nothing, and answers how it goes.

        Raises NothingLeft where nothing is accepted, BadValue for a name or note that cannot be, RunFailed where
        Prefect's server does not answer.
        """
        curator = checked_text("curator", curator)
        note = checked_text("note", note, empty=True)
        with self._turn:
            if self._is_busy():
                return self._running()
            _check_accepted(self.settings)
            if self._server:
                told = self._resumed(curator, note)
                self._seen = (NEVER, told)
                if told:
                    return told
            if self._is_busy(take=True):
                return self._running()
            self._begin(Finish(curator, note, _now()))
            return self._running()

    def wait(self) -> State | None:
        """Wait for the export that was started here, and say how it ended; None if none was."""
        if self._export is None:
            return None
        self._export.join()
        return self._here()

    def _is_busy(self, take: bool = False) -> bool:
        """Is an export under way that this or another process started? If not, with `take`, the lock is ours."""
        with self._looking:
            if self._busy.is_locked:
                return True
            try:
                self._busy.acquire(timeout=LOOK_S if take else 0)
            except filelock.Timeout:
                return True
            if not take:
                self._busy.release()
            return False

    def _free(self) -> None:
        with self._looking:
            self._busy.release()

    def _running(self) -> State:
        said = self._note()
        who = f" that {said.curator} started" if said else ""
        how = f": {self._last}" if self._last and self._busy.is_locked else ""
        return {"state": "running", "what": f"the export{who} is under way{how}"}

    def _here(self) -> State:
        """As the note beside the lock says."""
        said = self._note()
        if said is None or said.run:
            return {"state": "open", "what": "no run waits for the review: finishing it starts the export here"}
        if said.state == "running":  # its process is gone
            return {"state": "failed", "what": f"the export that {said.curator} started was cut off; finish again"}
        return {"state": said.state, "what": said.what}

    def _begin(self, said: Finish) -> None:
        """Start the export; the lock is taken."""
        self._last = ""
        try:
            self._write(said)
            process = subprocess.Popen(
                [*EXPORT, str(self.settings.file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except BaseException:
            self._free()
            raise
        self._export = threading.Thread(target=self._watch, args=(process, said), daemon=True)
        self._export.start()

    def _watch(self, process: subprocess.Popen[str], said: Finish) -> None:
        try:
            before, error = "", ""
            for line in filter(None, map(str.rstrip, process.stdout or ())):
                if before:
                    self._heard(before)
                before, self._last = line, " ".join(line.split())
                if error or self._last.startswith(ERROR):  # which may have a line for each fault
                    error += f" {self._last}"
            status = process.wait()
            last = (error.strip() or self._last).removeprefix(ERROR)[:LONGEST] or f"it ended with status {status}"
            what = f"the export failed: {last}" if status else f"{said.curator} finished the review; {last}"
            self._write(replace(said, state="failed" if status else "done", what=what))
        finally:
            self._free()

    def _resumed(self, curator: str, note: str) -> State | None:
        """Let the run that waits go on, the oldest one if there are several; None where none does."""
        from flows.waiting import Finished, resume, reviewed_runs

        while runs := reviewed_runs(self.settings):
            if going := self._going(runs):
                return going
            if resume(runs[0], Finished(curator=curator, note=note)):  # else somebody was faster
                self._write(Finish(curator, note, _now(), run=str(runs[0].id)))
                more = f"; {len(runs) - 1} more wait" if len(runs) > 1 else ""
                told = f"{curator} finished the review: the run {runs[0].name} goes on, and exports what is accepted"
                return {"state": "running", "what": told + more}
        return None

    def _last_seen(self) -> State | None:
        """What the server said some seconds ago, or says now: one thread asks, the others have the answer before."""
        if self._is_stale() and self._asking.acquire(blocking=self._seen[0] == NEVER):
            try:
                if self._is_stale():
                    before, found = self._seen, self._on_server()
                    if self._seen is before:  # else somebody finished meanwhile
                        self._seen = (time.monotonic(), found)
            finally:
                self._asking.release()
        return self._seen[1]

    def _is_stale(self) -> bool:
        return time.monotonic() - self._seen[0] > FRESH_S

    def _on_server(self) -> State | None:
        """How the collection's runs stand there; None where none waits or was let go on from here."""
        from flows.waiting import outcome, reviewed_runs

        try:
            runs = reviewed_runs(self.settings)
            if going := self._going(runs):
                return going
            if runs:
                return {"state": "open", "what": f"the run {runs[0].name} waits: {runs[0].why}"}
            said = self._note()
            state, message = outcome(said.run) if said and said.run else ("", "")
        except RunFailed as error:
            return {"state": "open", "what": str(error)}
        if not state:
            return None
        if state == "Completed":
            return {"state": "done", "what": message}
        return {"state": "failed", "what": f"the run ended as {state}{f': {message}' if message else ''}; finish again"}

    def _going(self, runs: list[ReviewedRun]) -> State | None:
        """The one that goes on after its review, wherever that was finished: noted, to know later how it ended."""
        going = next((run for run in runs if run.said), None)
        if going is None or going.said is None:
            return None
        noted, run = self._note(), str(going.id)
        if noted is None or noted.run != run:
            self._write(Finish(going.said.curator, going.said.note, _now(), run))
        told = f"{going.said.curator} finished the review: the run {going.name} goes on"
        since = f"{going.state} since {going.since:%Y-%m-%d %H:%M} UTC"
        return {"state": "running", "what": f"{told} ({since}; if it was killed, cancel it on Prefect's page)"}

    def _note(self) -> Finish | None:
        try:
            return Finish(**json.loads((self.settings.folder / NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, said: Finish) -> None:
        write_json(self.settings.folder / NOTE, asdict(said))


def server_url() -> str:
    """The Prefect server that PREFECT_API_URL names, in the environment or in Prefect's profile; empty if none."""
    quiet_prefect()
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value() or ""


def waiting_runs(settings: Settings) -> list[ReviewedRun]:
    """The collection's runs that wait for their review, the oldest first; none where no server is named. Raises
    RunFailed where it does not answer."""
    if not server_url():
        return []
    from flows.waiting import reviewed_runs

    return [run for run in reviewed_runs(settings) if run.waits]


def finish(settings: Settings, curator: str, note: str = "", heard: Callable[[str], object] = lambda line: None) -> str:
    """Finish the review, and wait for an export that it starts here; a sentence on what came of it. Raises as
    `Finishing.finish` does, and RunFailed where the export fails."""
    finishing = Finishing(settings, heard)
    told = finishing.finish(curator, note)
    told = finishing.wait() or told
    if told["state"] == "failed":
        raise RunFailed(told["what"])
    return told["what"]


def _check_accepted(settings: Settings) -> None:
    table = Table.open(settings.database_url)
    counts = table.counts()
    table.close()
    if not counts["accepted"]:
        raise NothingLeft(
            f"nothing is accepted yet of {counts['candidates']} candidates, so the review cannot be finished: accept"
            " some on the page, or with `toadworks accept ID...`"
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
