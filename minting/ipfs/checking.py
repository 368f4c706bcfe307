"""Whether a CAR file holds all that its root leads to, and what that is as files and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from errors import BadCar
from minting.ipfs.cids import RAW, cid_text, codec_of, parse_cid
from minting.ipfs.contents import Blocks, folder_links, shown
from minting.ipfs.dagpb import FILE, FOLDER, RAW_TYPE, SHARD, SYMLINK, Link, Node

MOST_DEPTH = 64  # folders in folders, and nodes of a file above each other
MOST_ENTRIES = 10_000_000  # of all folders together, each gone through once
LEAST_LINK = 40  # bytes; a CID and what is around it
MOST_MISSING = 1000  # blocks that are looked for in vain before that is said
MOST_LISTED = 5  # of those


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a whole CAR file holds.

    `root`: its root's CID; `blocks`: how many different ones there are; `strays`: those of them that the root does not
    lead to; `files`, `folders` and `bytes`: what comes out when it is unpacked (the root counts, if it is a folder).
    """

    root: str
    blocks: int
    strays: int
    files: int
    folders: int
    bytes: int


class Found(NamedTuple):
    """What is below a block, and the block. `steps`: how many blocks are gone through to unpack it, each as often as it
    comes up."""

    is_file: bool
    size: int
    files: int
    folders: int
    steps: int


GONE = Found(True, 0, 0, 0, 0)  # stands for a block that is missing


class _Frame(NamedTuple):
    """A node whose children are being looked at."""

    cid: bytes
    where: str
    node: Node
    is_file: bool
    links: list[Link]
    shards: int
    waiting: Iterator[Link]


def check_car(file: Path, expected_root: str | None = None, progress: Callable[[int], None] | None = None) -> Checked:
    """Read all of `file` and go through what its root leads to: nothing is missing, and all of it is files and folders.

    `progress` gets the number of bytes read since it was called last. Each block is gone through once however often it
    comes up, and what lies deeper than `MOST_DEPTH` is refused, so that no file keeps this busy for long. Raises
    BadSource, BadCar as `read_car` does; BadCar for a file without exactly one root, with another than `expected_root`,
    with blocks missing (it says how many, and which is the first), or with blocks that are no UnixFS; BadValue for an
    `expected_root` that is no CID.
    """
    with checked_blocks(file, expected_root, progress) as (_, checked, _steps):
        return checked


@contextmanager
def checked_blocks(
    file: Path, expected_root: str | None, progress: Callable[[int], None] | None
) -> Iterator[tuple[Blocks, Checked, int]]:
    """The blocks of a file that `check_car` finds nothing wrong with, what it says of them, and the root's steps."""
    expected = parse_cid(expected_root) if expected_root is not None else None
    blocks = Blocks(file, progress)
    try:
        if len(blocks.roots) != 1:
            raise BadCar(file, None, f"it has {len(blocks.roots)} roots; one is what can be checked and unpacked")
        root = blocks.roots[0]
        if expected is not None and root != expected:
            raise BadCar(file, None, f"its root is {cid_text(root)} instead of {expected_root}")
        walk = _Walk(blocks)
        found = walk.below(root)
        walk.refuse_missing()
        checked = Checked(
            root=cid_text(root),
            blocks=len(blocks),
            strays=len(blocks) - len(walk.reached),
            files=found.files,
            folders=found.folders,
            bytes=found.size,
        )
        yield blocks, checked, found.steps
    finally:
        blocks.close()


class _Walk:
    """Goes through what a root leads to, each block once, those below a node before it."""

    def __init__(self, blocks: Blocks) -> None:
        self.reached: set[bytes] = set()
        self._blocks = blocks
        self._missing: dict[bytes, str] = {}  # and what each is a part of
        self._nodes: dict[bytes, Found] = {}
        # folders may share shards, but a few blocks must not stand for more than anybody could go through
        self._entries_left = min(MOST_ENTRIES, 1000 + 4 * blocks.bytes // LEAST_LINK)

    def below(self, root: bytes) -> Found:
        """What `root`, and all that it leads to, comes to. What is missing is noted. Raises BadCar."""
        frames: list[_Frame] = []
        if self._known(root, "") is None:
            frames.append(self._frame(root, ""))
        while frames:
            frame = frames[-1]
            for link in frame.waiting:
                where = _join(frame.where, link.name)
                if self._known(link.cid, where) is None:
                    if len(frames) == MOST_DEPTH:
                        raise self._blocks.bad(link.cid, f"lies deeper than {MOST_DEPTH} levels")
                    frames.append(self._frame(link.cid, where))
                    break
            else:
                frames.pop()
                self._nodes[frame.cid] = self._file(frame) if frame.is_file else self._folder(frame)
        return self._of(root)

    def refuse_missing(self) -> None:
        """Raises BadCar if blocks were missed."""
        if not self._missing:
            return
        count = len(self._missing)
        told = "a block is missing" if count == 1 else f"{count} blocks are missing"
        if count == MOST_MISSING:
            told = f"at least {told}"
        listed = [f"{cid_text(cid)} of {where or 'the root'}" for cid, where in self._missing.items()]
        first = ", ".join(listed[:MOST_LISTED]) + (", ..." if count > MOST_LISTED else "")
        raise BadCar(self._blocks.file, None, f"{told}: {first}")

    def _note_missing(self, cid: bytes, where: str) -> None:
        self._missing.setdefault(cid, where)
        if len(self._missing) == MOST_MISSING:
            self.refuse_missing()

    def _known(self, cid: bytes, where: str) -> Found | None:
        """What is below a block, if that can be said without looking into it."""
        if cid not in self._blocks:
            self._note_missing(cid, where)
            return GONE
        self.reached.add(cid)
        return self._of(cid) if codec_of(cid) == RAW or cid in self._nodes else None

    def _of(self, cid: bytes) -> Found:
        """What is below a block that was gone through."""
        if cid not in self._blocks:
            return GONE
        return Found(True, self._blocks.size(cid), 1, 0, 1) if codec_of(cid) == RAW else self._nodes[cid]

    def _frame(self, cid: bytes, where: str) -> _Frame:
        node = self._blocks.node(cid)
        if node.kind in (FILE, RAW_TYPE):
            return _Frame(cid, where, node, True, node.links, 0, iter(node.links))
        if node.kind in (FOLDER, SHARD):
            links, shards = folder_links(self._blocks, cid, node, lambda gone: self._note_missing(gone, where))
            self.reached.update(shards)
            self._entries_left -= len(links) + len(shards)
            if self._entries_left < 0:
                raise BadCar(self._blocks.file, None, "its folders have more entries than so few blocks should hold")
            return _Frame(cid, where, node, False, links, len(shards), iter(links))
        kind = "a symbolic link" if node.kind == SYMLINK else f"of the UnixFS type {node.kind}"
        raise self._blocks.bad(cid, f"{where or 'the root'} is {kind}; only files and folders are known here")

    def _file(self, frame: _Frame) -> Found:
        node, parts = frame.node, [self._of(link.cid) for link in frame.links]
        if len(node.sizes) != len(parts) or any(link.name for link in frame.links):
            raise self._blocks.bad(frame.cid, "a file's node whose links and sizes do not belong together")
        for part, size in zip(parts, node.sizes, strict=True):
            if part is not GONE and (not part.is_file or part.size != size):
                raise self._blocks.bad(frame.cid, f"a file's node, below which are no {size} bytes where it says so")
        if node.size != len(node.content) + sum(node.sizes):
            raise self._blocks.bad(frame.cid, f"a file's node of {node.size} bytes, which is not what is below it")
        return Found(True, node.size, 1, 0, 1 + sum(part.steps for part in parts))

    def _folder(self, frame: _Frame) -> Found:
        parts = [self._of(link.cid) for link in frame.links]
        return Found(
            False,
            sum(part.size for part in parts),
            sum(part.files for part in parts),
            1 + sum(part.folders for part in parts),
            1 + frame.shards + sum(part.steps for part in parts),
        )


def _join(where: str, name: bytes) -> str:
    return "/".join(filter(None, (where, shown(name))))
