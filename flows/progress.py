"""Progress of long work: a live bar where a person watches, a line now and then elsewhere (and in Prefect's log)."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
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
    """Counts `total` things of one stage; `advance` is called as they are done."""

    def __init__(self, stage: str, total: int, bar: Progress | None) -> None:
        self.stage, self.total, self.done = stage, total, 0
        self._bar = bar
        self._task = bar.add_task(stage, total=total) if bar else None
        self._began = self._said = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)
        elif time.monotonic() - self._said > BETWEEN_LINES and self.done < self.total:
            self._said = time.monotonic()
            say(f"{self.stage}: {self.done} of {self.total}, {self._left()} left")

    def _left(self) -> str:
        seconds = (time.monotonic() - self._began) / max(self.done, 1) * (self.total - self.done)
        return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


@contextmanager
def meter(stage: str, total: int) -> Iterator[Meter]:
    """A Meter that is shown while the block runs."""
    console = Console(stderr=True)
    if not console.is_terminal or total == 0:
        yield Meter(stage, total, None)
        return
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield Meter(stage, total, bar)


class BytesMeter(Meter):
    """Counts `total` bytes, which threads may have moved; those that moved in vain are taken back."""

    def __init__(self, stage: str, total: int, bar: Progress | None) -> None:
        super().__init__(stage, total, bar)
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        with self._lock:
            self.done += count
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self.done)
            elif time.monotonic() - self._said > BETWEEN_LINES and self.done < self.total:
                self._said = time.monotonic()
                done, total = self.done / 1e6, self.total / 1e6
                say(f"{self.stage}: {done:.0f} of {total:.0f} MB, {self._rate():.1f} MB/s, {self._left()} left")

    def _rate(self) -> float:
        return self.done / 1e6 / (self._said - self._began)


@contextmanager
def bytes_meter(stage: str, total: int) -> Iterator[BytesMeter]:
    """A BytesMeter that is shown, with rate and time left, while the block runs."""
    console = Console(stderr=True)
    if not console.is_terminal or total == 0:
        yield BytesMeter(stage, total, None)
        return
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield BytesMeter(stage, total, bar)


def say(line: str) -> None:
    """One line for who watches: on standard error, so that what a command prints can be piped on."""
    print(line, file=sys.stderr, flush=True)
