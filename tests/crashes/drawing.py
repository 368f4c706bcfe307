"""One worker on a collection, as another process and, if wanted, as if on another machine:
`python -m tests.crashes.drawing FILE LEASE_S HOST THREADS`.

It says "made" when it has made some candidates and is about to store them, and goes on when it reads a line; in the end
it prints how many it has stored. `THREADS` are told in every picture, and so tell one worker's from another's.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

import flows.stylize
from flows.settings import Settings
from flows.settings_checks import Checks
from flows.stylize import make_missing

DRAWN = 8


@contextmanager
def short_leases(seconds: float) -> Iterator[None]:
    """Leases shorter than collection.toml can have."""
    with pytest.MonkeyPatch.context() as patched:
        check = Checks.check

        def shortened(self: Checks) -> None:
            check(self)
            self.of["storage"]["lease"] = seconds

        patched.setattr(Checks, "check", shortened)
        patched.setattr(flows.stylize, "TASK_BATCH", DRAWN)
        yield


def main(file: str, lease_s: float, host: str, threads: int) -> None:
    torch.set_num_threads(threads)
    made = flows.stylize._made

    def held(*given: Any) -> Any:
        result = made(*given)
        print("made", flush=True)
        sys.stdin.readline()
        return result

    with short_leases(lease_s), pytest.MonkeyPatch.context() as patched:
        patched.setattr(flows.stylize, "_made", held)
        if host:
            patched.setattr(socket, "gethostname", lambda: host)
        print("stored", make_missing(Settings.read(file))[0], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
