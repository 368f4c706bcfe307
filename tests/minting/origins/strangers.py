"""A server of somebody else's on this machine, with all the faults that one can have, and contracts of theirs."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from minting.chain.node import Node
from minting.ipfs import profile_named
from minting.ipfs.cids import cid_text, parse_cid
from minting.ipfs.importing import import_blocks
from tests.conftest import missing

CONTRACTS = Path(__file__).parents[3] / "contracts"
COMPILE = """
const solc = require(process.argv[1]), fs = require("node:fs");
const source = { content: fs.readFileSync(process.argv[2], "utf8") };
const settings = { evmVersion: "cancun", outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
const asked = { language: "Solidity", sources: { "Odd.sol": source }, settings };
const answer = JSON.parse(solc.compile(JSON.stringify(asked)));
console.log(JSON.stringify(answer.contracts?.["Odd.sol"].Odd ?? answer.errors));
"""
ERC_721, ERC_1155 = "80ac58cd", "d9b67a26"
Answer = Callable[["Handler"], None]


class Stranger(ThreadingHTTPServer):
    """`routes` by path: bytes, or what answers; `blocks` by CID, which /ipfs/CID?format=raw gives while `gives_raw`;
    `files` by path below /ipfs/, which it gives as they are. `asked`: the paths, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = int(self.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.routes: dict[str, bytes | Answer] = {}
        self.blocks: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.gives_raw = True
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what is wanted here."""

    def add_folder(self, path: Path, profile: str = "unixfs-v1-2025") -> str:
        """Have the blocks of a file or folder; its CID."""

        def keep(cid: bytes, block: Any) -> None:
            self.blocks[cid_text(cid)] = b"".join(block)

        found = import_blocks(path, profile_named(profile), keep)
        for file in [path] if path.is_file() else (file for file in path.rglob("*") if file.is_file()):
            inside = file.relative_to(path).as_posix()
            self.files[found.cid + (f"/{inside}" if inside != "." else "")] = file.read_bytes()
        return found.cid


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Stranger

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.headers.append(dict(self.headers))
        parts = urlsplit(self.path)
        found = self.server.routes.get(parts.path)
        if callable(found):
            return found(self)
        if found is None and parts.path.startswith("/ipfs/"):
            found = self._of_ipfs(parts.path.removeprefix("/ipfs/"), parse_qs(parts.query))
        if found is None:
            return self.say(404, b"<html>no</html>")
        self.say(200, found)

    def _of_ipfs(self, path: str, query: dict[str, list[str]]) -> bytes | None:
        if query.get("format") == ["raw"]:
            if not self.server.gives_raw:
                self.say(406, b"")
                return None
            return self.server.blocks.get(cid_text(parse_cid(path)))
        return self.server.files.get(path)

    def say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)


@contextlib.contextmanager
def serving() -> Iterator[Stranger]:
    server = Stranger()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def first(times: int, fault: Answer, then: bytes) -> Answer:
    """Answers with `fault` so many times, and then as it should."""
    left = [times]

    def answer(handler: Handler) -> None:
        left[0] -= 1
        fault(handler) if left[0] >= 0 else handler.say(200, then)

    return answer


def status(code: int, body: bytes = b"<html>error</html>", **headers: str) -> Answer:
    return lambda handler: handler.say(code, body, **headers)


def leads_to(url: str, code: int = 302) -> Answer:
    return status(code, b"", Location=url)


def cut(body: bytes) -> Answer:
    """Half of it, and the connection is gone."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True

    return answer


def endless(handler: Handler) -> None:
    """A body that does not say how long it is, and does not end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.server.ended.is_set():
            handler.wfile.write(b"x" * 65536)
    handler.close_connection = True


def silent(handler: Handler) -> None:
    """No answer at all."""
    handler.server.ended.wait(20)
    handler.close_connection = True


def dripping(handler: Handler, begin: bytes = b"X-Long: ") -> None:
    """A header, a byte now and then, without end."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + begin)
        while not handler.server.ended.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()
    handler.close_connection = True


def dripping_body(handler: Handler) -> None:
    dripping(handler, b"Content-Length: 100000\r\n\r\n")


@cache
def odd() -> dict[str, Any]:
    """Odd.sol, compiled."""
    node = shutil.which("node")
    if node is None or not (CONTRACTS / "node_modules" / "solc").is_dir():
        missing("no compiler: `npm install --prefix contracts --no-package-lock`")
    command = [node, "-e", COMPILE, str(CONTRACTS / "node_modules" / "solc"), str(Path(__file__).with_name("Odd.sol"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout.splitlines()[-1])


class Odd:
    """An Odd on a chain."""

    def __init__(self, node: Node, owner: Any, kind: str = ERC_721, listed: bool = False, lies: bool = False) -> None:
        self.node, self._owner = node, owner
        made = node.web3.eth.contract(abi=odd()["abi"], bytecode=odd()["evm"]["bytecode"]["object"])
        self.address = self._send(made.constructor(bytes.fromhex(kind), listed, lies))["contractAddress"]
        self.contract = node.web3.eth.contract(self.address, abi=odd()["abi"])

    def do(self, name: str, *given: Any) -> None:
        assert self._send(self.contract.functions[name](*given))["status"] == 1

    def _send(self, call: Any) -> Any:
        web3 = self.node.web3
        nonce = web3.eth.get_transaction_count(self._owner.address)
        about = {"from": self._owner.address, "nonce": nonce, "gas": 15_000_000, "gasPrice": web3.eth.gas_price}
        raw = self._owner.sign_transaction(call.build_transaction(about)).raw_transaction
        return web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(raw))
