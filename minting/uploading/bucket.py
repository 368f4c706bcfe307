"""A release in a bucket of an S3 service: files as objects or, where the service pins to IPFS, parts as CARs that it
imports (object metadata import=car, as Filebase documents it), and whose CID it then says (metadata cid)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from errors import RunFailed, WrongCopy
from minting.uploading.gateway import Gateway
from minting.uploading.multipart import Multipart, multipart_etag, part_size_of
from minting.uploading.pieces import CAR_MIME, Item, Moved, Part, Piece, Root, Tally
from s3 import FIRST_WAIT_S, LONGEST_WAIT_S, MISSING, Keys, ask, client, code_of

T = TypeVar("T")
S3 = "s3://"
KEYS = Keys("publish.to", "publish.endpoint_url")
LARGE = 16 << 20  # bytes; above, an object goes in parts
CHUNK = 1 << 20
READS = 3  # of an object that arrives damaged, before it is called so
CONNECT_S, READ_S = 10.0, 60.0
IMPORT, CID = "import", "cid"  # keys of an object's metadata


class Bucket:
    """`bucket`, under `prefix` ("": none), of the service at `endpoint_url` ("": Amazon's) as a Destination.

    With `cars`, parts that have a CID go as CARs; they are read back through `gateway` or, without one, as the objects
    that they are. `parallel`: parts of one object that go at a time. Credentials are what boto3 finds.
    """

    takes_files = True

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint_url: str = "",
        *,
        cars: bool = False,
        gateway: Gateway | None = None,
        parallel: int = 4,
        patience_s: float = 120.0,
        large: int = LARGE,
    ) -> None:
        self.bucket, self.prefix, self.endpoint_url = bucket, prefix, endpoint_url
        self.takes_cars, self._gateway = cars, gateway
        self.parallel, self.patience_s, self.large = parallel, patience_s, large
        self.shown = self._shown("")
        self.key = f"{self.shown} {endpoint_url}".rstrip()

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        """By size and checksum in the bucket's lists; of CARs by the CID that the service says."""
        sizes = {piece.name: piece for piece in pieces if isinstance(piece, Item)}
        found = set()
        for folder in sorted({name.rpartition("/")[0] for name in sizes}):
            for name, size, etag in self._listed(folder):
                item = sizes.get(name)
                if item is not None and item.size == size and self._same(item.file, size, etag):
                    found.add(name)
        cars = [piece for piece in pieces if isinstance(piece, Root)]
        return found | {root.name for root in cars if self._head(root)[1].get(CID) == root.cid}

    def requests(self, piece: Piece) -> int:
        sent = 1 if piece.size <= self.large else 2 + -(-piece.size // part_size_of(piece.size))
        return (
            sent + 1 + (1 + (self._gateway.requests(piece) if self._gateway else 0) if isinstance(piece, Root) else 0)
        )

    def send(self, piece: Piece, moved: Moved) -> None:
        file, key, about = self._object(piece)
        if piece.size > self.large:
            upload = Multipart(self.bucket, key, file, about, self._asking(piece.name))
            upload.send(moved, self.parallel)
            return
        md5 = base64.b64encode(_md5(file)).decode()

        def put(s3: Any) -> None:
            with file.open("rb") as body:
                s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentMD5=md5, **about)

        self._ask(piece.name, "written", put)
        moved(piece.size)

    def verify(self, piece: Piece, moved: Moved) -> None:
        if isinstance(piece, Item):
            return self._read_back(piece.name, piece.size, piece.mime, piece.sha256, moved)
        self._cid_said(piece)
        if self._gateway is not None:
            return self._gateway.verify(piece, moved)
        self._read_back(_car_name(piece), piece.size, "", _sha256(piece.car), moved)

    def uri(self, part: Part) -> str:
        return part.uri if self.takes_cars and part.cid else self._shown(part.name + ("" if part.is_file else "/"))

    def close(self) -> None:
        if self._gateway is not None:
            self._gateway.close()

    def _object(self, piece: Piece) -> tuple[Path, str, dict[str, Any]]:
        """The file, the key, and what S3 is to know of it."""
        if isinstance(piece, Root):
            return piece.car, self._key(_car_name(piece)), {"ContentType": CAR_MIME, "Metadata": {IMPORT: "car"}}
        return piece.file, self._key(piece.name), {"ContentType": piece.mime}

    def _cid_said(self, root: Root) -> None:
        """Wait until the service has imported the CAR; raise WrongCopy if it found another CID in it."""

        told, until = self._shown(_car_name(root)), time.monotonic() + self.patience_s
        for attempt in itertools.count():
            size, metadata = self._head(root)
            if size is None:
                raise WrongCopy(f"{told}: the object is not there")
            if found := metadata.get(CID, ""):
                break
            if time.monotonic() > until:
                raise RunFailed(
                    f"{told}: the service does not say its CID (object metadata {CID}), as publish.car needs"
                )
            time.sleep(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt))
        if found != root.cid:
            shown = found if found.isalnum() and len(found) < 100 else "something else"
            raise WrongCopy(f"{told}: the CID is {root.cid}, and the service says {shown}")

    def _read_back(self, name: str, size: int, mime: str, sha256: str, moved: Moved) -> None:
        told, tally = self._shown(name), Tally(moved)
        for _ in range(READS):
            tally.take_back()
            found = self._got(name, size, tally)
            if found is None:
                raise WrongCopy(f"{told}: the object is not there")
            there, kind, digest = found
            if there != size:
                raise WrongCopy(f"{told}: it has {there} bytes there, and {size} were sent")
            if mime and kind != mime:
                raise WrongCopy(f"{told}: its MIME type there is {kind or 'not set'}, and {mime} was sent")
            if digest == sha256:
                return
        raise WrongCopy(f"{told}: the bytes that are there are not those that were sent")

    def _got(self, name: str, size: int, tally: Tally) -> tuple[int, str, str] | None:
        """Size and MIME type as the service says them, and the SHA-256 of what it sent; None if it has none."""

        def get(s3: Any) -> tuple[int, str, str] | None:
            tally.take_back()
            try:
                answer = s3.get_object(Bucket=self.bucket, Key=self._key(name))
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
            digest = hashlib.sha256()
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] == size:  # else it is wrong, however long
                    for chunk in body.iter_chunks(CHUNK):
                        digest.update(chunk)
                        tally(len(chunk))
            return answer["ContentLength"], _plain(answer.get("ContentType", "")), digest.hexdigest()

        return self._ask(name, "read back", get)

    def _listed(self, folder: str) -> Iterator[tuple[str, int, str]]:
        """Name, size and ETag of each object in a folder of the release ("": beside the folders)."""
        begin, token = f"{folder}/" if folder else "", ""
        while True:
            page = self._ask(begin, "listed", partial(self._page, begin, token))
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(self._key(""))
                yield name, item["Size"], item.get("ETag", "").strip('"')
            if not page.get("IsTruncated"):
                return
            token = page["NextContinuationToken"]

    def _page(self, begin: str, token: str, s3: Any) -> Any:
        more = {"ContinuationToken": token} if token else {}
        return s3.list_objects_v2(Bucket=self.bucket, Prefix=self._key(begin), Delimiter="/", **more)

    def _same(self, file: Path, size: int, etag: str) -> bool:
        """An ETag is the MD5 of the bytes or, of an object that came in parts, of its parts' MD5s; by other rules of a
        service the object is sent in vain."""
        return etag == (multipart_etag(file, part_size_of(size)) if "-" in etag else _md5(file).hex())

    def _head(self, root: Root) -> tuple[int | None, dict[str, str]]:
        """Size and metadata of a CAR's object; None if it is not there."""

        def head(s3: Any) -> tuple[int | None, dict[str, str]]:
            try:
                answer = s3.head_object(Bucket=self.bucket, Key=self._key(_car_name(root)))
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None, {}
                raise
            return answer["ContentLength"], _metadata(answer)

        return self._ask(root.name, "asked for", head)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _shown(self, name: str) -> str:
        return f"{S3}{self.bucket}/{self._key(name)}".removesuffix("/") + ("/" if name.endswith("/") else "")

    def _s3(self) -> Any:
        return client(os.getpid(), self.endpoint_url, CONNECT_S, READ_S)

    def _asking(self, name: str) -> Callable[[str, Callable[[Any], Any]], Any]:
        return lambda doing, call: self._ask(name, doing, call)

    def _ask(self, name: str, doing: str, call: Callable[[Any], T]) -> T:
        what = "what is there" if doing == "listed" else "the object"
        return ask(lambda: call(self._s3()), f"{self._shown(name)}: {what} cannot be {doing}", self.patience_s, KEYS)


def _car_name(root: Root) -> str:
    return f"{root.name}.car"


def _metadata(answer: dict[str, Any]) -> dict[str, str]:
    """Its keys in small letters, whatever the service makes of them."""
    return {key.lower(): value for key, value in answer.get("Metadata", {}).items()}


def _plain(mime: str) -> str:
    """Without parameters such as a charset, which a service may add."""
    return mime.partition(";")[0].strip().lower()


def _md5(file: Path) -> bytes:
    with file.open("rb") as given:
        return hashlib.file_digest(given, lambda: hashlib.md5(usedforsecurity=False)).digest()


def _sha256(file: Path) -> str:
    with file.open("rb") as given:
        return hashlib.file_digest(given, "sha256").hexdigest()
