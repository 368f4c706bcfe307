"""Assets in a bucket of any S3 service, under the names that they have in a folder."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import mimetypes
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from botocore.exceptions import ClientError

from collection_db.assets import S3, Stored, asset_name, named_by
from collection_db.folders import AssetFolder
from errors import DamagedAsset, MissingAsset
from s3 import MISSING, ask, client, code_of

T = TypeVar("T")
FRESH = timedelta(minutes=30)  # what was put longer ago is put again, so that nobody takes it for left over
READS = 4  # of an asset that arrives damaged, before it is called so
CHECK_PATIENCE_S = 5.0


class AssetBucket:
    """Assets in `bucket` under `prefix`, asked of the service at `endpoint_url` ("": Amazon's). Safe for many processes
    and threads; nothing is asked before it is needed.

    A connection may take `connect_s` seconds, an answer may pause `read_s`, and what passes is waited out for
    `patience_s`. Files for `local` are kept in `cache` (default: in the user's cache folder), which may be emptied at
    any time.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint_url: str = "",
        *,
        cache: Path | None = None,
        connect_s: float = 10.0,
        read_s: float = 30.0,
        patience_s: float = 120.0,
    ) -> None:
        self.bucket, self.prefix, self.endpoint_url = bucket, prefix, endpoint_url
        self.cache = AssetFolder(cache or platformdirs.user_cache_path("toadworks") / "assets")
        self.connect_s, self.read_s, self.patience_s = connect_s, read_s, patience_s

    def put(self, data: bytes, suffix: str = ".png") -> str:
        """Keep `data` and return its SHA-256. It arrives as a whole or not at all, which the service checks by its MD5.

        What is there already, of the right size and MD5, is sent again only if it was put more than half an hour ago.
        """
        digest = hashlib.sha256(data).hexdigest()
        md5 = hashlib.md5(data, usedforsecurity=False)
        name, kind = asset_name(digest, suffix), mimetypes.types_map.get(suffix, "application/octet-stream")
        found, now = self._found(digest)
        if found is not None:
            name = self._named(found)
            # an ETag of 32 digits is an MD5, unless the service encrypts by a key of its own: then it is sent in vain
            same = found["Size"] == len(data) and found["ETag"].strip('"') in (md5.hexdigest(), "")
            if same and now - found["LastModified"] < FRESH:
                return digest
        self._ask(
            name,
            "written",
            lambda s3: s3.put_object(
                Bucket=self.bucket,
                Key=self._key(name),
                Body=data,
                ContentMD5=base64.b64encode(md5.digest()).decode(),
                ContentType=kind,
            ),
        )
        return digest

    def read(self, sha256: str) -> bytes:
        """The bytes with that SHA-256. Raises MissingAsset, and DamagedAsset if they arrive damaged several times."""
        return self._fetched(sha256)[1]

    def local(self, sha256: str) -> Path:
        """The file in the cache, fetched if it is not there, or damaged."""
        with contextlib.suppress(MissingAsset, DamagedAsset):
            return self.cache.local(sha256)
        name, data = self._fetched(sha256)
        self.cache.put(data, Path(name).suffix)
        return self.cache.path(sha256)

    def stored(self) -> Iterator[Stored]:
        """Every asset under a final name, asked for a thousand at a time."""
        start = ""
        while True:
            page, _ = self._listed("", start)
            for item in page.get("Contents", []):
                if sha256 := named_by(self._named(item)):
                    yield Stored(sha256, item["Size"], item["LastModified"].astimezone(UTC), self._shown(item["Key"]))
            if not page.get("IsTruncated"):
                return
            start = page["NextContinuationToken"]

    def remove(self, sha256: str, older_than: datetime | None = None) -> None:
        """Remove the asset; with `older_than` only if it was last put before that. No error if it is gone."""
        for item in self._all(sha256)[0]:
            if older_than is None or item["LastModified"] < older_than:
                name = self._named(item)
                self._ask(name, "removed", partial(self._delete, item["Key"]))

    def leftovers(self) -> list[Path]:
        """Nothing: a put that does not end leaves nothing under any name."""
        return []

    def sweep(self) -> list[Path]:
        return []

    def check(self) -> str:
        """That the bucket can be listed. Raises RunFailed within some seconds."""
        self._listed("", most=1, patience_s=CHECK_PATIENCE_S)
        return f"{self._shown(self._key(''))} answers"

    def _delete(self, key: str, s3: Any) -> None:
        s3.delete_object(Bucket=self.bucket, Key=key)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _named(self, item: dict[str, Any]) -> str:
        return str(item["Key"]).removeprefix(self._key(""))

    def _shown(self, key: str) -> str:
        return f"{S3}{self.bucket}/{key}"

    def _fetched(self, sha256: str) -> tuple[str, bytes]:
        """Its name and verified bytes."""
        name = asset_name(sha256, ".png")
        for _ in range(READS):
            data = self._get(name)
            if data is not None and hashlib.sha256(data).hexdigest() == sha256:
                return name, data
            if data is None:
                found, _ = self._found(sha256)
                if found is None or self._named(found) == name:  # or it was removed just now
                    raise MissingAsset(f"{self._shown(self._key(name))}: the asset is missing")
                name = self._named(found)
        raise DamagedAsset(f"{self._shown(self._key(name))}: the asset is damaged: its bytes do not match its name")

    def _get(self, name: str) -> bytes | None:
        """The bytes as they arrive; None where there are none."""

        def get(s3: Any) -> bytes | None:
            try:
                body = s3.get_object(Bucket=self.bucket, Key=self._key(name))["Body"]
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
            with contextlib.closing(body):
                return bytes(body.read())

        return self._ask(name, "read", get)

    def _found(self, sha256: str) -> tuple[dict[str, Any] | None, datetime]:
        """Its item in the bucket's list, as .png if it is there under several suffixes; and the service's time."""
        items, now = self._all(sha256)
        usual = [item for item in items if item["Key"].endswith(".png")]
        return next(iter([*usual, *items]), None), now

    def _all(self, sha256: str) -> tuple[list[dict[str, Any]], datetime]:
        page, now = self._listed(asset_name(sha256, ".png").removesuffix("png"))
        return [item for item in page.get("Contents", []) if named_by(self._named(item)) == sha256], now

    def _listed(
        self, begin: str, start: str = "", most: int = 1000, patience_s: float | None = None
    ) -> tuple[dict[str, Any], datetime]:
        """A page of the objects whose names begin so, and the service's time: this machine's clock may be wrong."""
        page = self._ask(
            begin,
            "listed",
            lambda s3: s3.list_objects_v2(
                Bucket=self.bucket,
                Prefix=self._key(begin),
                MaxKeys=most,
                **({"ContinuationToken": start} if start else {}),
            ),
            patience_s,
        )
        told = page["ResponseMetadata"]["HTTPHeaders"].get("date")
        return page, parsedate_to_datetime(told) if told else datetime.now(UTC)

    def _ask(self, name: str, doing: str, call: Callable[[Any], T], patience_s: float | None = None) -> T:
        what = "the assets" if doing == "listed" else "the asset"
        return ask(
            lambda: call(client(os.getpid(), self.endpoint_url, self.connect_s, self.read_s)),
            f"{self._shown(self._key(name))}: {what} cannot be {doing}",
            self.patience_s if patience_s is None else patience_s,
        )
