"""The asset store, with real processes that are really killed."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collection_db import AssetFolder
from errors import BadValue, RunFailed

ROOT = Path(__file__).parents[2]
START = """
import os, sys, time
from collection_db import AssetFolder
folder = AssetFolder(sys.argv[1])
"""
PUT_FOR_EVER = START + "while True: print(folder.put(os.urandom(int(sys.argv[2]))), flush=True)"
SIZE = 16_000_000  # bytes: long enough in the writing to be caught at it
STOP_BEFORE_NAMING = (
    START
    + """
os.replace = lambda *names: (print('now', flush=True), time.sleep(600))
folder.put(b'toad')
"""
)


def files_of(root):
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


def kill_while_writing(folder):
    """Kill a writer of many assets at the moment when one of its files is seen half written, whatever its
    name."""
    command = [sys.executable, "-c", PUT_FOR_EVER, str(folder), str(SIZE)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    told = [process.stdout.readline().strip()]
    while not any(0 < size < SIZE for size in sizes_of(folder)):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().split()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    return told


def sizes_of(folder):
    for file in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):  # just renamed
            yield file.stat().st_size


def kill_after_lines(code, folder, lines):
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    said = [process.stdout.readline().strip() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    return said + rest


def test_same_bytes_are_written_once(tmp_path):
    folder = AssetFolder(tmp_path / "assets")
    name = folder.put(b"toad")
    first = folder.path(name).stat().st_ino
    assert folder.put(b"toad") == folder.put(b"toad", ".webp") == name == hashlib.sha256(b"toad").hexdigest()
    assert files_of(tmp_path) == [f"assets/{name[:2]}/{name[2:]}.png"]
    assert folder.path(name).stat().st_ino == first


def test_other_suffix_is_found(tmp_path):
    name = AssetFolder(tmp_path).put(b"frog", ".webp")
    assert AssetFolder(str(tmp_path)).read(name) == b"frog"
    assert AssetFolder(tmp_path).path(name).suffix == ".webp"


def test_damaged_asset_is_told_and_mended(tmp_path):
    folder = AssetFolder(tmp_path)
    name = folder.put(b"toad")
    folder.path(name).write_bytes(b"toaf")
    with pytest.raises(RunFailed, match=f"{name[2:]}.png: the asset is damaged"):
        folder.read(name)
    folder.put(b"toad")
    assert folder.read(name) == b"toad"


def test_missing_asset_is_told(tmp_path):
    with pytest.raises(RunFailed, match=f"{'b' * 62}.png: the asset is missing"):
        AssetFolder(tmp_path).read("ab" + "b" * 62)
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "*" * 64])
def test_no_name_leads_outside(tmp_path, name):
    folder = AssetFolder(tmp_path)
    for method in (folder.path, folder.read):
        with pytest.raises(BadValue, match="64 small hex digits"):
            method(name)
    with pytest.raises(BadValue, match="suffix"):
        folder.put(b"", "/" + name)


def test_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFailed, match="the asset cannot be written"):
        AssetFolder(tmp_path / "file").put(b"toad")


def test_failed_put_leaves_nothing(tmp_path, monkeypatch):
    def fail(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RunFailed, match="No space left"):
        AssetFolder(tmp_path).put(b"toad")
    assert files_of(tmp_path) == []


def test_killed_writer_leaves_no_half_file(tmp_path):
    folder = AssetFolder(tmp_path)
    for _round in range(4):
        told = kill_while_writing(tmp_path)
        assert told and all(len(folder.read(name)) == SIZE for name in told)
        left = folder.sweep()
        assert all(".tmp-" in file.name for file in left)
        for file in tmp_path.glob("??/*"):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.parent.name + file.stem
            file.unlink()


def test_killed_before_naming_is_swept(tmp_path):
    folder = AssetFolder(tmp_path)
    kept = folder.put(b"frog")
    assert kill_after_lines(STOP_BEFORE_NAMING, tmp_path, 1) == ["now"]
    name = hashlib.sha256(b"toad").hexdigest()
    with pytest.raises(RunFailed, match="missing"):
        folder.read(name)
    (left,) = folder.leftovers()
    assert left.name.startswith(name[2:]) and folder.sweep() == [left]
    assert files_of(tmp_path) == [f"{kept[:2]}/{kept[2:]}.png"]


def test_living_writer_is_not_swept(tmp_path):
    folder = AssetFolder(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", STOP_BEFORE_NAMING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "now\n"
        assert len(files_of(tmp_path)) == 1 and folder.leftovers() == folder.sweep() == []
        (file,) = tmp_path.glob("??/*")
        os.utime(file, (0, 0))  # an hour and more has passed
        assert folder.sweep() == [file] and files_of(tmp_path) == []
    finally:
        process.kill()
        process.communicate()
