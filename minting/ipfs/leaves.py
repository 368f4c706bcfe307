"""Files read ahead and hashed in threads, leaf by leaf, while what was read before is used.

hashlib lets other threads run while it hashes, and so do reads. Few chunks are in memory at a time, however large the
files are.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from errors import BadSource
from minting.ipfs.cids import DAG_PB, RAW, make_cid
from minting.ipfs.dagpb import wrapping
from minting.ipfs.profiles import Profile
from minting.ipfs.walking import File, Step, cannot_read

WORKERS = min(4, os.cpu_count() or 1)
AHEAD = 6  # chunks, ends of files and the like that may wait to be used, for each worker
INLINE = 64 * 1024  # bytes; a file that is no longer is read and hashed sooner than another thread would be told of it
CHANGED = "changed while it was read: run this again when nothing writes to it"


class Leaf(NamedTuple):
    """A leaf of a file: its block's CID and bytes in pieces, and the number of the file's bytes in it."""

    cid: bytes
    block: tuple[bytes, ...]
    size: int


def read_leaves(steps: Iterable[Step], profile: Profile, workers: int = WORKERS) -> Generator[Step | Leaf]:
    """The steps in their order, with the leaves of each file (at least one) before it.

    `workers` threads read and hash; with 0 the caller's own does. At most `AHEAD` chunks a worker, and the one given
    last, are in memory. Raises BadSource for a file that cannot be read, or that changes meanwhile.
    """
    waiting: deque[Step | Leaf | Future[Leaf] | _Reading] = deque()
    reading: set[_Reading] = set()
    with ThreadPoolExecutor(max(1, workers), "leaves") as pool:
        try:
            for step in steps:
                for item in _items(step, profile, pool if workers else None, reading):
                    waiting.append(item)
                    while waiting and (len(waiting) > AHEAD * workers or not isinstance(waiting[0], Future)):
                        yield from _given(waiting.popleft(), reading)
            while waiting:
                yield from _given(waiting.popleft(), reading)
        finally:
            pool.shutdown(cancel_futures=True)  # before the files are closed: no thread may read from what is not there
            for file in reading:
                os.close(file.handle)


class _Reading:
    """A file that is being read; not changed until it is closed, or `close` raises BadSource."""

    def __init__(self, path: str, profile: Profile) -> None:
        self.path, self._profile = path, profile
        try:
            self.handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise cannot_read(path, error) from error
        self._before = os.fstat(self.handle)
        self.size = self._before.st_size

    def leaf(self, offset: int, size: int) -> Leaf:
        """The leaf of the `size` bytes at `offset`."""
        try:
            chunk = os.pread(self.handle, size, offset)
            while len(chunk) < size and (more := os.pread(self.handle, size - len(chunk), offset + len(chunk))):
                chunk += more
        except OSError as error:
            raise cannot_read(self.path, error) from error
        if len(chunk) < size:
            raise BadSource(self.path, CHANGED)
        if self._profile.raw_leaves:
            return Leaf(make_cid(1, RAW, hashlib.sha256(chunk).digest()), (chunk,), size)
        before, after = wrapping(size)
        digest = hashlib.sha256(before)
        digest.update(chunk)
        digest.update(after)
        return Leaf(make_cid(self._profile.cid_version, DAG_PB, digest.digest()), (before, chunk, after), size)

    def close(self) -> None:
        after = os.fstat(self.handle)
        os.close(self.handle)
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise BadSource(self.path, CHANGED)


def _items(
    step: Step, profile: Profile, pool: ThreadPoolExecutor | None, reading: set[_Reading]
) -> Iterator[Step | Leaf | Future[Leaf] | _Reading]:
    """A file's leaves, or what becomes them, and the file to be closed; then the step."""
    if isinstance(step, File):
        file = _Reading(step.path, profile)
        reading.add(file)
        for offset in range(0, max(1, file.size), profile.chunk_size):
            size = min(profile.chunk_size, file.size - offset)
            ahead = pool if file.size > INLINE else None
            yield ahead.submit(file.leaf, offset, size) if ahead else file.leaf(offset, size)
        yield file
    yield step


def _given(item: Step | Leaf | Future[Leaf] | _Reading, reading: set[_Reading]) -> Iterator[Step | Leaf]:
    if isinstance(item, Future):
        yield item.result()
    elif isinstance(item, _Reading):
        reading.discard(item)
        item.close()
    else:
        yield item
