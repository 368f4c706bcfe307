"""CAR files that are unpacked: the same files come out, none outside of their folder, and all of them or none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from errors import BadCar, BadValue, RunFailed
from minting.ipfs import PROFILES, Profile, unpack_car, write_car
from tests.minting.ipfs.conftest import contents, names_in, planted
from tests.minting.ipfs.strange import folder, leaf, nested, node_of_file, packed, write

TOAD = leaf(b"toad")


@pytest.mark.parametrize("shard_above", [4, 262144], ids=["sharded", "flat"])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_what_was_packed_comes_out(tmp_path: Path, profile: Profile, shard_above: int) -> None:
    many = {f"{number}.json": b"%d" % number for number in range(400)}
    tree = {"many": many, "leer": {}, "große Kröte 🐸": os.urandom(3_000_000), "empty": b"", "zeros": bytes(1_500_000)}
    planted(tree, tmp_path / "tree")
    told = write_car(tmp_path / "tree", tmp_path / "a.car", replace(profile, shard_above=shard_above, width=3))
    done: list[int] = []
    unpacked = unpack_car(tmp_path / "a.car", tmp_path / "new" / "out", told.cid, done.append)
    assert contents(tmp_path / "new" / "out") == contents(tmp_path / "tree")
    assert (unpacked.root, unpacked.files, unpacked.bytes) == (told.cid, 403, told.bytes)
    assert names_in(tmp_path / "new") == ["out"] and sum(done) == (tmp_path / "a.car").stat().st_size


def test_single_file_comes_out_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "toad").write_bytes(b"1" * 3_000_000)
    write_car(tmp_path / "toad", tmp_path / "a.car", PROFILES["unixfs-v0-2015"])
    unpack_car(tmp_path / "a.car", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"1" * 3_000_000
    (tmp_path / "empty").mkdir()
    unpack_car(tmp_path / "a.car", tmp_path / "empty")
    assert (tmp_path / "empty").is_file()


def test_empty_folder_is_taken_and_others_are_not(tmp_path: Path) -> None:
    car = packed(tmp_path / "a.car", [TOAD, folder((b"toad", TOAD[0]))])
    (tmp_path / "out").mkdir()
    unpack_car(car, tmp_path / "out")
    for taken in ("out", "a.car"):
        with pytest.raises(BadValue, match="allowed: one that is not there yet, or is empty"):
            unpack_car(car, tmp_path / taken)
    assert contents(tmp_path / "out") == {"toad": b"toad"}


@pytest.mark.parametrize("name", [b"../toad", b"..", b"/tmp/toad", b"a\0b"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: bytes) -> None:
    car = packed(tmp_path / "a.car", [TOAD, folder((b"good", TOAD[0]), (name, TOAD[0]))])
    with pytest.raises(BadCar, match="the name"):
        unpack_car(car, tmp_path / "out")
    assert names_in(tmp_path) == ["a.car"]


def test_damaged_file_leaves_nothing(tmp_path: Path) -> None:
    car = packed(tmp_path / "a.car", [TOAD, folder((b"toad", TOAD[0]))])
    car.write_bytes(car.read_bytes()[:-1])
    with pytest.raises(BadCar, match="cut off"):
        unpack_car(car, tmp_path / "out")
    assert names_in(tmp_path) == ["a.car"]


def test_few_blocks_that_come_to_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCar, match=r"comes to 1152921504606846976 files of 4611686018427387904 bytes"):
        unpack_car(packed(tmp_path / "a.car", nested(60, 2)), tmp_path / "out")
    assert names_in(tmp_path) == ["a.car"]


def test_few_blocks_that_come_to_many_steps_are_refused(tmp_path: Path) -> None:
    """A file without a byte, of a hundred million parts without any, and many of such."""
    blocks = [leaf(b"")]
    for _ in range(4):
        blocks.append(node_of_file(*[(0, blocks[-1][0])] * 100))
    with pytest.raises(BadCar, match=r"1 files of 0 bytes together, in 101010101 steps"):
        unpack_car(packed(tmp_path / "a.car", blocks), tmp_path / "out")


def test_folders_of_the_same_files_all_come_out(tmp_path: Path) -> None:
    inner = folder((b"1", TOAD[0]), (b"2", TOAD[0]))
    car = packed(tmp_path / "a.car", [TOAD, inner, folder((b"a", inner[0]), (b"b", inner[0]))])
    unpack_car(car, tmp_path / "out")
    toads = {f"{outer}/{name}": b"toad" for outer in "ab" for name in "12"}
    assert contents(tmp_path / "out") == {"a": None, "b": None, **toads}


def test_names_that_the_file_system_refuses_are_told(tmp_path: Path) -> None:
    car = packed(tmp_path / "a.car", [TOAD, folder((b"x" * 300, TOAD[0]))])
    with pytest.raises(RunFailed, match="cannot be written: File name too long"):
        unpack_car(car, tmp_path / "out")
    assert names_in(tmp_path) == ["a.car"]


def test_strays_are_not_written(tmp_path: Path) -> None:
    told = unpack_car(write(tmp_path / "a.car", TOAD[0], [leaf(b"stray"), TOAD]), tmp_path / "out")
    assert told.strays == 1 and (tmp_path / "out").read_bytes() == b"toad"
