"""One process at a time, where two would undo each other's work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from errors import RunFailed

LOCK = "lock"


@contextmanager
def alone_in(folder: Path, doing: str) -> Iterator[None]:
    """Nobody else works in `folder`, which only its owner may enter. One thread may ask again and again. Raises
    RunFailed where somebody does, with what they are `doing`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        raise RunFailed(f"{folder.parent}: another process {doing}; wait until it has ended") from None
    try:
        yield
    finally:
        lock.release()
