"""Known CIDs: the test vectors of IPIP-499, which kubo, Helia and js-ipfs-unixfs are held against, too.

The CIDs are those of the proposal's "Test fixtures" and of kubo's test/cli/cid_profiles_test.go, which say of what they
are: bytes and names from the ChaCha20 keystream (nonce 0) whose key is the SHA-256 of a seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from minting.ipfs import cid_of, profile_named

MIB = 1024 * 1024
LETTERS = "abcdefghijklmnopqrstuvwxyz01234567890-_"  # with two zeros
V0, V1 = "unixfs-v0-2015", "unixfs-v1-2025"


def stream(seed: str, size: int) -> Iterator[bytes]:
    """`size` bytes that depend on the seed alone, in pieces."""
    keystream = Cipher(ChaCha20(hashlib.sha256(seed.encode()).digest(), bytes(16)), mode=None).encryptor()
    for begin in range(0, size, MIB):
        yield keystream.update(bytes(min(MIB, size - begin)))


def write(file: Path, seed: str, size: int) -> Path:
    with file.open("wb") as out:
        out.writelines(stream(seed, size))
    return file


def cid(path: Path, profile: str) -> str:
    return cid_of(path, profile_named(profile)).cid


@pytest.mark.parametrize(
    ("profile", "content", "expected"),
    [
        (V0, b"hello world", "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        (V1, b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
        (V0, b"", "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
        (V1, b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    ],
)
def test_small_files(tmp_path: Path, profile: str, content: bytes, expected: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert cid(tmp_path / "file", profile) == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (V0, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"),
        (V1, "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"),
    ],
)
def test_empty_folder(tmp_path: Path, profile: str, expected: str) -> None:
    assert cid(tmp_path, profile) == expected


@pytest.mark.parametrize(
    ("profile", "seed", "size", "expected"),
    [
        (V0, "chunk-v0-seed", 262144, "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE"),
        (V0, "chunk-v0-seed", 262145, "QmYyLxtzZyW22zpoVAtKANLRHpDjZtNeDjQdJrcQNWoRkJ"),
        (V0, "v0-seed", 174 * 262144, "QmUbBALi174SnogsUzLpYbD4xPiBSFANF4iztWCsHbMKh2"),
        (V0, "v0-seed", 174 * 262144 + 1, "QmV81WL765sC8DXsRhE5fJv2rwhS4icHRaf3J9Zk5FdRnW"),
        (V0, "v0-seed", 175 * 262144, "QmepeWtdmS1hHXx1oZXsPUv6bMrfRRKfZcoPPU4eEfjnbf"),
        (V1, "chunk-v1-seed", MIB, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        (V1, "chunk-v1-seed", MIB + 1, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
    ],
)
def test_files_about_a_limit(tmp_path: Path, profile: str, seed: str, size: int, expected: str) -> None:
    assert cid(write(tmp_path / "file", seed, size), profile) == expected


@pytest.mark.slow  # a gigabyte on the disk
def test_files_about_a_thousand_chunks(tmp_path: Path) -> None:
    file = write(tmp_path / "file", "v1-2025-seed", 1025 * MIB)
    assert cid(file, V1) == "bafybeihmzokxxjqwxjcryerhp5ezpcog2wcawfryb2xm64xiakgm4a5jue"
    with file.open("rb+") as longer:
        longer.truncate(1024 * MIB + 1)
    assert cid(file, V1) == "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"
    with file.open("rb+") as longer:
        longer.truncate(1024 * MIB)
    assert cid(file, V1) == "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"


@pytest.mark.parametrize(
    ("profile", "count", "length", "last", "expected"),
    [
        (V0, 4096, 30, 30, "QmX5GtRk3TSSEHtdrykgqm4eqMEn3n2XhfkFAis5fjyZmN"),
        (V0, 4033, 31, 31, "QmeMiJzmhpJAUgynAcxTQYek5PPKgdv3qEvFsdV3XpVnvP"),
        (V1, 4766, 11, 21, "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4"),
        (V1, 4766, 11, 22, "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu"),
    ],
)
def test_folders_about_the_threshold(
    tmp_path: Path, profile: str, count: int, length: int, last: int, expected: str
) -> None:
    """The first of each pair is one node of just the allowed size; the second, a byte larger, is a HAMT."""
    letters = "".join(LETTERS[byte % len(LETTERS)] for piece in stream(f"hamt-{profile}", MIB) for byte in piece)
    ends = [0, *(length * made for made in range(1, count)), length * (count - 1) + last]
    for begin, end in pairwise(ends):
        (tmp_path / letters[begin:end]).write_bytes(b"x")
    assert cid(tmp_path, profile) == expected
