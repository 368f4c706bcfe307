"""Files of IPFS through gateways that are not trusted: block by block, each held against its CID.

Written after the Trustless Gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway). A gateway that
gives no blocks gives whole files instead, which is said: only a file of one block can be held against its CID then.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from errors import BadValue
from minting.ipfs.building import HASH_SIZE, name_hash
from minting.ipfs.cids import RAW, cid_text, codec_of, digest_of, parse_cid
from minting.ipfs.dagpb import FILE, FOLDER, RAW_TYPE, SHARD, Node, read_node, wrapping
from minting.ipfs.varints import Malformed
from minting.origins.uris import InIpfs
from minting.origins.web import NotFetched, Web

MOST_BLOCK = 4 << 20  # bytes; IPFS passes on no block above 2 MiB
MOST_BLOCKS, MOST_DEPTH = 2_000, 16  # of one file
KEPT = 64 << 20  # bytes of folders' blocks, which every token of a collection goes through
_GONE = frozenset({404, 410, 451})
_RAW = "application/vnd.ipld.raw"


@dataclass(frozen=True)
class Got:
    """A file's bytes. `verified`: they are what the CID names; `gateway`: the host that gave them, the last of them
    where there were several."""

    data: bytes
    verified: bool
    gateway: str


class Gateways:
    """The gateways at `urls` (what comes before /ipfs/), in turn: one that failed is asked after the others."""

    def __init__(self, web: Web, urls: Sequence[str]) -> None:
        self._web = web
        self._order = [url.rstrip("/").removesuffix("/ipfs") for url in urls]
        self._gives_blocks: set[str] = set()
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._room = KEPT
        self._one_at_a_time: defaultdict[bytes, threading.Lock] = defaultdict(threading.Lock)

    def read(self, place: InIpfs, most: int) -> Got:
        """A file of `most` bytes at most. Raises NotFetched."""
        try:
            cid: bytes | None = parse_cid(place.cid)
        except BadValue:
            cid = None  # of a hash or in a base that is not known here
        if cid is not None:
            try:
                return _Reading(self, most).file(cid, place.path)
            except _NoBlocks:
                pass
        return self._plain(place, cid, most)

    def block(self, cid: bytes) -> tuple[bytes, str]:
        """A block, and who gave it. Raises NotFetched, or _NoBlocks where no gateway seems to give any."""
        if codec_of(cid) == RAW:
            return self._ask_block(cid)
        with self._lock:
            one = self._one_at_a_time[cid]
        with one:
            if (kept := self._kept.get(cid)) is not None:
                return kept, ""
            block, gateway = self._ask_block(cid)
            return block, gateway

    def keep(self, cid: bytes, block: bytes) -> None:
        """Keep a folder's block."""
        with self._lock:
            if cid not in self._kept and len(block) <= KEPT:
                self._kept[cid] = block
                self._room -= len(block)
                while self._room < 0:
                    self._room += len(self._kept.popitem(last=False)[1])

    def _ask_block(self, cid: bytes) -> tuple[bytes, str]:
        strange = False

        def ask(url: str, once: bool) -> bytes:
            nonlocal strange
            try:
                address = f"{url}/ipfs/{cid_text(cid)}?format=raw"
                block = self._web.get(address, MOST_BLOCK, accept=_RAW, own=True, once=once)
            except NotFetched as error:
                # 400, 406 and the like: it does not know the format
                strange |= url not in self._gives_blocks and 400 <= error.status < 500 and error.status not in _GONE
                raise
            if hashlib.sha256(block).digest() != digest_of(cid):
                strange |= url not in self._gives_blocks
                raise NotFetched(f"the gateway {_name(url)} gives other bytes than the CID {cid_text(cid)} names")
            self._gives_blocks.add(url)
            return block

        try:
            return self._in_turn(ask, lambda: strange)
        except NotFetched:
            if strange:
                raise _NoBlocks from None
            raise

    def _plain(self, place: InIpfs, cid: bytes | None, most: int) -> Got:
        """The file as a gateway has it."""
        path = "".join(f"/{quote(name, safe='')}" for name in place.path)
        whole = cid if not place.path else None  # of the file itself, not of a folder above it

        def ask(url: str, once: bool) -> bytes:
            data = self._web.get(f"{url}/ipfs/{place.cid}{path}", most, own=True, once=once)
            if whole is not None and codec_of(whole) == RAW and not _is_block(data, whole):
                raise NotFetched(f"the gateway {_name(url)} gives other bytes than the CID names")
            return data

        data, gateway = self._in_turn(ask)
        return Got(data, whole is not None and _is_block(data, whole), gateway)

    def _in_turn(
        self, ask: Callable[[str, bool], bytes], enough: Callable[[], bool] = lambda: False
    ) -> tuple[bytes, str]:
        """What the first gateway gives, and its name: each is asked once, and then, with patience, those that may have
        it another time, unless that is `enough`. Raises NotFetched."""
        failed: dict[str, NotFetched] = {}
        for once in (True, False):
            for url in list(self._order):
                if not once and (enough() or not failed[url].passes):
                    continue
                try:
                    return ask(url, once), _name(url)
                except NotFetched as error:
                    failed[url] = error
                    self._last(url)
        raise _together(list(failed.values()))

    def _last(self, url: str) -> None:
        with self._lock:
            self._order.remove(url)
            self._order.append(url)


class _NoBlocks(Exception):
    """No gateway gave a block, and one of them may give whole files only."""


class _Reading:
    """One file on its way: what it may cost."""

    def __init__(self, gateways: Gateways, most: int) -> None:
        self._gateways, self._most, self._left = gateways, most, MOST_BLOCKS
        self._gateway, self._got = "", 0

    def file(self, cid: bytes, path: tuple[str, ...]) -> Got:
        for name in path:
            cid = self._entry(cid, name)
        parts: list[bytes] = []
        self._content(cid, parts, 0)
        return Got(b"".join(parts), True, self._gateway)

    def _block(self, cid: bytes) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise NotFetched(f"consists of more than {MOST_BLOCKS} blocks")
        block, gateway = self._gateways.block(cid)
        self._gateway = gateway or self._gateway
        return block

    def _node(self, cid: bytes) -> Node:
        if codec_of(cid) == RAW:
            raise NotFetched("its path goes on below a file")
        block = self._block(cid)
        try:
            node = read_node(block)
        except Malformed as problem:
            raise NotFetched(f"the block {cid_text(cid)} is no file and no folder ({problem})") from None
        if node.kind in (FOLDER, SHARD):
            self._gateways.keep(cid, block)
        return node

    def _entry(self, cid: bytes, name: str) -> bytes:
        """The CID of what has that name in a folder."""
        wanted = name.encode(errors="surrogateescape")
        node, hashed, used = self._node(cid), int.from_bytes(name_hash(wanted), "big"), 0
        while node.kind == SHARD:
            bits, digits = (node.fanout - 1).bit_length(), len(f"{node.fanout - 1:x}")
            used += bits
            if node.fanout not in (16, 256) or used > 8 * HASH_SIZE:
                raise NotFetched("its folder is sharded in a way that is not known here")
            at = f"{hashed >> 8 * HASH_SIZE - used & node.fanout - 1:0{digits}X}".encode()
            below = [link for link in node.links if link.name in (at, at + wanted)]
            if not below:
                raise NotFetched("its folder has no file of that name")
            if below[0].name != at:
                return below[0].cid
            node = self._node(below[0].cid)
        if node.kind != FOLDER:
            raise NotFetched("its path goes on below a file")
        for link in node.links:
            if link.name == wanted:
                return link.cid
        raise NotFetched("its folder has no file of that name")

    def _content(self, cid: bytes, parts: list[bytes], depth: int) -> None:
        """The file's bytes, in order. What a node says of its size is held against what comes."""
        if codec_of(cid) == RAW:
            self._take(self._block(cid), parts)
            return
        node = self._node(cid)
        if node.kind not in (FILE, RAW_TYPE):
            raise NotFetched("is a folder, not a file" if node.kind in (FOLDER, SHARD) else "is no file")
        if node.size > self._most or depth > MOST_DEPTH:
            raise NotFetched(f"is larger than {self._most / 1e6:g} MB, or nested too deep")
        self._take(node.content, parts)
        for link in node.links:
            self._content(link.cid, parts, depth + 1)

    def _take(self, content: bytes, parts: list[bytes]) -> None:
        parts.append(content)
        self._got += len(content)
        if self._got > self._most:
            raise NotFetched(f"is larger than {self._most / 1e6:g} MB")


def _is_block(data: bytes, cid: bytes) -> bool:
    """Whether the file is one block, of this CID: bare, or wrapped as kubo does."""
    before, after = wrapping(len(data)) if codec_of(cid) != RAW else (b"", b"")
    content = b"" if codec_of(cid) != RAW and not data else data
    return hashlib.sha256(before + content + after).digest() == digest_of(cid)


def _name(url: str) -> str:
    """What of a gateway's address may be shown: its path may hold a key."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


def _together(failed: list[NotFetched]) -> NotFetched:
    """One error for all gateways: that of the one that said most."""
    if not failed:
        return NotFetched("no gateway of IPFS is named")
    known = [error for error in failed if not error.passes] or failed
    status = next((error.status for error in failed if error.status), 0)
    told = f"{known[0]}" if len(failed) == 1 else f"{known[0]} (none of {len(failed)} gateways gives it)"
    return NotFetched(told, status=status, passes=any(error.passes for error in failed))
