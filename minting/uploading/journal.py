"""What was sent and verified: one line each, added and never changed, so that a run that was killed is gone on with."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from durable import Lines
from minting.uploading.pieces import Piece

FILE = "journal.jsonl"
SENT, VERIFIED, LOST, BEGUN = "sent", "verified", "lost", "begun"


class Journal:
    """The journal in `folder`, of several destinations by their keys. Threads may share it; processes take turns.

    What is noted is on the disk when `say` returns; `durable.Lines` tells what a kill may do. Only its owner may read
    the file, as an upload's address may be enough to write to it.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lines = Lines(self.file)
        for line in self._lines.read:
            self._take(line)

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
        with self._lock:
            self._lines.add(line)
            self._take(line)

    def close(self) -> None:
        self._lines.close()

    def _take(self, line: dict[str, Any]) -> None:
        try:
            self._last[line["to"], line["name"], line["content"]] = line
        except (TypeError, KeyError):
            return
