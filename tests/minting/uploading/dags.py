"""CARs and UnixFS read by other code than the product's, so that what it sends is understood by somebody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

RAW, DAG_PB = 0x55, 0x70
FOLDER, SHARD = 1, 5
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

Blocks = dict[bytes, bytes]  # by CID


def number(data: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def cid_at(data: bytes, at: int) -> tuple[bytes, int]:
    if data[at : at + 2] == b"\x12\x20":
        return data[at : at + 34], at + 34
    version, after = number(data, at)
    codec, after = number(data, after)
    assert version == 1 and codec in (RAW, DAG_PB) and data[after : after + 2] == b"\x12\x20"
    return data[at : after + 34], after + 34


def text_of(cid: bytes) -> str:
    if len(cid) != 34:
        return "b" + base64.b32encode(cid).decode().lower().rstrip("=")
    value, text = int.from_bytes(cid), ""
    while value:
        value, digit = divmod(value, 58)
        text = _BASE58[digit] + text
    return text


def read_car(data: bytes) -> tuple[bytes, Blocks]:
    """The root and the blocks of a CARv1 with one root; ValueError for whatever is not right."""
    try:
        length, at = number(data, 0)
        header = data[at : at + length]
        found = header.index(b"\xd8\x2a\x58")  # tag 42 and a byte string
        root = header[found + 5 : found + 4 + header[found + 3]]
        if b"gversion\x01" not in header or len(header) != length:
            raise ValueError("no CARv1")
        blocks, at = {}, at + length
        while at < len(data):
            length, at = number(data, at)
            cid, begin = cid_at(data, at)
            block = data[begin : at + length]
            if at + length > len(data) or hashlib.sha256(block).digest() != cid[-32:]:
                raise ValueError("a block is damaged")
            blocks[cid] = block
            at += length
    except (IndexError, AssertionError) as error:
        raise ValueError("it is cut off, or no CAR") from error
    return root, blocks


def write_car(root: bytes, blocks: Blocks) -> bytes:
    header = b"\xa2eroots\x81\xd8\x2a\x58" + bytes([len(root) + 1]) + b"\0" + root + b"gversion\x01"
    packed = (varint(len(cid) + len(block)) + cid + block for cid, block in blocks.items())
    return varint(len(header)) + header + b"".join(packed)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = number(data, at)
        value, at = number(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + value]
            at += value
        else:
            yield key >> 3, value


def links(cid: bytes, block: bytes) -> list[tuple[str, bytes]]:
    """Names and CIDs that a block leads to."""
    if len(cid) != 34 and cid[1] == RAW:
        return []
    found = []
    for key, value in fields(block):
        if key == 2:
            link = dict(fields(value))  # type: ignore[arg-type]
            found.append((bytes(link.get(2, b"")).decode(), bytes(link[1])))
    return found


def below(root: bytes, blocks: Blocks) -> Blocks:
    """The blocks of a DAG, each once, parents first. KeyError where one is missing."""
    found: Blocks = {}
    waiting = [root]
    while waiting:
        cid = waiting.pop()
        if cid not in found:
            found[cid] = blocks[cid]
            waiting += [to for _, to in reversed(links(cid, found[cid]))]
    return found


def unixfs(block: bytes) -> dict[int, int | bytes]:
    return dict(fields(bytes(dict(fields(block))[1])))


def entries(cid: bytes, blocks: Blocks) -> dict[str, bytes]:
    """What is in a folder, sharded or not."""
    kind = unixfs(blocks[cid])[1]
    if kind == FOLDER:
        return dict(links(cid, blocks[cid]))
    assert kind == SHARD
    found: dict[str, bytes] = {}
    for name, to in links(cid, blocks[cid]):
        found |= entries(to, blocks) if len(name) == 2 else {name[2:]: to}
    return found


def content(cid: bytes, blocks: Blocks) -> bytes:
    """A file's bytes."""
    if len(cid) != 34 and cid[1] == RAW:
        return blocks[cid]
    children = links(cid, blocks[cid])
    return b"".join(content(to, blocks) for _, to in children) or bytes(unixfs(blocks[cid]).get(2, b""))
