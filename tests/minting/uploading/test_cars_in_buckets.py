"""CARs in a bucket whose service imports them: rclone keeps the objects, and what stands before it says the CID that it
finds in them, as Filebase documents it. Filebase itself is not asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import NotPublished, WrongCopy
from minting.uploading.bucket import Bucket
from minting.uploading.contents import Contents
from minting.uploading.gateway import Gateway
from tests.collection_db.breaking import Breaking
from tests.minting.uploading import dags
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.ipfs_service import Ipfs

OTHER = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


@pytest.fixture
def pinning(proxy: Breaking, bucket: Path, ipfs: Ipfs) -> Breaking:
    """The proxy before the bucket, which imports CARs into `ipfs`."""

    def cid(request: str) -> dict[str, str]:
        file = bucket.parent / request.partition("/")[2]
        if not request.startswith("HEAD ") or not file.name.endswith(".car") or not file.is_file():
            return {}
        return {"x-amz-meta-cid": ipfs.take_car(file.read_bytes())}

    proxy.more_headers = cid
    return proxy


@pytest.fixture
def place(pinning: Breaking, bucket: Path) -> Bucket:
    return Bucket(bucket.name, "", pinning.url, cars=True, patience_s=3)


def test_parts_go_as_cars_and_the_rest_as_files(
    place: Bucket, send: Sender, release: Contents, bucket: Path, pinning: Breaking
) -> None:
    assert send(place).sent == 6
    names = ["collection.csv", "collection.json.car", "images.car", "index.html", "manifest.json", "metadata.car"]
    assert sorted(file.name for file in bucket.iterdir()) == names
    for part in release.parts[:3]:
        root, _ = dags.read_car((bucket / f"{part.name}.car").read_bytes())
        assert dags.text_of(root) == part.cid and place.uri(part).startswith(f"ipfs://{part.cid}")


def test_cars_ask_to_be_imported(place: Bucket, send: Sender, bucket: Path, pinning: Breaking) -> None:
    send(place)
    told = place._s3().head_object(Bucket=bucket.name, Key="images.car")
    assert told["ContentType"] == "application/vnd.ipld.car"
    assert {key.lower(): value for key, value in told["Metadata"].items()}["import"] == "car"


def test_second_journal_finds_the_cids(place: Bucket, send: Sender, pinning: Breaking, tmp_path: Path) -> None:
    send(place)
    again = Sender(send.contents, type(send.journal)(tmp_path / "new"), tmp_path)
    assert again(place).sent == 0
    again.journal.close()


def test_other_cid_stops_what_follows(place: Bucket, send: Sender, ipfs: Ipfs, bucket: Path) -> None:
    ipfs.says = OTHER
    with pytest.raises(NotPublished, match=rf"images\.car: the CID is bafy.*, and the service says {OTHER}"):
        send(place)
    assert [file.name for file in bucket.iterdir()] == ["images.car"]


def test_service_that_imports_nothing_is_told(place: Bucket, send: Sender, proxy: Breaking) -> None:
    proxy.more_headers = lambda request: {}
    place.patience_s = 0.5
    with pytest.raises(NotPublished, match=r"does not say its CID \(object metadata cid\), as publish\.car needs"):
        send(place)


def test_gateway_reads_them_back(place: Bucket, send: Sender, ipfs: Ipfs, between: Breaking, bucket: Path) -> None:
    through = Bucket(
        bucket.name, "", place.endpoint_url, cars=True, gateway=Gateway(between.url, patience_s=3), patience_s=3
    )
    send(through)
    assert sum(asked.startswith("GET /ipfs/") for asked in between.asked) == 3
    through.close()


def test_object_that_was_changed_is_told(place: Bucket, send: Sender, ipfs: Ipfs, bucket: Path) -> None:
    root = send.roots()["images"]
    place.send(root, lambda count: None)
    ipfs.take_car = lambda data: root.cid  # type: ignore[method-assign]
    (bucket / "images.car").write_bytes(root.car.read_bytes()[:-1] + b"\0")
    with pytest.raises(WrongCopy, match=r"images\.car: the bytes that are there are not those that were sent"):
        place.verify(root, lambda count: None)
