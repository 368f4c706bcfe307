"""The asset store: pictures named by the SHA-256 of their bytes, so that the same one is kept once and damage shows.
They lie in a folder or in a bucket; whoever uses them need not know which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from errors import BadValue

S3 = "s3://"
LOCATIONS = "a folder, or s3://BUCKET/PREFIX with a bucket of 3 to 63 small letters, digits, dots and hyphens"
ENDPOINTS = 'https://HOST or http://HOST:PORT, without user, password or "?"'
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})(\.[a-z0-9]{1,8})")
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){3}")  # no bucket: it would be taken for the address of a machine
_FOLDER = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!_.*'()=+,~-]+")
LONGEST_PREFIX = 900  # characters; a key has 1024 bytes


@dataclass(frozen=True)
class Stored:
    """An asset that lies in a store: its size in bytes, when it was last put (aware), its file or key."""

    sha256: str
    size: int
    modified: datetime
    where: str


class Assets(Protocol):
    """A store of assets. Every method raises RunFailed, with the place and the reason, where the store cannot be used,
    and BadValue for what is no SHA-256 in 64 small hex digits."""

    def put(self, data: bytes, suffix: str = ".png") -> str:
        """Keep `data` and return its SHA-256. Once this returns it is stored for good, and counts as new."""

    def read(self, sha256: str) -> bytes:
        """The bytes, verified. Raises MissingAsset, DamagedAsset."""

    def local(self, sha256: str) -> Path:
        """A verified file on this machine with these bytes, for programs that open files. It is not to be changed.
        Raises MissingAsset, DamagedAsset."""

    def stored(self) -> Iterator[Stored]:
        """Every asset under a final name, in no order that counts; memory does not grow with them."""

    def remove(self, sha256: str, older_than: datetime | None = None) -> None:
        """Remove it; no error if it is gone. With `older_than` only if it was last put before that: a process may just
        have found its bytes there and be about to name them in the table."""

    def leftovers(self) -> Sequence[Path]:
        """What dead writers left unfinished."""

    def sweep(self) -> Sequence[Path]:
        """Remove the `leftovers`, and return them."""

    def check(self) -> str:
        """Where the store is and how it fares, in a few words, without changing anything. Raises RunFailed soon."""


def open_assets(location: Path | str, endpoint_url: str = "") -> Assets:
    """The store at "s3://BUCKET/PREFIX", by the S3 service at `endpoint_url` ("": Amazon's), or else in a folder.

    Nothing is asked of a service yet. Raises BadValue for what is neither.
    """
    # here, as both import the names below, and only a bucket is worth the time that boto3 takes to import
    if isinstance(location, str) and is_bucket(location):
        from collection_db.buckets import AssetBucket

        return AssetBucket(*bucket_and_prefix(location), checked_endpoint(endpoint_url))
    from collection_db.folders import AssetFolder

    return AssetFolder(location)


def is_bucket(location: str) -> bool:
    """Whether it is meant as one, or as some other service: no folder is called "gs://toads"."""
    return "://" in location or location.lower().startswith("s3:")


def bucket_and_prefix(location: str) -> tuple[str, str]:
    """Of "s3://BUCKET/PREFIX" or "s3://BUCKET". Raises BadValue, in which no password is shown."""
    bucket, _, prefix = location.removeprefix(S3).partition("/")
    prefix = prefix.removesuffix("/")
    good = _BUCKET.fullmatch(bucket) and not _NUMBERS.fullmatch(bucket) and len(prefix) <= LONGEST_PREFIX
    if not (location.startswith(S3) and good and (not prefix or all(map(_FOLDER.fullmatch, prefix.split("/"))))):
        shown = location if "@" not in location else f"{location.partition('://')[0]}://...@..."
        raise BadValue("asset store", shown, LOCATIONS)
    return bucket, prefix


def checked_endpoint(url: str) -> str:
    """The URL of an S3 service; "" is Amazon's own. Raises BadValue, in which the URL is not shown if it holds a
    password."""
    try:
        parts = urlsplit(url)
        hidden = "@" in url or bool(parts.query)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        hidden, good = True, False
    if url and (hidden or not good or "#" in url or url != url.strip()):
        raise BadValue("endpoint", "(not shown)" if hidden else url, ENDPOINTS)
    return url


def asset_name(sha256: str, suffix: str) -> str:
    """Where it lies in a store: "ab/cdef....png". Raises BadValue for what is no SHA-256 or suffix, so that no request
    can reach outside the store."""
    if not _SHA256.fullmatch(sha256):
        raise BadValue("asset", sha256, "a SHA-256 as 64 small hex digits")
    if not is_suffix(suffix):
        raise BadValue("asset suffix", suffix, "a dot and 1 to 8 small letters or digits, such as .png")
    return f"{sha256[:2]}/{sha256[2:]}{suffix}"


def named_by(name: str) -> str:
    """The SHA-256 of an `asset_name`; "" if it is none."""
    found = _NAME.fullmatch(name)
    return found[1] + found[2] if found else ""


def is_suffix(text: str) -> bool:
    return bool(_SUFFIX.fullmatch(text))
