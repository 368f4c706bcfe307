"""Workers: processes, on one machine or on several, that make what is missing. Each draws some recipes at a time,
under a lease that it renews while it works; what a worker leaves undone is anybody's when its lease runs out, or at
once where its process is known to be dead."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from collection_db import Table
from durable import is_alive
from errors import RunFailed
from flows.progress import Meter, say
from flows.settings import Settings

LOOK_S = 1.0  # how often one who has nothing left to draw looks whether others are done, in seconds
TELL_S = 30.0


@lru_cache(maxsize=1)
def _token(pid: int) -> str:
    return secrets.token_hex(4)


def worker_name() -> str:
    """This process, told apart from all others: host, process, and a random part, as processes' numbers come again."""
    return f"{socket.gethostname()}/{os.getpid()}/{_token(os.getpid())}"


def dead(workers: Iterable[str]) -> list[str]:
    """Those that were processes of this machine and are no more. Of other machines' nothing is known."""
    gone = []
    for worker in workers:
        host, _, rest = worker.partition("/")
        pid = rest.partition("/")[0]
        if host == socket.gethostname() and pid.isdecimal() and not is_alive(int(pid)):
            gone.append(worker)
    return gone


def make_all(settings: Settings, table: Table, make_some: Callable[[], int], shown: Meter) -> None:
    """Call `make_some`, which draws and makes some recipes and returns how many it drew, until nothing is left to make.
    What other workers hold is waited for: it is made, or their leases run out and it is drawn here."""
    table.release_workers(dead(row.worker for row in table.workers()))
    table.try_again()
    told = 0.0
    while True:
        before = table.count_missing()
        if make_some():
            continue
        others = table.workers()
        if not others:
            return
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            say(f"waiting for {sum(row.held for row in others)} that {len(others)} other workers make now")
        time.sleep(LOOK_S)
        table.release_workers(dead(row.worker for row in others))
        shown.advance(max(0, before - table.count_missing()))


@contextmanager
def share(settings: Settings, table: Table, limit: int) -> Iterator[tuple[str, list[Any]]]:
    """Draw up to `limit` recipes: (the claim, rows as of `Table.claim`). The claim is held while the block runs, and
    what is left undone is given back when it ends, however it does."""
    lease = settings["storage"]["lease"]
    claim, rows = table.claim(worker_name(), limit, lease)
    if not rows:
        yield claim, rows
        return
    done = threading.Event()
    holding = threading.Thread(target=_hold, args=(table, claim, lease, done), daemon=True)
    holding.start()
    try:
        yield claim, rows
    finally:
        done.set()
        holding.join()
        with suppress(RunFailed):  # the table is not there: then the lease runs out by itself
            table.release(claim)


def _hold(table: Table, claim: str, lease: float, done: threading.Event) -> None:
    while not done.wait(lease / 4):
        with suppress(RunFailed):  # tried again in a while; whoever took over is found out when results are stored
            if not table.renew(claim, lease):
                return
