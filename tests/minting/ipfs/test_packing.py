"""CAR files that are written: the same bytes from the same files, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from errors import BadSource, BadValue, RunFailed
from minting.ipfs import PROFILES, Profile, cid_of, read_car, write_car
from minting.ipfs.cids import cid_text, make_cid
from tests.minting.ipfs.conftest import ROOT, most_memory, names_in, planted

V1 = PROFILES["unixfs-v1-2025"]
TREE = {"a": b"1" * 2_500_000, "b": {"c": b"toad", "d": b"toad"}, "e": b""}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return planted(TREE, tmp_path / "tree")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_car_has_one_root_and_each_block_once(tree: Path, tmp_path: Path, profile: Profile) -> None:
    told = write_car(tree, tmp_path / "a.car", profile)
    car = read_car(tmp_path / "a.car")
    names = [cid for cid, _ in car.blocks]
    assert car.roots == (told.cid,)
    assert len(names) == len(set(names)) == told.blocks
    assert names[-1] == told.cid
    assert told == cid_of(tree, profile)


def test_same_files_give_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    other = planted(dict(reversed(TREE.items())), tmp_path / "other")
    for number, (folder, workers) in enumerate([(tree, 0), (tree, 1), (tree, 4), (other, 2)]):
        write_car(folder, tmp_path / f"{number}.car", V1, workers=workers)
    first, *others = [(tmp_path / f"{number}.car").read_bytes() for number in range(4)]
    assert others == [first] * 3


def test_golden_bytes_of_a_small_car(tmp_path: Path) -> None:
    """Written by hand from the specifications of CARv1, dag-pb and UnixFS."""
    folder = planted({"toad": b"hello world"}, tmp_path / "tree")
    write_car(folder, tmp_path / "a.car", V1)
    leaf = bytes.fromhex("01551220") + hashlib.sha256(b"hello world").digest()
    link = b"\x0a\x24" + leaf + b"\x12\x04toad" + b"\x18\x0b"
    node = b"\x12" + bytes([len(link)]) + link + b"\x0a\x02\x08\x01"
    root = bytes.fromhex("01701220") + hashlib.sha256(node).digest()
    header = b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00" + root + b"\x67version\x01"
    sections = [bytes([len(cid) + len(block)]) + cid + block for cid, block in ((leaf, b"hello world"), (root, node))]
    assert (tmp_path / "a.car").read_bytes() == bytes([len(header)]) + header + b"".join(sections)
    assert cid_text(make_cid(1, 0x70, root[4:])) == cid_of(folder, V1).cid


def test_earlier_file_is_replaced(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(b"earlier")
    write_car(tree, tmp_path / "a.car", V1)
    assert read_car(tmp_path / "a.car").roots
    assert names_in(tmp_path) == ["a.car", "tree"]


def test_failing_leaves_the_earlier_file(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(b"earlier")
    (tree / "z").symlink_to("a")
    with pytest.raises(BadSource, match="z: is a symbolic link"):
        write_car(tree, tmp_path / "a.car", V1)
    assert (tmp_path / "a.car").read_bytes() == b"earlier"
    assert names_in(tmp_path) == ["a.car", "tree"]


def test_kill_leaves_no_half_file(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "a.car").write_bytes(b"earlier")
    dying = (
        "import os, signal, sys; from pathlib import Path; from minting.ipfs import *\n"
        "die = lambda done: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_car(Path(sys.argv[1]), Path(sys.argv[2]), PROFILES['unixfs-v1-2025'], die)"
    )
    done = subprocess.run([sys.executable, "-c", dying, str(tree), str(tmp_path / "a.car")], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.car").read_bytes() == b"earlier"
    write_car(tree, tmp_path / "a.car", V1)
    assert read_car(tmp_path / "a.car").roots == (cid_of(tree, V1).cid,)


def test_full_disk_is_told_and_leaves_nothing(tree: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk's."""
    limited = (
        "import resource, signal, sys; from pathlib import Path; from minting.ipfs import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try: write_car(Path(sys.argv[1]), Path(sys.argv[2]), PROFILES['unixfs-v1-2025'])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", limited, str(tree), str(tmp_path / "a.car")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == f"RunFailed {tmp_path}/a.car: the CAR file cannot be written: File too large\n"
    assert names_in(tmp_path) == ["tree"]


def test_place_within_what_is_packed_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    for to in (tree / "a.car", tree / "b" / "a.car", tmp_path / "link" / "a.car", tree / "." / ".." / "tree" / "a.car"):
        with pytest.raises(BadValue, match="allowed: a file outside of"):
            write_car(tree, to, V1)
    with pytest.raises(BadValue, match="allowed: a file outside of"):
        write_car(tree / "a", tree / "a", V1)
    assert (tree / "a").read_bytes() == TREE["a"]
    write_car(tree / "a", tree / "a.car", V1)


def test_folder_as_place_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BadValue, match="there is a folder of that name"):
        write_car(tree, tmp_path / "out", V1)


def test_missing_folder_is_told(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"no/a\.car: the CAR file cannot be written: No such file"):
        write_car(tree, tmp_path / "no" / "a.car", V1)


def test_packing_keeps_no_blocks_in_memory(tmp_path: Path) -> None:
    folder = planted({str(number): os.urandom(20_000_000) for number in range(5)}, tmp_path / "tree")
    packing = "print(write_car(Path(sys.argv[1]), Path(sys.argv[2]), PROFILES['unixfs-v1-2025'], workers=2).bytes)"
    told, grown = most_memory(packing, folder, tmp_path / "a.car")
    assert told == "100000000"
    assert 0 < grown < 40_000  # kilobytes


def test_unpacking_keeps_no_blocks_in_memory(tmp_path: Path) -> None:
    folder = planted({str(number): os.urandom(20_000_000) for number in range(5)}, tmp_path / "tree")
    write_car(folder, tmp_path / "a.car", V1)
    told, grown = most_memory("print(unpack_car(*map(Path, sys.argv[1:])).bytes)", tmp_path / "a.car", tmp_path / "out")
    assert told == "100000000"
    assert 0 < grown < 40_000  # kilobytes
