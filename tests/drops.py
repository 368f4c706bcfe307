"""A drop on a real chain, and what its collection says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from web3 import Web3

from minting.chain.node import Node
from minting.drop.auditing import Expected, Line, Report, audit
from minting.drop.contract import compiled
from minting.manifest import Manifest
from tests.chains import Anvil

ALWAYS = (1, 4_000_000_000)  # seconds since 1970: no test waits for a phase
PRICE = 10**15  # wei
ROOT = "0x" + "17" * 32


class Deployed:
    """The contract on a chain, deployed by `owner` in `block`. `last`: the receipt of the last call."""

    def __init__(self, anvil: Anvil, owner: Any, terms: tuple[Any, ...]) -> None:
        self.anvil, self.owner, self.node = anvil, owner, anvil.node()
        contract = self.web3.eth.contract(abi=compiled().abi, bytecode=compiled().bytecode)
        self.last = self.sent(contract.constructor(terms), gas=6_000_000)
        self.address, self.block = self.last["contractAddress"], self.last["blockNumber"]
        self.contract = self.web3.eth.contract(address=self.address, abi=compiled().abi)

    @property
    def web3(self) -> Web3:
        return self.node.web3

    def call(self, function: str, *given: Any, sender: Any = None, value: int = 0) -> Any:
        """The receipt of a call of the contract by an account, the owner unless named."""
        self.last = self.sent(self.contract.functions[function](*given), sender=sender, value=value)
        return self.last

    def sent(self, call: Any, sender: Any = None, value: int = 0, gas: int = 2_000_000) -> Any:
        sender = sender or self.owner
        given = {"from": sender.address, "nonce": self.web3.eth.get_transaction_count(sender.address), "value": value}
        given |= {"gas": gas, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 1, "chainId": self.anvil.chain_id}
        signed = sender.sign_transaction(call.build_transaction(given))
        receipt = self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_raw_transaction(signed.raw_transaction))
        assert receipt["status"] == 1
        return receipt


class Drop(Deployed):
    """The contract of a manifest, and `said`, what an audit should find."""

    def __init__(self, anvil: Anvil, owner: Any, manifest: Manifest, payees: dict[str, int], **expected: Any) -> None:
        self.payees, about, supply = payees, manifest.collection, len(manifest.tokens)
        head = (about.name, about.symbol, supply, owner.address, bytes.fromhex(manifest.provenance.sha256))
        tail = (manifest.base_uri, manifest.contract_uri, owner.address, 500, list(payees), list(payees.values()))
        super().__init__(anvil, owner, (*head, *tail))
        given: dict[str, Any] = {"release": manifest, "supply": supply, "owner": owner.address, "payees": payees}
        given |= {"royalty": (owner.address, 500), "presale": (1, 2), "public": (*ALWAYS, PRICE, 3), "root": ROOT}
        self.said = Expected(**(given | expected))

    def open(self) -> Drop:
        self.call("setPresale", bytes.fromhex(ROOT[2:]), 1, 2)
        self.call("setPublicSale", *ALWAYS, PRICE, 3)
        return self

    def audit(self, node: Node | None = None, **given: Any) -> Report:
        expected = replace(self.said, **{key: given.pop(key) for key in list(given) if hasattr(self.said, key)})
        return audit(node or self.node, self.address, expected, **{"block": "latest", **given})


def wrong(report: Report) -> dict[str, Line]:
    """What differs."""
    return {line.what: line for line in report.lines if line.state == "differs"}
