"""Chains for the tests: anvil, a real node, from npm."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import requests
from eth_account import Account

from minting.chain.networks import Network
from minting.chain.node import Node

MODULES = Path(__file__).parent / "npm" / "node_modules"
MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own, known to everybody
STARTING = 30  # seconds


def anvil_program() -> Path | None:
    """Where npm put the binary, if it did."""
    return next(iter(MODULES.glob("@foundry-rs/anvil-*/bin/anvil*")), None)


def accounts(count: int = 10) -> list[Any]:
    """Anvil's accounts, which hold 10,000 coins each."""
    Account.enable_unaudited_hdwallet_features()
    return [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}") for index in range(count)]


class Anvil:
    """A node of a chain of its own. It mines a block for each transaction, or when it is told to (`mine`)."""

    def __init__(self, program: Path, chain_id: int = 31337, *arguments: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.chain_id = chain_id
        self.url = f"http://127.0.0.1:{self.port}"
        given = ["--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(chain_id), "--silent"]
        self.process = subprocess.Popen([str(program), *given, *arguments])
        deadline = time.monotonic() + STARTING
        while True:
            try:
                self.ask("eth_chainId")
                return
            except requests.exceptions.ConnectionError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def ask(self, method: str, *given: Any) -> Any:
        """What the node answers to a method of its own, such as anvil_mine. Raises RuntimeError for an error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(given)}
        answer = requests.post(self.url, json=body, timeout=30).json()
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        self.ask("anvil_mine", hex(blocks))

    def network(self, name: str = "anvil", **other: Any) -> Network:
        return Network(name=name, chain_id=self.chain_id, rpc=self.url, **{"confirmations": 0, **other})

    def node(self, **other: Any) -> Node:
        return Node.open(self.network(**other))

    def fresh(self) -> Any:
        """A new account with 100 coins."""
        account = Account.from_key(secrets.token_bytes(32))
        self.ask("anvil_setBalance", account.address, hex(100 * 10**18))
        return account

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
