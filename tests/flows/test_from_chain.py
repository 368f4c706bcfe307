"""Tokens of a contract become sources; what cannot be taken is listed, and asked for again."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from errors import BadSetting, BadValue, RunFailed
from flows.chains import holds_no_secret, network_of
from flows.from_chain import Asked, Taken, take_from_chain
from flows.new import write_collection
from flows.sources import find_sources, read_attributes, read_image
from minting.chain.networks import Network
from minting.chain.node import Node
from minting.origins import web
from tests.chains import Anvil, accounts
from tests.conftest import missing
from tests.minting.origins.strangers import ERC_1155, Odd, Stranger, serving, status

HUGE = 2**256 - 1
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#0a0"/></svg>'


@pytest.fixture(scope="module")
def chain(anvil_binary: Path) -> Iterator[tuple[Node, Any]]:
    running = Anvil(anvil_binary)
    yield running.node(), accounts(1)[0]
    running.stop()


@pytest.fixture
def odd(chain: tuple[Node, Any]) -> Odd:
    return Odd(*chain)


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    monkeypatch.setattr(web, "FIRST_WAIT_S", 0.01)
    with serving() as server:
        yield server


def picture(colour: str = "green", kind: str = "PNG", size: int = 36) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(packed, kind)
    return packed.getvalue()


def as_data(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def metadata(image: str, **more: Any) -> bytes:
    return json.dumps(
        {"name": "toad", "image": image, "attributes": [{"trait_type": "Eyes", "value": 2}]} | more
    ).encode()


def take(pond: Path, odd: Odd, stranger: Stranger | None = None, **more: Any) -> Taken:
    given = {"licence": "CC0-1.0", "per_second": 1000.0, "patience_s": 0.2, "allow_private": True, "allow_http": True}
    gateways = (stranger.url,) if stranger else ()
    return take_from_chain(pond, odd.node, Asked(address=odd.address, **{"gateways": gateways, **given, **more}))


def problem(pond: Path, odd: Odd, stranger: Stranger | None = None, **more: Any) -> str:
    """Of the only token."""
    taken = take(pond, odd, stranger, **more)
    assert (taken.taken, len(taken.refused)) == (0, 1), taken
    assert not [*(pond / "sources" / "images").iterdir(), *(pond / "sources" / ".parts").iterdir()]
    return taken.refused[0][2]


def test_tokens_that_live_on_the_chain_are_taken(tmp_path: Path, odd: Odd) -> None:
    try:
        import resvg_py  # noqa: F401
    except ImportError:
        missing('nothing draws SVG: install the extra "svg"')
    packed = as_data(SVG.encode(), "image/svg+xml")
    odd.do("mint", 1, as_data(metadata(packed), "application/json"))
    odd.do("mint", 2, "data:application/json;utf8," + metadata("data:image/svg+xml;utf8," + SVG).decode())
    odd.do("mint", HUGE, as_data(metadata(as_data(picture(kind="GIF"), "image/png")), "application/json"))
    odd.do("mint", 4, as_data(metadata("", image_data=SVG.replace("0a0", "a00")), "application/json"))
    taken = take(tmp_path, odd)
    assert (taken.asked, taken.taken, taken.refused) == (4, 4, [])
    files, refused = find_sources(tmp_path / "sources" / "images")
    assert refused == [] and {id: file.suffix for id, file in files.items()} == {
        "1": ".png",
        "2": ".png",
        "4": ".png",
        str(HUGE): ".gif",
    }
    assert read_image(files["4"]).image.getpixel((512, 512)) == (0xAA, 0, 0)
    assert (tmp_path / "sources" / "svg" / "2.svg").read_text() == SVG
    assert read_attributes(tmp_path / "sources" / "metadata" / f"{HUGE}.json")[0]["value"] == 2


def test_what_each_came_from_is_kept(tmp_path: Path, odd: Odd, stranger: Stranger) -> None:
    image = tmp_path / "toad.png"
    image.write_bytes(picture())
    cid = stranger.add_folder(image)
    stranger.routes["/1.json"] = metadata(f"ipfs://{cid}")
    odd.do("mint", 1, f"{stranger.url}/1.json")
    taken = take(tmp_path, odd, stranger)
    origin = json.loads((tmp_path / "sources" / "origin.json").read_text())
    block = odd.node.web3.eth.get_block("latest")
    assert origin["contract"] == odd.address and origin["chain_id"] == 31337 and origin["licence"] == "CC0-1.0"
    assert (origin["block"], origin["block_hash"]) == (block["number"], "0x" + bytes(block["hash"]).hex())
    (token,) = origin["tokens"]
    assert (token["id"], token["token_uri"], token["image_uri"]) == ("1", f"{stranger.url}/1.json", f"ipfs://{cid}")
    assert (token["image_verified"], token["metadata_verified"], taken.unverified) == (True, None, 0)
    assert token["image_sha256"] == hashlib.sha256(picture()).hexdigest()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"image":' * 20_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "names no image"),
        (b'{"image": 7}', "names no image"),
        (b'{"image": ["ipfs://x"]}', "names no image"),
        (metadata("file:///etc/passwd"), "of the kind file:"),
        (metadata("ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/../x"), "out of its folder"),
        (metadata("data:image/png;base64,AAAA"), "of no kind"),
        (metadata("\x1b[31m"), "no URI"),
        (metadata("\ud800"), "without a kind"),
        (metadata(as_data(picture()[:60], "image/png")), "does not decode"),
        (metadata(as_data(picture(), "image/png"), attributes={"Eyes": 2}), '"attributes" is not a list'),
        (metadata(as_data(picture(), "image/png")).replace(b"2}", b"NaN}"), "not JSON"),
        (metadata("x" * 1_100_000), "larger than 1 MB"),
        (metadata(as_data(b"%!PS-Adobe-3.0 EPSF-3.0\n", "image/png")), "of no kind"),
        (metadata(as_data(picture(size=7200), "image/png")), "megapixels"),
        (metadata("data:text/html,<html>"), "a web page"),
    ],
)
def test_hostile_metadata_is_refused(tmp_path: Path, odd: Odd, stranger: Stranger, body: bytes, told: str) -> None:
    stranger.routes["/1.json"] = body
    odd.do("mint", 1, f"{stranger.url}/1.json")
    found = problem(tmp_path, odd, stranger)
    assert told in found and found.isprintable()


def test_services_of_this_machine_are_not_asked(tmp_path: Path, odd: Odd, stranger: Stranger) -> None:
    stranger.routes["/1.json"] = metadata(as_data(picture(), "image/png"))
    odd.do("mint", 1, f"{stranger.url}/1.json")
    for allowed in ({"allow_private": False}, {"allow_private": False, "allow_http": False}, {"allow_http": False}):
        assert "port" in (told := problem(tmp_path, odd, stranger, **allowed)) or "http" in told
    assert stranger.asked == []
    assert take(tmp_path, odd, stranger).taken == 1


def test_bad_tokens_are_listed_and_asked_for_again(tmp_path: Path, odd: Odd, stranger: Stranger) -> None:
    for id in range(6):
        stranger.routes[f"/{id}"] = metadata(f"{stranger.url}/{id}.png")
        stranger.routes[f"/{id}.png"] = picture(f"#0{id}0")
        odd.do("mint", id, f"{stranger.url}/{id}")
    stranger.routes["/2"] = status(404)
    stranger.routes["/3.png"] = b"<html>busy</html>"
    stranger.routes["/4.png"] = status(200, b"", Content_Length="60000000")
    first = take(tmp_path, odd, stranger)
    assert (first.asked, first.taken, first.new) == (6, 3, 3)
    rows = list(csv.reader((tmp_path / "sources" / "not-taken.csv").read_text().splitlines()))
    assert [row[0] for row in rows] == ["id", "2", "3", "4"]
    assert rows[1][1:] == [f"{stranger.url}/2", "its host answers 404"]
    assert "a web page" in rows[2][2] and rows[3][2] == "is larger than 50 MB"

    stranger.asked.clear()
    stranger.routes["/2"] = metadata(f"{stranger.url}/2.png")
    stranger.routes["/3.png"] = picture("blue", kind="WEBP")
    (tmp_path / "sources" / "images" / "5.png").write_bytes(b"damaged")
    again = take(tmp_path, odd, stranger, image_mb=55)
    assert (again.taken, again.new, [id for id, _, _ in again.refused]) == (5, 3, ["4"])
    assert not {"/0", "/1", "/0.png", "/1.png"} & set(stranger.asked)
    assert read_image(tmp_path / "sources" / "images" / "5.png").image.size == (36, 36)
    assert len(json.loads((tmp_path / "sources" / "origin.json").read_text())["tokens"]) == 5


def test_nothing_is_asked_when_all_is_there(tmp_path: Path, odd: Odd, stranger: Stranger) -> None:
    stranger.routes["/1"] = metadata(as_data(picture(), "image/png"))
    odd.do("mint", 1, f"{stranger.url}/1")
    assert take(tmp_path, odd, stranger).new == 1
    assert take(tmp_path, odd, stranger, licence="").new == 0
    assert len(stranger.asked) == 1 and not (tmp_path / "sources" / "not-taken.csv").exists()


def test_image_of_all_tokens_is_fetched_once(tmp_path: Path, odd: Odd, stranger: Stranger) -> None:
    stranger.routes["/hidden.png"] = picture()
    for id in range(5):
        odd.do("mint", id, as_data(metadata(f"{stranger.url}/hidden.png"), "application/json"))
    assert take(tmp_path, odd, stranger, parallel=1).taken == 5
    assert stranger.asked == ["/hidden.png"]


def test_block_of_the_first_time_stays(tmp_path: Path, odd: Odd) -> None:
    data = as_data(metadata(as_data(picture(), "image/png")), "application/json")
    odd.do("mint", 1, data)
    odd.do("mint", 2, "")
    assert [id for id, _, _ in take(tmp_path, odd).refused] == ["2"]
    odd.do("change", 2, data)
    odd.do("mint", 3, data)
    assert take(tmp_path, odd).asked == 2
    with pytest.raises(BadValue, match="with which this collection was begun"):
        take(tmp_path, odd, block="1")


def test_ids_and_limit_choose_tokens(tmp_path: Path, odd: Odd) -> None:
    for id in range(1, 6):
        odd.do("mint", id, as_data(metadata(as_data(picture(f"#{id}00"), "image/png")), "application/json"))
    assert take(tmp_path, odd, limit=2).asked == 2
    assert take(tmp_path, odd, ids=(2, 4, 9)).refused == [
        ("9", "", "the contract gives no URI for it; it may not be minted, or burnt")
    ]
    assert take(tmp_path, odd).taken == 5
    assert len(json.loads((tmp_path / "sources" / "origin.json").read_text())["tokens"]) == 5


def test_ids_of_an_erc_1155_are_put_into_its_uri(tmp_path: Path, chain: tuple[Node, Any], stranger: Stranger) -> None:
    odd = Odd(*chain, kind=ERC_1155)
    odd.do("mint", 10, f"{stranger.url}/{{id}}.json")
    stranger.routes[f"/{10:064x}.json"] = metadata(as_data(picture(), "image/png"))
    assert take(tmp_path, odd, stranger, ids=(10,)).taken == 1


def test_another_contract_does_not_mix_with_it(tmp_path: Path, chain: tuple[Node, Any], odd: Odd) -> None:
    odd.do("mint", 1, as_data(metadata(as_data(picture(), "image/png")), "application/json"))
    take(tmp_path, odd)
    with pytest.raises(BadValue, match="or a new NAME"):
        take(tmp_path, Odd(*chain))
    with pytest.raises(BadValue, match="or a new NAME"):
        take(tmp_path, odd, licence="MIT")


def test_folder_with_other_sources_is_left_alone(tmp_path: Path, odd: Odd) -> None:
    (tmp_path / "sources" / "images").mkdir(parents=True)
    with pytest.raises(BadValue, match=r"something in .* already"):
        take(tmp_path, odd)
    assert [file.name for file in (tmp_path / "sources").iterdir()] == ["images"]


def test_licence_is_asked_for_before_anything(tmp_path: Path, odd: Odd) -> None:
    with pytest.raises(BadValue, match=r"CC0-1\.0"):
        take(tmp_path, odd, licence="")
    assert (tmp_path / "sources" / "chain.jsonl").read_bytes() == b""


def test_two_processes_do_not_fill_one_folder(tmp_path: Path, odd: Odd) -> None:
    from flows.from_chain import _alone

    (tmp_path / "sources").mkdir()
    with _alone(tmp_path / "sources"), pytest.raises(RunFailed, match="another process"):
        take(tmp_path, odd)


@pytest.mark.parametrize("torn", [b'{"id": "1", "ur', b"\x00\xff\n", b"null\n[]\n"])
def test_torn_lines_harm_no_other(tmp_path: Path, odd: Odd, torn: bytes) -> None:
    odd.do("mint", 1, as_data(metadata(as_data(picture(), "image/png")), "application/json"))
    take(tmp_path, odd)
    for name in ("chain.jsonl", "tokens.jsonl"):
        with (tmp_path / "sources" / name).open("ab") as file:
            file.write(torn)
    again = take(tmp_path, odd)
    assert (again.taken, again.new) == (1, 0)


@pytest.mark.parametrize(
    ("rpc", "good"),
    [
        ("https://node.example", True),
        ("https://node.example/v2/${KEY}", True),
        ("https://node.example/eth", True),
        ("https://node.example/?key=${KEY}", True),
        ("https://node.example/?key=${KEY}abcdef", False),
        ("https://node.example/?abcdef", False),
        ("http://127.0.0.1:8545", True),
        ("https://node.example/v2/abcdefghijklmnop", False),
        ("https://node.example/?key=1", False),
        ("https://me:secret@node.example", False),
        ("https://${USER}@node.example", False),
        ("https://node.example/ABC", False),
        ("https://node.example/#x", False),
    ],
)
def test_address_that_may_hold_a_key_is_not_written_down(rpc: str, good: bool) -> None:
    assert holds_no_secret(rpc) == good
    if good:
        assert network_of("137", rpc, None).rpc == rpc
    else:
        with pytest.raises(BadValue) as caught:
            network_of("137", rpc, None)
        assert "secret" not in str(caught.value) and "abcdef" not in str(caught.value)


def test_chain_is_one_of_another_collection(tmp_path: Path) -> None:
    (tmp_path / "toads").mkdir()
    (tmp_path / "toads" / "1.png").write_bytes(picture())
    network = Network(name="polygon", chain_id=137, rpc="https://node.example/${KEY}")
    settings = write_collection(tmp_path / "old", tmp_path / "toads", network=network)
    assert network_of("polygon", "", tmp_path / "old") == network == network_of("137", "", settings.file)
    with pytest.raises(BadSetting, match="there is no such network; allowed: polygon"):
        network_of("base", "", tmp_path / "old")
    with pytest.raises(BadValue, match="--rpc"):
        network_of("polygon", "", None)
    with pytest.raises(BadValue, match=r"chainlist\.org"):
        network_of("polygon", "https://node.example", None)
