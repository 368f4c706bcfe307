"""What lies in the weights folder, and whether it is what it was: the lock file `weights.lock`.

OpenAI published no checksums, so a file without a pinned SHA-256 is trusted on first use: what came first is written
into the lock file, and whatever comes under that name later has to be the same.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import filelock
import platformdirs

from durable import sync_folder, write_json
from errors import BadWeights, RunFailed

LOCK = "weights.lock"

Say = Callable[[str], None]


@dataclass(frozen=True)
class RemoteFile:
    """A published file. `sha256` (64 hex digits) and `size` (bytes) are empty and 0 where they were not published."""

    name: str
    url: str
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True)
class Locked:
    """What the lock file says of one file; `modified` (ns since 1970) and `size` spare hashing it at every start."""

    url: str
    size: int
    sha256: str
    fetched_at: str
    modified: int


def weights_folder() -> Path:
    """Where fetched files lie: TOADWORKS_WEIGHTS, or else `weights` in the user's cache folder."""
    named = os.environ.get("TOADWORKS_WEIGHTS")
    return Path(named) if named else platformdirs.user_cache_path("toadworks") / "weights"


def present(file: RemoteFile, folder: Path) -> Path | None:
    """The file in the folder, or None; for `X.pt` an `X.safetensors` comes first. It is not verified here."""
    return next((folder / form.name for form in forms_of(file) if (folder / form.name).is_file()), None)


def sha256_of(file: RemoteFile, folder: Path) -> str:
    """64 hex digits: the SHA-256 of the file in the folder, which is verified against the pin or the lock.

    It is hashed where its size or its time differs from the lock's (a gigabyte takes seconds). A file that nothing is
    known of is locked as it is. Raises BadWeights if it is missing, damaged or another one, or if the lock is damaged.
    """
    here = present(file, folder)
    if here is None:
        raise BadWeights(folder / file.name, "is not there; `toadworks weights fetch glide` gets it")
    form = next(form for form in forms_of(file) if form.name == here.name)
    locked = read_lock(folder).get(here.name)
    known = form.sha256 or (locked.sha256 if locked else "")
    try:
        about = here.stat()
        if locked and (locked.sha256, locked.size, locked.modified) == (known, about.st_size, about.st_mtime_ns):
            return known
        sha256 = _hash(here)
    except OSError as error:
        raise BadWeights(here, f"cannot be read ({error.strerror})") from error
    if known and sha256 != known:
        told = f"it is damaged or another one: {_differs(sha256, about.st_size, form, locked)}"
        raise BadWeights(here, f"{told}; remove it and get it again with `toadworks weights fetch glide`")
    with suppress(OSError):  # a shared folder may be read-only; then it is hashed each time
        entry = locked or Locked("", 0, "", _now(), 0)
        entry = replace(entry, size=about.st_size, sha256=sha256, modified=about.st_mtime_ns)
        _record(folder, here.name, entry)
    return sha256


def read_lock(folder: Path) -> dict[str, Locked]:
    """What is known of the folder's files by name. Raises BadWeights if the lock file cannot be understood."""
    lock = folder / LOCK
    try:
        entries = {name: Locked(**entry) for name, entry in json.loads(lock.read_text(encoding="utf-8")).items()}
        if not all(re.fullmatch(r"[0-9a-f]{64}", entry.sha256) for entry in entries.values()):
            raise ValueError("no SHA-256")
        return entries
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        told = "the lock file is damaged; put back an older copy, or remove it, and the files here are trusted anew"
        raise BadWeights(lock, told) from error
    except OSError as error:
        raise BadWeights(lock, f"cannot be read ({error.strerror})") from error


def forms_of(file: RemoteFile) -> tuple[RemoteFile, ...]:
    """Under which names the file may lie in a folder, the preferred one first. A pin is of the published form only."""
    if not file.name.endswith(".pt"):
        return (file,)
    return replace(file, name=f"{file.name.removesuffix('.pt')}.safetensors", sha256="", size=0), file


def into_place(temporary: Path, file: RemoteFile, folder: Path, url: str) -> Path:
    """Verify a file, lock it and give it its name; one that is refused is removed."""
    locked = read_lock(folder).get(file.name)
    known = file.sha256 or (locked.sha256 if locked else "")
    sha256, about = _hash(temporary), temporary.stat()
    note = folder / f"{temporary.name}.json"
    if (known and sha256 != known) or about.st_size != (file.size or about.st_size):
        temporary.unlink()
        note.unlink(missing_ok=True)
        advice = f"; if it was replaced for good reason, remove its entry from {LOCK}" if not file.sha256 else ""
        told = f"what came from {url} is refused: {_differs(sha256, about.st_size, file, locked)}"
        raise BadWeights(file.name, f"{told}; try again, or another mirror{advice}")
    with temporary.open("rb") as whole:
        os.fsync(whole.fileno())
    # Locked before it is named: whoever is killed in between finds the part again, and knows what it has to be.
    _record(folder, file.name, Locked(url, about.st_size, sha256, _now(), about.st_mtime_ns))
    target = folder / file.name
    os.replace(temporary, target)
    note.unlink(missing_ok=True)
    sync_folder(folder)
    return target


def _differs(sha256: str, size: int, file: RemoteFile, locked: Locked | None) -> str:
    if locked is None or file.sha256:
        return f"SHA-256 {sha256} and {size} bytes, not {file.sha256} and {file.size or 'as many'} bytes as published"
    return (
        f"SHA-256 {sha256} and {size} bytes, "
        f"not {locked.sha256} and {locked.size} bytes as locked on {str(locked.fetched_at)[:10]}"
    )


def _record(folder: Path, name: str, entry: Locked) -> None:
    """Add an entry to the lock file. os.replace alone keeps it whole, but of two processes that read, add and replace
    at once one would lose its entry: so each holds a lock meanwhile."""
    with filelock.FileLock(folder / f".{LOCK}.busy"):
        entries = read_lock(folder) | {name: entry}
        write_json(folder / LOCK, {key: asdict(entries[key]) for key in sorted(entries)})


@contextmanager
def alone(target: Path, say: Say = lambda sentence: None) -> Iterator[None]:
    """Hold the file's lock, which the system gives back when a process is killed; who comes second waits."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(target.with_name(f".{target.name}.busy"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        say(f"{target.name}: another process is at it; waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says of the folder into an error of ours."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room and start again, which goes on from there" if full else "check its permissions"
        told = f"{error.filename or folder}: cannot be read or written ({error.strerror or error}); {advice}"
        raise RunFailed(f"{told}, or name another folder in TOADWORKS_WEIGHTS") from error


def _hash(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
