"""Assets in a folder: every file is named by the SHA-256 of its bytes, so that the same image is kept once and
damage shows."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from collection_db.assets import Stored, asset_name, is_suffix, named_by
from durable import is_alive, sync_folder
from errors import GOES_ON, DamagedAsset, MissingAsset, RunFailed

STALE_S = 3600.0  # a temporary file older than this belongs to nobody, in seconds
_TEMPORARY = re.compile(r".+\.tmp-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]+")


class AssetFolder:
    """Assets under `path`, which is made when the first one is put. Safe for many processes, on many
    machines."""

    def __init__(self, path: Path | str) -> None:
        self.root = Path(path)

    def put(self, data: bytes, suffix: str = ".png") -> str:
        """Keep `data` and return its SHA-256 as 64 hex digits. Once this returns, the file survives a power
        cut.

        Bytes that are there already are not written again (under whatever suffix they came first), but are as new: see
        `remove`. A damaged file is mended. Raises BadValue for a suffix such as ".tmp/x", RunFailed where nothing can
        be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        final = self._named(sha256, suffix)
        try:
            final = self._found(sha256) or final
            if not _renewed(final) or final.read_bytes() != data:
                self._write(final, data)
        except OSError as error:
            told = f"{final}: the asset cannot be written: {error.strerror or error}{_advice(error)}"
            raise RunFailed(told) from error
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes with that SHA-256. Raises MissingAsset or DamagedAsset naming the file, RunFailed where it cannot
        be read."""
        file = self.path(sha256)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            raise MissingAsset(f"{file}: the asset is missing") from None
        except OSError as error:
            raise RunFailed(f"{file}: the asset cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedAsset(f"{file}: the asset is damaged: its bytes do not match its name")
        return data

    def local(self, sha256: str) -> Path:
        """The file itself, verified. Raises as `read` does."""
        self.read(sha256)
        return self.path(sha256)

    def stored(self) -> Iterator[Stored]:
        """Every asset under a final name, as it is found; those put or removed meanwhile may be among them or not."""
        try:
            # nothing may have been put yet
            folders = sorted(self.root.iterdir()) if self.root.exists() else []
            for folder in folders:
                if len(folder.name) == 2 and folder.is_dir():
                    yield from self._stored_in(folder)
        except OSError as error:
            raise RunFailed(f"{self.root}: the assets cannot be listed: {error.strerror or error}") from error

    def remove(self, sha256: str, older_than: datetime | None = None) -> None:
        """Remove the asset; with `older_than` only if it was last put before that. No error if it is gone."""
        try:
            for file in self._all(sha256):
                if older_than is None or file.stat().st_mtime < older_than.timestamp():
                    file.unlink()
        except FileNotFoundError:  # another process was first
            return
        except OSError as error:
            raise RunFailed(f"{self.path(sha256)}: the asset cannot be removed: {error.strerror or error}") from error

    def check(self) -> str:
        """Where the assets are and how much room there is. Raises RunFailed where nothing can be written."""
        there = next(folder for folder in (self.root.absolute(), *self.root.absolute().parents) if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                return f"{self.root}, {shutil.disk_usage(there).free / 1e9:.0f} GB free"
        except OSError as error:
            raise RunFailed(f"{there}: no asset can be written here: {error.strerror or error}") from error

    def path(self, sha256: str) -> Path:
        """Where the asset lies, or would lie as a .png. Raises BadValue for what is no SHA-256 in 64 hex
        digits, so that no request can reach outside the folder."""
        return self._found(sha256) or self._named(sha256, ".png")

    def leftovers(self) -> list[Path]:
        """Temporary files whose writer is dead: its process is gone from this machine, or an hour has
        passed."""
        here, now = _host(), time.time()
        dead = []
        for file in sorted(self.root.glob("??/*.tmp-*")):
            named = _TEMPORARY.fullmatch(file.name)
            if named is None:
                continue
            try:
                stale = now - file.stat().st_mtime > STALE_S
            except FileNotFoundError:  # its writer just finished
                continue
            # the pid of another machine (a shared folder) says nothing here
            if stale or (named["host"] == here and not is_alive(int(named["pid"]))):
                dead.append(file)
        return dead

    def sweep(self) -> list[Path]:
        """Remove the `leftovers` and return them."""
        dead = self.leftovers()
        for file in dead:
            file.unlink(missing_ok=True)
        return dead

    def _named(self, sha256: str, suffix: str) -> Path:
        return self.root / asset_name(sha256, suffix)

    def _found(self, sha256: str) -> Path | None:
        usual = self._named(sha256, ".png")
        return usual if usual.is_file() else next(iter(self._all(sha256)), None)

    def _all(self, sha256: str) -> list[Path]:
        """Its files under any suffix: a race between two writers may have left two."""
        usual = self._named(sha256, ".png")
        return [file for file in sorted(usual.parent.glob(f"{usual.stem}.*")) if is_suffix(file.name[62:])]

    def _stored_in(self, folder: Path) -> Iterator[Stored]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if sha256 := named_by(f"{folder.name}/{entry.name}"):
                    try:
                        about = entry.stat()
                    except FileNotFoundError:  # just removed
                        continue
                    yield Stored(sha256, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC), entry.path)

    def _write(self, final: Path, data: bytes) -> None:
        folder = final.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.root)
        temporary = folder / f"{final.name}.tmp-{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(folder)


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"; make room: {GOES_ON}"
    return "; the folder must be writable" if error.errno in (errno.EROFS, errno.EACCES) else ""


def _renewed(file: Path) -> bool:
    """Its time is now: whoever removes old assets leaves it. False where it is gone, or is somebody else's: then it
    is to be written anew."""
    try:
        os.utime(file)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
