"""The asset store: a folder in which every file is named by the SHA-256 of its bytes, so that the same image
is kept once and damage shows."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import time
from pathlib import Path

from durable import sync_folder
from errors import BadValue, RunFailed

STALE_S = 3600.0  # a temporary file older than this belongs to nobody, in seconds
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_TEMPORARY = re.compile(r".+\.tmp-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]+")


class AssetFolder:
    """Assets under `path`, which is made when the first one is put. Safe for many processes, on many
    machines."""

    def __init__(self, path: Path | str) -> None:
        self.root = Path(path)

    def put(self, data: bytes, suffix: str = ".png") -> str:
        """Keep `data` and return its SHA-256 as 64 hex digits. Once this returns, the file survives a power
        cut.

        Bytes that are there already are not written again (under whatever suffix they came first); a damaged
        file is mended. Raises BadValue for a suffix such as ".tmp/x", RunFailed where nothing can be written.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise BadValue("asset suffix", suffix, "a dot and 1 to 8 small letters or digits, such as .png")
        sha256 = hashlib.sha256(data).hexdigest()
        final = self._found(sha256) or self._named(sha256, suffix)
        try:
            if not (final.is_file() and final.read_bytes() == data):
                self._write(final, data)
        except OSError as error:
            raise RunFailed(f"{final}: the asset cannot be written: {error.strerror or error}") from error
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes with that SHA-256. Raises RunFailed naming the file if it is missing or damaged."""
        file = self.path(sha256)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            raise RunFailed(f"{file}: the asset is missing") from None
        except OSError as error:
            raise RunFailed(f"{file}: the asset cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RunFailed(f"{file}: the asset is damaged: its bytes do not match its name")
        return data

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
            if stale or (named["host"] == here and not _alive(int(named["pid"]))):
                dead.append(file)
        return dead

    def sweep(self) -> list[Path]:
        """Remove the `leftovers` and return them."""
        dead = self.leftovers()
        for file in dead:
            file.unlink(missing_ok=True)
        return dead

    def _named(self, sha256: str, suffix: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise BadValue("asset", sha256, "a SHA-256 as 64 small hex digits")
        return self.root / sha256[:2] / f"{sha256[2:]}{suffix}"

    def _found(self, sha256: str) -> Path | None:
        usual = self._named(sha256, ".png")
        if usual.is_file():
            return usual
        others = sorted(usual.parent.glob(f"{usual.stem}.*"))
        return next((file for file in others if _SUFFIX.fullmatch(file.name[62:])), None)

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


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # another user's; or a number that is no pid: leave it to its age
    return True
