"""Progress of long work: a live bar where a person watches, a line now and then elsewhere (and in Prefect's log)."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

BETWEEN_LINES = 10.0  # seconds


class Meter:
    """Counts `total` things of one stage, or bytes; `advance` is called as they are done."""

    def __init__(self, stage: str, total: int, bar: Progress | None, of_bytes: bool = False) -> None:
        self.stage, self.total, self.done, self._of_bytes = stage, total, 0, of_bytes
        self._bar = bar
        self._task = bar.add_task(stage, total=total) if bar else None
        self._began = self._said = time.monotonic()
        self._lock = threading.Lock()  # threads may advance it together

    def advance(self, count: int = 1) -> None:
        """`count` is negative for what was done in vain, and has to be done again."""
        with self._lock:
            self._advance(count)

    def _advance(self, count: int) -> None:
        self.done += count
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)
        elif time.monotonic() - self._said > BETWEEN_LINES and self.done < self.total:
            self._said = time.monotonic()
            done = (
                f"{self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB"
                if self._of_bytes
                else f"{self.done} of {self.total}"
            )
            say(f"{self.stage}: {done}, {self._left()} left")

    def _left(self) -> str:
        seconds = (time.monotonic() - self._began) / max(self.done, 1) * (self.total - self.done)
        return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


@contextmanager
def meter(stage: str, total: int, of_bytes: bool = False) -> Iterator[Meter]:
    """A Meter that is shown while the block runs; one `of_bytes` says how many a second, too."""
    console = Console(stderr=True)
    if not console.is_terminal or total == 0:
        yield Meter(stage, total, None, of_bytes)
        return
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(bar_width=None),
        *((DownloadColumn(), TransferSpeedColumn()) if of_bytes else (MofNCompleteColumn(),)),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield Meter(stage, total, bar, of_bytes)


@contextmanager
def shown(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """A meter for rooms that know of none: they call what they are given with how many were done."""
    with meter(stage, total) as bar:
        yield bar.advance


def say(line: str) -> None:
    """One line for who watches: on standard error, so that what a command prints can be piped on."""
    print(line, file=sys.stderr, flush=True)
