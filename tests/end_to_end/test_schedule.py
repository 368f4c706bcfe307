"""A deployment from prefect.yaml, with a real server and worker: the scheduled run happens by itself."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
def test_scheduled_run_happens_by_itself(tmp_path, environment, toadworks, small_collection):
    settings = small_collection(tmp_path, 2)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    own = environment | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "TOADWORKS_COLLECTION": str(settings.folder),
        "PWD": str(REPOSITORY),
    }
    prefect = [sys.executable, "-m", "prefect"]

    def call(*arguments: str) -> None:
        command = [*prefect, *arguments]
        told = subprocess.run(
            command, cwd=REPOSITORY, env=own, capture_output=True, text=True, timeout=300, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr

    log = (tmp_path / "log").open("w")
    running = [
        subprocess.Popen(
            [*prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port)], env=own, stdout=log, stderr=log
        )
    ]
    try:
        deadline = time.monotonic() + 180
        while not healthy(url):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.5)
        call("work-pool", "create", "studio", "--type", "process")
        call("--no-prompt", "deploy", "--name", "nightly", "--interval", "60")
        running.append(
            subprocess.Popen(
                [*prefect, "worker", "start", "--pool", "studio", "--limit", "1"], env=own, stdout=log, stderr=log
            )
        )
        deadline = time.monotonic() + 420
        while not (settings.sheets / "steps-by-scales.png").exists():
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
            time.sleep(1)
    finally:
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
    assert "8  candidates" in toadworks("status", cwd=settings.folder).stdout
