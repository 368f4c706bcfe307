"""`toadworks weights` as a person types it, with a server on 127.0.0.1 and with folders."""

from __future__ import annotations

import functools
import gzip
import http.server
import os
import pty
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glide.released import CHECKPOINTS, VOCABULARIES

BASE, UPSAMPLE = (random.Random(seed).randbytes(50_000) for seed in (1, 2))


@pytest.fixture
def weights(environment, tmp_path):
    """`weights("fetch", "glide")` runs `toadworks weights fetch glide` on a folder of the test's own."""
    own = environment | {"TOADWORKS_WEIGHTS": str(tmp_path / "weights"), "NO_PROXY": "127.0.0.1"}

    def run(*arguments: object, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "toadworks", "weights", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=own, stdin=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def release(tmp_path, golden) -> Path:
    """A folder like OpenAI's, with two of the checkpoints."""
    folder = tmp_path / "release"
    folder.mkdir()
    vocabulary = golden / "glide" / "vocabulary"
    (folder / "encoder.json").write_bytes(gzip.decompress((vocabulary / "encoder.json.gz").read_bytes()))
    (folder / VOCABULARIES["clip"].name).write_bytes((vocabulary / VOCABULARIES["clip"].name).read_bytes())
    (folder / "base.pt").write_bytes(BASE)
    (folder / "upsample.pt").write_bytes(UPSAMPLE)
    return folder


@pytest.fixture
def mirror(release):
    """The URL of a plain file server over `release`."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=release)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def states(told: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """{key: state} as `list` printed them."""
    rows = (line.split() for line in told.stdout.splitlines())
    return {row[1]: row[0] for row in rows if row[0] in ("ok", "BAD", "part", "missing")}


def one_sentence(told: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert told.returncode == status, told.stderr
    assert told.stderr.startswith("toadworks: ") and told.stderr.count("\n") == 1, told.stderr
    assert all(word in told.stderr for word in words), told.stderr


def test_nothing_is_listed_as_missing(weights, tmp_path):
    told = weights("list")
    assert told.returncode == 0
    assert states(told) == dict.fromkeys([*VOCABULARIES, *CHECKPOINTS], "missing")
    assert "limits: not confirmed" in told.stdout and str(tmp_path / "weights") in told.stdout
    assert not (tmp_path / "weights").exists()


def test_fetched_from_a_mirror_and_listed(weights, mirror, tmp_path):
    told = weights("fetch", "glide", "--only", "base", "--only", "upsample", "--url", mirror, "--yes")
    assert told.returncode == 0, told.stderr
    assert "model-card.md" in told.stdout and "all 4 files are in" in told.stdout
    assert (tmp_path / "weights" / "base.pt").read_bytes() == BASE
    told = weights("list")
    assert [key for key, state in states(told).items() if state == "ok"] == ["gpt2", "clip", "base", "upsample"]
    assert "SHA-256 196139668be6" in told.stdout and "limits: confirmed" in told.stdout


def test_limits_are_shown_once(weights, mirror):
    first, again = (weights("fetch", "glide", "--only", "base", "--url", mirror, *yes) for yes in (["--yes"], []))
    assert "model-card.md" in first.stdout and "model-card.md" not in again.stdout
    assert (first.returncode, again.returncode) == (0, 0)


def test_nobody_to_ask_is_told(weights, mirror, tmp_path):
    told = weights("fetch", "glide", "--url", mirror)
    one_sentence(told, 2, "no terminal", "--yes")
    assert "commercial" in told.stdout and not (tmp_path / "weights").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2), ("", 2)])
def test_person_is_asked(weights, mirror, tmp_path, answer, status):
    person, terminal = pty.openpty()
    try:
        os.write(person, f"{answer}\n".encode())
        told = weights("fetch", "glide", "--only", "base", "--url", mirror, stdin=terminal)
    finally:
        os.close(person)
        os.close(terminal)
    assert told.returncode == status, told.stderr
    assert "do you want to go on?" in told.stdout
    assert (tmp_path / "weights" / "base.pt").exists() == (status == 0)


def test_others_go_on_when_one_fails(weights, mirror, release):
    (release / "base.pt").unlink()
    told = weights("fetch", "glide", "--only", "base", "--only", "upsample", "--url", mirror, "--yes")
    assert told.returncode == 1
    first, last = told.stderr.splitlines()
    assert first.startswith("base.pt: ") and "404" in first
    assert last == "toadworks: 1 of 4 files could not be had (above): base.pt"
    assert "upsample.pt" in told.stdout
    assert states(weights("list"))["upsample"] == "ok"


def test_wrong_vocabulary_is_refused(weights, mirror, release):
    (release / "encoder.json").write_bytes(bytes(1_042_301))
    told = weights("fetch", "glide", "--only", "base", "--url", mirror, "--yes")
    assert told.returncode == 1
    assert "encoder.json: what came from http://127.0.0.1" in told.stderr and "as published" in told.stderr
    assert (states(weights("list"))["gpt2"], states(weights("list"))["base"]) == ("missing", "ok")


def test_files_are_taken_from_a_folder(weights, release):
    (release / "base.pt").rename(release / "base.safetensors")
    told = weights("fetch", "glide", "--only", "base", "--from", release, "--yes")
    assert told.returncode == 0, told.stderr
    assert "base.safetensors" in told.stdout and states(weights("list"))["base"] == "ok"


def test_what_the_folder_lacks_is_not_downloaded(weights, release):
    told = weights("fetch", "glide", "--from", release, "--yes")
    assert told.returncode == 1
    missing = ["base_inpaint.pt", "upsample_inpaint.pt", "clip_text_enc.pt", "clip_image_enc.pt"]
    assert [line.split(":")[0] for line in told.stderr.splitlines()[:-1]] == missing
    assert told.stderr.endswith(f"4 of 8 files could not be had (above): {', '.join(missing)}\n")


def test_damaged_file_is_listed_as_bad_and_mended(weights, mirror, tmp_path):
    fetch = ("fetch", "glide", "--only", "base", "--url", mirror, "--yes")
    weights(*fetch)
    (tmp_path / "weights" / "base.pt").write_bytes(UPSAMPLE)
    told = weights("list")
    assert told.returncode == 1 and states(told)["base"] == "BAD" and "damaged or another one" in told.stdout
    assert weights(*fetch).returncode == 0
    assert states(weights("list"))["base"] == "ok"


def test_broken_download_is_listed_as_part(weights, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "base.pt.part").write_bytes(bytes(300_000))
    told = weights("list")
    assert states(told)["base"] == "part" and "0.3 MB so far" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fetch"], ["NAME"]),
        (["fetch", "frog"], ["frog", "glide"]),
        (["fetch", "glide", "--only", "upsampler", "--yes"], ["--only 'upsampler'", "upsample-inpaint", "clip-text"]),
        (["fetch", "glide", "--from", "nowhere", "--yes"], ["nowhere", "folder"]),
        (["fetch", "glide", "--from", ".", "--url", "http://127.0.0.1"], ["--from", "--url"]),
        (["fetch", "glide", "--url", "mirror", "--yes"], ["mirror", "http"]),
        (["swim"], ["swim"]),
    ],
)
def test_bad_use_is_one_sentence(weights, arguments, words):
    one_sentence(weights(*arguments), 2, *words)


def test_group_alone_shows_its_commands(weights):
    told = weights()
    assert told.returncode == 0 and "fetch" in told.stdout and "list" in told.stdout
