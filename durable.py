"""What files and processes need to survive accidents; shared by the rooms, as errors.py is."""

from __future__ import annotations

import json
import os
from pathlib import Path


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


def is_alive(pid: int) -> bool:
    """Is there a process of this number on this machine? In doubt (another user's; no possible number) there is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
