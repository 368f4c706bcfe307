"""Pinata's API and a gateway, as their documentation has them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest

from errors import BadSetting, NotPublished, RunFailed
from minting.uploading.contents import Contents
from minting.uploading.gateway import Gateway
from minting.uploading.journal import Journal
from minting.uploading.pinata import Pinata, _same_house
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
    Breaking,
)
from tests.minting.uploading.conftest import Sender
from tests.minting.uploading.ipfs_service import JWT, Ipfs

UPLOAD, GATEWAY, LIST = "POST /v3/files", "GET /ipfs/", "GET /v3/files/public"
Make = Callable[..., Pinata]


@pytest.fixture
def make(between: Breaking, journal: Journal) -> Make:
    def make(jwt: str = JWT, **limits: int) -> Pinata:
        return Pinata(jwt, Gateway(between.url, patience_s=60), journal, between.url, patience_s=60, **limits)

    return make


def sent(ipfs: Ipfs) -> list[str]:
    return [file["cid"] for file in ipfs.files]


def test_roots_arrive_once(make: Make, send: Sender, release: Contents, ipfs: Ipfs) -> None:
    assert send(make()).sent == 3
    assert sent(ipfs) == [part.cid for part in release.parts if part.cid]
    assert [file["name"] for file in ipfs.files] == ["images", "metadata", "collection.json"]


def test_second_time_sends_nothing(make: Make, send: Sender, between: Breaking) -> None:
    send(make())
    before = len(between.asked)
    assert send(make()).sent == 0 and len(between.asked) == before


def test_gateway_without_cars_gives_files(make: Make, send: Sender, ipfs: Ipfs, between: Breaking) -> None:
    ipfs.gives_cars = False
    send(make())
    read = [asked for asked in between.asked if asked.startswith(GATEWAY) and "format=car" not in asked]
    assert len(read) == 7 and sum(asked.endswith("/images/1.png") for asked in read) == 0
    assert sum(asked.endswith("/1.png") for asked in read) == 1


@pytest.mark.parametrize("cars", [True, False])
@pytest.mark.parametrize("fault", [FLIP, SHORT, FINE_PAGE], ids=str)
def test_wrong_bytes_stop_what_follows(
    make: Make, send: Sender, between: Breaking, ipfs: Ipfs, release: Contents, fault: str, cars: bool
) -> None:
    ipfs.gives_cars = cars
    between.break_next(GATEWAY, fault, FOR_EVER)
    with pytest.raises(NotPublished, match="gives back") as caught:
        send(make())
    assert sent(ipfs) == [release.parts[0].cid] and "<html>" not in str(caught.value)
    assert caught.value.missing == ["images", "metadata", "collection.json"]


@pytest.mark.parametrize("fault", [RESET, RESET_INSIDE, PAGE, FINE_PAGE, CUT, SHORT, LOST], ids=str)
@pytest.mark.parametrize("on", [UPLOAD, GATEWAY, LIST], ids=["upload", "gateway", "list"])
def test_broken_network_is_survived(
    make: Make, send: Sender, between: Breaking, ipfs: Ipfs, release: Contents, fault: str, on: str
) -> None:
    between.break_next(on, fault, times=2)
    send(make())
    assert between.broken == 2
    assert sent(ipfs) == [part.cid for part in release.parts if part.cid]  # each once, also where an answer was lost


def test_large_car_goes_in_pieces(make: Make, send: Sender, ipfs: Ipfs, between: Breaking, release: Contents) -> None:
    send(make(largest_form=1000, piece=4000))
    assert sent(ipfs) == [part.cid for part in release.parts if part.cid]
    size = send.roots()["images"].size
    assert sum(asked.startswith("PATCH") for asked in between.asked) == -(-size // 4000)
    assert next(iter(ipfs.uploads.values()))["about"] == {
        "filename": "images.car",
        "filetype": "application/vnd.ipld.car",
        "network": "public",
        "name": "images",
        "car": "true",
    }


@pytest.mark.parametrize("fault", [RESET, RESET_INSIDE, PAGE, CUT, LOST], ids=str)
@pytest.mark.parametrize("on", ["PATCH", "HEAD"])
def test_broken_pieces_are_survived(
    make: Make, send: Sender, between: Breaking, ipfs: Ipfs, release: Contents, fault: str, on: str
) -> None:
    between.break_next("PATCH", RESET)
    between.break_next(on, fault, times=2)
    send(make(largest_form=1000, piece=4000))
    assert sent(ipfs) == [part.cid for part in release.parts if part.cid] and len(ipfs.uploads) == 1


def test_upload_goes_on_where_it_ended(
    make: Make, send: Sender, between: Breaking, ipfs: Ipfs, release: Contents
) -> None:
    place = make(largest_form=1000, piece=4000)
    between.break_next("PATCH", (400, "Stopped"), FOR_EVER)
    with pytest.raises(NotPublished):
        send(place)
    between.stop_breaking()
    root = send.roots()["images"]
    [upload] = ipfs.uploads.values()
    upload["data"] = root.car.read_bytes()[:4000]
    send(place)
    assert len(ipfs.uploads) == 1 and sum(asked.startswith("PATCH") for asked in between.asked) == 1 + 2
    assert sent(ipfs) == [part.cid for part in release.parts if part.cid]


def test_piece_whose_answer_was_lost_is_not_sent_again(make: Make, send: Sender, between: Breaking, ipfs: Ipfs) -> None:
    between.break_next("PATCH", LOST)
    send(make(largest_form=1000, piece=4000))
    assert sum(asked.startswith("PATCH") for asked in between.asked) == -(-send.roots()["images"].size // 4000)


def test_content_that_comes_late_is_waited_for(make: Make, send: Sender, between: Breaking, ipfs: Ipfs) -> None:
    between.break_next(GATEWAY, (404, "NotYet"), times=2)
    assert send(make()).sent == 3 and between.broken == 2
    ipfs.gives_cars = False
    between.break_next(lambda request: request.endswith("/1.png"), (404, "NotYet"), times=2)
    send(make(), recheck=True)
    assert between.broken == 4


def test_gateway_s_key_goes_to_nobody_else(send: Sender, ipfs: Ipfs, between: Breaking) -> None:
    root = send.roots()["metadata"]
    ipfs.take_car(root.car.read_bytes())
    ipfs.elsewhere = between.url
    for gateway in (
        Gateway(ipfs.url, "k3y"),
        Gateway(f"{ipfs.url}?token=k3y"),
        Gateway(f"http://a:k3y@{ipfs.url[7:]}"),
    ):
        with pytest.raises(RunFailed, match="answers 307: it leads elsewhere"):
            gateway.verify(root, lambda count: None)
    assert between.asked == []
    with pytest.raises(RunFailed, match="TooManyRedirects"):  # without a key it may lead
        Gateway(ipfs.url).verify(root, lambda count: None)
    assert between.asked


def test_forgotten_upload_is_begun_anew(make: Make, send: Sender, ipfs: Ipfs, between: Breaking) -> None:
    place = make(largest_form=1000, piece=4000)
    between.break_next("PATCH", (400, "Stopped"), FOR_EVER)
    with pytest.raises(NotPublished):
        send(place)
    between.stop_breaking()
    ipfs.uploads.clear()
    assert send(place).sent == 3


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:9", "https://evil.example", "//pinata.cloud.evil.example"])
def test_jwt_goes_to_nobody_else(make: Make, send: Sender, ipfs: Ipfs, elsewhere: str) -> None:
    ipfs.elsewhere = elsewhere
    with pytest.raises(NotPublished, match="leads to another service to upload to"):
        send(make(largest_form=1000))


@pytest.mark.parametrize(
    ("url", "own", "same"),
    [
        ("https://uploads.pinata.cloud/v3/files/7", "https://uploads.pinata.cloud", True),
        ("https://eu.pinata.cloud/v3/files/7", "https://uploads.pinata.cloud", True),
        ("http://uploads.pinata.cloud/7", "https://uploads.pinata.cloud", False),
        ("https://evilpinata.cloud/7", "https://uploads.pinata.cloud", False),
        ("https://uploads.pinata.cloud.evil.example/7", "https://uploads.pinata.cloud", False),
        ("https://eu.pinata.cloud/7", "https://pin.example", False),
    ],
)
def test_pinatas_other_servers_are_known(url: str, own: str, same: bool) -> None:
    assert _same_house(url, own) is same


def test_other_cid_is_an_error(make: Make, send: Sender, ipfs: Ipfs) -> None:
    ipfs.says = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    with pytest.raises(NotPublished, match=f"images: the CID is bafy.*says '{ipfs.says}'"):
        send(make())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, "Unauthorized"), "it does not take these credentials; put the JWT"),
        ((403, "Forbidden"), "it does not take these credentials; put the JWT"),
        ((413, "TooLarge"), "answers 413; it is too large for the service, or for a proxy before it"),
        ((402, "Pay"), "answers 402; the service wants to be paid first"),
    ],
    ids=str,
)
def test_refusal_is_told_at_once(
    make: Make, send: Sender, between: Breaking, answer: tuple[int, str], told: str
) -> None:
    between.break_next(UPLOAD, answer, FOR_EVER)
    with pytest.raises(NotPublished, match=told) as caught:
        send(make())
    assert between.broken == 1 and JWT not in "".join(traceback.format_exception(caught.value))


def test_wrong_jwt_is_not_repeated(make: Make, send: Sender) -> None:
    wrong = "eyJ3cm9uZyI6MX0.secret"
    with pytest.raises(RunFailed, match="answers 401") as caught:
        send(make(wrong))
    assert wrong not in "".join(traceback.format_exception(caught.value))


def test_words_of_a_service_hold_no_secret(make: Make, send: Sender, ipfs: Ipfs) -> None:
    ipfs.says = f"Bearer {JWT}"
    with pytest.raises(NotPublished, match=r"says 'Bearer \.\.\.'") as caught:
        send(make())
    assert JWT not in str(caught.value)


def test_logs_hold_no_secret(
    between: Breaking, journal: Journal, send: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway = Gateway(f"{between.url}/?pinataGatewayToken=t0ken", "k3y", patience_s=60)
    for on in (UPLOAD, GATEWAY):
        between.break_next(on, PAGE)
    send(Pinata(JWT, gateway, journal, between.url, patience_s=60))
    assert any(asked.endswith("pinataGatewayToken=t0ken&format=car&dag-scope=all") for asked in between.asked)
    assert sum("trying again" in line for line in caplog.messages) == 2
    assert not any(secret in line for secret in (JWT, "t0ken", "k3y") for line in caplog.messages)


@pytest.mark.parametrize("jwt", ["", "two words", "ünicode", "a\nb"])
def test_jwt_that_cannot_be_is_told(make: Make, jwt: str) -> None:
    with pytest.raises(BadSetting, match="environment: TOADWORKS_PINATA_JWT: is no"):
        make(jwt)


def test_busy_service_is_told_in_the_end(make: Make, send: Sender, between: Breaking) -> None:
    between.break_next(UPLOAD, PAGE, FOR_EVER)
    between.retry_after = 3600
    with pytest.raises(NotPublished, match="answers 429; the service has been too busy for too long") as caught:
        send(make())
    assert between.broken == 1  # it asked for more time than there is patience
    assert "moment" not in str(caught.value)
