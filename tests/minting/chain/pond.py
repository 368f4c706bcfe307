"""Collections on a chain of the tests: real drops, and a contract that says whatever it is told to say."""

from __future__ import annotations

import random
from typing import Any

from eth_utils.address import to_checksum_address

from minting.chain.holders import TRANSFER
from minting.chain.node import Node
from minting.drop.contract import compiled
from tests.chains import Anvil, accounts

PROVENANCE = b"\x01" * 32
# With 128 bytes it logs four topics; with 64 it keeps a number under a key; else it tells the number under the key that
# begins with the fifth byte, 0 where there is none: what balanceOf and totalSupply are asked with.
_PARROT = "3660801460235736604014601a576004355460005260206000f35b6020356000355500"
_PARROT += "5b60603560403560203560003560006000a400"
# It logs three topics and 32 bytes of data.
_COIN = "60403560203560003560206000a300"


class Pond:
    """A drop on `anvil` whose team minted `minted` tokens, some of which were passed on; `owners`: of each token."""

    def __init__(self, anvil: Anvil, minted: int = 0, moves: int = 0, seed: int = 1) -> None:
        self.anvil, self.dice = anvil, random.Random(seed)
        self.web3 = anvil.node().web3
        self.team = accounts(1)[0].address
        self.wallets = [account.address for account in accounts(10)]
        terms = ("Toads", "TOAD", 1000, self.team, PROVENANCE, "", "", self.team, 500, [self.team], [10_000])
        made = self.web3.eth.contract(abi=compiled().abi, bytecode=compiled().bytecode).constructor(terms)
        receipt = self.done(made.transact({"from": self.team}))
        self.address, self.block = str(receipt["contractAddress"]), receipt["blockNumber"]
        self.contract = self.web3.eth.contract(address=self.address, abi=compiled().abi)  # type: ignore[call-overload]
        self.owners: dict[int, str] = {}
        while len(self.owners) < minted:
            self.mint(self.dice.choice(self.wallets[1:8]), min(self.dice.randint(1, 20), minted - len(self.owners)))
        for _ in range(moves):
            self.move(self.dice.choice(list(self.owners)), self.dice.choice(self.wallets[1:]))

    def mint(self, to: str, count: int) -> None:
        self.done(self.contract.functions.teamMint(to, count).transact({"from": self.team}))
        for _ in range(count):
            self.owners[len(self.owners) + 1] = to

    def move(self, token: int, to: str) -> None:
        owner = self.owners[token]
        self.done(self.contract.functions.transferFrom(owner, to, token).transact({"from": owner}))
        self.owners[token] = to

    def done(self, transaction: Any) -> Any:
        return self.web3.eth.wait_for_transaction_receipt(transaction, poll_latency=0.02)

    def csv(self) -> str:
        """What a snapshot has to be now."""
        lines = ["address,tokens,token_ids"]
        for wallet in sorted(set(self.owners.values()), key=str.lower):
            tokens = [token for token in sorted(self.owners) if self.owners[token] == wallet]
            lines.append(f"{wallet},{len(tokens)},{' '.join(map(str, tokens))}")
        return "\n".join(lines) + "\n"


class Parrot:
    """A contract that logs what it is told to, and knows the balances that it is told."""

    def __init__(self, node: Node, runtime: str = _PARROT) -> None:
        self.web3, self.me = node.web3, accounts(1)[0].address
        length = f"{len(runtime) // 2:02x}"
        self.address = ""
        self.address = str(self._send(f"60{length}600c60003960{length}6000f3{runtime}")["contractAddress"])

    def transfer(self, sender: int, to: int, token: int) -> None:
        self.log(TRANSFER, sender, to, token)

    def log(self, event: bytes, *topics: int) -> None:
        self._send(event.hex() + "".join(f"{topic:064x}" for topic in topics))

    def know(self, wallet: int, count: int) -> None:
        """What balanceOf says of a wallet; of 0, what totalSupply says."""
        self._send(f"{wallet:064x}{count:064x}")

    def _send(self, data: str) -> Any:
        asked: Any = {"from": self.me, "data": "0x" + data, "gas": 500_000}
        if self.address:
            asked["to"] = self.address
        receipt = self.web3.eth.wait_for_transaction_receipt(self.web3.eth.send_transaction(asked), poll_latency=0.02)
        assert receipt["status"] == 1
        return receipt


def coin(node: Node) -> Parrot:
    """A contract whose Transfers have three topics, as an ERC-20's."""
    return Parrot(node, _COIN)


def wallet(number: int) -> str:
    return str(to_checksum_address(f"0x{number:040x}"))
