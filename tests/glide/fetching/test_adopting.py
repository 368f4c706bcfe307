"""Files of another folder: linked, copied or unpacked, and held to the same pins."""

from __future__ import annotations

import errno
import gzip
import os

import pytest

from errors import BadWeights
from glide.fetching import adopt, fetch, present, sha256_of
from glide.locking import read_lock


def test_file_of_another_folder_is_linked(server, folder, tmp_path, digest, files_of, content):
    given = tmp_path / "toad.bin"
    given.write_bytes(content)
    here = adopt(server.remote(), tmp_path, folder)
    assert here == folder / "toad.bin" and here.samefile(given) and server.asked == []
    assert read_lock(folder)["toad.bin"].sha256 == digest(content)
    assert adopt(server.remote(), tmp_path, folder) == here and files_of(folder) == ["toad.bin", "weights.lock"]


def test_file_of_another_disk_is_copied(server, folder, tmp_path, monkeypatch, content):
    def other_disk(*names):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    (tmp_path / "toad.bin").write_bytes(content)
    progress: list[tuple[int, int]] = []
    here = adopt(server.remote(), tmp_path, folder, lambda *bytes: progress.append(bytes))
    assert here.read_bytes() == content and not here.samefile(tmp_path / "toad.bin")
    assert progress[-1] == (len(content), len(content))


def test_symbolic_link_is_taken_as_the_file_that_it_names(server, folder, tmp_path, content):
    (tmp_path / "blob").write_bytes(content)
    (tmp_path / "toad.bin").symlink_to("blob")
    here = adopt(server.remote(), tmp_path, folder)
    assert not here.is_symlink() and here.samefile(tmp_path / "blob")


def test_packed_file_is_unpacked(server, folder, tmp_path, content):
    (tmp_path / "toad.bin.gz").write_bytes(gzip.compress(content))
    assert adopt(server.remote(pin=content), tmp_path, folder).read_bytes() == content


def test_damaged_packed_file_is_refused(server, folder, tmp_path, files_of, content):
    packed = gzip.compress(content)
    for damaged in (packed[:-1000], b"no gzip", packed[:5000] + bytes(2000) + packed[7000:]):
        (tmp_path / "toad.bin.gz").write_bytes(damaged)
        with pytest.raises(BadWeights, match=r"toad\.bin\.gz: cannot be unpacked"):
            adopt(server.remote(), tmp_path, folder)
        assert files_of(folder) == []


def test_safetensors_is_preferred_and_keeps_its_name(server, folder, tmp_path, digest, content, other):
    file = server.remote("base.pt", pin=content)  # the pin is of the .pt
    (tmp_path / "base.pt").write_bytes(content)
    (tmp_path / "base.safetensors").write_bytes(other)
    here = adopt(file, tmp_path, folder)
    assert here == present(file, folder) == folder / "base.safetensors"
    assert sha256_of(file, folder) == digest(other) and list(read_lock(folder)) == ["base.safetensors"]
    assert fetch(file, folder) == here and server.asked == []


def test_damaged_safetensors_is_not_passed_over(server, folder, tmp_path, get, content, other):
    (tmp_path / "base.safetensors").write_bytes(other)
    adopt(server.remote("base.pt"), tmp_path, folder).unlink()
    (folder / "base.safetensors").write_bytes(content)
    with pytest.raises(BadWeights, match=r"base\.safetensors: it is damaged"):
        get(server.remote("base.pt"), folder)
    assert server.asked == []


def test_pt_is_taken_where_there_is_no_safetensors(server, folder, tmp_path, content):
    (tmp_path / "base.pt").write_bytes(content)
    assert adopt(server.remote("base.pt"), tmp_path, folder) == folder / "base.pt"


def test_wrong_file_of_another_folder_is_refused(server, folder, tmp_path, files_of, content, other):
    (tmp_path / "toad.bin").write_bytes(other)
    with pytest.raises(BadWeights, match=r"refused.*published"):
        adopt(server.remote(pin=content), tmp_path, folder)
    assert files_of(folder) == []
    assert (tmp_path / "toad.bin").read_bytes() == other


def test_file_that_is_nowhere_is_none(server, folder, tmp_path):
    assert adopt(server.remote(), tmp_path, folder) is None
    assert not folder.exists() and present(server.remote(), folder) is None
