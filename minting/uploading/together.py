"""Doing several things at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def in_parallel(parallel: int, do: Callable[[S], T], things: Iterable[S]) -> list[T]:
    """What `do` returns for each, in their order, `parallel` at a time. After the first error nothing more is begun; it
    is raised when those that had begun have ended."""
    with ThreadPoolExecutor(parallel) as pool:
        futures = [pool.submit(do, thing) for thing in things]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
    failed = [error for future in futures if not future.cancelled() and (error := future.exception())]
    if failed:
        raise failed[0]
    return [future.result() for future in futures]
