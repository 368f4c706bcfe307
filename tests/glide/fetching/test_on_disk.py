"""What lies in the folder of weights: missing, damaged, mended, locked, and too large for the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from errors import BadWeights, RunFailed
from glide import locking
from glide.fetching import sha256_of, weights_folder


def test_missing_file_is_told(server, folder):
    with pytest.raises(BadWeights, match=r"toad\.bin: is not there; `toadworks weights fetch glide`"):
        sha256_of(server.remote(), folder)


@pytest.mark.parametrize("pinned", [False, True], ids=["locked", "pinned"])
def test_damaged_file_is_noticed_and_mended(server, folder, pinned, get, digest, content):
    pin = content if pinned else None
    here = get(server.remote(pin=pin), folder)
    here.write_bytes(content[:-1] + b"?")
    with pytest.raises(BadWeights, match=f"damaged.*not {digest(content)}"):
        sha256_of(server.remote(pin=pin), folder)
    assert get(server.remote(pin=pin), folder).read_bytes() == content
    assert sha256_of(server.remote(pin=pin), folder) == digest(content)


def test_damaged_file_stays_until_a_whole_one_came(server, folder, get):
    here = get(server.remote(), folder)
    here.write_bytes(b"damaged")
    server.answers = [server.status(404)]
    with pytest.raises(BadWeights, match="404"):
        get(server.remote(), folder)
    assert here.read_bytes() == b"damaged"


def test_whole_file_is_hashed_once(server, folder, monkeypatch, get, digest, content):
    here = get(server.remote(), folder)
    hashed: list[Path] = []
    honest = locking._hash
    monkeypatch.setattr(locking, "_hash", lambda file: hashed.append(file) or honest(file))
    assert sha256_of(server.remote(), folder) == digest(content) and hashed == []
    os.utime(here)
    for _ in range(2):
        assert sha256_of(server.remote(), folder) == digest(content) and hashed == [here]


def test_new_pin_is_not_taken_from_the_lock(server, folder, get, digest, other):
    get(server.remote(), folder)
    with pytest.raises(BadWeights, match=f"not {digest(other)}"):
        sha256_of(server.remote(pin=other), folder)


def test_file_put_there_by_hand_is_locked_as_it_is(server, folder, digest, content, other):
    folder.mkdir()
    (folder / "toad.bin").write_bytes(content)
    assert sha256_of(server.remote(), folder) == digest(content)
    (folder / "toad.bin").write_bytes(other)
    with pytest.raises(BadWeights, match="damaged or another one"):
        sha256_of(server.remote(), folder)


@pytest.mark.parametrize("text", ["{not json", "[]", '{"toad.bin": 5}', '{"toad.bin": {"sha256": "x"}}', "\xff"])
def test_damaged_lock_is_told(server, folder, text, get, content):
    here = get(server.remote(), folder)
    (folder / "weights.lock").write_text(text, encoding="latin-1")
    for refused in (lambda: sha256_of(server.remote(), folder), lambda: get(server.remote(), folder)):
        with pytest.raises(BadWeights, match=r"weights\.lock: the lock file is damaged"):
            refused()
    assert here.read_bytes() == content and (folder / "weights.lock").read_text(encoding="latin-1") == text


def test_folder_that_is_a_file_is_told(server, tmp_path, get):
    (tmp_path / "weights").write_text("")
    with pytest.raises(RunFailed, match=r"weights: cannot be .*TOADWORKS_WEIGHTS"):
        get(server.remote(), tmp_path / "weights")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_told(server, folder, get):
    folder.mkdir()
    (folder / "toad.bin.part").symlink_to("/dev/full")
    with pytest.raises(RunFailed, match=r"No space left.*make room and start again"):
        get(server.remote(), folder)
    assert not (folder / "toad.bin").exists() and len(server.asked) == 1


def test_disk_too_small_is_told_before_a_byte_comes(server, folder, monkeypatch, get, files_of):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 10**5))
    with pytest.raises(RunFailed, match=r"0\.2 MB are missing, 0\.1 MB are free.*make room"):
        get(server.remote(), folder)
    assert files_of(folder) == []


def test_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TOADWORKS_WEIGHTS", str(tmp_path / "mine"))
    assert weights_folder() == tmp_path / "mine"
    monkeypatch.delenv("TOADWORKS_WEIGHTS")
    assert weights_folder().parts[-2:] == ("toadworks", "weights")
