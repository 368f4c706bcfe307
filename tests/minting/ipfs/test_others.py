"""Other people's programs: js-ipfs-unixfs gives the same CIDs, and ipfs-car and Toadworks unpack each other's files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mmh3
import pytest

from errors import BadSource
from minting.ipfs import PROFILES, Imported, Profile, check_car, cid_of, unpack_car, write_car
from minting.ipfs.building import name_hash
from tests.minting.ipfs.conftest import Node, Tree, contents, planted

ALPHABETS = [
    "abcdefghij",
    "0123456789",
    "ABCxyz -_+,;=@()[]{}!~'&#%",
    "äöüßéñçøå",
    "蛙池塘雨青い",
    "🐸🐊🌿👑",
    "\u0301e\u00e9",
]
# Found by computing MurmurHash3 backwards from the hash that was wanted.
SAME_HASH = ("these-two-names-:GrV%(1wI{qqX[.u", "have-the-same-64d.,JyqSYx_m@.f-|")
SEVEN_BYTES = "seven-of-eight-b>4~-Ul6O]@blx?Y="  # as the two, but for the last byte


def random_name(dice: random.Random) -> str:
    """Any script; now and then as long as a file system takes, now and then with a dot within."""
    alphabet = dice.choice(ALPHABETS)
    letters = dice.choice([1, 2, 5, 12, 40])
    name = "".join(dice.choices(alphabet, k=letters)) + dice.choice(["", ".png", ".json", ".tar.gz"])
    if dice.random() < 0.1:
        name = "long" * 70
    while len(name.encode()) > 255:
        name = name[:-1]
    return name if name.strip(". ") else "x"


def random_tree(dice: random.Random, chunk: int, depth: int = 0) -> Tree:
    tree: Tree = {}
    for _ in range(dice.choice([0, 1, 3, 8])):
        if depth < 4 and dice.random() < 0.3:
            tree[random_name(dice)] = random_tree(dice, chunk, depth + 1)
        else:
            size = dice.choice([0, 1, dice.randrange(5000), chunk - 1, chunk, chunk + 1, dice.randrange(3 * chunk)])
            tree[random_name(dice)] = dice.randbytes(size) if dice.random() < 0.8 else bytes(size)
    return tree


def same(told: Imported, expected: dict[str, Any]) -> bool:
    """The importer does not list all folders, but its root's CID, and that of every file, speak for them."""
    listed = (told.files | told.folders).items() >= expected["files"].items()
    return listed and (told.cid, told.blocks) == (expected["cid"], expected["blocks"])


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_random_trees_have_the_importer_s_cids(node: Node, tmp_path: Path, profile: Profile) -> None:
    trees = [random_tree(random.Random(seed), profile.chunk_size) for seed in range(12)]
    folders = [planted(tree, tmp_path / str(number)) for number, tree in enumerate(trees)]
    theirs = node.imported([{"folder": folder, "profile": profile.name} for folder in folders])
    assert sum(len(expected["files"]) for expected in theirs) > 50
    for folder, expected in zip(folders, theirs, strict=True):
        assert same(cid_of(folder, profile), expected)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_small_folders_that_are_sharded_have_the_importer_s_cids(node: Node, tmp_path: Path, profile: Profile) -> None:
    """With this threshold every folder but an empty one is a HAMT; random names now and then share their places."""
    dice = random.Random(5)
    sharded = replace(profile, shard_above=4)
    trees: list[Tree] = [{random_name(dice): b"x" for _ in range(count)} for count in (1, 2, 17, 1000)]
    trees.append({"outer": {"inner": dict.fromkeys("abc", b"y"), "b": b""}, "a": b"z"})
    folders = [planted(tree, tmp_path / str(number)) for number, tree in enumerate(trees)]
    jobs = [{"folder": folder, "profile": profile.name, "shardAbove": 4} for folder in folders]
    for folder, expected in zip(folders, node.imported(jobs), strict=True):
        assert same(cid_of(folder, sharded), expected)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_files_of_many_levels_have_the_importer_s_cids(node: Node, tmp_path: Path, profile: Profile) -> None:
    """Of 100 bytes a chunk and 3 links a node, about the sizes at which a level more is needed."""
    levels = [300, 900, 2700, 8100]
    sizes = [size + more for size in levels for more in (-100, -1, 0, 1, 100, 101)]
    folder = planted({str(size): random.Random(size).randbytes(size) for size in sizes}, tmp_path / "tree")
    (expected,) = node.imported([{"folder": folder, "profile": profile.name, "chunkSize": 100, "width": 3}])
    assert same(cid_of(folder, replace(profile, chunk_size=100, width=3)), expected)


def test_names_with_nearly_the_same_hash_are_seven_shards_deep(node: Node, tmp_path: Path) -> None:
    names = [SAME_HASH[0], SEVEN_BYTES]
    first, second = (name_hash(name.encode()) for name in names)
    assert first[:7] == second[:7] and first[7] != second[7]
    folder = planted({name: name.encode() for name in names}, tmp_path / "tree")
    told = cid_of(folder, replace(PROFILES["unixfs-v1-2025"], shard_above=4))
    assert told.blocks == 2 + 8
    job = {"folder": folder, "profile": "unixfs-v1-2025", "shardAbove": 4}
    assert told.files == node.imported([job])[0]["files"]


def test_names_with_the_same_hash_are_refused_where_they_need_a_shard(tmp_path: Path) -> None:
    assert len({mmh3.hash64(name)[0] for name in SAME_HASH}) == 1
    folder = planted(dict.fromkeys(SAME_HASH, b""), tmp_path / "tree")
    profile = PROFILES["unixfs-v1-2025"]
    assert cid_of(folder, profile).blocks == 2
    with pytest.raises(BadSource, match=r"tree: the names 'have-the-same.*' have the same hash.*rename one"):
        cid_of(folder, replace(profile, shard_above=4))


@pytest.mark.parametrize(("name", "places"), [("470.txt", b"\x00\x6e"), ("742.txt", b"\x00\xff")])
def test_names_hash_as_the_specification_s_example(name: str, places: bytes) -> None:
    assert name_hash(name.encode())[:2] == places


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten thousand tokens, each with a small image."""
    folder = tmp_path_factory.mktemp("ten") / "thousand"
    for part in ("images", "metadata"):
        (folder / part).mkdir(parents=True)
    for number in range(1, 10_001):
        (folder / f"metadata/{number}").write_text(f'{{"name":"Toad #{number}"}}')
        (folder / f"images/{number}.png").write_bytes(number.to_bytes(4, "big") * 8)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["unixfs-v1-2025", "unixfs-v0-2015"])
def test_ten_thousand_tokens_are_the_importer_s_and_unpacked_by_ipfs_car(
    node: Node, release: Path, tmp_path: Path, profile: str
) -> None:
    told = write_car(release, tmp_path / "release.car", PROFILES[profile])
    (expected,) = node.imported([{"folder": release, "profile": profile}])
    assert same(told, expected)
    assert node.car("roots", tmp_path / "release.car").split() == [told.cid]
    node.car("unpack", tmp_path / "release.car", "--output", tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked") == contents(release)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_ipfs_car_unpacks_byte_for_byte(node: Node, tmp_path: Path, profile: Profile) -> None:
    folder = planted(random_tree(random.Random(9), profile.chunk_size), tmp_path / "tree")
    assert len(contents(folder)) > 8
    write_car(folder, tmp_path / "tree.car", profile)
    node.car("unpack", tmp_path / "tree.car", "--output", tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked") == contents(folder)


def numbered(count: int) -> Iterator[str]:
    return (f"{number}.json" for number in range(count))


@pytest.mark.parametrize("count", [3, 1100], ids=["flat", "sharded"])
def test_what_ipfs_car_packs_is_unpacked_byte_for_byte(node: Node, tmp_path: Path, count: int) -> None:
    dice = random.Random(count)
    tree: Tree = {name: dice.randbytes(50) for name in numbered(count)}
    tree |= {"images": {"1.png": dice.randbytes(3_000_000), "empty": b""}, "füße": dice.randbytes(1024 * 1024)}
    folder = planted(tree, tmp_path / "tree")
    root = node.car("pack", folder, "--no-wrap", "--output", tmp_path / "theirs.car").strip()
    told = unpack_car(tmp_path / "theirs.car", tmp_path / "unpacked", root)
    assert contents(tmp_path / "unpacked") == contents(folder)
    assert told == check_car(tmp_path / "theirs.car") and told.files == count + 3
