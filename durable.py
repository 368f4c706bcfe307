"""What it takes for a file's name to survive a power cut; shared by the rooms that store files, as errors.py is."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """A file that was made or renamed in `folder` has its new name on the disk only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
