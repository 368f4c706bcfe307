"""Is what a service gives back the DAG that was sent? Its blocks are held against those of our CAR, one by one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from errors import ToadworksError, WrongCopy
from minting.ipfs.cars import read_car
from minting.ipfs.cids import cid_text, digest_of
from minting.uploading.asking import Again
from minting.uploading.pieces import Moved, Root

MOST_TIMES = 3  # so many times the bytes that were sent; a CAR may hold a block more than once
NAMED = 3  # missing blocks


class Blocks:
    """The blocks of `root`, by the SHA-256 that names them, with their sizes in bytes. Each was held against it."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.sizes: dict[bytes, int] = {}
        self.names: dict[bytes, str] = {}
        with root.car.open("rb") as file:
            _, blocks = read_car(file)
            for cid, block in blocks:
                self.sizes[digest_of(cid)] = len(block)
                self.names[digest_of(cid)] = cid_text(cid)

    def check(self, chunks: Iterator[bytes], moved: Moved) -> None:
        """`chunks` are a CAR that holds all of these blocks and no other; in which order, or under which of its roots,
        does not matter. Raises Again where it is damaged or broken off, WrongCopy where it is whole but another."""
        missing, most = set(self.sizes), MOST_TIMES * (sum(self.sizes.values()) + (1 << 20))
        given = _Reader(chunks, moved, most)
        try:
            _, blocks = read_car(io.BufferedReader(given, 1 << 20))
            for cid, _ in blocks:
                if digest_of(cid) not in self.sizes:
                    raise WrongCopy(f"{self.root.name}: there is a block {cid_text(cid)} that was not sent")
                missing.discard(digest_of(cid))
        except WrongCopy:
            raise
        except ToadworksError:
            raise Again("gives back a CAR that is damaged or broken off") from None
        if missing:
            raise Again(f"gives back a CAR in which {self._told(missing)} missing")

    def _told(self, missing: set[bytes]) -> str:
        files = {item.cid: item.name for item in self.root.part.items if item.cid}
        named = sorted(self.names[digest] for digest in missing)
        shown = ", ".join(f"{cid} ({files[cid]})" if cid in files else cid for cid in named[:NAMED])
        more = ", ..." if len(named) > NAMED else ""
        return f"{len(named)} of {len(self.sizes)} blocks ({shown}{more}) are"


class _Reader(io.RawIOBase):
    """Chunks as a file to read from; an end where there would be more than `most` bytes."""

    def __init__(self, chunks: Iterator[bytes], moved: Moved, most: int) -> None:
        self._chunks, self._moved, self._left = chunks, moved, most
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self._moved(len(self._rest))
            self._left -= len(self._rest)
            if self._left < 0:
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
