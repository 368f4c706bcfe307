"""Nodes over leaves: a file's balanced tree, and folders, which are one node or, when they are large, shards of one.

Nothing here reads a file or keeps a block: finished blocks are handed to `Emit`, in an order that depends on the files
alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import mmh3

from errors import BadSource
from minting.ipfs.cids import DAG_PB, make_cid
from minting.ipfs.dagpb import FOLDER_DATA, Link, file_data, node_bytes, shard_data
from minting.ipfs.profiles import FANOUT, Profile

Emit = Callable[[bytes, Sequence[bytes]], None]  # a block's CID, and its bytes in pieces
HASH_SIZE = 8  # bytes of a name's hash; each chooses a place, one level deeper than the one before
PREFIX = tuple(f"{place:02X}".encode() for place in range(FANOUT))


class Part(NamedTuple):
    """A file or a part of one. `size`: bytes of the file in it; `dag_size`: of all its blocks."""

    cid: bytes
    size: int
    dag_size: int


class FileTree:
    """The balanced tree over a file's leaves, which are added in order: every leaf is as far from the root as the
    others.

    Only the links of unfinished nodes are kept, at most `profile.width` a level.
    """

    def __init__(self, profile: Profile, emit: Emit) -> None:
        self._profile, self._emit = profile, emit
        self._levels: list[list[Part]] = [[]]

    def add(self, part: Part, level: int = 0) -> None:
        if level == len(self._levels):
            self._levels.append([])
        if len(self._levels[level]) == self._profile.width:
            self._close(level)
        self._levels[level].append(part)

    def root(self) -> Part:
        """The whole file, once all leaves were added, of which there is at least one."""
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            self._close(level)
            level += 1
        return self._levels[level][0]

    def _close(self, level: int) -> None:
        """What is open at this level becomes a node, which is added one level up."""
        parts = self._levels[level]
        self._levels[level] = []
        block = node_bytes(
            (Link(part.cid, b"", part.dag_size) for part in parts), file_data(part.size for part in parts)
        )
        cid = _name(block, self._profile)
        self._emit(cid, (block,))
        below = sum(part.dag_size for part in parts)
        self.add(Part(cid, sum(part.size for part in parts), len(block) + below), level + 1)


def folder(links: list[Link], profile: Profile, emit: Emit, where: str) -> Part:
    """The folder of these entries, whose names are not empty and all differ; a HAMT of shards if it is large (see
    `Profile`). `where` names it in errors.

    Raises BadSource where two names have the same hash, so that no shard can tell them apart.
    """
    links = sorted(links, key=lambda link: link.name)
    block = node_bytes(links, FOLDER_DATA)
    size = len(block) if profile.shard_by == "block" else sum(len(link.name) + len(link.cid) for link in links)
    if size > profile.shard_above:
        return _shard([(name_hash(link.name), link) for link in links], 0, profile, emit, where)
    return _finished(block, links, profile, emit)


def name_hash(name: bytes) -> bytes:
    """The 8 bytes by which a name finds its place in shards: the first half of MurmurHash3's 128 bits for x64, the
    highest byte first ("murmur3-x64-64" of the multicodecs)."""
    first, _ = mmh3.hash64(name, signed=False)
    return first.to_bytes(HASH_SIZE, "big")


def _shard(hashed: list[tuple[bytes, Link]], depth: int, profile: Profile, emit: Emit, where: str) -> Part:
    if depth == HASH_SIZE:
        names = ", ".join(repr(link.name.decode(errors="replace")) for _, link in hashed)
        raise BadSource(where, f"the names {names} have the same hash, so no sharded folder can hold both: rename one")
    places: dict[int, list[tuple[bytes, Link]]] = {}
    for item in hashed:
        places.setdefault(item[0][depth], []).append(item)
    bits, links = 0, []
    for place in sorted(places):
        bits |= 1 << place
        here = places[place]
        if len(here) == 1:
            link = here[0][1]
            links.append(Link(link.cid, PREFIX[place] + link.name, link.size))
        else:
            below = _shard(here, depth + 1, profile, emit, where)
            links.append(Link(below.cid, PREFIX[place], below.dag_size))
    return _finished(node_bytes(links, shard_data(bits, FANOUT)), links, profile, emit)


def _finished(block: bytes, links: list[Link], profile: Profile, emit: Emit) -> Part:
    cid = _name(block, profile)
    emit(cid, (block,))
    return Part(cid, 0, len(block) + sum(link.size for link in links))


def _name(block: bytes, profile: Profile) -> bytes:
    return make_cid(profile.cid_version, DAG_PB, hashlib.sha256(block).digest())
