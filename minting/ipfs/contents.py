"""What the blocks of a CAR file are as files and folders.

The blocks may come from anywhere: names that lead out of their folder, and shards that do not hold what they say, are
refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from errors import BadCar, BadSource
from minting.ipfs.building import HASH_SIZE, name_hash
from minting.ipfs.car import read_blocks, read_header
from minting.ipfs.cids import cid_text, digest_of
from minting.ipfs.dagpb import MURMUR3_X64_64, SHARD, Link, Node, read_node
from minting.ipfs.varints import Malformed

MOST_BLOCKS = 5_000_000  # different ones in a file: to know where each is takes some 200 bytes
_LENGTH_BITS = 22  # of the number that holds a block's offset and length
_FANOUTS = (16, 256)  # places of a shard, so that a place is a whole number of hex digits
_UPPER_HEX = frozenset(b"0123456789ABCDEF")


class Blocks:
    """The blocks of a CAR file by their CID: all were read and held against their hash, and each is again when it is
    asked for. Where they are is kept in memory, not what they hold. `bytes`: of the file."""

    def __init__(self, file: Path, progress: Callable[[int], None] | None = None) -> None:
        """Reads the whole file. `progress` gets the number of bytes read since it was called last. Raises BadSource,
        BadCar, as `read_car` does, and for a file of more than `MOST_BLOCKS` blocks."""
        self.file = file
        self.roots, begin = read_header(file)
        self._where: dict[bytes, int] = {}
        self.bytes = 0
        for cid, data, at in read_blocks(file, begin):
            self._where.setdefault(cid, at << _LENGTH_BITS | len(data))
            if len(self._where) > MOST_BLOCKS:
                raise BadCar(file, at, f"more than {MOST_BLOCKS} blocks")
            if progress:
                progress(at + len(data) - self.bytes)
            self.bytes = at + len(data)
        try:
            self._stream = open(file, "rb")  # noqa: SIM115  # until `close`
        except OSError as error:
            raise BadSource(file, f"cannot be read ({error.strerror})") from error

    def close(self) -> None:
        self._stream.close()

    def __contains__(self, cid: bytes) -> bool:
        return cid in self._where

    def __len__(self) -> int:
        return len(self._where)

    def size(self, cid: bytes) -> int:
        """The bytes of a block that is there."""
        return self._where[cid] & (1 << _LENGTH_BITS) - 1

    def block(self, cid: bytes) -> bytes:
        """A block that is there. Raises BadCar if it is not what it was."""
        self._stream.seek(self._where[cid] >> _LENGTH_BITS)
        data = self._stream.read(self.size(cid))
        if hashlib.sha256(data).digest() != digest_of(cid):
            raise self.bad(cid, "changed while it was read")
        return data

    def node(self, cid: bytes) -> Node:
        """A dag-pb block that is there, read. Raises BadCar for one that is damaged or not UnixFS."""
        try:
            return read_node(self.block(cid))
        except Malformed as problem:
            raise self.bad(cid, f"{problem}") from None

    def bad(self, cid: bytes, problem: str) -> BadCar:
        return BadCar(self.file, self._where[cid] >> _LENGTH_BITS, f"the block {cid_text(cid)}: {problem}")


def folder_links(
    blocks: Blocks, cid: bytes, node: Node, missing: Callable[[bytes], None]
) -> tuple[list[Link], list[bytes]]:
    """The entries of a folder, sorted by their names, and the shards below its root, if it is sharded.

    `missing` gets the CIDs of shards that are not there. Raises BadCar for names that are no file's (empty, "." and
    "..", not UTF-8, with a slash or a zero byte, twice in a folder), and for shards in which a name would not be
    found.
    """
    links, shards = node.links, list[bytes]()
    if node.kind == SHARD:
        links, shards = _unsharded(blocks, cid, node, missing)
    names = set()
    for link in links:
        if problem := _problem(link.name):
            raise blocks.bad(cid, f"the name {shown(link.name)!r} {problem}")
        if link.name in names:
            raise blocks.bad(cid, f"the name {shown(link.name)!r} is there twice")
        names.add(link.name)
    return sorted(links, key=lambda link: link.name), shards


def shown(name: bytes) -> str:
    """A name from anywhere, fit to be printed: no control characters, 100 characters at most."""
    text = name.decode(errors="backslashreplace")
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return text if len(text) <= 100 else text[:97] + "..."


def _problem(name: bytes) -> str:
    if name in (b"", b".", b".."):
        return "is no name of a file"
    if b"/" in name or b"\0" in name:
        return "leads out of its folder, or is cut off where it is read"
    try:
        name.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    return ""


def _unsharded(
    blocks: Blocks, root: bytes, first: Node, missing: Callable[[bytes], None]
) -> tuple[list[Link], list[bytes]]:
    fanout = first.fanout
    if fanout not in _FANOUTS or first.hash_type != MURMUR3_X64_64:
        raise blocks.bad(root, f"a shard of {fanout} places by hash 0x{first.hash_type:x}, which is not known here")
    bits, digits = (fanout - 1).bit_length(), len(f"{fanout - 1:x}")
    links: list[Link] = []
    shards = {root}
    waiting = [(root, first, 0, 0)]  # shard, node, the bits of a hash that lead to it, and how many
    while waiting:
        cid, node, before, used = waiting.pop()
        if (node.kind, node.fanout, node.hash_type) != (SHARD, fanout, first.hash_type) or used + bits > 8 * HASH_SIZE:
            raise blocks.bad(cid, "no shard of the kind that is above it, or too deep")
        _check_places(blocks, cid, node, digits)
        for link in node.links:
            hashed, name = before << bits | int(link.name[:digits], 16), link.name[digits:]
            if name:
                if int.from_bytes(name_hash(name), "big") >> 8 * HASH_SIZE - used - bits != hashed:
                    raise blocks.bad(cid, f"the name {shown(name)!r} is in the wrong shard, where none would find it")
                links.append(Link(link.cid, name, link.size))
            elif link.cid in shards:
                raise blocks.bad(cid, "a shard is in two places")
            elif link.cid not in blocks:
                missing(link.cid)
            else:
                shards.add(link.cid)
                waiting.append((link.cid, blocks.node(link.cid), hashed, used + bits))
    shards.remove(root)
    return links, list(shards)


def _check_places(blocks: Blocks, cid: bytes, node: Node, digits: int) -> None:
    """Every link has the number of its place before its name, and the bits say which places are taken."""
    taken = 0
    for link in node.links:
        if len(link.name) < digits or not _UPPER_HEX.issuperset(link.name[:digits]):
            raise blocks.bad(cid, f"{shown(link.name)!r} does not begin with its place in the shard")
        taken |= 1 << int(link.name[:digits], 16)
    if taken.bit_count() != len(node.links) or taken != int.from_bytes(node.content, "big"):
        raise blocks.bad(cid, "a shard whose bits do not say what it holds")
