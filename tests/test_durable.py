"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from durable import Lines, write_whole


def test_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_whole(file, b"one", 0o600)
    write_whole(file, b"two", 0o600)
    assert file.read_bytes() == b"two" and file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_failure_leaves_the_earlier_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "record"
    write_whole(file, b"one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"two")
    assert file.read_bytes() == b"one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record"]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".record.new").write_bytes(b"half")
    write_whole(tmp_path / "record", b"one")
    assert [entry.name for entry in tmp_path.iterdir()] == ["record"]


def test_a_line_that_does_not_fit_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "journal")
    lines.add({"entry": 1})
    before, limits = lines.file.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))  # as a full disk: half of it fits
    try:
        with pytest.raises(OSError):
            lines.add({"entry": 2, "raw": "0x" + "12" * 50})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert lines.file.read_bytes() == before
    lines.add({"entry": 2})
    assert Lines(lines.file).read == [{"entry": 1}, {"entry": 2}]


@pytest.mark.parametrize("torn", [b'{"entry": 2', b'{"entry": 2}', b"\0\0"])
def test_what_a_killed_process_left_of_a_line_counts_as_never_written(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "journal"
    file.write_bytes(b'{"entry": 1}\n' + torn)
    lines = Lines(file)
    assert (lines.read, lines.damaged) == ([{"entry": 1}], [])
    lines.add({"entry": 3})
    assert Lines(file).read == [{"entry": 1}, {"entry": 3}]


def test_damaged_lines_are_told(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_bytes(b'{"entry": 1}\n{"ent\n[3]\n{"entry": 4}\n')
    lines = Lines(file)
    assert (lines.read, lines.damaged) == ([{"entry": 1}, {"entry": 4}], [2, 3])
