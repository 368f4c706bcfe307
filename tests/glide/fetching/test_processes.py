"""Fetching in processes of its own: killed, two at a time, without a permission."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glide.locking import read_lock

ROOT = Path(__file__).parents[3]
HALF = 120_000  # of the 200,000 bytes that the server has
FETCH = """
import sys
from pathlib import Path
from glide.fetching import RemoteFile, fetch
for url in sys.argv[2:]:
    fetch(RemoteFile(url.rpartition("/")[2], url), Path(sys.argv[1]), say=lambda told: print(told, flush=True))
"""


def start(folder: Path, *urls: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FETCH, str(folder), *urls]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_killed_process_is_gone_on_from(server, folder, get):
    server.content = random.Random(4).randbytes(1_000_000)
    server.answers = [lambda handler: handler.serve(wait_at=700_000)]
    process = start(folder, server.url())
    part = folder / "toad.bin.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 500_000, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (folder / "toad.bin").exists()
    came = part.stat().st_size
    assert get(server.remote(), folder).read_bytes() == server.content
    assert server.asked[1]["Range"] == f"bytes={came}-" and server.sent[1] == 1_000_000 - came


def test_two_processes_fetch_a_file_once(server, folder, content):
    server.answers = [lambda handler: handler.serve(wait_at=HALF)]
    first = start(folder, server.url())
    wait_for(lambda: len(server.asked) == 1, first)
    second = start(folder, server.url())
    assert second.stdout.readline() == "toad.bin: another process is at it; waiting\n"
    server.go_on.set()
    assert [process.communicate()[0] for process in (first, second)] == ["", ""]
    assert (first.returncode, second.returncode, len(server.asked)) == (0, 0, 1)
    assert (folder / "toad.bin").read_bytes() == content


def test_two_processes_lose_no_entry_of_the_lock(server, folder):
    server.content = b"toad"
    names = [[f"{letter}{count}.bin" for count in range(15)] for letter in "ab"]
    processes = [start(folder, *map(server.url, some)) for some in names]
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert sorted(read_lock(folder)) == sorted(names[0] + names[1])


@pytest.mark.skipif(sys.platform != "linux", reason="drops a capability of Linux")
def test_read_only_folder_is_told_but_what_is_there_is_used(server, folder, get):
    os.utime(get(server.remote(), folder))  # so that it is hashed again, which cannot be noted there
    for lock in folder.glob(".*.busy"):
        lock.unlink()
    folder.chmod(0o500)
    script = FETCH + "from glide.fetching import sha256_of\n"

    def obey() -> None:  # root, too, is held by permissions then
        ctypes.CDLL(None).prctl(24, 1)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    told = [
        subprocess.run(
            [sys.executable, "-c", script, str(folder), server.url(name)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=obey,
            check=False,
        )
        for name in ("toad.bin", "frog.bin")
    ]
    folder.chmod(0o700)
    assert told[0].returncode == 0, told[0].stderr
    assert "RunFailed" in told[1].stderr and "Permission denied" in told[1].stderr
    assert "check its permissions" in told[1].stderr and len(server.asked) == 1
