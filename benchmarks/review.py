"""How quick is the review page with a hundred thousand candidates? First screen, jumps, scrolling, decisions.

    python benchmarks/review.py [--candidates 100000] [--decisions 300]

`toadworks review` runs in a process of its own, over SQLite on this machine; Chromium without a window, and without a
GPU, shows the page in 1440x900. The candidates are made for this and share 300 pictures. Times are the browser's own:
from asking for the address, or pressing the key, to the frame in which the pictures of all cells in view are there.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from collection_db import Table
from tests.curation.browsing import (
    Served,
    chromium,
    lacking,
    open_page,
    wait_for_pictures,
    wait_until_saved,
    write_collection,
)

VIEW = {"width": 1440, "height": 900}
TIMES = 7
ALL, LEADERS = "/?sort=position", "/?leads=1&sort=score&descending=1"

# pictures of all cells in view, or of the one under the cursor, are there
READY = """(which) => {
    const cells = [...document.querySelectorAll(which)].filter((cell) => {
        const at = cell.getBoundingClientRect();
        return at.width > 0 && at.bottom > 0 && at.top < innerHeight && cell.dataset.number;
    });
    return cells.length > 0 && cells.every((cell) => {
        const image = cell.querySelector('img');
        return image && image.complete && image.naturalWidth > 0;
    });
}"""
# milliseconds from pressing a key to the frame in which the cell under the cursor is another one, with its picture; of
# a jump to the end, with those of all cells in view
PRESSED = f"""async (key) => {{
    const ready = {READY};
    const which = key === 'End' ? '#grid .cell' : '#grid .cell.at';
    const at = () => [...document.querySelectorAll('#grid .cell.at')].find((cell) => cell.offsetWidth)?.dataset.number;
    const before = at();
    const start = performance.now();
    dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true }}));
    for (;;) {{
        await new Promise(requestAnimationFrame);
        if (at() !== before && ready(which)) return performance.now() - start;
        if (performance.now() - start > 10_000) return NaN;
    }}
}}"""
# the milliseconds between frames while it scrolls by so many pixels a frame
SCROLLED = """async ([pixels, seconds]) => {
    const grid = document.querySelector('#grid');
    const scroller = grid.scrollHeight > grid.clientHeight ? grid : document.scrollingElement;
    const gaps = [];
    let last = await new Promise(requestAnimationFrame);
    const end = last + seconds * 1000;
    while (last < end) {
        scroller.scrollTop += pixels;
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - last);
        last = now;
    }
    return gaps;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=300)
    given = parser.parse_args()
    if told := lacking():
        sys.exit(told)
    print(f"{_machine()}, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="toadworks-review-") as folder:
        pond = Path(folder) / "pond"
        print(f"making {given.candidates:,} candidates ...", flush=True)
        write_collection(pond, given.candidates, supply=1_000)
        server = Served(pond)
        try:
            with chromium() as browser:
                _measure(browser, server, given.candidates, given.decisions)
        finally:
            server.stop()


def _measure(browser: Any, server: Served, count: int, decisions: int) -> None:
    for what, query in (("first screen, all", ALL), ("first screen, leaders by score", LEADERS)):
        _told(what, [_first_screen(browser, server.url + query) for _ in range(TIMES)], 1_000)
    _told("jump to the last", [_jump(browser, server.url + ALL) for _ in range(TIMES)], 500)
    page, wrong = open_page(browser, server.url + ALL, viewport=VIEW)
    for what, pixels in (("scrolling, 600 pixels a second", 10), ("scrolling, 6,000 pixels a second", 100)):
        gaps = page.evaluate(SCROLLED, [pixels, 5])
        median = statistics.median(gaps)
        print(
            f"  {what:36} median {median:6.1f} ms a frame ({1000 / median:.0f} a second), 95 % {_at(gaps, 0.95):.0f} ms"
        )
    page.keyboard.press("Home")
    wait_for_pictures(page)
    times = [page.evaluate(PRESSED, "ar"[place % 2]) for place in range(decisions // 2)]
    wait_until_saved(page)
    _told("decision to the next picture", times, 100)
    print(f"  {'of these, the slowest of 20':36} {_at(times, 0.95):9.0f} ms")
    _killed(page, server, decisions - len(times))
    table = Table.open(f"sqlite:///{server.folder}/toadworks.db")
    newest, faults = table.newest()[0], table.faults()
    table.close()
    print(f"  {decisions} decisions, the server killed in the middle: {newest} in the ledger, {len(faults)} faults")
    if wrong := [told for told in wrong if "Failed to load resource" not in told]:
        print(f"  the page said: {wrong[:3]}")
    if newest != decisions or faults:
        sys.exit("decisions were lost, or said twice")


def _killed(page: Any, server: Served, decisions: int) -> None:
    """Decide on, while the server is killed and started again."""
    for place in range(decisions):
        page.keyboard.press("ar"[place % 2])
        if place == decisions // 3:
            server.kill()
        if place == 2 * decisions // 3:
            server.start()
    start = time.perf_counter()
    wait_until_saved(page)
    print(f"  {'all saved, after the last of them':36} {1000 * (time.perf_counter() - start):9.0f} ms")


def _first_screen(browser: Any, url: str) -> float:
    page = browser.new_context(viewport=VIEW).new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_function(READY, arg="#grid .cell", polling="raf")
    took = page.evaluate("performance.now()")
    page.context.close()
    return float(took)


def _jump(browser: Any, url: str) -> float:
    """In a browser that has seen nothing before but the first screen."""
    page, _ = open_page(browser, url, viewport=VIEW)
    page.wait_for_selector("#grid:not([aria-busy])")  # the whole list is there
    took = page.evaluate(PRESSED, "End")
    page.context.close()
    return float(took)


def _told(what: str, times: list[float], target: int) -> None:
    median = statistics.median(times)
    print(f"  {what:36} {median:9.0f} ms (target {target}: {'met' if median < target else 'MISSED'})", flush=True)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
