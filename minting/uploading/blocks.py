"""Is what a service gives back the DAG that was sent? Its blocks are held against those of our CAR, one by one, as they
come: nothing is kept but their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from errors import RunFailed, WrongCopy
from minting.ipfs.cids import cid_text, digest_of, take_cid
from minting.ipfs.varints import MOST_BYTES, Malformed, take_varint
from minting.uploading.asking import Again
from minting.uploading.pieces import Moved, Root

CHUNK = 1 << 20  # bytes
MOST_HEADER, MOST_BLOCK = 1 << 20, 4 << 20  # bytes; IPFS passes on no block above 2 MiB
MOST_TIMES = 3  # so many times the bytes that were sent: a CAR may hold a block more than once
NAMED = 3  # missing blocks


class Blocks:
    """The blocks of `root`'s CAR. Raises RunFailed where it is damaged on this disk."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.names: dict[bytes, bytes] = {}  # CIDs by their SHA-256: a service may write them in another version
        self.bytes = 0
        try:
            with root.car.open("rb") as file:
                for cid, block in blocks_in(iter(lambda: file.read(CHUNK), b"")):
                    self.names[digest_of(cid)] = cid
                    self.bytes += len(block)
        except (OSError, Malformed) as problem:
            raise RunFailed(f"{root.car}: the CAR is damaged ({problem}); run this again") from None

    def check(self, chunks: Iterator[bytes], moved: Moved) -> None:
        """`chunks` are a CAR that holds all of these blocks and no other; in which order, or below which roots, does
        not matter. Raises Again where it is damaged or broken off, WrongCopy where it is sound but another."""
        missing = set(self.names)
        try:
            for cid, _ in blocks_in(self._counted(chunks, moved)):
                if digest_of(cid) not in self.names:
                    raise WrongCopy(f"{self.root.name}: there is a block {cid_text(cid)} that was not sent")
                missing.discard(digest_of(cid))
        except Malformed as problem:
            raise Again(f"gives back a CAR that is damaged or broken off ({problem})") from None
        if missing:
            raise Again(f"gives back a CAR in which {self._told(missing)} missing")

    def _counted(self, chunks: Iterator[bytes], moved: Moved) -> Iterator[bytes]:
        left = MOST_TIMES * self.bytes + MOST_HEADER
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise Malformed("it does not end")
            moved(len(chunk))
            yield chunk

    def _told(self, missing: set[bytes]) -> str:
        files = {item.cid: item.name for item in self.root.part.items if item.cid}
        named = sorted(cid_text(self.names[digest]) for digest in missing)
        shown = ", ".join(f"{cid} ({files[cid]})" if cid in files else cid for cid in named[:NAMED])
        more = ", ..." if len(named) > NAMED else ""
        return f"{len(named)} of {len(self.names)} blocks ({shown}{more}) are"


def blocks_in(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The blocks of a CARv1 that comes in `chunks`, each after its CID; those whose bytes do not have their hash, and
    whatever else is not as it should be, raise Malformed. Memory holds one block and one chunk."""
    stream = _Stream(chunks)
    length = stream.number()
    if length is None or length > MOST_HEADER:
        raise Malformed("it has no header")
    stream.take(length)  # its roots may be any, says the gateways' specification
    while (length := stream.number()) is not None:
        if length > MOST_BLOCK:
            raise Malformed(f"a block has {length} bytes")
        data = stream.take(length)
        cid, end = take_cid(data)
        block = data[end:]
        if hashlib.sha256(block).digest() != digest_of(cid):
            raise Malformed(f"the bytes of {cid_text(cid)} have another hash")
        yield cid, block


class _Stream:
    """Chunks, of which so many bytes are taken at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._data, self._at = b"", 0

    def number(self) -> int | None:
        """A varint; None at the end."""
        if not self._fill(1):
            return None
        self._fill(MOST_BYTES)  # fewer at the very end
        value, self._at = take_varint(self._data, self._at)
        return value

    def take(self, length: int) -> bytes:
        if not self._fill(length):
            raise Malformed("it is cut off")
        self._at += length
        return self._data[self._at - length : self._at]

    def _fill(self, length: int) -> bool:
        """Have so many bytes ready, if so many are to come."""
        if len(self._data) - self._at >= length:
            return True
        rest, size = [self._data[self._at :]], len(self._data) - self._at
        while size < length and (chunk := next(self._chunks, b"")):
            rest.append(chunk)
            size += len(chunk)
        self._data, self._at = b"".join(rest), 0
        return size >= length
