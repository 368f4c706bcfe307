"""What was sent and verified: one line each, added and never changed, so that a run that was killed is gone on with."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from minting.uploading.pieces import Piece

FILE = "journal.jsonl"
SENT, VERIFIED, LOST, BEGUN = "sent", "verified", "lost", "begun"


class Journal:
    """The journal in `folder`, of several destinations by their keys. Threads may share it; processes take turns.

    A line is on the disk when `say` returns. A torn line, of a process that was killed while it wrote, counts as never
    written. Only its owner may read the file, as an upload's address may be enough to write to it.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str, str], dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._out = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        for line in self.file.read_bytes().split(b"\n"):
            self._take(line)
        size = os.fstat(self._out).st_size
        if size and os.pread(self._out, 1, size - 1) != b"\n":
            os.write(self._out, b"\n")  # so that the torn line harms no other

    def state(self, to: str, piece: Piece) -> str:
        """SENT, VERIFIED, or "" where nothing is known of this very content under this name."""
        state = str(self._last.get((to, piece.name, piece.content), {}).get("state", ""))
        return state if state in (SENT, VERIFIED) else ""

    def begun(self, to: str, piece: Piece) -> str:
        """The address of an upload that was begun and, as far as is known, not ended; "" if there is none."""
        last = self._last.get((to, piece.name, piece.content), {})
        return str(last.get("upload", "")) if last.get("state") == BEGUN else ""

    def say(self, to: str, piece: Piece, state: str, upload: str = "") -> None:
        """Note what is now known of the piece: SENT, VERIFIED, LOST (it is not there after all) or BEGUN."""
        line = {"to": to, "name": piece.name, "content": piece.content, "state": state}
        if upload:
            line["upload"] = upload
        written = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            os.write(self._out, written)
            os.fsync(self._out)
            self._take(written)

    def close(self) -> None:
        os.close(self._out)

    def _take(self, line: bytes) -> None:
        try:
            given = json.loads(line)
            self._last[given["to"], given["name"], given["content"]] = given
        except (ValueError, TypeError, KeyError):
            return
