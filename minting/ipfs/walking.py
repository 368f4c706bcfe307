"""Which files belong to a folder, in which order, and which are refused.

The order is that of the names' bytes, each folder's entries before itself. Hidden entries (whose names begin with a
dot) are left out, as `ipfs add -r` leaves them out and the profiles say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from errors import BadSource


class Begin(NamedTuple):
    """A folder begins; its entries follow, then its `End`."""


class File(NamedTuple):
    """A file: `path` to open it, `within` the root as a posix path, its `name` in bytes."""

    path: str
    within: str
    name: bytes


class End(NamedTuple):
    """The folder that began last, and has not ended, ends. `path`, `within`, `name` as in `File`."""

    path: str
    within: str
    name: bytes


Step = Begin | File | End


def walk(root: Path) -> Iterator[Step]:
    """What `root`, a file or folder, consists of. `root` itself may be hidden, or a link to what is meant.

    Raises BadSource for what is not there, cannot be read, is a symbolic link, neither a file nor a folder, or has a
    name that is not UTF-8.
    """
    try:
        top = Path(os.path.realpath(root, strict=True))  # resolve() would not raise an OSError for links in a circle
    except OSError as error:
        raise cannot_read(str(root), error) from error
    if top.is_file():
        yield File(str(top), ".", b"")
        return
    if not top.is_dir():
        raise BadSource(root, "is neither a file nor a folder")
    yield Begin()
    open_folders = [(End(str(top), ".", b""), _entries(str(top)))]
    while open_folders:
        end, entries = open_folders[-1]
        entry = next(entries, None)
        if entry is None:
            yield end
            open_folders.pop()
            continue
        within = entry.name if end.within == "." else f"{end.within}/{entry.name}"
        name = _name(entry)
        if entry.is_symlink():
            raise BadSource(entry.path, "is a symbolic link: put the file itself in its place, or remove it")
        if entry.is_dir():
            yield Begin()
            open_folders.append((End(entry.path, within, name), _entries(entry.path)))
        elif entry.is_file():
            yield File(entry.path, within, name)
        else:
            raise BadSource(entry.path, "is neither a file nor a folder (a pipe, socket or device): remove it")


def bytes_in(root: Path) -> int:
    """The bytes of all files of `root` together, as `walk` finds them. Raises BadSource, as it does."""
    return sum(Path(step.path).stat().st_size for step in walk(root) if isinstance(step, File))


def cannot_read(path: str, error: OSError) -> BadSource:
    return BadSource(path, f"cannot be read ({error.strerror or error})")


def _entries(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            shown = [entry for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise cannot_read(path, error) from error
    return iter(sorted(shown, key=lambda entry: os.fsencode(entry.name)))


def _name(entry: os.DirEntry[str]) -> bytes:
    try:
        return entry.name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(entry.path).decode(errors="backslashreplace")
        raise BadSource(shown, "its name is not UTF-8: rename it") from None
