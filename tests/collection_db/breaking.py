"""A proxy between a client and a service that breaks the next requests in a chosen way, and passes on the others."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BUSY, THROTTLED = (503, "SlowDown"), (429, "TooManyRequests")
RESET, RESET_INSIDE = "reset", "reset inside the body"
STALL, STALL_INSIDE = "stall", "stall inside the body"
CUT = "cut"  # the body breaks off; of an upload, the answer is lost
SHORT = "short"  # a shorter body that says it is whole
FLIP = "flip a byte"
LATE = "late"  # by the service's clock an hour has passed
HOLD = "hold"  # pass on half of an upload, then wait until the client is gone
LOST = "lost"  # what was asked is done, and nobody hears of it
PAGE = "a page"  # 429 and HTML, as of a proxy that has enough
FINE_PAGE = "a fine page"  # 200 and HTML
STALL_S = 60.0
FOR_EVER = 10**6
HTML = b"<!DOCTYPE html><html><body><h1>Just a moment</h1>checking your browser</body></html>"
Fault = str | tuple[int, str]


class Breaking(ThreadingHTTPServer):
    """Answers at `url` for the service at `port`. `seen`: what was asked (LIST, GET, PUT, DELETE), and `asked`: of what
    ("PUT /pond/1.png"); `broken`: how many faults were used up; `connections`: how often a client came; `held`: an
    upload is half way; `retry_after`: what its page asks for, in seconds; `more_headers`: what it adds to the service's
    answer to "HEAD /pond/1.png"."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: list[str] = []
        self.asked: list[str] = []
        self.retry_after = 0
        self.more_headers: Callable[[str], dict[str, str]] = lambda request: {}
        self.broken = self.connections = 0
        self.held, self.closing = threading.Event(), threading.Event()
        self._faults: list[tuple[str | Callable[[str], bool], Fault]] = []
        self._lock = threading.Lock()

    def break_next(self, on: str | Callable[[str], bool], fault: Fault, times: int = 1) -> None:
        """The next `times` requests of the kind `on`; or whose "PUT /pond/1.png" begins so, or is so. A pair (status,
        code) is answered as an S3 error, whose message repeats what the client sent to sign the request."""
        self._faults += [(on, fault)] * times if times < FOR_EVER else [(on, fault)]
        self._for_ever = times >= FOR_EVER

    def stop_breaking(self) -> None:
        self._faults.clear()

    def fault_of(self, asked: str, request: str) -> Fault | None:
        with self._lock:
            self.seen.append(asked)
            self.asked.append(request)
            for number, (on, fault) in enumerate(self._faults):
                if on(request) if callable(on) else on == asked or (" " in on and request.startswith(on)):
                    self.broken += 1
                    if not self._for_ever:
                        del self._faults[number]
                    return fault
        return None

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what is wanted here."""


@contextlib.contextmanager
def breaking(port: int) -> Iterator[Breaking]:
    proxy = Breaking(port)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
    thread.start()
    yield proxy
    proxy.closing.set()
    proxy.shutdown()
    thread.join()
    proxy.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for its headers to be acknowledged
    server: Breaking

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        asked = "LIST" if self.command == "GET" and "list-type" in self.path else self.command
        fault = self.server.fault_of(asked, f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length", 0))
        if fault == RESET:
            return self._reset()
        if fault == STALL:
            return self._stall()
        if fault == RESET_INSIDE and length:
            self.rfile.read(length // 2)
            return self._reset()
        if fault == HOLD:
            return self._hold(length)
        sent = self.rfile.read(length)
        if isinstance(fault, tuple):
            return self._refuse(*fault)
        if fault in (PAGE, FINE_PAGE):
            return self._page(429 if fault == PAGE else 200)
        status, headers, body = self._passed_on(_flipped(sent) if fault == FLIP and sent else sent)
        if (fault == CUT and sent) or fault == LOST:
            return self._close()
        if fault == SHORT:
            body = body[: len(body) // 2]
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        if fault == LATE:
            later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
            headers = [(name, later if name.lower() == "date" else value) for name, value in headers]
        self._answer(status, headers, _flipped(body) if fault == FLIP and not sent else body, fault)

    do_PUT = do_DELETE = do_HEAD = do_POST = do_PATCH = do_GET

    def _passed_on(self, sent: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        service = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=STALL_S)
        self._begin(service)
        if sent and "Expect" in self.headers:
            service.putheader("Expect", "100-continue")
            service.endheaders()
            if self._wanted(service):
                service.send(sent)
        else:
            service.endheaders(sent or None)
        answer = service.getresponse()
        body = answer.read()
        service.close()
        headers = answer.getheaders()
        headers += self.server.more_headers(f"{self.command} {self.path}").items()
        if answer.getheader("Transfer-Encoding"):  # it comes as a whole from here
            headers.append(("Content-Length", str(len(body))))
        return answer.status, headers, body

    @staticmethod
    def _wanted(service: http.client.HTTPConnection) -> bool:
        """Does the service ask for the body, or answer at once? In silence, it gets it."""
        ready, _, _ = select.select([service.sock], [], [], STALL_S / 30)
        return not ready or b" 100" in service.sock.recv(16, socket.MSG_PEEK)

    def _begin(self, service: http.client.HTTPConnection) -> None:
        service.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                service.putheader(name, value)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault | None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        if fault in (CUT, RESET_INSIDE, STALL_INSIDE):
            self.wfile.write(body[: len(body) // 2])
            return {CUT: self._close, RESET_INSIDE: self._reset, STALL_INSIDE: self._stall}[str(fault)]()
        self.wfile.write(body)

    def _page(self, status: int) -> None:
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(HTML)))]
        if status != 200:
            headers.append(("Retry-After", str(self.server.retry_after)))
        self._answer(status, headers, HTML, None)

    def _refuse(self, status: int, code: str) -> None:
        message = f"{self.headers.get('Authorization')} {self.headers.get('X-Amz-Security-Token')}"
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self._answer(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))], text, None)

    def _hold(self, length: int) -> None:
        service = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=STALL_S)
        self._begin(service)
        service.endheaders()
        service.send(self.rfile.read(length // 2))
        self.server.held.set()
        while self.rfile.read1():  # until the client is gone
            pass
        service.close()
        self._close()

    def _stall(self) -> None:
        self.server.closing.wait(STALL_S)
        self._close()

    def _reset(self) -> None:
        # closed with unsent time 0: the other side gets RST, not FIN
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _close(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
        self.rfile.close()
        self.connection.close()


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
