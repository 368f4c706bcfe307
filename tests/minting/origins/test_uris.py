"""What a token's URI leads to, whatever somebody wrote there."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadSource
from minting.origins.uris import InIpfs, Inline, Linked, data_of, place_of, shown, with_id

CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
OLD = "QmaYnXtmcJAjgbeidLaPUKwS2yKgxPsFpJauK4vLPHDn9h"
TOAD = {"name": "Töad #1"}
AR = "bVLEkL1SOPFCzIYi8T_QNnh17VlDp4RylU6YTwCMVRw"


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (f"ipfs://{CID}", InIpfs(CID)),
        (f"  ipfs://{CID}/1.json\n", InIpfs(CID, ("1.json",))),
        (f"ipfs://ipfs/{OLD}/a/b%20c.png", InIpfs(OLD, ("a", "b c.png"))),
        (f"IPFS://{OLD}/1?x=1", InIpfs(OLD, ("1",))),
        (f"ipfs:/ipfs/{OLD}//1", InIpfs(OLD, ("1",))),
        (f"{OLD}/7", InIpfs(OLD, ("7",))),
        (f"https://gateway.example/ipfs/{OLD}/7.json", InIpfs(OLD, ("7.json",))),
        (f"https://{CID}.ipfs.dweb.example/7.json", InIpfs(CID, ("7.json",))),
        ("https://toadz.example/1.json", Linked("https://toadz.example/1.json")),
        ("https://toadz.example/a b/ü?q=ä#x", Linked("https://toadz.example/a%20b/%C3%BC?q=%C3%A4")),
        ("https://kröte.example:443/1", Linked("https://xn--krte-6qa.example:443/1")),
        ("https://toadz.example/ipfs/", Linked("https://toadz.example/ipfs/")),
        (f"ar://{AR}/1.json", Linked(f"https://arweave.net/{AR}/1.json")),
        ('{"name": "x"}', Inline(b'{"name": "x"}')),
        ("<svg/>", Inline(b"<svg/>")),
    ],
)
def test_place_is_found(uri: str, place: object) -> None:
    assert place_of(uri) == place


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("1.json", "without a kind"),
        ("file:///etc/passwd", "of the kind file:"),
        ("ftp://toadz.example/", "of the kind ftp:"),
        ("javascript:alert(1)", "of the kind javascript:"),
        ("ipns://toadz.example/1", "of the kind ipns:"),
        ("ipfs://", "no address of IPFS"),
        ("ipfs://../../etc/passwd", "no address of IPFS"),
        (f"ipfs://{CID}/../../x", "out of its folder"),
        (f"ipfs://{CID}/%2e%2e/x", "out of its folder"),
        (f"ipfs://{CID}/a%2fb", "out of its folder"),
        (f"ipfs://{CID}/%ff", "not UTF-8"),
        ("ar://short", "Arweave"),
        ("https://[::1", "no address"),
        ("https://", "no address"),
        ("https://a b/", "no address"),
        ("https://\u00b8/", "no address"),
        ("https://toadz.example/\x1b[31m", "no URI"),
        ("https://toadz.example/\r\nHost: x", "no URI"),
        ("https://toadz.example/" + "x" * 9000, "at most 8000"),
        ("data:application/json", "without a comma"),
        ("data:application/json;base64,@@@", "base64 is damaged"),
    ],
)
def test_what_is_no_place_is_refused(uri: str, told: str) -> None:
    with pytest.raises(BadSource, match=told) as caught:
        place_of(uri)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "uri",
    [
        "data:application/json;base64," + base64.b64encode(b'{"a": "#1%"}').decode(),
        "data:application/json;base64," + base64.b64encode(b'{"a": "#1%"}').decode().rstrip("="),
        'data:application/json;utf8,{"a": "#1%"}',
        "data:application/json;charset=utf-8,%7B%22a%22%3A%20%22%231%25%22%7D",
        'data:,{"a": "#1%"}',
        "DATA:text/plain;BASE64,%65" + base64.b64encode(b'{"a": "#1%"}').decode()[1:],
    ],
)
def test_data_is_read_however_it_is_packed(uri: str) -> None:
    assert data_of(uri) == b'{"a": "#1%"}'


def test_id_is_written_as_erc_1155_says() -> None:
    assert with_id("https://x/{id}.json", 314592) == f"https://x/{'0' * 59}4cce0.json"
    assert len(with_id("{id}", 2**256 - 1)) == 64


def test_what_is_shown_is_short_and_harmless() -> None:
    assert shown("https://x/\x1b[31m\u202e") == "https://x/?[31m?"
    assert len(shown("x" * 10_000)) == 123


@given(st.text(max_size=80), st.sampled_from(["", "ipfs://", "https://", "data:", "ar://", f"ipfs://{CID}/"]))
def test_any_text_is_a_place_or_refused(text: str, kind: str) -> None:
    try:
        place = place_of(kind + text)
    except BadSource as error:
        assert str(error).isprintable()
        return
    if isinstance(place, InIpfs):
        assert not {".", "..", ""} & set(place.path)
    if isinstance(place, Linked):
        assert place.url.isascii() and place.url.isprintable() and " " not in place.url
