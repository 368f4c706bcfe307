"""What belongs to a folder, what is refused, and that nothing is read twice, kept, or changed meanwhile."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from errors import BadSource
from minting.ipfs import PROFILES, bytes_in, cid_of
from minting.ipfs.leaves import AHEAD
from tests.minting.ipfs.conftest import Tree, most_memory, names_in, planted

V1 = PROFILES["unixfs-v1-2025"]
TREE: Tree = {"images": {"1.png": bytes(3_000_000), "2.png": b"2" * 70_000}, "empty": {}, "metadata": {"1": b"{}"}}


def test_files_and_folders_are_told(tmp_path: Path) -> None:
    told = cid_of(planted(TREE, tmp_path / "tree"), V1)
    assert sorted(told.files) == [".", "images/1.png", "images/2.png", "metadata/1"]
    assert sorted(told.folders) == ["empty", "images", "metadata"]
    assert told.bytes == bytes_in(tmp_path / "tree") == 3_070_002
    assert told.folders["images"] == cid_of(tmp_path / "tree" / "images", V1).cid
    assert told.files["."] == told.cid


def test_single_file_is_its_own_root(tmp_path: Path) -> None:
    (tmp_path / ".toad").write_bytes(b"hello world")
    told = cid_of(tmp_path / ".toad", V1)
    assert told.files == {".": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"}
    assert (told.folders, told.bytes, told.blocks) == ({}, 11, 1)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_threads_change_nothing(tmp_path: Path, workers: int, profile) -> None:
    tree: Tree = {str(size): os.urandom(size) for size in (0, 1, 64 * 1024, 64 * 1024 + 1, 262144, 2_500_000)}
    folder = planted({**TREE, "more": tree}, tmp_path / "tree")
    assert cid_of(folder, profile, workers=workers) == cid_of(folder, profile, workers=0)


def test_progress_comes_to_all_bytes(tmp_path: Path) -> None:
    done: list[int] = []
    told = cid_of(planted(TREE, tmp_path / "tree"), V1, done.append)
    assert sum(done) == told.bytes and max(done) <= V1.chunk_size


def test_same_blocks_are_counted_once(tmp_path: Path) -> None:
    assert cid_of(planted({"a": b"1", "b": b"1", "c": bytes(4 * 1024 * 1024)}, tmp_path / "tree"), V1).blocks == 4


def test_hidden_entries_are_left_out(tmp_path: Path) -> None:
    folder = planted(TREE, tmp_path / "tree")
    before = cid_of(folder, V1)
    planted({"x": b"1"}, folder / ".git")
    (folder / "images" / ".DS_Store").write_bytes(b"Bud1")
    (folder / ".link").symlink_to("/etc")
    assert cid_of(folder, V1) == before


def test_file_times_and_modes_change_nothing(tmp_path: Path) -> None:
    folder = planted(TREE, tmp_path / "tree")
    before = cid_of(folder, V1)
    os.utime(folder / "images" / "1.png", (1, 1))
    (folder / "images" / "1.png").chmod(0o755)
    assert cid_of(folder, V1) == before


def test_order_is_that_of_the_names_bytes(tmp_path: Path) -> None:
    """As dag-pb wants it: upper case before lower, and by UTF-8."""
    told = cid_of(planted(dict.fromkeys(["b", "a", "B", "é", "10", "9", "蛙", "🐸"], b""), tmp_path / "tree"), V1)
    assert list(told.files) == ["10", "9", "B", "a", "b", "é", "蛙", "🐸", "."]


@pytest.mark.parametrize("target", ["images/1.png", "images", "nowhere"])
def test_symbolic_links_are_refused(tmp_path: Path, target: str) -> None:
    folder = planted(TREE, tmp_path / "tree")
    (folder / "images" / "link.png").symlink_to(folder / target)
    with pytest.raises(BadSource, match=r"images/link\.png: is a symbolic link: put the file itself"):
        cid_of(folder, V1)


def test_root_may_be_a_symbolic_link(tmp_path: Path) -> None:
    folder = planted(TREE, tmp_path / "tree")
    (tmp_path / "latest").symlink_to(folder)
    assert cid_of(tmp_path / "latest", V1) == cid_of(folder, V1)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(BadSource, match=r"a: cannot be read \(Too many levels of symbolic links\)"):
        cid_of(tmp_path / "a", V1)


def test_pipes_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadSource, match="pipe: is neither a file nor a folder"):
        cid_of(tmp_path, V1)
    with pytest.raises(BadSource, match="pipe: is neither a file nor a folder"):
        cid_of(tmp_path / "pipe", V1)


def test_names_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"toad\xff.png")).write_bytes(b"1")
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(BadSource, match=r"toad\\xff\.png: its name is not UTF-8: rename it") as told:
        cid_of(tmp_path, V1)
    assert str(told.value).isascii()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"nowhere: cannot be read \(No such file"):
        cid_of(tmp_path / "nowhere", V1)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("call", "code"), [("open", errno.EACCES), ("pread", errno.EIO)])
def test_unreadable_files_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, workers: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    folder = planted({"1.png": bytes(3_000_000)}, tmp_path / "tree")
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(BadSource, match=rf"1\.png: cannot be read \({os.strerror(code)}\)"):
        cid_of(folder, V1, workers=workers)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_file_that_changes_while_it_is_read_is_named(tmp_path: Path, change: str, workers: int) -> None:
    """It has more chunks than are read ahead, so that the change falls between two reads."""
    chunks = 3 * AHEAD * max(1, workers)
    profile = replace(V1, chunk_size=128 * 1024)
    file = planted({"a": bytes(chunks * profile.chunk_size)}, tmp_path / "tree") / "a"

    def meddle(done: int) -> None:
        with file.open("rb+") as stream:
            if change == "other":
                stream.write(b"1")
                stream.flush()
                os.utime(file, ns=(1, 1))
            else:
                stream.truncate(chunks * profile.chunk_size + 1 if change == "longer" else 5)

    with pytest.raises(BadSource, match="a: changed while it was read: run this again"):
        cid_of(tmp_path / "tree", profile, meddle, workers)


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_stays_open(tmp_path: Path, workers: int) -> None:
    folder = planted(TREE, tmp_path / "tree")
    before = len(names_in(Path("/proc/self/fd")))
    cid_of(folder, V1, workers=workers)
    (folder / "images" / "3.png").symlink_to("1.png")
    with pytest.raises(BadSource):
        cid_of(folder, V1, workers=workers)
    assert len(names_in(Path("/proc/self/fd"))) == before


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Half a gigabyte, of which the disk has none."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(512 * 1024**2)
    hashed = "print(cid_of(Path(sys.argv[1]), PROFILES['unixfs-v1-2025'], workers=2).bytes)"
    told, grown = most_memory(hashed, tmp_path / "large")
    assert told == str(512 * 1024**2)
    assert 0 < grown < 40_000  # kilobytes
