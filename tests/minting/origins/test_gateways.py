"""Files of IPFS through gateways that may lie, be away, or know less than they should."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from minting.ipfs.cids import DAG_PB, RAW, cid_text, make_cid
from minting.ipfs.dagpb import Link, file_data, node_bytes
from minting.origins.gateways import Gateways
from minting.origins.uris import InIpfs
from minting.origins.web import NotFetched, Web
from tests.minting.origins.strangers import Stranger, first, serving, status

BIG = random.Random(3).randbytes(3_000_000)
MOST = 10_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "toads"
    (made / "deep").mkdir(parents=True)
    (made / "1.json").write_text('{"name": "1"}')
    (made / "deep" / "big.png").write_bytes(BIG)
    (made / "empty").write_bytes(b"")
    return made


@pytest.fixture
def other() -> Iterator[Stranger]:
    with serving() as server:
        yield server


def through(*urls: str) -> Gateways:
    return Gateways(Web(per_second=10_000, patience_s=0.2), urls)


@pytest.mark.parametrize("profile", ["unixfs-v1-2025", "unixfs-v0-2015", "kubo --cid-version=1"])
def test_files_are_verified_block_by_block(stranger: Stranger, folder: Path, profile: str) -> None:
    root = stranger.add_folder(folder, profile)
    gateways = through(stranger.url + "/ipfs/")
    for name in ("1.json", "deep/big.png", "empty"):
        got = gateways.read(InIpfs(root, tuple(name.split("/"))), MOST)
        assert (got.data, got.verified) == ((folder / name).read_bytes(), True)
    assert got.gateway == f"127.0.0.1:{stranger.port}"
    assert len([path for path in stranger.asked if root in path]) == 1  # folders are kept


def test_sharded_folder_is_gone_through(stranger: Stranger, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(6000):
        (many / f"{number}.json").write_text(str(number))
    root = stranger.add_folder(many)
    gateways = through(stranger.url)
    for number in (0, 17, 5999):
        assert gateways.read(InIpfs(root, (f"{number}.json",)), MOST).data == str(number).encode()
    with pytest.raises(NotFetched, match="no file of that name"):
        gateways.read(InIpfs(root, ("6000.json",)), MOST)
    assert len(stranger.asked) < 20


def test_other_bytes_are_never_taken(stranger: Stranger, other: Stranger, folder: Path) -> None:
    root = stranger.add_folder(folder)
    other.add_folder(folder)
    liar, place = other, InIpfs(root, ("1.json",))
    gateways, alone = through(liar.url, stranger.url), through(liar.url)
    assert gateways.read(place, MOST).verified and alone.read(place, MOST).verified  # it tells the truth for once
    liar.blocks = dict.fromkeys(liar.blocks, b'{"name": "evil"}')
    got = gateways.read(place, MOST)
    assert (got.data, got.verified, got.gateway) == (b'{"name": "1"}', True, f"127.0.0.1:{stranger.port}")
    with pytest.raises(NotFetched, match="other bytes"):
        alone.read(place, MOST)


def test_next_gateway_is_asked_and_the_bad_one_last_from_then_on(
    stranger: Stranger, other: Stranger, folder: Path
) -> None:
    root = stranger.add_folder(folder)
    away = "http://127.0.0.1:9"
    gateways = through(away, other.url, stranger.url)
    assert gateways.read(InIpfs(root, ("1.json",)), MOST).verified
    before = len(other.asked)
    assert gateways.read(InIpfs(root, ("deep", "big.png")), MOST).verified
    assert len(other.asked) == before


def test_gateway_without_blocks_gives_files_which_is_said(stranger: Stranger, folder: Path) -> None:
    root = stranger.add_folder(folder)
    stranger.gives_raw = False
    got = through(stranger.url).read(InIpfs(root, ("1.json",)), MOST)
    assert (got.data, got.verified) == (b'{"name": "1"}', False)


@pytest.mark.parametrize("profile", ["unixfs-v1-2025", "unixfs-v0-2015"])
def test_file_of_one_block_is_verified_without_blocks(stranger: Stranger, folder: Path, profile: str) -> None:
    stranger.gives_raw = False
    for name in ("1.json", "empty"):
        cid = stranger.add_folder(folder / name, profile)
        got = through(stranger.url).read(InIpfs(cid), MOST)
        assert (got.data, got.verified) == ((folder / name).read_bytes(), True)


def test_whole_file_that_is_not_what_its_cid_says_is_refused(stranger: Stranger, folder: Path) -> None:
    stranger.gives_raw = False
    cid = stranger.add_folder(folder / "1.json")
    stranger.files[cid] = b'{"name": "evil"}'
    with pytest.raises(NotFetched, match="other bytes than the CID names"):
        through(stranger.url).read(InIpfs(cid), MOST)


def test_cid_that_is_not_known_here_is_taken_unverified(stranger: Stranger) -> None:
    cid = "k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8"
    stranger.files[f"{cid}/1"] = b"x"
    assert not through(stranger.url).read(InIpfs(cid, ("1",)), MOST).verified


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("2.json",), "no file of that name"),
        (("deep",), "is a folder"),
        ((), "is a folder"),
        (("1.json", "x"), "below a file"),
        (("deep", "big.png", "x"), "below a file"),
    ],
)
def test_path_that_leads_nowhere_is_told(stranger: Stranger, folder: Path, path: tuple[str, ...], told: str) -> None:
    root = stranger.add_folder(folder)
    with pytest.raises(NotFetched, match=told):
        through(stranger.url).read(InIpfs(root, path), MOST)


def test_large_file_is_not_read_to_its_end(stranger: Stranger, folder: Path) -> None:
    root = stranger.add_folder(folder)
    with pytest.raises(NotFetched, match="larger than 2 MB"):
        through(stranger.url).read(InIpfs(root, ("deep", "big.png")), 2_000_000)
    assert len(stranger.asked) == 3  # two folders, and the file's node, which says so


def test_nodes_without_end_are_given_up(stranger: Stranger) -> None:
    """Seven levels of ten links each: ten million leaves without a byte."""

    def add(block: bytes, codec: int) -> bytes:
        cid = make_cid(1, codec, hashlib.sha256(block).digest())
        stranger.blocks[cid_text(cid)] = block
        return cid

    cid = add(b"", RAW)
    for _ in range(7):
        cid = add(node_bytes([Link(cid, b"", 0)] * 10, file_data([0] * 10)), DAG_PB)
    with pytest.raises(NotFetched, match="more than 2000 blocks"):
        through(stranger.url).read(InIpfs(cid_text(cid)), MOST)


def test_failure_says_so_for_all_gateways(stranger: Stranger, other: Stranger, folder: Path) -> None:
    root = stranger.add_folder(folder)
    stranger.blocks.clear()
    other.routes[f"/ipfs/{root}"] = status(504)
    with pytest.raises(NotFetched, match=r"answers 404 \(none of 2 gateways gives it\)"):
        through(stranger.url, other.url).read(InIpfs(root, ("1.json",)), MOST)


def test_second_gateway_is_asked_before_the_first_is_waited_for(
    stranger: Stranger, other: Stranger, folder: Path
) -> None:
    root = stranger.add_folder(folder)
    other.routes[f"/ipfs/{root}"] = status(504)
    assert through(other.url, stranger.url).read(InIpfs(root, ("1.json",)), MOST).verified
    assert len(other.asked) == 1


def test_all_gateways_are_waited_for_in_the_end(stranger: Stranger, other: Stranger, folder: Path) -> None:
    root = stranger.add_folder(folder)
    other.routes[f"/ipfs/{root}"] = status(404)
    stranger.routes[f"/ipfs/{root}"] = first(2, status(504), stranger.blocks[root])
    assert through(other.url, stranger.url).read(InIpfs(root, ("1.json",)), MOST).verified
    assert len([path for path in other.asked if root in path]) == 1
