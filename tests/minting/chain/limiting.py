"""A proxy before a node, with the limits and the faults that nodes on the web have."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from minting.chain.node import Node
from tests.chains import Anvil

RESET = "reset"  # the connection breaks, and nothing is answered
HOLD = "hold"  # nothing is answered until the proxy is closed
PAGE = "page"  # an error of whatever stands before the node
Refusal = Callable[[int, int], str]  # of a range, in the node's words


class Limiting(ThreadingHTTPServer):
    """Answers at `url` for the node at `port`.

    `most_blocks`, `most_logs`: of an eth_getLogs, 0 for any; `refusal`: what it says to more; `oldest`: the first block
    whose state it has; `faults`: what befalls the next eth_getLogs, "" for nothing, or words of a refusal;
    `no_creation`: it runs no code that lies in no contract; `edit`: what becomes of an answer. `ranges`: of the
    eth_getLogs that were answered; `methods`: all that was asked; `held`: one is being held.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.most_blocks = self.most_logs = self.oldest = 0
        self.no_creation = False
        self.refusal: Refusal = lambda first, last: "query returned more than 10000 results"
        self.faults: deque[str] = deque()
        self.ranges: list[tuple[int, int]] = []
        self.methods: list[str] = []
        self.held, self.closing = threading.Event(), threading.Event()
        self.edit: Callable[[str, Any], Any] = lambda method, result: result

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are gone are no news."""

    def node(self, anvil: Anvil) -> Node:
        return Node.open(replace(anvil.network(), rpc=self.url))


class _Handler(BaseHTTPRequestHandler):
    server: Limiting
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: a client may wait 40 ms for the second

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        method, given = asked["method"], asked["params"]
        self.server.methods.append(method)
        fault = self.server.faults.popleft() if method == "eth_getLogs" and self.server.faults else ""
        if fault == HOLD:
            self.server.held.set()
            self.server.closing.wait(60)
        if fault in (HOLD, RESET):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault == PAGE:
            self._send(503, b"<html>just a moment</html>")
        elif refused := fault or self._refused(method, given):
            self._send(200, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32005, "message": refused}})
        else:
            self._pass_on(asked, body)

    def _refused(self, method: str, given: list[Any]) -> str:
        proxy = self.server
        if method == "eth_getLogs":
            first, last = (int(given[0][key], 16) for key in ("fromBlock", "toBlock"))
            if proxy.most_blocks and last - first >= proxy.most_blocks:
                return proxy.refusal(first, last)
        if method == "eth_call" and proxy.no_creation and "to" not in given[0]:
            return "a call needs a contract"
        named = method in ("eth_call", "eth_getCode") and given[1].startswith("0x")
        if named and int(given[1], 16) < proxy.oldest:
            return "missing trie node 0x12 (path )"
        return ""

    def _pass_on(self, asked: dict[str, Any], body: bytes) -> None:
        node = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=30)
        node.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(node.getresponse().read())
        node.close()
        if asked["method"] == "eth_getLogs" and "result" in answer:
            first, last = (int(asked["params"][0][key], 16) for key in ("fromBlock", "toBlock"))
            if self.server.most_logs and len(answer["result"]) > self.server.most_logs:
                told = {"code": -32005, "message": self.server.refusal(first, last)}
                return self._send(200, {"jsonrpc": "2.0", "id": asked["id"], "error": told})
            self.server.ranges.append((first, last))
        if "result" in answer:
            answer["result"] = self.server.edit(asked["method"], answer["result"])
        return self._send(200, answer)

    def _send(self, status: int, content: Any) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *given: Any) -> None:
        """Not on the terminal."""


@contextmanager
def limiting(port: int) -> Iterator[Limiting]:
    proxy = Limiting(port)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield proxy
    proxy.closing.set()
    proxy.shutdown()
    proxy.server_close()
    thread.join()
