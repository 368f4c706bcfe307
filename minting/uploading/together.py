"""Doing several things at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def in_parallel(parallel: int, do: Callable[[S], T], things: Iterable[S]) -> list[T]:
    """What `do` returns for each, in their order, `parallel` at a time. After the first error nothing more is begun; it
    is raised when those that had begun have ended."""
    stop = threading.Event()

    def guarded(thing: S) -> list[T]:
        if stop.is_set():
            return []
        try:
            return [do(thing)]
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(parallel) as pool:
        try:
            futures = [pool.submit(guarded, thing) for thing in things]
            return [result for future in futures for result in future.result()]
        except BaseException:  # of one of them, or a person's Ctrl-C
            stop.set()
            raise
