"""CARv1, the archive of blocks: a header that names the roots, then each block after its CID. Written and read here.

What is read may come from anywhere, so nothing in it is believed: each length is looked at before so much is read, and
each block is held against its hash. See the CARv1 specification of IPLD.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from errors import BadCar, BadSource
from minting.ipfs.cids import cid_text, digest_of, take_cid
from minting.ipfs.profiles import MIB
from minting.ipfs.varints import MOST_BYTES, Malformed, take_varint, varint

MOST_HEADER = MIB  # bytes; some 25,000 roots
MOST_BLOCK = 2 * MIB  # bytes; nodes of IPFS pass no larger ones on
_MOST_CID = 64  # bytes; those that are known have 34 or 36

_ROOTS, _VERSION_1 = b"\xa2\x65roots", b"\x67version\x01"  # DAG-CBOR: a map of two keys, the shorter one first
_CID_TAG = 42
_UINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = 0, 2, 3, 4, 5, 6  # CBOR's major types


class Block(NamedTuple):
    """A block of a file, whose hash was checked. `at`: where its bytes begin in the file."""

    cid: bytes
    data: bytes
    at: int


@dataclass(frozen=True)
class Car:
    """A CAR file: the CIDs of its roots, and its blocks, each after its CID, in the file's order. The blocks can be
    gone through once, and are read as they are asked for."""

    roots: tuple[str, ...]
    blocks: Iterator[tuple[str, bytes]]


def header(root: bytes) -> bytes:
    """The header of a file with this one root, a CID of 23 to 254 bytes; its length depends on the CID's alone."""
    cbor = b"".join((_ROOTS, b"\x81\xd8\x2a\x58", bytes((len(root) + 1,)), b"\0", root, _VERSION_1))
    return varint(len(cbor)) + cbor


def read_car(file: Path) -> Car:
    """What is in a CAR file. Reading never takes more memory than its largest block, of `MOST_BLOCK` bytes at most.

    Raises BadSource where there is no file that can be read; BadCar with the offset where the header, now, or a block,
    when it comes to it, is cut off, damaged, too large, or has a version, codec or hash that is not known.
    """
    roots, begin = read_header(file)
    blocks = ((cid_text(block.cid), block.data) for block in read_blocks(file, begin))
    return Car(tuple(map(cid_text, roots)), blocks)


def read_header(file: Path) -> tuple[list[bytes], int]:
    """The roots' CIDs, and where the blocks begin. Raises as `read_car` does."""
    with _opened(file) as stream:
        reader = _Reader(file, stream, 0)
        length = reader.length("the header", MOST_HEADER)
        if length is None:
            raise BadCar(file, 0, "the file is empty")
        at = reader.at
        cbor = reader.take(length, "the header")
        try:
            return _read_roots(cbor), reader.at
        except Malformed as problem:
            raise BadCar(file, at, f"no header of a CAR file: {problem}") from None


def read_blocks(file: Path, begin: int) -> Iterator[Block]:
    """The blocks from offset `begin` on, in the file's order. Raises as `read_car` does."""
    with _opened(file) as stream:
        reader = _Reader(file, stream, begin)
        while True:
            at = reader.at
            length = reader.length("a block", _MOST_CID + MOST_BLOCK)
            if length is None:
                return
            data = reader.take(length, "a block")
            try:
                cid, end = take_cid(data)
            except Malformed as problem:
                raise BadCar(file, at, f"a block is named by {problem}") from None
            block = data[end:]
            if hashlib.sha256(block).digest() != digest_of(cid):
                raise BadCar(file, at, f"the block {cid_text(cid)} is damaged: its bytes do not have that hash")
            yield Block(cid, block, reader.at - len(block))


class _Reader:
    """Takes a file piece by piece, and knows where it is."""

    def __init__(self, file: Path, stream: BinaryIO, at: int) -> None:
        self.file, self.at, self._stream = file, at, stream
        self._size = os.fstat(stream.fileno()).st_size
        stream.seek(at)

    def length(self, what: str, most: int) -> int | None:
        """The number that says how long what follows is; None at the file's end."""
        at, read = self.at, b""
        while not read or read[-1] >= 0x80:
            byte = self._stream.read(1)
            if not byte and not read:
                return None
            read += byte
            if not byte or len(read) > MOST_BYTES:
                break
        try:
            length, _ = take_varint(read, 0)
        except Malformed as problem:
            raise BadCar(self.file, at, f"the length of {what} cannot be read: {problem}") from None
        self.at += len(read)
        if not 0 < length <= most:
            raise BadCar(self.file, at, f"{what} of {length} bytes; allowed: 1..{most}")
        return length

    def take(self, length: int, what: str) -> bytes:
        data = self._stream.read(length) if length <= self._size - self.at else b""
        if len(data) < length:
            left = max(0, self._size - self.at)
            raise BadCar(self.file, self.at, f"{what} of {length} bytes is cut off: {left} are left")
        self.at += length
        return data


def _opened(file: Path) -> BinaryIO:
    try:
        return open(file, "rb", buffering=MIB)  # whoever asked closes it
    except OSError as error:
        raise BadSource(file, f"cannot be read ({error.strerror})") from error


def _read_roots(cbor: bytes) -> list[bytes]:
    kind, entries, at = _head(cbor, 0)
    if kind != _MAP:
        raise Malformed("it is not a map")
    roots: list[bytes] | None = None
    version = None
    for _ in range(entries):
        key, at = _taken(cbor, at, _TEXT, "a key")
        if key == b"version" and version is None:
            kind, version, at = _head(cbor, at)
            if kind != _UINT:
                raise Malformed("the version is no number")
        elif key == b"roots" and roots is None:
            roots, at = _read_list(cbor, at)
        else:
            raise Malformed(f"it has a key {key[:20].decode(errors='replace')!r}")
    if version != 1:
        raise Malformed(f"version {version} instead of 1, the only one that is read here")
    if roots is None or at != len(cbor):
        raise Malformed("it has no roots" if roots is None else "something follows it")
    return roots


def _read_list(cbor: bytes, at: int) -> tuple[list[bytes], int]:
    kind, count, at = _head(cbor, at)
    if kind != _ARRAY:
        raise Malformed("the roots are no list")
    roots = []
    for _ in range(count):
        kind, tag, at = _head(cbor, at)
        if (kind, tag) != (_TAG, _CID_TAG):
            raise Malformed("a root is no CID")
        root, at = _taken(cbor, at, _BYTES, "a root")
        cid, end = take_cid(root, 1)
        if root[:1] != b"\0" or end != len(root):
            raise Malformed("a root is no CID")
        roots.append(cid)
    return roots, at


def _taken(cbor: bytes, at: int, wanted: int, what: str) -> tuple[bytes, int]:
    kind, length, at = _head(cbor, at)
    if kind != wanted or at + length > len(cbor):
        raise Malformed(f"{what} is not what it should be")
    return cbor[at : at + length], at + length


def _head(cbor: bytes, at: int) -> tuple[int, int, int]:
    """An item's major type and number (its value, length or tag), and where what follows begins."""
    if at >= len(cbor):
        raise Malformed("it is cut off")
    kind, low = cbor[at] >> 5, cbor[at] & 31
    if low < 24:
        return kind, low, at + 1
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    if not width or at + 1 + width > len(cbor):
        raise Malformed("it is cut off, or not DAG-CBOR")
    return kind, int.from_bytes(cbor[at + 1 : at + 1 + width], "big"), at + 1 + width
