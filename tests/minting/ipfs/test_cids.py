"""CIDs as text and as bytes, and the numbers that they and CAR files are made of."""

from __future__ import annotations

import hashlib
import random

import pytest

from errors import BadValue
from minting.ipfs import DEFAULT_PROFILE, PROFILES, cid_text, parse_cid, profile_named
from minting.ipfs.cids import DAG_PB, RAW, codec_of, digest_of, make_cid, take_cid
from minting.ipfs.varints import Malformed, take_varint, varint

HELLO = hashlib.sha256(b"hello world").digest()
FOLDER = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"  # an empty one
FOLDER_0 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"  # the same block


def test_cids_are_written_as_published() -> None:
    assert cid_text(make_cid(1, RAW, HELLO)) == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    digest = digest_of(parse_cid(FOLDER))
    assert cid_text(make_cid(1, DAG_PB, digest)) == FOLDER
    assert cid_text(make_cid(0, DAG_PB, digest)) == FOLDER_0


@pytest.mark.parametrize("version", [0, 1])
def test_every_cid_comes_back(version: int) -> None:
    dice = random.Random(version)
    for _ in range(300):
        cid = make_cid(version, dice.choice([RAW, DAG_PB]), dice.randbytes(32))
        assert parse_cid(cid_text(cid)) == cid
        assert take_cid(b"xy" + cid + b"z", 2) == (cid, 2 + len(cid))


def test_codec_and_digest_are_told() -> None:
    assert codec_of(parse_cid(FOLDER_0)) == codec_of(parse_cid(FOLDER)) == DAG_PB
    assert codec_of(make_cid(1, RAW, HELLO)) == codec_of(make_cid(0, RAW, HELLO)) == RAW
    assert digest_of(parse_cid(FOLDER_0)) == digest_of(parse_cid(FOLDER))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "in another base, or no CID"),
        ("toad", "in another base, or no CID"),
        (f"ipfs://{FOLDER}", "in another base, or no CID"),
        (f" {FOLDER}", "in another base, or no CID"),
        (f"{FOLDER}\n", "not base32"),
        (FOLDER.upper(), "in another base"),
        ("b" + FOLDER[1:].upper(), "lower-case"),
        (FOLDER[:-1], "base32|cut off"),
        (FOLDER[:-1] + "5", "shortest form"),
        (FOLDER + "aa", "bytes too many|shortest form"),
        (FOLDER[:20] + "1" + FOLDER[21:], "not base32"),
        ("b", "cut off"),
        ("b" + "a" * 500, "too long"),
        (FOLDER_0[:-1], "cut off|version"),
        (FOLDER_0 + "1", "too long for version 0"),
        (FOLDER_0[:-1] + "0", "not base58btc"),
        ("Qm" + "z" * 44, "too long for version 0|version"),
        ("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua", "the codec 0x71"),
        ("bafkrgqaa" + "a" * 96, "hash function|shortest|base32|cut off"),
        ("zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7", "another base"),
    ],
)
def test_what_is_no_cid_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadValue, match=problem) as told:
        parse_cid(text)
    assert "bafy" in told.value.allowed and len(str(told.value)) < 500


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**63 - 1, "ff" * 8 + "7f")],
)
def test_varints_are_as_the_specification_has_them(value: int, written: str) -> None:
    assert varint(value).hex() == written
    assert take_varint(b"-" + bytes.fromhex(written) + b"-", 1) == (value, 1 + len(written) // 2)


@pytest.mark.parametrize("written", ["", "80", "ff" * 9, "ff" * 9 + "01", "8000", "ff00", "808080808000"])
def test_varints_that_are_cut_or_too_long_are_refused(written: str) -> None:
    with pytest.raises(Malformed):
        take_varint(bytes.fromhex(written), 0)


def test_profiles_have_names() -> None:
    assert [profile_named(name).name for name in PROFILES] == list(PROFILES)
    assert DEFAULT_PROFILE in PROFILES
    with pytest.raises(BadValue, match='allowed: "unixfs-v1-2025", "kubo --cid-version=1", "unixfs-v0-2015"'):
        profile_named("unixfs")
