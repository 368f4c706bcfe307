"""Writes out what a CAR file holds: the same files that were packed, byte for byte."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from errors import BadCar, BadValue, RunFailed
from minting.ipfs.checking import Checked, checked_blocks
from minting.ipfs.cids import RAW, codec_of, parse_cid
from minting.ipfs.contents import Blocks, folder_links
from minting.ipfs.dagpb import FOLDER, SHARD, Link
from minting.ipfs.profiles import MIB

MOST_STEPS = 20_000_000  # blocks that are gone through, each as often as it comes up


def unpack_car(
    file: Path, to: Path, expected_root: str | None = None, progress: Callable[[int], None] | None = None
) -> Checked:
    """Check `file` as `check_car` does, then write what it holds to the folder `to`, or, if its root is a file, to the
    file `to`.

    `to` must not be there, or be an empty folder. All is written beside it, as <name>.tmp-<process>, and renamed at the
    end: until then, and if anything fails, nothing is there. Raises what `check_car` raises; BadCar also for what comes
    to more than `MOST_STEPS` steps, or than the disk has room for (a block that is there once may come up very often);
    BadValue for a `to` that is taken; RunFailed where it cannot be written.
    """
    to = to.absolute()
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise BadValue("folder", str(to), "one that is not there yet, or is empty")
    with checked_blocks(file, expected_root, progress) as (blocks, checked, steps):
        unfinished = to.with_name(f"{to.name}.tmp-{os.getpid()}")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(to.parent).free
            if steps > MOST_STEPS or checked.bytes > free:
                raise BadCar(
                    file,
                    None,
                    f"unpacked it comes to {checked.files} files of {checked.bytes} bytes together, in {steps} steps; "
                    f"allowed: {free} bytes, which is what the disk has room for, in {MOST_STEPS} steps",
                )
            _write(blocks, parse_cid(checked.root), unfinished)
            if to.is_dir() and not unfinished.is_dir():
                to.rmdir()  # it is empty; a file takes its place
            os.replace(unfinished, to)
        except OSError as error:
            raise RunFailed(f"{error.filename or to}: cannot be written: {error.strerror or error}") from error
        finally:
            if unfinished.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)
            else:
                unfinished.unlink(missing_ok=True)
    return checked


def _write(blocks: Blocks, root: bytes, to: Path) -> None:
    waiting = [(root, to)]
    while waiting:
        cid, path = waiting.pop()
        links = _entries(blocks, cid)
        if links is None:
            with open(path, "xb", buffering=MIB) as stream:  # never through something that is there
                for piece in _content(blocks, cid):
                    stream.write(piece)
        else:
            path.mkdir()
            waiting += [(link.cid, path / link.name.decode()) for link in links]


def _entries(blocks: Blocks, cid: bytes) -> list[Link] | None:
    """A folder's entries; None for a file."""
    if codec_of(cid) == RAW:
        return None
    node = blocks.node(cid)
    if node.kind not in (FOLDER, SHARD):
        return None
    return folder_links(blocks, cid, node, lambda gone: None)[0]  # that none is gone was checked


def _content(blocks: Blocks, root: bytes) -> Iterator[bytes]:
    """A file's bytes, in order."""
    waiting = [root]
    while waiting:
        cid = waiting.pop()
        if codec_of(cid) == RAW:
            yield blocks.block(cid)
        else:
            node = blocks.node(cid)
            yield node.content
            waiting += [link.cid for link in reversed(node.links)]
