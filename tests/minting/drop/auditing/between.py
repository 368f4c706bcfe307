"""A node that is not to be trusted: it stands between an audit and a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from minting.chain.networks import Network
from minting.chain.node import Node
from tests.chains import Anvil

Change = Callable[[dict[str, Any], dict[str, Any]], Any]


class Between:
    """`change(question, answer)` makes of each answer the one that is given, and may wait, or raise to say nothing;
    None is left out of a batch. `asked` are the methods, a list for each request; `batches`: whether it takes any."""

    def __init__(self, anvil: Anvil, change: Change, batches: bool = True, most: int = 10**9) -> None:
        self.asked: list[list[str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *given: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                questions = body if isinstance(body, list) else [body]
                outer.asked.append([one["method"] for one in questions])
                if isinstance(body, list) and (not batches or len(body) > most):
                    said: Any = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
                else:
                    answers = requests.post(anvil.url, json=questions, timeout=30).json()
                    try:
                        said = [change(*both) for both in zip(questions, answers, strict=True)]
                    except ConnectionError:
                        self.connection.close()
                        return
                    said = [one for one in said if one is not None] if isinstance(body, list) else said[0]
                text = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.network = Network(
            name="between", chain_id=anvil.chain_id, rpc=f"http://127.0.0.1:{self.server.server_port}", confirmations=0
        )

    def node(self) -> Node:
        return Node.open(self.network)


@contextmanager
def between(
    anvil: Anvil, change: Change = lambda question, answer: answer, batches: bool = True, most: int = 10**9
) -> Iterator[Between]:
    made = Between(anvil, change, batches, most)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
