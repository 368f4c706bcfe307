"""An object sent in parts: parallel, each verified by its MD5; what parts an earlier run left are not sent again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from errors import RunFailed
from minting.uploading.pieces import Moved, Tally
from minting.uploading.together import in_parallel
from s3 import code_of

PART, MOST_PARTS = 8 << 20, 10_000  # S3 takes parts of 5 MiB to 5 GiB (the last may be smaller)
MIB = 1 << 20
GONE = "NoSuchUpload"
BEGINNINGS = 3  # of an upload that the service forgets meanwhile

Asking = Callable[[str, Callable[[Any], Any]], Any]  # ("written", call) -> what call(client) returns, with patience


def part_size_of(size: int) -> int:
    """Bytes a part, for an object of `size` bytes: so that an upload that goes on cuts as the one before did."""
    return max(PART, -(-size // (MOST_PARTS * MIB)) * MIB)


class Multipart:
    """`file` as the object `key` of `bucket`. `about`: further arguments of its creation (ContentType, Metadata)."""

    def __init__(self, bucket: str, key: str, file: Path, about: dict[str, Any], asking: Asking) -> None:
        self.bucket, self.key, self.file, self.about = bucket, key, file, about
        self.size = file.stat().st_size
        self.part_size = part_size_of(self.size)
        self.count = -(-self.size // self.part_size)
        self._asking = asking

    def send(self, moved: Moved, parallel: int) -> None:
        """Go on with the upload that has most of the object's parts, or begin one; end it, and abort the others.

        Raises RunFailed as `asking` does.
        """
        for _ in range(BEGINNINGS):
            tally = Tally(moved)
            try:
                upload, there = self._best()
                for number in there:
                    tally(self._length(number))
                missing = [number for number in range(1, self.count + 1) if number not in there]
                sent = in_parallel(parallel, partial(self._part, upload, tally), missing)
                self._complete(upload, there | dict(zip(missing, sent, strict=True)))
                return
            except _Gone:
                tally.take_back()
        raise RunFailed(
            f"s3://{self.bucket}/{self.key}: the service forgot the upload {BEGINNINGS} times; ask who runs it"
        )

    def _best(self) -> tuple[str, dict[int, str]]:
        """An upload's id, and the ETags of its parts that are ours; uploads that lead nowhere are aborted."""
        found = {upload: self._parts(upload) for upload in self._uploads()}
        best = max(found, key=lambda upload: len(found[upload]), default="")
        for upload in found:
            if upload != best or not found[upload]:
                self._abort(upload)
        if not found.get(best):
            best = self._ask("begun", lambda s3: s3.create_multipart_upload(**self._named(), **self.about)["UploadId"])
        return best, found.get(best, {})

    def _uploads(self) -> Iterator[str]:
        """Those of this very key that were begun and not ended."""
        more: dict[str, str] = {}
        while True:
            which = {"Bucket": self.bucket, "Prefix": self.key, **more}
            try:
                page = self._ask("asked for", partial(_page, "list_multipart_uploads", **which))
            except _Gone:  # how some say that there are none
                return
            yield from (upload["UploadId"] for upload in page.get("Uploads", []) if upload["Key"] == self.key)
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}

    def _parts(self, upload: str) -> dict[int, str]:
        """The ETags of the parts that are there, by number; none if one is not ours (size, MD5): not every service lets
        it be replaced."""
        ours: dict[int, str] = {}
        after = 0
        while True:
            try:
                page = self._ask(
                    "asked for", partial(_page, "list_parts", **self._named(upload), PartNumberMarker=after)
                )
            except _Gone:
                return {}
            for part in page.get("Parts", []):
                number, after = part["PartNumber"], max(after, part["PartNumber"])
                if number > self.count or part["Size"] != self._length(number):
                    return {}
                if part["ETag"].strip('"') != hashlib.md5(self._bytes(number), usedforsecurity=False).hexdigest():
                    return {}
                ours[number] = part["ETag"]
            if not page.get("IsTruncated") or not page.get("Parts"):
                return ours

    def _part(self, upload: str, tally: Tally, number: int) -> str:
        data = self._bytes(number)
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        answer = self._ask(
            "written",
            lambda s3: s3.upload_part(**self._named(upload), PartNumber=number, Body=data, ContentMD5=md5),
        )
        tally(len(data))
        return str(answer["ETag"])

    def _complete(self, upload: str, etags: dict[int, str]) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
        try:
            self._ask(
                "put together",
                lambda s3: s3.complete_multipart_upload(**self._named(upload), MultipartUpload={"Parts": parts}),
            )
        except _Gone:
            # an answer may have been lost, and the upload have ended: then the object is there
            there = self._ask("asked for", self._length_there)
            if there != self.size:
                raise

    def _length_there(self, s3: Any) -> int | None:
        try:
            return int(s3.head_object(Bucket=self.bucket, Key=self.key)["ContentLength"])
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise

    def _abort(self, upload: str) -> None:
        try:
            self._ask("cleared of an upload", lambda s3: s3.abort_multipart_upload(**self._named(upload)))
        except _Gone:
            return

    def _ask(self, doing: str, call: Callable[[Any], Any]) -> Any:
        """Raises _Gone where the service does not know the upload."""

        def apart(s3: Any) -> Any:
            try:
                return call(s3)
            except ClientError as error:
                if code_of(error) == GONE:
                    raise _Gone from None
                raise

        return self._asking(doing, apart)

    def _named(self, upload: str = "") -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key} | ({"UploadId": upload} if upload else {})

    def _length(self, number: int) -> int:
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def _bytes(self, number: int) -> bytes:
        with self.file.open("rb") as given:
            given.seek((number - 1) * self.part_size)
            return given.read(self._length(number))


def _page(listing: str, s3: Any, **which: Any) -> Any:
    return getattr(s3, listing)(**which)


class _Gone(Exception):
    """The service does not know the upload, or not any more."""


def multipart_etag(file: Path, part_size: int) -> str:
    """What S3 says of an object that came in parts of that size: the MD5 of their MD5s, and how many they were."""
    digests = []
    with file.open("rb") as given:
        while data := given.read(part_size):
            digests.append(hashlib.md5(data, usedforsecurity=False).digest())
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
