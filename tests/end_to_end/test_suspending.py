"""The run waits for the review: deployed it suspends and is resumed, in a plain process the export is started. Real
servers, workers and commands."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from collection_db import Table
from flows.settings import Settings
from tests.curation.browsing import Served
from tests.end_to_end.studio import Studio, processes_with

PAGE = """
import json, sys, threading
from flows.finishing import Finishing
from flows.settings import Settings
finishing = Finishing(Settings.read(sys.argv[1]))
asking = threading.Thread(target=lambda: print(json.dumps(finishing.state())))
asking.start()
asking.join()
"""


def first_candidate(settings: Settings) -> str:
    table = Table.open(settings.database_url)
    id = str(table.frame()["id"][0])
    table.close()
    return id[:8]


def press_finish(url: str, note: str) -> dict[str, Any]:
    """What the page's button does, and what the page is told."""
    with httpx.Client(base_url=url, timeout=60) as browser:
        csrf = browser.get("/").text.split('<meta name="csrf-token" content="')[1].split('"')[0]
        answer = browser.post("/api/finish", json={"note": note}, headers={"X-CSRF-Token": csrf, "Origin": url})
        assert answer.status_code == 200, answer.text
        return answer.json()


class Runs:
    """The runs of one deployment, as the server tells of them."""

    def __init__(self, studio: Studio, settings: Settings) -> None:
        self.studio, self.settings = studio, settings

    def start(self) -> str:
        """The id of a new run."""
        before = set(self.named("make collection"))
        self.studio.prefect("deployment", "run", "make collection/nightly")
        [new] = set(self.named("make collection")) - before
        return new

    def named(self, flow: str) -> dict[str, Any]:
        """The runs of a flow that were started by hand or by another flow, by their id."""
        rows = self.studio.ask("flow_runs/filter", flows={"name": {"any_": [flow]}}, limit=200)
        return {row["id"]: row for row in rows if not row["auto_scheduled"]}

    def is_now(self, run: str, *states: str) -> bool:
        state = self.studio.ask(f"flow_runs/{run}")["state"]
        assert state["type"] not in {"FAILED", "CRASHED"}, (state, self.studio.log.read_text()[-3000:])
        return state["name"] in states

    def message(self, run: str) -> str:
        return str(self.studio.ask(f"flow_runs/{run}")["state"]["message"])

    def inputs(self, run: str) -> dict[str, Any]:
        rows = self.studio.ask(f"flow_runs/{run}/input/filter", prefix="suspended", limit=200, exclude_keys=[])
        return {row["key"].removeprefix("suspended-review-"): json.loads(row["value"]) for row in rows}

    def on_page(self) -> dict[str, str]:
        """How the finish stands, as a thread of the page sees it."""
        command = [sys.executable, "-c", PAGE, str(self.settings.folder)]
        told = subprocess.run(
            command, env=self.studio.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_deployed_run_waits_for_the_review(tmp_path, environment, toadworks, small_collection):
    settings = small_collection(tmp_path, 2)
    with Studio(tmp_path, environment, settings) as studio:
        named = {"cwd": settings.folder, "PREFECT_API_URL": studio.url, "PREFECT_HOME": str(tmp_path / "prefect")}
        studio.prefect("--no-prompt", "deploy", "--name", "nightly")
        studio.start_worker()
        runs = Runs(studio, settings)
        run = runs.start()
        studio.wait_for(lambda: runs.is_now(run, "Suspended") and "1-schema" in runs.inputs(run))
        studio.wait_for(lambda: not list(processes_with(run)), 60)  # its id is in its process's environment

        # nobody accepted anything: the run is not lost, whichever way it is resumed
        told = toadworks("finish-review", "--curator", "ada", **named)
        assert told.returncode == 2 and "nothing is accepted yet of 8 candidates" in told.stderr
        assert runs.is_now(run, "Suspended") and "response" not in str(runs.inputs(run))
        studio.ask(f"flow_runs/{run}/resume", run_input={"curator": "bob"})  # as Prefect's own page does
        studio.wait_for(lambda: "2-schema" in runs.inputs(run))
        assert runs.is_now(run, "Suspended")
        assert runs.inputs(run)["2-description"].startswith("bob finished the review, but nothing is accepted")
        assert runs.on_page()["state"] == "open" and "bob finished the review, but" in runs.on_page()["what"]

        # the run of the next night does not wait beside it
        later = runs.start()
        studio.wait_for(lambda: runs.is_now(later, "Completed"))
        assert f"({run}) waits for the review already" in runs.message(later)
        assert "1-schema" not in runs.inputs(later)

        # two people finish at once, on the page and by the command: it goes on once, makes nothing again, and says who
        assert toadworks("accept", first_candidate(settings), "--curator", "cy", **named).returncode == 0
        stylized = len(runs.named("stylize"))
        page = Served(settings.folder, "dee", studio.environment)
        with ThreadPoolExecutor() as both:
            pressed = both.submit(press_finish, page.url, "all of us")
            typed = both.submit(toadworks, "finish-review", "--curator", "eve", "--note", "all of us", **named)
        page.stop()
        assert typed.result().returncode == 0, typed.result().stderr
        who = runs.inputs(run)["2-response"]["curator"]
        assert who in ("dee", "eve") and typed.result().stdout.startswith(f"{who} finished the review: the run ")
        assert pressed.result()["state"] == "running" and who in pressed.result()["what"], pressed.result()
        assert runs.on_page()["state"] == "running"
        studio.wait_for(lambda: runs.is_now(run, "Completed"))
        assert len(runs.named("stylize")) == stylized == 2
        assert runs.inputs(run)["2-response"] == {"curator": who, "note": "all of us"}
        where = f"1 tokens in {settings.release_folder}"
        assert runs.message(run) == f"{who} finished the review: {where} (all of us)"
        assert studio.ask(f"flow_runs/{run}")["state"]["data"]["storage_key"]  # its result is kept
        assert runs.on_page() == {"state": "done", "what": runs.message(run)}
        assert [file.name for file in (settings.release_folder / "images").iterdir()] == ["1.png"]
    told = toadworks("finish-review", "--curator", "ada", **named)
    assert told.returncode == 1 and f"Prefect's server {studio.url} does not answer" in told.stderr


def test_plain_run_ends_and_the_review_is_finished(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 1)
    here: dict[str, Path] = {"cwd": settings.folder}
    assert toadworks("run", **here).returncode == 0
    told = toadworks("finish-review", **here)
    assert told.returncode == 2 and "nothing is accepted yet of 4 candidates" in told.stderr
    assert toadworks("accept", first_candidate(settings), **here).returncode == 0
    with ThreadPoolExecutor() as both:
        said = [both.submit(toadworks, "finish-review", "--curator", name, **here) for name in ("ada", "bob")]
    told, late = sorted((one.result() for one in said), key=lambda one: "under way" in one.stdout)
    assert told.returncode == late.returncode == 0, told.stderr + late.stderr
    note = json.loads((settings.folder / ".finish.json").read_text())
    end = f"collection: {settings.release_folder} (1 tokens; index.html shows them)"
    assert told.stdout == f"{note['curator']} finished the review; {end}\n"
    # whose it is, once that is written down
    assert late.stdout in (f"the export{who} is under way\n" for who in ("", f" that {note['curator']} started"))
    assert (settings.release_folder / "images" / "1.png").exists()
