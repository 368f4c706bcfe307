"""The review page in a real browser: `toadworks review` in a process of its own, and Chromium without a window."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collection_db import Table, open_assets
from collection_db.filtering import Eyes
from tests.curation.crowd import Crowd

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("TOADWORKS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# how many are in view, in the browser's words: cells that wait to be used again keep their marks
REJECTED = "[...document.querySelectorAll('#grid .cell.rejected')].filter((cell) => cell.offsetWidth).length"
PASSWORD = "a pond full of toads"  # of everybody who logs in
START_S, SAVE_S = 60, 30  # how long a server may take to start, and a page to save


def lacking() -> str:
    """What is missing for a browser; empty where all is there."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "no playwright: pip install playwright"
    return "" if CHROMIUM else "no Chromium: install Debian's chromium, or name one in TOADWORKS_CHROMIUM"


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def write_collection(folder: Path, count: int, **review: Any) -> list[str]:
    """A collection of a crowd, ready to be reviewed; the candidates' ids in the order of the plan."""
    (folder / "images").mkdir(parents=True)
    settings = "".join(f"{key} = {str(value).lower()}\n" for key, value in review.items())
    told = f'name = "Pond"\n[sources]\nimages = "images"\n[review]\n{settings}'
    (folder / "collection.toml").write_text(told, encoding="utf-8")
    table = Table.open(f"sqlite:///{folder}/toadworks.db")
    ids = Crowd(count).fill(table, open_assets(folder / "assets"))
    table.close()
    return ids


class Served:
    """`toadworks review` of a collection, which can be killed and started again at the same address."""

    def __init__(self, folder: Path, curator: str = "ann", environment: dict[str, str] | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.curator, self.url = folder, curator, f"http://127.0.0.1:{self.port}"
        self.environment = environment  # None: this process's
        self.log = folder / "review.log"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "toadworks", "review", "-c", str(self.folder)]
        command += ["--port", str(self.port), "--curator", self.curator]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the page's server did not start: {self.log.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def open_page(browser: Browser, url: str, **context: Any) -> tuple[Page, list[str]]:
    """The page with its first candidate in view, and the list into which its errors go."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | context).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.goto(url)
    wait_for_pictures(page)
    return page, wrong


def wait_for_pictures(page: Page) -> None:
    """Until the pictures of all cells that are in view are there."""
    page.wait_for_function(
        """() => {
            const cells = [...document.querySelectorAll('#grid [data-number]')];
            const seen = cells.filter((cell) => {
                const at = cell.getBoundingClientRect();
                return at.bottom > 0 && at.top < innerHeight && !cell.hidden;
            });
            return seen.length > 0 && seen.every((cell) => {
                const image = cell.querySelector('img');
                return image && image.complete && image.naturalWidth > 0;
            });
        }""",
        polling="raf",
    )


def wait_until_saved(page: Page) -> None:
    """Until the server has acknowledged everything that was said on the page."""
    page.wait_for_function(
        "() => document.querySelector('#unsaved').dataset.count === '0'", timeout=SAVE_S * 1000, polling=50
    )


def log_in(page: Page, name: str) -> None:
    """On the form that is open."""
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    wait_for_pictures(page)


def at(page: Page) -> int:
    """The number of the candidate under the cursor."""
    return int(page.locator("#grid .cell.at:visible").get_attribute("data-number"))


def seen_on(page: Page) -> list[int]:
    """The numbers of the candidates that are on the page now, in order."""
    cells = page.locator("#grid .cell[data-number]:not(.empty):visible")
    places = cells.evaluate_all(
        "cells => cells.map(cell => [Number(cell.id.split('-')[1]), Number(cell.dataset.number)])"
    )
    return [number for _, number in sorted(places)]


def explain(page: Page) -> None:
    """Open the panel with everything about the candidate under the cursor."""
    if not page.locator("#panel").is_visible():
        page.keyboard.press("e")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def eyes_of(curator: str) -> Eyes:
    return Eyes(curator, blind=True)


def verdicts(table: Table, *numbers: int) -> list[str]:
    """What stands of these candidates, as ann sees it."""
    return [seen.standing.verdict for seen in table.seen(numbers, eyes_of("ann"))]
