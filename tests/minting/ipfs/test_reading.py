"""Reading CAR files from anywhere: what is cut off, damaged or absurd is an error that says where."""

from __future__ import annotations

import random
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from errors import BadCar, BadSource, BadValue
from minting.ipfs import PROFILES, check_car, parse_cid, read_car, write_car
from minting.ipfs.car import MOST_BLOCK, MOST_HEADER, header
from minting.ipfs.varints import varint
from tests.minting.ipfs.conftest import Tree, planted
from tests.minting.ipfs.strange import folder, leaf, made, packed, section, write

TOAD = leaf(b"toad")
ROOT = folder((b"toad", TOAD[0]))


@pytest.fixture
def car(tmp_path: Path) -> Path:
    return write(tmp_path / "toads.car", ROOT[0], [TOAD, ROOT])


def read_all(file: Path) -> list[bytes]:
    return [block for _, block in read_car(file).blocks]


def test_roots_and_blocks_are_read(tmp_path: Path) -> None:
    tree = planted({"a": b"1", "b": {"c": b"2" * 300_000}}, tmp_path / "tree")
    told = write_car(tree, tmp_path / "tree.car", PROFILES["kubo --cid-version=1"])
    car = read_car(tmp_path / "tree.car")
    blocks = dict(car.blocks)
    assert car.roots == (told.cid,)
    assert blocks[told.files["a"]] == b"1"
    assert list(blocks)[-1] == told.cid and len(blocks) == told.blocks == 6


def test_every_cut_is_noticed(car: Path) -> None:
    whole = car.read_bytes()
    sections = {len(whole) - len(section(*ROOT)), len(header(ROOT[0]))}  # a file may end there, but it is not whole
    for end in range(len(whole)):
        car.write_bytes(whole[:end])
        with pytest.raises(BadCar, match="missing" if end in sections else "cut off|empty"):
            check_car(car)


def test_every_changed_byte_is_noticed(car: Path) -> None:
    whole = car.read_bytes()
    for at in range(len(whole)):
        for change in (0x01, 0x80, 0xFF):
            car.write_bytes(whole[:at] + bytes((whole[at] ^ change,)) + whole[at + 1 :])
            with pytest.raises(BadCar):
                check_car(car)


def test_noise_is_an_error_and_nothing_worse(car: Path) -> None:
    dice = random.Random(3)
    whole = car.read_bytes()
    for _ in range(500):
        cut = dice.randrange(len(whole))
        noise = dice.randbytes(dice.randrange(1, 80))
        car.write_bytes(dice.choice([noise, whole[:cut] + noise, whole[:cut] + noise + whole[cut:]]))
        with pytest.raises(BadCar):
            check_car(car)


def test_nodes_that_were_changed_together_with_their_hash_are_an_error_or_whole(tmp_path: Path) -> None:
    dice = random.Random(4)
    tree: Tree = {"many": {f"{number}.json": b"%d" % number for number in range(40)}, "big": bytes(1000)}
    small = replace(PROFILES["unixfs-v0-2015"], shard_above=200, chunk_size=100, width=3)
    write_car(planted(tree, tmp_path / "tree"), tmp_path / "a.car", small)
    blocks = [(parse_cid(cid), block) for cid, block in read_car(tmp_path / "a.car").blocks]
    refused = 0
    for _ in range(400):
        node = bytearray(dice.choice(blocks)[1])
        at = dice.randrange(len(node))
        node[at : at + dice.randrange(4)] = dice.randbytes(dice.randrange(4))
        try:
            check_car(packed(tmp_path / "b.car", [*blocks, made(bytes(node))]))
        except BadCar:
            refused += 1
    assert 200 < refused < 400


def test_damaged_block_is_named_with_its_place(car: Path) -> None:
    whole = car.read_bytes()
    car.write_bytes(whole.replace(b"toad", b"frog", 1))
    with pytest.raises(BadCar, match=rf"toads.car: at byte {len(header(ROOT[0]))}: the block bafk\w+ is damaged"):
        read_all(car)


def test_blocks_before_a_damaged_one_are_given(car: Path) -> None:
    car.write_bytes(car.read_bytes()[:-1])
    blocks = read_car(car).blocks
    assert next(blocks)[1] == b"toad"
    with pytest.raises(BadCar):
        next(blocks)


@pytest.mark.parametrize(
    ("bytes_of_section", "problem"),
    [
        (b"\x00", "a block of 0 bytes"),
        (b"\x80\x00", "longer than it need be"),
        (b"\xff" * 9 + b"\x01", "more than 9 bytes"),
        (b"\xff" * 8 + b"\x7f", "allowed: 1.."),
        (varint(MOST_BLOCK + 65), "allowed: 1.."),
        (varint(100) + b"short", "of 100 bytes is cut off: 5 are left"),
        (section(b"\x02\x55\x12\x20" + bytes(32), b""), "a CID of version 2"),
        (section(b"\x01\x71\x12\x20" + bytes(32), b""), "the codec 0x71; known are raw .0x55. and dag-pb"),
        (section(b"\x01\x55\x13\x40" + bytes(64), b""), "the hash function 0x13; known is SHA-256"),
        (section(b"\x01\x55\x12\x10" + bytes(16), b""), "a SHA-256 of 16 bytes"),
        (section(b"\x01\x55\x12\x20" + bytes(31), b""), "a CID is cut off"),
        (section(b"\x12\x20" + bytes(31), b""), "a CID is cut off"),
    ],
)
def test_absurd_sections_are_refused(tmp_path: Path, bytes_of_section: bytes, problem: str) -> None:
    file = tmp_path / "absurd.car"
    file.write_bytes(header(TOAD[0]) + section(*TOAD) + bytes_of_section)
    with pytest.raises(BadCar, match=problem) as told:
        read_all(file)
    assert told.value.offset is not None and told.value.offset >= len(header(TOAD[0]) + section(*TOAD))


def cbor(text: str) -> bytes:
    body = bytes.fromhex(text.replace("CID", (b"\0" + TOAD[0]).hex()))
    return varint(len(body)) + body


ROOTS, VERSION, ONE = "65726f6f7473", "6776657273696f6e", "81d82a5825CID"


@pytest.mark.parametrize(
    ("begins", "problem"),
    [
        (b"", "the file is empty"),
        (b"\x0a" + bytes.fromhex("a16776657273696f6e02"), "version 2 instead of 1"),  # how every CARv2 begins
        (cbor(f"a2{ROOTS}{ONE}{VERSION}03"), "version 3 instead of 1"),
        (cbor(f"a1{VERSION}01"), "it has no roots"),
        (cbor(f"a1{ROOTS}{ONE}"), "version None"),
        (cbor(f"a3{ROOTS}{ONE}{VERSION}01{VERSION}01"), "it has a key 'version'"),
        (cbor(f"a2{ROOTS}{ONE}{VERSION}61"), "the version is no number"),
        (cbor(f"a2{ROOTS}{ONE}{VERSION}0100"), "something follows it"),
        (cbor(f"a2{ROOTS}a0{VERSION}01"), "the roots are no list"),
        (cbor(f"a2{ROOTS}8101{VERSION}01"), "a root is no CID"),
        (cbor(f"a2{ROOTS}81d82a5825CID"), "it is cut off"),
        (cbor(f"a2{ROOTS}9bffffffffffffffff"), "it is cut off"),
        (cbor(f"bbffffffffffffffff{ROOTS}{ONE}"), "it is cut off"),
        (cbor(f"a2{ROOTS}5f"), "not DAG-CBOR|no list"),
        (cbor("83010203"), "it is not a map"),
        (varint(MOST_HEADER + 1) + bytes(50), "allowed: 1.."),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "cut off"),
        (b"<html><title>429 Too Many Requests</title></html>" + bytes(100), "no header of a CAR file"),
    ],
)
def test_other_headers_are_refused(tmp_path: Path, begins: bytes, problem: str) -> None:
    file = tmp_path / "strange.car"
    file.write_bytes(begins)
    with pytest.raises(BadCar, match=problem):
        read_car(file)


def test_lengths_are_not_believed(tmp_path: Path) -> None:
    """A header that speaks of a gigabyte takes none."""
    file = tmp_path / "big.car"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for begins in (varint(2**30), header(TOAD[0]) + varint(2**30), cbor(f"a2{ROOTS}9a40000000")):
        file.write_bytes(begins)
        with file.open("ab") as longer:
            longer.truncate(2**31)
        with pytest.raises(BadCar):
            read_all(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"no\.car: cannot be read"):
        read_car(tmp_path / "no.car")


def test_largest_block_is_read(tmp_path: Path) -> None:
    file = packed(tmp_path / "large.car", [leaf(bytes(MOST_BLOCK))])
    assert check_car(file).bytes == MOST_BLOCK


def test_expected_root_must_be_a_cid(car: Path) -> None:
    with pytest.raises(BadValue, match="CID 'bafy'"):
        check_car(car, "bafy")


def test_wrapped_leaf_without_a_size_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(BadCar, match=r"has no UnixFS data|has a field"):
        check_car(packed(tmp_path / "odd.car", [made(b"\x0a\x00\x0a\x00")]))
