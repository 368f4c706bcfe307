"""What is known so far, a line of JSON each, added and never changed: what a run that was killed leaves to the next."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


class Notes:
    """The lines of `file`. One is on the disk when `add` returns; a torn one, of a process that was killed while it
    wrote, counts as never written. Threads may share it; processes take turns."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._out = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.lines: list[dict[str, Any]] = []
        for line in file.read_bytes().split(b"\n"):
            try:
                given = json.loads(line)
            except ValueError:
                continue
            if isinstance(given, dict):
                self.lines.append(given)
        size = os.fstat(self._out).st_size
        if size and os.pread(self._out, 1, size - 1) != b"\n":
            os.write(self._out, b"\n")  # so that the torn line harms no other

    def add(self, line: dict[str, Any]) -> None:
        written = json.dumps(line).encode() + b"\n"
        with self._lock:
            while written:
                written = written[os.write(self._out, written) :]
            os.fsync(self._out)
            self.lines.append(line)

    def close(self) -> None:
        os.close(self._out)
