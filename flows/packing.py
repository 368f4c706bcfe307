"""CIDs and CAR files of any file or folder, with a bar where it takes a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import BadSource
from flows.progress import meter
from minting.ipfs import (
    DEFAULT_PROFILE,
    Checked,
    Imported,
    bytes_in,
    check_car,
    cid_of,
    profile_named,
    unpack_car,
    write_car,
)

LONG = 500_000_000  # bytes, a second or so


def find_cid(path: Path, profile: str = "") -> Imported:
    """What `path` would be in IPFS under the profile of that name, or the usual one. Raises BadSource, BadValue."""
    chosen = profile_named(profile or DEFAULT_PROFILE)
    with _shown("hashing", bytes_in(path)) as progress:
        return cid_of(path, chosen, progress)


def pack(path: Path, to: Path, profile: str = "") -> Imported:
    """Pack `path` into the CAR file `to`. Raises BadSource, BadValue, RunFailed."""
    chosen = profile_named(profile or DEFAULT_PROFILE)
    with _shown("packing", bytes_in(path)) as progress:
        return write_car(path, to, chosen, progress)


def check(file: Path, root: str | None) -> Checked:
    """Read a CAR file through. Raises BadSource, BadCar, BadValue."""
    with _shown("checking", _size(file)) as progress:
        return check_car(file, root, progress)


def unpack(file: Path, to: Path, root: str | None) -> Checked:
    """Check a CAR file, then write what it holds to `to`. Raises BadSource, BadCar, BadValue, RunFailed."""
    with _shown("checking", _size(file)) as progress:
        return unpack_car(file, to, root, progress)


@contextmanager
def _shown(stage: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """What is to be told of the bytes that are done; None where it is over before a bar would be read."""
    if total < LONG:
        yield None
        return
    with meter(stage, total, of_bytes=True) as bar:
        yield bar.advance


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise BadSource(file, f"cannot be read ({error.strerror})") from error
