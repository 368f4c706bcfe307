"""A bucket of a real S3 service: what arrives, in how many requests, and what is not sent again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from errors import WrongCopy
from minting.uploading.bucket import Bucket
from minting.uploading.contents import Contents
from minting.uploading.multipart import PART, part_size_of
from minting.uploading.pieces import Item
from s3 import client
from tests.collection_db.breaking import Breaking
from tests.collection_db.serving import Service
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.releases import contents

BIG = 20 << 20


@pytest.fixture
def place(bucket: Path, proxy: Breaking) -> Bucket:
    return Bucket(bucket.name, "pond/toads", proxy.url, patience_s=60)


@pytest.fixture
def big(tmp_path: Path) -> Item:
    """A file of three parts."""
    import hashlib

    data = os.urandom(BIG + 4711)
    (tmp_path / "big").write_bytes(data)
    return Item("images/big.png", tmp_path / "big", hashlib.sha256(data).hexdigest(), len(data), "image/png")


def puts(proxy: Breaking) -> list[str]:
    return [asked for asked in proxy.asked if asked.startswith("PUT ")]


def s3_of(place: Bucket) -> object:
    return client(os.getpid(), place.endpoint_url, 10.0, 60.0)


def test_all_files_arrive_once(place: Bucket, send: Sender, release: Contents, bucket: Path, proxy: Breaking) -> None:
    assert send(place).sent == 10
    assert contents(bucket / "pond" / "toads") == contents(release.folder)
    assert len(puts(proxy)) == len(set(puts(proxy))) == 10
    assert send.moved == 2 * sum(item.size for item in release.items)


def test_mime_types_are_told(place: Bucket, send: Sender, release: Contents) -> None:
    send(place)
    s3 = s3_of(place)
    for item in release.items:
        told = s3.head_object(Bucket=place.bucket, Key=f"pond/toads/{item.name}")  # type: ignore[attr-defined]
        assert (told["ContentType"], told["ContentLength"]) == (item.mime, item.size)


def test_parts_arrive_in_order(place: Bucket, send: Sender, proxy: Breaking) -> None:
    send(place)
    folders = [asked.split("/toads/")[1].split("?")[0].partition("/")[0] for asked in puts(proxy)]
    assert folders == ["images"] * 3 + ["metadata"] * 3 + ["collection.json"] + folders[7:]
    assert sorted(folders[7:]) == ["collection.csv", "index.html", "manifest.json"]
    last_image = max(
        index for index, asked in enumerate(proxy.asked) if asked.startswith("GET ") and "/images/" in asked
    )
    assert last_image < proxy.asked.index(next(asked for asked in puts(proxy) if "/metadata/" in asked))


def test_second_time_asks_nothing(place: Bucket, send: Sender, proxy: Breaking) -> None:
    send(place)
    before = len(proxy.asked)
    assert send.cost(place).done and send(place).sent == 0
    assert len(proxy.asked) == before


def test_another_journal_finds_what_is_there(place: Bucket, send: Sender, proxy: Breaking, tmp_path: Path) -> None:
    send(place)
    send.journal.file.unlink()
    again = Sender(send.contents, type(send.journal)(tmp_path / "new"), tmp_path)
    before = len(puts(proxy))
    cost = again.cost(place)
    assert (cost.to_send, cost.to_verify, cost.there) == (0, 10, 10)
    assert again(place).sent == 0 and len(puts(proxy)) == before
    again.journal.close()


def test_changed_file_goes_again(place: Bucket, send: Sender, bucket: Path, proxy: Breaking) -> None:
    send(place)
    (bucket / "pond" / "toads" / "images" / "2.png").write_bytes(b"changed by another")
    assert send(place, recheck=True).sent == 1
    assert puts(proxy)[-1].startswith(f"PUT /{place.bucket}/pond/toads/images/2.png")


def test_big_file_goes_in_parts(place: Bucket, big: Item, bucket: Path, proxy: Breaking) -> None:
    moved: list[int] = []
    place.send(big, moved.append)
    place.verify(big, lambda count: None)
    assert (bucket / "pond/toads/images/big.png").read_bytes() == big.file.read_bytes()
    assert len(puts(proxy)) == 3 and sum(moved) == big.size
    assert place.held([big]) == {big.name}
    told = s3_of(place).head_object(Bucket=place.bucket, Key="pond/toads/images/big.png")  # type: ignore[attr-defined]
    assert told["ContentType"] == "image/png"


def test_parts_that_are_there_are_not_sent(place: Bucket, big: Item, proxy: Breaking, s3: Service) -> None:
    key, s3_client = "pond/toads/images/big.png", client(os.getpid(), s3.url, 10.0, 60.0)
    named = {"Bucket": place.bucket, "Key": key}
    data = big.file.read_bytes()
    # the second has most of ours; a part of the third is another's
    for parts in ({1: data[:PART]}, {1: data[:PART], 3: data[2 * PART :]}, {1: data[:PART], 2: b"x" * PART}):
        upload = s3_client.create_multipart_upload(**named)["UploadId"]
        for number, part in parts.items():
            s3_client.upload_part(**named, UploadId=upload, PartNumber=number, Body=part)
    moved: list[int] = []
    place.send(big, moved.append)
    place.verify(big, lambda count: None)
    assert [asked.split("partNumber=")[1].split("&")[0] for asked in sorted(puts(proxy))] == ["2"]
    assert sum(moved) == big.size
    assert not s3_client.list_multipart_uploads(Bucket=place.bucket).get("Uploads")  # the others were aborted


def test_parts_of_others_are_not_believed(place: Bucket, big: Item, bucket: Path, s3: Service) -> None:
    named = {"Bucket": place.bucket, "Key": "pond/toads/images/big.png"}
    s3_client = client(os.getpid(), s3.url, 10.0, 60.0)
    upload = s3_client.create_multipart_upload(**named)["UploadId"]
    s3_client.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"x" * PART)
    place.send(big, lambda count: None)
    assert (bucket / named["Key"]).read_bytes() == big.file.read_bytes()


@pytest.mark.parametrize(
    ("size", "part"), [(0, PART), (PART * 10_000, PART), (PART * 10_000 + 1, PART + (1 << 20)), (5 << 40, 525 << 20)]
)
def test_parts_are_at_most_ten_thousand(size: int, part: int) -> None:
    assert part_size_of(size) == part and -(-size // part) <= 10_000


def test_wrong_mime_type_is_told(place: Bucket, big: Item) -> None:
    small = Item("metadata/1", big.file, big.sha256, big.size, "application/json")
    s3 = s3_of(place)
    s3.put_object(  # type: ignore[attr-defined]
        Bucket=place.bucket, Key="pond/toads/metadata/1", Body=big.file.read_bytes(), ContentType="text/html"
    )
    with pytest.raises(WrongCopy, match=r"metadata/1: its MIME type there is text/html, and application/json was sent"):
        place.verify(small, lambda count: None)


def test_prefix_may_be_empty(bucket: Path, s3: Service, send: Sender, release: Contents) -> None:
    send(Bucket(bucket.name, "", s3.url))
    assert contents(bucket) == contents(release.folder)
    assert Bucket(bucket.name, "", s3.url).uri(release.parts[0]) == f"s3://{bucket.name}/images/"
