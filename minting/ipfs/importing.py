"""A file or folder as blocks, and the CIDs that come of it: nothing is sent anywhere, and nothing need be running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from minting.ipfs.building import Emit, FileTree, Part, folder
from minting.ipfs.cids import cid_text
from minting.ipfs.dagpb import Link
from minting.ipfs.leaves import WORKERS, Leaf, read_leaves
from minting.ipfs.profiles import Profile
from minting.ipfs.walking import Begin, End, File, walk


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file or folder is in IPFS.

    `cid`: of the whole, the root; `files`: the CID of each file by its posix path within the root, and the root's own
    by "."; `folders`: likewise of each folder below the root; `bytes`: of all files together; `blocks`: how many
    different ones there are.
    """

    cid: str
    files: dict[str, str]
    folders: dict[str, str]
    bytes: int
    blocks: int


def cid_of(
    path: Path, profile: Profile, progress: Callable[[int], None] | None = None, workers: int = WORKERS
) -> Imported:
    """What `path` would be in IPFS: see `walk` for what belongs to it.

    `progress` gets the number of bytes read since it was called last. `workers`: threads that read and hash, 0 for
    none. The files are read once, a few chunks at a time. Raises BadSource for what cannot be taken.
    """
    return import_blocks(path, profile, lambda cid, block: None, progress, workers)


def import_blocks(
    path: Path, profile: Profile, emit: Emit, progress: Callable[[int], None] | None = None, workers: int = WORKERS
) -> Imported:
    """As `cid_of`, and hands each different block to `emit` once: those below a node before it, and the root last."""
    seen: set[bytes] = set()

    def once(cid: bytes, block: Sequence[bytes]) -> None:
        if cid not in seen:
            seen.add(cid)
            emit(cid, block)

    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    total = 0
    begun: list[list[Link]] = [[]]  # the entries of each folder that has begun, and of the whole
    tree = FileTree(profile, once)
    with closing(read_leaves(walk(path), profile, workers)) as steps:  # what it opened is closed, come what may
        for step in steps:
            if isinstance(step, Leaf):
                once(step.cid, step.block)
                tree.add(Part(step.cid, step.size, sum(map(len, step.block))))
                total += step.size
                if progress:
                    progress(step.size)
            elif isinstance(step, File):
                part = tree.root()
                tree = FileTree(profile, once)
                begun[-1].append(Link(part.cid, step.name, part.dag_size))
                files[step.within] = cid_text(part.cid)
            elif isinstance(step, Begin):
                begun.append([])
            elif isinstance(step, End):
                part = folder(begun.pop(), profile, once, step.path)
                begun[-1].append(Link(part.cid, step.name, part.dag_size))
                (files if step.within == "." else folders)[step.within] = cid_text(part.cid)
    return Imported(cid=files["."], files=files, folders=folders, bytes=total, blocks=len(seen))
