"""dag-pb nodes and the UnixFS data in them: the protobuf that files and folders consist of, written and read.

Written in the one form that the dag-pb specification allows: links before data, a link's fields in the order hash,
name, size, and each of them there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from minting.ipfs.cids import take_cid
from minting.ipfs.varints import Malformed, take_varint, varint

RAW_TYPE, FOLDER, FILE, SYMLINK, SHARD = 0, 1, 2, 4, 5  # UnixFS's types of nodes
MURMUR3_X64_64 = 0x22  # the multicodec of the hash that shards go by
_EMPTY_FILE = b"\x08\x02\x18\x00"
FOLDER_DATA = b"\x08\x01"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types


class Link(NamedTuple):
    """A link of a node. `name`: UTF-8; `size`: the bytes of all blocks below and of the one it leads to (Tsize)."""

    cid: bytes
    name: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Node:
    """A dag-pb block that was read: its links in their order, and its UnixFS data."""

    kind: int
    links: list[Link]
    content: bytes = b""  # a file's own bytes, or the bits of a shard's places
    size: int = 0  # a file's bytes, its own and those below
    sizes: list[int] = field(default_factory=list)  # of the file's bytes below each link
    hash_type: int = 0
    fanout: int = 0


def link_bytes(link: Link) -> bytes:
    """A link within its node, with the tag before it."""
    inner = b"".join(
        (
            b"\x0a",
            varint(len(link.cid)),
            link.cid,
            b"\x12",
            varint(len(link.name)),
            link.name,
            b"\x18",
            varint(link.size),
        )
    )
    return b"\x12" + varint(len(inner)) + inner


def node_bytes(links: Iterable[Link], data: bytes) -> bytes:
    """A dag-pb block of these links and this UnixFS data."""
    return b"".join((*map(link_bytes, links), b"\x0a", varint(len(data)), data))


def file_data(sizes: Iterable[int]) -> bytes:
    """UnixFS data of a node of a file, below whose links are so many bytes each."""
    sizes = list(sizes)
    return b"".join((b"\x08\x02\x18", varint(sum(sizes)), *(b"\x20" + varint(size) for size in sizes)))


def shard_data(bits: int, fanout: int) -> bytes:
    """UnixFS data of a shard. `bits`: bit i is set if something is at place i."""
    field = bits.to_bytes((bits.bit_length() + 7) // 8, "big")
    return b"".join(
        (b"\x08\x05\x12", varint(len(field)), field, b"\x28", varint(MURMUR3_X64_64), b"\x30", varint(fanout))
    )


def wrapping(size: int) -> tuple[bytes, bytes]:
    """What comes before and after a chunk of `size` bytes to make it a leaf in dag-pb, so that the chunk need not be
    copied."""
    if not size:
        return b"\x0a" + varint(len(_EMPTY_FILE)) + _EMPTY_FILE, b""
    before, after = b"\x08\x02\x12" + varint(size), b"\x18" + varint(size)
    return b"\x0a" + varint(len(before) + size + len(after)) + before, after


def read_node(block: bytes) -> Node:
    """What a dag-pb block says. Raises Malformed for one that is damaged, or that is not UnixFS."""
    links, data = [], None
    for number, value in _fields(block):
        if number == 2 and isinstance(value, bytes):
            if data is not None:
                raise Malformed("a node has links after its data")
            links.append(_read_link(value))
        elif number == 1 and isinstance(value, bytes) and data is None:
            data = value
        else:
            raise Malformed(f"a node has a field {number} that it should not have")
    if data is None:
        raise Malformed("a node has no UnixFS data")
    return _read_unixfs(links, data)


def _read_link(data: bytes) -> Link:
    fields = dict(_fields(data))
    cid, name, size = fields.get(1), fields.get(2, b""), fields.get(3, 0)
    if not (isinstance(cid, bytes) and isinstance(name, bytes) and isinstance(size, int)) or set(fields) - {1, 2, 3}:
        raise Malformed("a link is not what it should be")
    taken, end = take_cid(cid)
    if end != len(cid):
        raise Malformed("a link's CID is followed by other bytes")
    return Link(taken, name, size)


def _read_unixfs(links: list[Link], data: bytes) -> Node:
    numbers: dict[int, int] = {}
    sizes: list[int] = []
    content = b""
    for number, value in _fields(data):
        if number == 2 and isinstance(value, bytes):
            content = value
        elif number == 4:
            sizes += [value] if isinstance(value, int) else _packed(value)
        elif isinstance(value, int):
            numbers[number] = value
        elif number != 8:  # a time, which nothing here asks for
            raise Malformed(f"UnixFS data has a field {number} that it should not have")
    if 1 not in numbers:
        raise Malformed("UnixFS data has no type")
    return Node(numbers[1], links, content, numbers.get(3, 0), sizes, numbers.get(5, 0), numbers.get(6, 0))


def _packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = take_varint(data, at)
        values.append(value)
    return values


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: each one's number, and its number or bytes."""
    at = 0
    while at < len(data):
        key, at = take_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = take_varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = take_varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise Malformed(f"a field of the kind {kind}, which protobuf does not have")
        if at + length > len(data):
            raise Malformed("a field is cut off")
        yield key >> 3, data[at : at + length]
        at += length
