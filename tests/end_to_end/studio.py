"""A Prefect server and a worker of their own, in processes, as the page on scheduling has them started; and how to see
which processes there are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from flows.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def processes_with(text: str) -> Iterator[int]:
    """Processes whose environment holds `text`."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                yield int(entry.name)
        except OSError:
            continue


class Studio:
    """A server with the work pool "studio", for the deployment of one collection; nothing of it is left afterwards.

    `environment` is what names the server to commands and flows.
    """

    def __init__(self, folder: Path, environment: dict[str, str], settings: Settings) -> None:
        self.log = folder / "studio.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self.environment = environment | {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "TOADWORKS_COLLECTION": str(settings.folder),
            "PWD": str(REPOSITORY),
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Studio:
        self._start("server", "start", "--host", "127.0.0.1", "--port", str(self._port))
        try:
            self.wait_for(self._healthy, 180)
            self.prefect("work-pool", "create", "studio", "--type", "process")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()

    def start_worker(self) -> None:
        self._start("worker", "start", "--pool", "studio", "--limit", "1")

    def prefect(self, *arguments: str) -> str:
        """What the command `prefect` prints."""
        command = [sys.executable, "-m", "prefect", *arguments]
        told = subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    def ask(self, path: str, **content: Any) -> Any:
        """What the server answers: to a POST of `content` where there is some."""
        data = json.dumps(content).encode() if content else None
        request = urllib.request.Request(f"{self.url}/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait_for(self, condition: Callable[[], object], seconds: float = 420) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            assert all(process.poll() is None for process in self._running), self.log.read_text()[-3000:]
            time.sleep(0.5)

    def _start(self, *arguments: str) -> None:
        with self.log.open("a") as log:
            command = [sys.executable, "-m", "prefect", *arguments]
            self._running.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
