"""A bucket behind a network that breaks, while a release goes there."""

from __future__ import annotations

import hashlib
import os
import traceback
from pathlib import Path

import pytest

from errors import NotPublished, RunFailed
from minting.uploading import bucket as bucket_module
from minting.uploading.bucket import Bucket
from minting.uploading.contents import Contents
from minting.uploading.pieces import Item
from tests.collection_db.breaking import (
    BUSY,
    CUT,
    FINE_PAGE,
    FLIP,
    FOR_EVER,
    LOST,
    PAGE,
    RESET,
    RESET_INSIDE,
    SHORT,
    STALL,
    STALL_INSIDE,
    THROTTLED,
    Breaking,
    Fault,
)
from tests.collection_db.serving import KEY, SECRET
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.releases import contents

FAULTS = [BUSY, THROTTLED, RESET, RESET_INSIDE, CUT, FLIP, PAGE, LOST]


@pytest.fixture
def place(bucket: Path, proxy: Breaking) -> Bucket:
    return Bucket(bucket.name, "toads", proxy.url, patience_s=60, parallel=2)


@pytest.fixture
def big(tmp_path: Path) -> Item:
    """A file of two parts."""
    data = os.urandom((9 << 20) + 1)
    (tmp_path / "big").write_bytes(data)
    return Item("images/big.png", tmp_path / "big", hashlib.sha256(data).hexdigest(), len(data), "image/png")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_sending_survives(
    place: Bucket, send: Sender, proxy: Breaking, bucket: Path, release: Contents, fault: Fault
) -> None:
    proxy.break_next("PUT", fault, times=3)
    send(place)
    assert proxy.broken == 3 and contents(bucket / "toads") == contents(release.folder)
    assert send.moved == 2 * sum(item.size for item in release.items)  # what went in vain is not counted


@pytest.mark.parametrize("fault", [*FAULTS, SHORT, FINE_PAGE], ids=str)
def test_reading_back_survives(place: Bucket, send: Sender, proxy: Breaking, fault: Fault) -> None:
    proxy.break_next(f"GET /{place.bucket}/toads/images/2.png", fault, times=2)
    if fault in (SHORT, FINE_PAGE):  # answers that say they are whole: told, not waited out
        with pytest.raises(NotPublished, match=r"images/2\.png: it has \d+ bytes there, and 3002 were sent"):
            send(place)
        proxy.stop_breaking()
    send(place)
    assert send.cost(place).done


@pytest.mark.parametrize(("on", "fault"), [("PUT", STALL), ("GET", STALL), ("GET", STALL_INSIDE)], ids=str)
def test_silence_is_not_waited_out(
    place: Bucket, send: Sender, proxy: Breaking, monkeypatch: pytest.MonkeyPatch, on: str, fault: str
) -> None:
    monkeypatch.setattr(bucket_module, "READ_S", 1.0)
    proxy.break_next(on, fault)
    send(place)
    assert proxy.broken == 1 and send.cost(place).done


# a list of parts has no checksum: where a byte of it flips, the service refuses it for good
BROKEN_PARTS = [*(("PUT", fault) for fault in FAULTS), *(("POST", fault) for fault in FAULTS if fault != FLIP)]


@pytest.mark.parametrize(("on", "fault"), BROKEN_PARTS, ids=str)
def test_parts_survive(place: Bucket, big: Item, proxy: Breaking, bucket: Path, on: str, fault: Fault) -> None:
    place.large = 1 << 20
    proxy.break_next(on, fault, times=2)
    place.send(big, lambda count: None)
    place.verify(big, lambda count: None)
    assert proxy.broken == 2
    assert (bucket / "toads" / "images" / "big.png").read_bytes() == big.file.read_bytes()


def test_lost_end_of_an_upload_is_seen(place: Bucket, big: Item, proxy: Breaking) -> None:
    place.large = 1 << 20
    proxy.break_next(f"POST /{place.bucket}/toads/images/big.png?uploadId", LOST)
    place.send(big, lambda count: None)
    assert proxy.broken == 1 and sum(asked.startswith("PUT ") for asked in proxy.asked) == 2  # each part once


def test_all_that_is_wrong_is_told_at_once(place: Bucket, send: Sender, proxy: Breaking) -> None:
    for number in (1, 3):
        proxy.break_next(f"GET /{place.bucket}/toads/images/{number}.png", FLIP, FOR_EVER)
    with pytest.raises(NotPublished) as caught:
        send(place)
    faults = sorted(caught.value.faults)
    assert [fault.split(": ")[0].rpartition("/")[2] for fault in faults] == ["1.png", "3.png"]
    assert all("the bytes that are there are not those that were sent" in fault for fault in faults)
    assert caught.value.missing[:2] == ["images/1.png", "images/3.png"]
    assert caught.value.missing[2:5] == ["metadata/1", "metadata/2", "metadata/3"]
    assert not any("/metadata/" in asked for asked in proxy.asked if asked.startswith("PUT"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, "AccessDenied"), "access is denied"),
        ((401, "Unauthorized"), "does not take these credentials"),
        ((404, "NoSuchBucket"), "there is no such bucket; make it, or correct publish.to"),
        ((413, "EntityTooLarge"), "refuses it (EntityTooLarge, status 413)"),
    ],
    ids=str,
)
def test_refusal_is_told_at_once(
    place: Bucket, send: Sender, proxy: Breaking, answer: tuple[int, str], told: str
) -> None:
    proxy.break_next("PUT", answer, FOR_EVER)
    with pytest.raises(NotPublished) as caught:
        send(place, parallel=1)
    shown = "".join(traceback.format_exception(caught.value))
    assert told in str(caught.value) and proxy.broken == 1
    assert len(caught.value.faults) == 1 and len(caught.value.missing) == 10
    assert KEY not in shown and SECRET not in shown


def test_busy_service_is_left_alone_as_long_as_it_asks(place: Bucket, send: Sender, proxy: Breaking) -> None:
    proxy.retry_after = 3600
    proxy.break_next("PUT", PAGE, FOR_EVER)
    with pytest.raises(NotPublished, match="too busy for too long") as caught:
        send(place, parallel=1)
    assert proxy.broken == 1 and "moment" not in str(caught.value)


def test_nobody_there_is_told_soon(bucket: Path, send: Sender) -> None:
    away = Bucket(bucket.name, "toads", "http://127.0.0.1:9", patience_s=0.5)
    with pytest.raises(RunFailed, match=r"look at the network and at publish\.endpoint_url"):
        send(away)
