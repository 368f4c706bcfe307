"""A snapshot that was begun: what is known of it lies beside its file, so that one that was killed is gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from durable import write_whole
from errors import NothingLeft
from minting.chain.holders import Holders

FORMAT = 1


@dataclass(frozen=True)
class Pinned:
    """What a snapshot is of. `asked`: the block as it was asked for; `first`: the block that is read first; `block`,
    `hash`, `time`: the last one, its time in seconds since 1970."""

    chain_id: int
    contract: str
    asked: str
    first: int
    block: int
    hash: str
    time: int
    format: int = FORMAT


class Begun:
    """The progress of the snapshot that will be `file`: a line on what it is of, then one for each range of blocks. A
    line is on the disk when `note` returns; a torn one, of a process that was killed, counts as never written.

    Raises NothingLeft where another process is at the same snapshot.
    """

    def __init__(self, file: Path) -> None:
        self.file = file.with_name(f".{file.name}.progress")
        self._lock = FileLock(file.with_name(f".{file.name}.busy"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise NothingLeft(f"another process is taking the snapshot {file} already") from None

    def earlier(
        self, chain_id: int, contract: str, asked: str, first: int | None
    ) -> tuple[Pinned, Holders, int] | None:
        """What was begun of this very snapshot, with the last block that is done; None where nothing was."""
        try:
            lines = [_parsed(line) for line in self.file.read_bytes().split(b"\n")[:-1]]
            pinned = Pinned(**lines[0])
            wanted = (FORMAT, chain_id, contract, asked, pinned.first if first is None else first)
            if (pinned.format, pinned.chain_id, pinned.contract, pinned.asked, pinned.first) != wanted:
                return None
            holders, done = Holders(contract), pinned.first - 1
            for line in lines[1:]:
                holders.owners.update({int(token): str(owner) for token, owner in line["moved"].items()})
                holders.transfers, holders.strange = int(line["transfers"]), int(line["strange"])
                done = int(line["done"])
            return pinned, holders, done
        except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            return None

    def begin(self, pinned: Pinned) -> None:
        """In place of what was begun before."""
        write_whole(self.file, _line(asdict(pinned)))

    def go_on(self) -> None:
        """With what was begun before: a torn line at its end goes."""
        content = self.file.read_bytes()
        os.truncate(self.file, content.rfind(b"\n") + 1)

    def note(self, done: int, moved: Mapping[int, str], holders: Holders) -> None:
        """The blocks up to `done` are read; `moved`: the tokens that their logs name, and who holds them then."""
        by_text = {str(token): owner for token, owner in moved.items()}
        line = {"done": done, "transfers": holders.transfers, "strange": holders.strange, "moved": by_text}
        with open(self.file, "ab") as out:
            out.write(_line(line))
            out.flush()
            os.fsync(out.fileno())

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)

    def close(self) -> None:
        self._lock.release()


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError(line)
    return found
