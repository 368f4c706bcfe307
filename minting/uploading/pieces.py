"""What is sent, and where to: files, CARs, and the one interface of all destinations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CAR_MIME = "application/vnd.ipld.car"

Moved = Callable[[int], None]  # bytes that went or came; negative where they have to go again


class Tally:
    """Bytes that one try moved, told as they go; they can be taken back where the try was in vain. Threads may share
    it."""

    def __init__(self, moved: Moved) -> None:
        self._moved, self._told, self._lock = moved, 0, threading.Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            self._told += count
        self._moved(count)

    def take_back(self) -> None:
        with self._lock:
            told, self._told = self._told, 0
        self._moved(-told)


@dataclass(frozen=True)
class Item:
    """A file of a release. `name`: its path there ("images/1.png"); `size` in bytes; `sha256` as 64 hex digits."""

    name: str
    file: Path
    sha256: str
    size: int
    mime: str
    cid: str = ""

    @property
    def content(self) -> str:
        """What tells it from another that goes to the same place under the same name."""
        return f"sha256:{self.sha256} {self.mime}"


@dataclass(frozen=True)
class Part:
    """Files that are sent before those of the next part: a folder or a file with a CID of its own, or ("", without a
    CID) everything else."""

    name: str
    items: tuple[Item, ...]
    cid: str = ""

    @property
    def is_file(self) -> bool:
        return len(self.items) == 1 and self.items[0].name == self.name

    @property
    def uri(self) -> str:
        return f"ipfs://{self.cid}" + ("" if self.is_file else "/")


@dataclass(frozen=True)
class Root:
    """A part as an IPFS service takes it: one CID, and a CARv1 file with all blocks below it, of `size` bytes."""

    part: Part
    car: Path
    size: int

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def cid(self) -> str:
        return self.part.cid

    @property
    def content(self) -> str:
        return f"cid:{self.cid}"


Piece = Item | Root


class Destination(Protocol):
    """Where a release goes. `shown` says where in messages, without secrets; `key` names it in the journal.

    Parts that have a CID go as CARs if it `takes_cars`, else as files; files of no such part go if it `takes_files`.
    Methods may be called by several threads. They raise RunFailed, within the destination's patience, where it cannot
    be used, and WrongCopy for what it holds and is not what was sent.
    """

    shown: str
    key: str
    takes_cars: bool
    takes_files: bool

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        """The names of those that it says it has, by size or checksum or CID; nothing is read back."""

    def requests(self, piece: Piece) -> int:
        """About how many requests it takes to send the piece and to read it back."""

    def send(self, piece: Piece, moved: Moved) -> None:
        """Put it there, going on where an earlier try ended if that can be."""

    def verify(self, piece: Piece, moved: Moved) -> None:
        """Read every byte of it back. Raises WrongCopy where size, MIME type, CID or bytes are not ours."""

    def uri(self, part: Part) -> str:
        """Where the part is found afterwards."""

    def close(self) -> None:
        """Give connections back."""
