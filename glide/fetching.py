"""Getting a file: downloaded over HTTP, going on where a broken download ended, or taken over from another folder."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from durable import write_json
from errors import BadValue, BadWeights, RunFailed
from glide.locking import (
    RemoteFile,
    Say,
    alone,
    forms_of,
    into_place,
    present,
    read_lock,
    sha256_of,
    weights_folder,
    writing,
)

__all__ = [
    "Patience",
    "RemoteFile",
    "adopt",
    "fetch",
    "mirrored",
    "present",
    "sha256_of",
    "shown_url",
    "weights_folder",
]

CHUNK = 1 << 20  # bytes, when a file is copied or unpacked
WORTHWHILE = 1 << 20  # bytes: a try that brought so much is no failed one, and patience begins anew
PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may be gone at the next try

Progress = Callable[[int, int], None]  # bytes that are here, bytes in all (0: not known)


@dataclass(frozen=True)
class Patience:
    """How long a download is tried: seconds before each further try, and seconds of silence that end a try."""

    pauses: tuple[float, ...] = (1.0, 2.0, 5.0, 15.0, 30.0)
    silence: float = 60.0


def fetch(
    file: RemoteFile,
    folder: Path,
    progress: Progress = lambda done, total: None,
    url: str = "",
    *,
    patience: Patience | None = None,
    say: Say = lambda sentence: None,
) -> Path:
    """Download a file (from `url`, if given, else from its own) unless it is there and whole; return where it lies.

    It comes into `NAME.part`, and gets its name once size and SHA-256 are verified. A broken download goes on where it
    ended, in this call and in later ones; `say` is told. Raises BadWeights if what came is not what is known, or the
    server has no such file, and RunFailed if the server cannot be reached or the folder cannot be written to.
    """
    if (whole := _whole(file, folder)) is not None:  # before any lock is taken: the folder may be read-only
        return whole
    with writing(folder), alone(folder / file.name, say):
        if (whole := _whole(file, folder)) is not None:  # from the process that was waited for
            return whole
        download = _Download(file, folder, url or file.url)
        download.finish(progress, patience or Patience(), say)
        return into_place(download.part, file, folder, download.shown)


def adopt(
    file: RemoteFile, source_folder: Path, folder: Path, progress: Progress = lambda done, total: None
) -> Path | None:
    """Take the file over from another folder, verified as a download is; None if it is not there.

    It may be NAME or NAME.gz, which is unpacked; for `X.pt` also `X.safetensors`, which is preferred and keeps its
    name. It is a hard link where that can be, else a copy. Raises BadWeights and RunFailed as `fetch` does.
    """
    places = [(form, source_folder / (form.name + packed)) for form in forms_of(file) for packed in ("", ".gz")]
    with writing(folder):
        form, given = next(((form, given) for form, given in places if given.is_file()), (file, None))
        if given is None:
            return None
        with alone(folder / form.name):
            taken = folder / f"{form.name}.taken"
            taken.unlink(missing_ok=True)  # of a process that was killed
            try:
                _take(given, taken, progress, unpack=given.name != form.name)
                return into_place(taken, form, folder, given.resolve().as_uri())
            finally:
                taken.unlink(missing_ok=True)  # still there, too, where it is one file with what was replaced


def mirrored(file: RemoteFile, base: str) -> str:
    """The file's URL on a mirror: its name below `base`, before the query. Raises BadValue if `base` is no URL."""
    try:
        parts = urlsplit(base)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BadValue("mirror", shown_url(base), "an http or https URL, below which the files lie")
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{file.name}"))


def shown_url(url: str) -> str:
    """The URL without what may be secret in it: user, password, query and fragment."""
    with suppress(ValueError):
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number: that is half a password then
        if parts.hostname:
            return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return "the address given"


class _Download:
    """A file on its way: `NAME.part`, and beside it `NAME.part.json`, which says what it is a part of."""

    def __init__(self, file: RemoteFile, folder: Path, url: str) -> None:
        self.file, self.folder, self.url, self.shown = file, folder, url, shown_url(url)
        self.part = folder / f"{file.name}.part"
        self.note = folder / f"{file.name}.part.json"
        locked = read_lock(folder).get(file.name)
        self.size = file.size or (locked.size if locked and not file.sha256 else 0)  # 0: not known
        self.sha256_known = bool(file.sha256 or locked)

    def finish(self, progress: Progress, patience: Patience, say: Say) -> None:
        """Try until all has come. Raises BadWeights where another try is no use, RunFailed where patience ends."""
        pauses, tries = iter(patience.pauses), 0
        limits = httpx.Timeout(patience.silence)
        with httpx.Client(timeout=limits, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as client:
            while True:
                before, tries = self._length(), tries + 1
                try:
                    self._try(client, progress)
                    return
                except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:  # its text may hold the password
                    told = f"{self.shown} is no http or https address that can be used"
                    raise BadWeights(self.file.name, told) from error
                except httpx.HTTPError as error:
                    reason = self._reason(error, patience)
                if self._length() - before >= WORTHWHILE:
                    pauses = iter(patience.pauses)
                pause = next(pauses, None)
                if pause is None:
                    kept = f"the {self._length()} bytes that came are kept, and the same command goes on from there"
                    raise RunFailed(f"{self.file.name}: given up after {tries} tries: {reason}; {kept}")
                say(f"{self.file.name}: {reason}; trying again in {pause:g} s")
                time.sleep(pause)

    def _try(self, client: httpx.Client, progress: Progress) -> None:
        """One request, for what is missing. httpx's errors mean: try again."""
        start, size, validator = self._resumable()
        if size and start == size:
            return  # it was ended between the last byte and its name
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and validator:
            headers["If-Range"] = validator
        with client.stream("GET", self.url, headers=headers) as response:
            if response.status_code == 206:
                if (total := self._rest(response, start, size, validator)) is None:
                    self._drop()
                    raise httpx.RemoteProtocolError("the file changed on the server, or it sent another part of it")
            elif response.status_code == 416:
                self._drop()
                raise httpx.RemoteProtocolError("the server has no such part of the file")
            else:
                response.raise_for_status()
                start, total = 0, int(response.headers.get("Content-Length", 0))  # Range ignored, or another file
            self._refuse_useless(response, start, total)
            progress(start, total)
            with self.part.open("ab" if start else "wb") as out:
                if not start:
                    about = {"url": self.shown, "validator": _validator(response), "size": total}
                    write_json(self.note, about)  # now, as the part is empty: the two never contradict each other
                for data in response.iter_raw():
                    out.write(data)
                    start += len(data)
                    progress(start, total)

    def _resumable(self) -> tuple[int, int, str]:
        """Bytes that are here, bytes in all (0: not known), and the validator (ETag or date) of what they are part of.

        A part of unknown origin is not gone on with, unless the SHA-256 will tell.
        """
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            url, size, validator = str(note["url"]), int(note["size"]), str(note["validator"])
        except (OSError, ValueError, TypeError, KeyError):
            return 0, 0, ""
        start = self._length()
        known = (validator or self.sha256_known) and url == self.shown
        fits = size == (self.size or size) and start <= (size or start)
        return (start, size, validator) if known and fits else (0, 0, "")

    def _rest(self, response: httpx.Response, start: int, size: int, validator: str) -> int | None:
        """Bytes in all, if this answer is the rest of the very file that the part is of."""
        span = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
        if span is None:
            return None
        first, last, total = map(int, span.groups())
        same = not validator or _validator(response) in (validator, "")
        fits = first == start and last == total - 1 and total == (size or total)
        return total if same and fits else None

    def _refuse_useless(self, response: httpx.Response, start: int, total: int) -> None:
        """Before a byte is stored: an answer that cannot be the file, or will not fit on the disk."""
        kind, packing = (response.headers.get(name, "") for name in ("Content-Type", "Content-Encoding"))
        told = ""
        if self.size and total and total != self.size:
            told = f"has {total} bytes there, and {self.size} are known; another mirror may have the right one"
        elif kind.startswith("text/html"):
            told = "is a web page there: a login, perhaps, or a notice"
        elif self.url.startswith("https:") and response.url.scheme != "https":
            told = "is led on from there to an address without https, which anybody on the way can change"
        elif packing not in ("", "identity") and not self.file.name.endswith(".gz"):
            told = f"comes packed ({packing}) from there, which was not asked for"
        elif not total and not self.sha256_known:
            told = "has no length there, so that a cut would not be noticed; try another mirror"
        if told:  # what came before, from a better server, is kept
            raise BadWeights(self.file.name, f"{told} ({self.shown})")
        if total - start > (free := shutil.disk_usage(self.folder).free):
            raise OSError(errno.ENOSPC, f"{(total - start) / 1e6:.1f} MB are missing, {free / 1e6:.1f} MB are free")

    def _reason(self, error: httpx.HTTPError, patience: Patience) -> str:
        """Why a try failed, if another may not. Raises BadWeights if every other would fail as well."""
        if isinstance(error, httpx.HTTPStatusError):
            status = f"{error.response.status_code} {error.response.reason_phrase}".rstrip()
            if error.response.status_code not in PASSING:
                told = f"{self.shown} answers {status}; try a mirror with --url, or your own copy with --from"
                raise BadWeights(self.file.name, told) from error
            return f"{self.shown} answers {status}"
        if isinstance(error, httpx.TimeoutException):
            return f"{self.shown} was silent for {patience.silence:g} s"
        if not isinstance(error, httpx.TransportError):
            raise BadWeights(self.file.name, f"{self.shown} cannot be followed ({type(error).__name__})") from error
        return f"the connection to {self.shown} failed ({error or type(error).__name__})"

    def _length(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _drop(self) -> None:
        for file in (self.part, self.note):
            file.unlink(missing_ok=True)


def _whole(file: RemoteFile, folder: Path) -> Path | None:
    """Where the file lies, if it is whole. A damaged one counts as missing: it is replaced once another has come."""
    try:
        sha256_of(file, folder)
    except BadWeights:
        if present(file, folder) not in (None, folder / file.name):
            raise  # the .safetensors of another folder: what is downloaded has another name
        return None
    return present(file, folder)


def _take(given: Path, taken: Path, progress: Progress, unpack: bool) -> None:
    size = given.stat().st_size
    if not unpack:
        with suppress(OSError):  # another disk, or one without hard links
            os.link(given.resolve(), taken)  # resolved, as a link to a symbolic link would be as loose as that is
            progress(size, size)
            return
    try:
        with gzip.open(given) if unpack else given.open("rb") as source, taken.open("xb") as out:
            while data := source.read(CHUNK):
                out.write(data)
                progress(out.tell(), 0 if unpack else size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadWeights(given, f"cannot be unpacked ({error}); it is damaged or cut short") from error


def _validator(response: httpx.Response) -> str:
    """What If-Range may name: a strong ETag, else the date (RFC 9110, 13.1.5). Empty if there is neither."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
