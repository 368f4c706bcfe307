"""A real server on 127.0.0.1 that breaks off, lies, changes its mind, and is sometimes right; and fetching from it."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glide.fetching import Patience, RemoteFile, fetch

CONTENT = random.Random(1).randbytes(200_000)
OTHER = random.Random(2).randbytes(200_000)
QUICK = Patience(pauses=(0.0, 0.0), silence=5.0)


class Server(ThreadingHTTPServer):
    """Serves `content` with its `etag`, Range and If-Range; `answers` are taken first, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.date = CONTENT, '"one"', ""
        self.answers: list[Callable[[Handler], None]] = []
        self.asked: list[dict[str, str]] = []  # the headers of each request
        self.sent: list[int] = []  # bytes of content in each answer
        self.go_on = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left, as some tests mean it to, is no news."""

    def url(self, name: str = "toad.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights/{name}"

    def remote(self, name: str = "toad.bin", pin: bytes | None = None) -> RemoteFile:
        """A file of this server, known to be these bytes where they are given."""
        if pin is None:
            return RemoteFile(name, self.url(name))
        return RemoteFile(name, self.url(name), sha256=sha256(pin), size=len(pin))

    # What `answers` may hold, besides functions of a test's own.

    @staticmethod
    def break_at(until: int) -> Callable[[Handler], None]:
        return lambda handler: handler.serve(until)

    @staticmethod
    def status(code: int) -> Callable[[Handler], None]:
        return lambda handler: handler.begin(code, Content_Length=0)

    @staticmethod
    def whole(handler: Handler) -> None:
        """All of it, whatever Range says."""
        handler.begin(200, Content_Length=len(handler.server.content), ETag=handler.server.etag)
        handler.put(handler.server.content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        self.server.sent.append(0)
        if self.server.answers:
            self.server.answers.pop(0)(self)
        else:
            self.serve()

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value != "":
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def put(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent[-1] += len(data)

    def serve(self, until: int | None = None, wait_at: int | None = None) -> None:
        """A right answer; one that ends the connection after `until` bytes of the file; one that waits at `wait_at`."""
        server, headers = self.server, self.headers
        size, first = len(server.content), 0
        if "Range" in headers and headers.get("If-Range", server.etag) in (server.etag, server.date):
            first = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
        told = {"Content_Length": size - first, "ETag": server.etag, "Last_Modified": server.date}
        if first >= size:
            return self.begin(416, Content_Length=0, Content_Range=f"bytes */{size}")
        if first:
            self.begin(206, Content_Range=f"bytes {first}-{size - 1}/{size}", **told)
        else:
            self.begin(200, **told)
        if wait_at is not None:
            self.put(server.content[first:wait_at])
            first = wait_at
            server.go_on.wait(20)
        self.put(server.content[first:until])
        if until is not None:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.go_on.set()
        running.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


@pytest.fixture
def content() -> bytes:
    """What the server has, unless a test changes it."""
    return CONTENT


@pytest.fixture
def other() -> bytes:
    """As many other bytes."""
    return OTHER


@pytest.fixture
def digest() -> Callable[[bytes], str]:
    """`digest(data)` is its SHA-256."""
    return sha256


@pytest.fixture
def files_of() -> Callable[[Path], list[str]]:
    """`files_of(folder)`: what lies in it, but for the empty files that processes wait at."""
    return lambda folder: sorted(file.name for file in folder.iterdir() if not file.name.endswith(".busy"))


@dataclass
class Told:
    """What a fetch told, beside the file."""

    said: list[str] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)


@pytest.fixture
def told() -> Told:
    """What `get` was told."""
    return Told()


@pytest.fixture
def get(told: Told) -> Callable[[RemoteFile, Path], Path]:
    """`get(file, folder)` fetches without long waits."""

    def fetched(file: RemoteFile, folder: Path) -> Path:
        return fetch(file, folder, lambda *bytes: told.progress.append(bytes), patience=QUICK, say=told.said.append)

    return fetched
