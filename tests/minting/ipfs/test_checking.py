"""Whether a CAR file is whole: nothing missing, no names that lead elsewhere, no tree that keeps its reader busy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from errors import BadCar
from minting.ipfs import PROFILES, Checked, check_car, read_car, write_car
from minting.ipfs.building import name_hash
from minting.ipfs.checking import MOST_DEPTH
from minting.ipfs.cids import cid_text, parse_cid
from minting.ipfs.dagpb import FOLDER_DATA, Link, file_data, node_bytes, shard_data
from tests.minting.ipfs.conftest import planted
from tests.minting.ipfs.strange import Made, folder, leaf, made, nested, node_of_file, packed, section, write

TOAD, FROG = leaf(b"toad"), leaf(b"frogs")
V1 = PROFILES["unixfs-v1-2025"]


def test_what_was_packed_is_whole(tmp_path: Path) -> None:
    tree = planted({"a": bytes(600_000), "b": {"c": b"2", "same": bytes(600_000)}, "d": {}}, tmp_path / "tree")
    done: list[int] = []
    told = write_car(tree, tmp_path / "tree.car", PROFILES["unixfs-v0-2015"])
    checked = check_car(tmp_path / "tree.car", told.cid, done.append)
    assert checked == Checked(root=told.cid, blocks=told.blocks, strays=0, files=3, folders=3, bytes=1_200_001)
    assert sum(done) == (tmp_path / "tree.car").stat().st_size


def test_each_block_is_missed(tmp_path: Path) -> None:
    names = {f"{number}.json": b"%d" % number for number in range(300)}
    tree = planted({"many": names, "big": bytes(range(256)) * 10_000}, tmp_path / "tree")
    told = write_car(tree, tmp_path / "tree.car", replace(V1, shard_above=1000))
    blocks = [(parse_cid(cid), block) for cid, block in read_car(tmp_path / "tree.car").blocks]
    for gone in [*range(0, len(blocks) - 1, 20), len(blocks) - 2, len(blocks) - 1]:
        file = write(tmp_path / "less.car", parse_cid(told.cid), blocks[:gone] + blocks[gone + 1 :])
        with pytest.raises(BadCar, match=rf"a block is missing: {cid_text(blocks[gone][0])} of"):
            check_car(file)


def test_missing_blocks_are_counted_and_named(tmp_path: Path) -> None:
    root = folder(*((b"%03d" % number, leaf(b"%d" % number)[0]) for number in range(200)))
    with pytest.raises(BadCar, match=r"200 blocks are missing: bafk\w+ of 000, bafk\w+ of 001, .*, \.\.\."):
        check_car(packed(tmp_path / "less.car", [root]))


def test_other_root_than_expected_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCar, match=rf"its root is {cid_text(TOAD[0])} instead of {cid_text(FROG[0])}"):
        check_car(packed(tmp_path / "a.car", [TOAD]), cid_text(FROG[0]))


def test_other_numbers_of_roots_are_refused(tmp_path: Path) -> None:
    none = bytes.fromhex("11a265726f6f7473806776657273696f6e01")
    (tmp_path / "none.car").write_bytes(none + section(*TOAD))
    with pytest.raises(BadCar, match="it has 0 roots"):
        check_car(tmp_path / "none.car")


def test_strays_are_counted_and_repeats_are_not(tmp_path: Path) -> None:
    root = folder((b"a", TOAD[0]), (b"b", TOAD[0]))
    checked = check_car(packed(tmp_path / "a.car", [FROG, TOAD, TOAD, root]))
    assert (checked.blocks, checked.strays, checked.files, checked.bytes) == (3, 1, 2, 8)


def test_many_paths_to_one_block_take_no_longer(tmp_path: Path) -> None:
    """2^60 files in 61 blocks."""
    checked = check_car(packed(tmp_path / "wide.car", nested(60, 2)))
    assert (checked.files, checked.blocks) == (2**60, 61)


def test_deep_trees_are_refused(tmp_path: Path) -> None:
    assert check_car(packed(tmp_path / "deep.car", nested(MOST_DEPTH, 1))).folders == MOST_DEPTH
    with pytest.raises(BadCar, match="deeper than 64 levels"):
        check_car(packed(tmp_path / "deeper.car", nested(MOST_DEPTH + 1, 1)))


@pytest.mark.parametrize("name", [b"", b".", b"..", b"../toad", b"/toad", b"a/b", b"a\0b", b"\xff\xfe", b"a\x1b[2J/"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(BadCar, match=r"the name '.*' (is|leads)") as told:
        check_car(packed(tmp_path / "a.car", [TOAD, folder((name, TOAD[0]))]))
    assert str(told.value).isprintable()


def test_name_twice_in_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCar, match="the name 'a' is there twice"):
        check_car(packed(tmp_path / "a.car", [TOAD, FROG, folder((b"a", TOAD[0]), (b"a", FROG[0]))]))


def a_file(*parts: tuple[int, bytes], sizes: list[int] | None = None, name: bytes = b"") -> Made:
    links = [Link(cid, name, size) for size, cid in parts]
    return made(node_bytes(links, file_data(sizes if sizes is not None else [size for size, _ in parts])))


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        (a_file((4, TOAD[0]), (5, FROG[0]), sizes=[4]), "links and sizes do not belong together"),
        (a_file((4, TOAD[0]), name=b"x"), "links and sizes do not belong together"),
        (a_file((5, TOAD[0])), "no 5 bytes where it says so"),
        (made(node_bytes([Link(TOAD[0], b"", 4)], b"\x08\x02\x18\x07\x20\x04")), "of 7 bytes"),
        (made(node_bytes([], b"\x08\x04\x12\x04/etc")), "the root is a symbolic link"),
        (made(node_bytes([], b"\x08\x03")), "of the UnixFS type 3"),
        (made(node_bytes([], b"\x18\x00")), "has no type"),
        (made(node_bytes([], b"\x08")), "a number is cut off"),
        (made(b"not dag-pb"), "a field"),
        (made(b"\x12\x00\x0a\x02\x08\x01"), "a link is not what it should be"),
        (made(b"\x0a\x02\x08\x01\x12\x00"), "links after its data"),
    ],
)
def test_nodes_that_say_what_is_not_so_are_refused(tmp_path: Path, root: Made, problem: str) -> None:
    with pytest.raises(BadCar, match=problem):
        check_car(packed(tmp_path / "a.car", [TOAD, FROG, root]))


def test_folder_as_a_part_of_a_file_is_refused(tmp_path: Path) -> None:
    inner = folder((b"a", TOAD[0]))
    with pytest.raises(BadCar, match="no 4 bytes where it says so"):
        check_car(packed(tmp_path / "a.car", [TOAD, inner, node_of_file((4, inner[0]))]))


# "470.txt" belongs to place 00 of the first shard and to 6E of the second
def shard(*links: tuple[bytes, bytes], bits: int | None = None, fanout: int = 256) -> Made:
    there = sum(1 << int(name[:2], 16) for name, _ in links) if bits is None else bits
    return made(node_bytes([Link(cid, name, 1) for name, cid in links], shard_data(there, fanout)))


def test_shards_are_followed(tmp_path: Path) -> None:
    inner = shard((b"6E470.txt", TOAD[0]), (b"FF742.txt", FROG[0]))
    checked = check_car(packed(tmp_path / "a.car", [TOAD, FROG, inner, shard((b"00", inner[0]))]))
    assert (checked.files, checked.folders, checked.strays) == (2, 1, 0)


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([shard((b"01470.txt", TOAD[0]))], "the name '470.txt' is in the wrong shard"),
        ([shard((b"00470.txt", TOAD[0]), bits=3)], "bits do not say what it holds"),
        ([shard((b"00470.txt", TOAD[0]), (b"00742.txt", TOAD[0]), bits=1)], "bits do not say what it holds"),
        ([shard((b"00470.txt", TOAD[0]), fanout=255)], "a shard of 255 places"),
        ([shard((b"00470.txt", TOAD[0]), fanout=2**40)], "places by hash"),
        ([made(node_bytes([Link(TOAD[0], b"zz470.txt", 1)], shard_data(1, 256)))], "does not begin with its place"),
        ([made(node_bytes([Link(TOAD[0], b"0", 1)], shard_data(1, 256)))], "does not begin with its place"),
        ([shard((b"00", folder((b"a", TOAD[0]))[0]))], "a block is missing: bafybei.* of the root"),
        ([folder((b"a", TOAD[0])), shard((b"00", folder((b"a", TOAD[0]))[0]))], "no shard of the kind"),
        ([shard((b"6Ex", TOAD[0])), shard((b"00", shard((b"6Ex", TOAD[0]))[0]))], "'x' is in the wrong shard"),
        ([shard(), shard((b"00", shard()[0]), (b"01", shard()[0]))], "a shard is in two places"),
    ],
)
def test_shards_in_which_names_would_not_be_found_are_refused(tmp_path: Path, blocks: list[Made], problem: str) -> None:
    with pytest.raises(BadCar, match=problem):
        check_car(packed(tmp_path / "a.car", [TOAD, *blocks]))


def test_many_folders_of_the_same_shard_are_refused(tmp_path: Path) -> None:
    """Each folder is a shard of its own above one that all share: a few kilobytes stand for very many entries."""
    hashed = {name: name_hash(name) for name in (b"%d" % number for number in range(60_000))}
    inner = {places[1]: name for name, places in hashed.items() if places[0] == 0}
    others = [name for name, places in hashed.items() if places[0] == 1]
    shared = shard(*((b"%02X" % place + name, TOAD[0]) for place, name in sorted(inner.items())))
    folders = [shard((b"00", shared[0]), (b"01" + name, TOAD[0])) for name in others]
    assert len(inner) > 100 and len(folders) > 200

    def root(count: int) -> list[Made]:
        names = [(b"%d" % number, made[0]) for number, made in enumerate(folders[:count])]
        return [TOAD, shared, *folders[:count], folder(*names)]

    assert check_car(packed(tmp_path / "two.car", root(2))).files == 2 * (len(inner) + 1)
    with pytest.raises(BadCar, match="more entries than so few blocks should hold"):
        check_car(packed(tmp_path / "all.car", root(len(folders))))


def test_endless_shards_are_refused(tmp_path: Path) -> None:
    blocks = [shard()]
    for _ in range(9):
        blocks.append(shard((b"00", blocks[-1][0])))
    with pytest.raises(BadCar, match="too deep"):
        check_car(packed(tmp_path / "a.car", blocks))


def test_folder_data_is_what_the_specification_says() -> None:
    assert bytes.fromhex("0801") == FOLDER_DATA
