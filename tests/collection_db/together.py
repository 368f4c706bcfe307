"""Several processes that begin at the same moment, each with a table of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BEGIN = """
import json, sys
from collection_db import Table
table, me, given = Table.open(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
"""
END = """
table.close()
print(json.dumps(answer))
"""


def start_together(code: str, url: str, given: Any = None, count: int = 4) -> list[subprocess.Popen[str]]:
    """Processes that run `code`, once all of them are there: it knows `table`, `me` (0, 1, ...) and `given`, and sets
    `answer`."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    begin = [sys.executable, "-c", BEGIN + code + END, url]
    running = [
        subprocess.Popen([*begin, str(me), json.dumps(given)], text=True, cwd=ROOT, **pipes) for me in range(count)
    ]
    for process in running:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return running


def answers(running: list[subprocess.Popen[str]]) -> list[Any]:
    """Wait for them; what each one answered."""
    ended = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert all(status == 0 for _, _, status in ended), ended
    return [json.loads(out) for out, _, _ in ended]


def together(code: str, url: str, given: Any = None, count: int = 4) -> list[Any]:
    return answers(start_together(code, url, given, count))
