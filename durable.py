"""What files and processes need to survive accidents; shared by the rooms, as errors.py is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def sync_folder(folder: Path) -> None:
    """A file that was made or renamed in `folder` has its new name on the disk only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(file: Path, data: bytes, mode: int = 0o644, *, beside: str = "new") -> None:
    """Write or replace a file, so that whoever reads it finds the earlier content or `data`, also after a kill or a
    power cut; `mode`: who may read it, from its first byte on. It is written under a name that ends in `beside`: where
    several processes may write to a file at once, each needs another."""
    temporary = file.with_name(f".{file.name}.{beside}")
    temporary.unlink(missing_ok=True)  # of a process that was killed
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def write_json(file: Path, content: object) -> None:
    """`write_whole` of JSON; several processes may do it at once."""
    text = json.dumps(content, indent=2) + "\n"
    write_whole(file, text.encode(), beside=f"{os.getpid()}.tmp")


class Lines:
    """A file of JSON, one object a line, added and never changed, so that a process that was killed is gone on from.

    A line is on the disk when `add` returns; where it cannot be written whole, OSError is raised and nothing of it
    stays. What a killed process left of a line is taken away: it counts as never written. `read`: the lines that were
    there; `damaged`: the numbers, from 1, of lines that are no JSON objects, which no kill leaves. Processes take
    turns, and so do threads. Only its owner may read it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._out = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        sync_folder(file.parent)
        found = file.read_bytes()
        whole = found.rpartition(b"\n")[0]
        if len(whole) + 1 < len(found):
            os.ftruncate(self._out, len(whole) + 1 if whole else 0)
        lines = [_object(line) for line in whole.split(b"\n")] if whole else []
        self.read = [line for line in lines if line is not None]
        self.damaged = [number for number, line in enumerate(lines, 1) if line is None]

    def add(self, line: dict[str, Any]) -> None:
        left = memoryview(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        before = os.fstat(self._out).st_size
        try:
            while left:
                left = left[os.write(self._out, left) :]
            os.fsync(self._out)
        except OSError:
            os.ftruncate(self._out, before)
            raise

    def close(self) -> None:
        os.close(self._out)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_alive(pid: int) -> bool:
    """Is there a process of this number on this machine? In doubt (another user's; no possible number) there is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
