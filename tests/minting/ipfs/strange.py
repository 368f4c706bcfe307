"""CAR files that nobody should have written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from minting.ipfs.car import header
from minting.ipfs.cids import DAG_PB, RAW, make_cid
from minting.ipfs.dagpb import FOLDER_DATA, Link, file_data, node_bytes
from minting.ipfs.varints import varint

Made = tuple[bytes, bytes]  # a CID and its block


def made(block: bytes, codec: int = DAG_PB) -> Made:
    return make_cid(1, codec, hashlib.sha256(block).digest()), block


def leaf(content: bytes) -> Made:
    return made(content, RAW)


def folder(*links: tuple[bytes, bytes]) -> Made:
    """A folder of (name, CID)."""
    return made(node_bytes([Link(cid, name, 1) for name, cid in links], FOLDER_DATA))


def node_of_file(*links: tuple[int, bytes]) -> Made:
    """A file's node of (size, CID)."""
    return made(node_bytes([Link(cid, b"", size) for size, cid in links], file_data(size for size, _ in links)))


def section(cid: bytes, block: bytes) -> bytes:
    return varint(len(cid) + len(block)) + cid + block


def write(file: Path, root: bytes, blocks: Iterable[Made]) -> Path:
    file.write_bytes(header(root) + b"".join(section(*block) for block in blocks))
    return file


def nested(levels: int, links: int) -> list[Made]:
    """Folders in each other, each naming the next one `links` times; the innermost holds a file. The root is last."""
    blocks = [leaf(b"toad")]
    for _ in range(levels):
        blocks.append(folder(*((bytes([97 + number]), blocks[-1][0]) for number in range(links))))
    return blocks


def packed(file: Path, blocks: Sequence[Made]) -> Path:
    """With the last block as root."""
    return write(file, blocks[-1][0], blocks)
