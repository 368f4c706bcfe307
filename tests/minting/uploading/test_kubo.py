"""kubo's RPC, as its documentation has it: what is imported, pinned and read back, and what is told where it is not."""

from __future__ import annotations

import hashlib

import pytest

from errors import NotPublished, RunFailed, WrongCopy
from minting.uploading import asking
from minting.uploading.contents import Contents
from minting.uploading.kubo import Kubo
from tests.collection_db.breaking import (
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
    Breaking,
)
from tests.minting.uploading import dags
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.ipfs_service import Ipfs

IMPORT, EXPORT, PIN = "POST /api/v0/dag/import", "POST /api/v0/dag/export", "POST /api/v0/pin/ls"
FOREIGN = {b"\x01\x55\x12\x20" + hashlib.sha256(b"frog").digest(): b"frog"}
SECRET = "Basic dG9hZDpzZWNyZXQ="


@pytest.fixture
def place(between: Breaking) -> Kubo:
    return Kubo(between.url, patience_s=60)


def imports(proxy: Breaking) -> int:
    return sum(asked.startswith(IMPORT) for asked in proxy.asked)


def test_roots_arrive_and_are_pinned(place: Kubo, send: Sender, release: Contents, ipfs: Ipfs) -> None:
    assert send(place).sent == 3
    assert ipfs.pins == [part.cid for part in release.parts if part.cid]
    for part in release.parts[:3]:
        root = ipfs.named(part.cid)
        assert root is not None
        for item in part.items:
            cid = root if part.is_file else dags.entries(root, ipfs.blocks)[item.name.partition("/")[2]]
            assert dags.content(cid, ipfs.blocks) == item.file.read_bytes() and dags.text_of(cid) == item.cid
    assert [place.uri(part) for part in release.parts[:3]] == [
        f"ipfs://{release.parts[0].cid}/",
        f"ipfs://{release.parts[1].cid}/",
        f"ipfs://{release.parts[2].cid}",
    ]


def test_second_time_sends_nothing(place: Kubo, send: Sender, between: Breaking) -> None:
    send(place)
    before = len(between.asked)
    assert send(place).sent == 0 and len(between.asked) == before


def test_what_is_pinned_already_is_only_read_back(
    place: Kubo, send: Sender, release: Contents, between: Breaking, ipfs: Ipfs
) -> None:
    for root in send.roots().values():
        ipfs.pins.append(ipfs.take_car(root.car.read_bytes()))
    assert send.cost(place).to_send == 0 and send(place).sent == 0
    assert imports(between) == 0 and sum(asked.startswith(EXPORT) for asked in between.asked) == 3


def test_pinned_without_its_blocks_is_sent_again(
    place: Kubo, send: Sender, release: Contents, ipfs: Ipfs, between: Breaking
) -> None:
    send(place)
    ipfs.blocks = {cid: block for cid, block in ipfs.blocks.items() if len(block) < 3000}
    with pytest.raises(NotPublished, match="in which 3 of 4 blocks"):
        idle = Kubo(between.url, patience_s=8)
        idle.send = lambda piece, moved: None  # type: ignore[method-assign]
        send(idle, recheck=True)
    assert send(place).sent == 1
    assert place.held(list(send.roots().values())) == {"images", "metadata", "collection.json"}


@pytest.mark.parametrize("fault", [RESET, RESET_INSIDE, PAGE, FINE_PAGE, CUT, SHORT, LOST, FLIP], ids=str)
def test_import_survives(place: Kubo, send: Sender, between: Breaking, ipfs: Ipfs, fault: str) -> None:
    between.break_next(IMPORT, fault, times=2)
    send(place)
    assert between.broken == 2 and len(set(ipfs.pins)) == 3


@pytest.mark.parametrize("fault", [RESET, RESET_INSIDE, PAGE, FINE_PAGE, CUT, SHORT, LOST, FLIP], ids=str)
def test_reading_back_survives(place: Kubo, send: Sender, between: Breaking, fault: str) -> None:
    between.break_next(EXPORT, fault, times=2)
    send(place)
    assert between.broken == 2 and imports(between) == 3


@pytest.mark.parametrize(("on", "fault"), [(IMPORT, STALL), (EXPORT, STALL), (EXPORT, STALL_INSIDE)], ids=str)
def test_silence_is_not_waited_out(
    between: Breaking, send: Sender, monkeypatch: pytest.MonkeyPatch, on: str, fault: str
) -> None:
    monkeypatch.setattr(asking, "SILENCE_S", 0.5)
    between.break_next(on, fault)
    assert send(Kubo(between.url, patience_s=60)).sent == 3 and between.broken == 1


@pytest.mark.parametrize("fault", [FLIP, SHORT, FINE_PAGE], ids=str)
def test_wrong_bytes_stop_what_follows(
    place: Kubo, send: Sender, release: Contents, between: Breaking, ipfs: Ipfs, fault: str
) -> None:
    between.break_next(EXPORT, fault, FOR_EVER)
    with pytest.raises(NotPublished) as caught:
        send(place)
    assert caught.value.missing == ["images", "metadata", "collection.json"]
    assert "images: " in str(caught.value) and "gives back a CAR" in str(caught.value)
    assert ipfs.pins == [release.parts[0].cid] and "<html>" not in str(caught.value)
    assert (send.folder / "missing.txt").read_text().split() == caught.value.missing


def test_blocks_that_are_not_pinned_are_not_enough(place: Kubo, send: Sender, ipfs: Ipfs) -> None:
    root = send.roots()["images"]
    place.send(root, lambda count: None)
    place.verify(root, lambda count: None)
    ipfs.pins.clear()
    with pytest.raises(WrongCopy, match=f"images: kubo:.* has not pinned {root.cid}"):
        place.verify(root, lambda count: None)


def test_other_cid_is_an_error(place: Kubo, send: Sender, ipfs: Ipfs) -> None:
    ipfs.says = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    with pytest.raises(NotPublished, match=f"the CID is bafy.*, and kubo:.* says '{ipfs.says}'"):
        send(place)


def test_refused_pin_is_an_error(place: Kubo, send: Sender, ipfs: Ipfs) -> None:
    ipfs.pin_error = "pin: block was not found"
    with pytest.raises(NotPublished, match=r"does not pin them \(pin: block was not found\)"):
        send(place)


def test_foreign_block_is_an_error(place: Kubo, send: Sender, ipfs: Ipfs, monkeypatch: pytest.MonkeyPatch) -> None:
    below = dags.below
    monkeypatch.setattr(dags, "below", lambda root, blocks: below(root, blocks) | FOREIGN)
    with pytest.raises(WrongCopy, match=f"there is a block {dags.text_of(next(iter(FOREIGN)))} that was not sent"):
        root = send.roots()["images"]
        place.send(root, lambda count: None)
        place.verify(root, lambda count: None)


def test_authorization_goes_with_it(ipfs: Ipfs, send: Sender) -> None:
    ipfs.authorization = SECRET
    with pytest.raises(RunFailed, match=r"answers 403: it does not take these credentials; .*TOADWORKS_KUBO_AUTH"):
        send(Kubo(ipfs.url))
    assert len(ipfs.asked) == 1  # told at once
    assert send(Kubo(ipfs.url, SECRET)).sent == 3


def test_address_is_shown_without_its_password(ipfs: Ipfs, send: Sender) -> None:
    ipfs.authorization = SECRET
    place = Kubo(ipfs.url.replace("http://", "http://toad:secret@"), patience_s=1)
    assert place.shown == place.key == f"kubo:{ipfs.url}"
    assert send(place).sent == 3


def test_node_that_is_away_is_told(send: Sender) -> None:
    place = Kubo("http://127.0.0.1:9", patience_s=1)
    with pytest.raises(RunFailed, match=r"kubo:|http://127.0.0.1:9 does not answer as it should \(ConnectError\)"):
        send(place)


def test_something_else_at_that_address_is_told(ipfs: Ipfs, send: Sender) -> None:
    with pytest.raises(RunFailed, match="answers 404; there is no such thing there; look at the address"):
        send(Kubo(f"{ipfs.url}/elsewhere", patience_s=1))
