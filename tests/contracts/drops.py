"""A deployed Drop, as the tests use it: on a chain in this process or on a real node, by the same words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_utils import keccak
from web3 import Web3
from web3.exceptions import ContractLogicError
from web3.types import TxReceipt

from minting.drop.contract import compiled
from tests.contracts.trees import Entry, Tree

GAS = 12_000_000
NOBODY = "0x0000000000000000000000000000000000000000"
PROVENANCE = keccak(b"all the images")
DAY = 86_400


@dataclass
class Chain:
    """`accounts`: with money; `real`: whether it is a node outside of this process."""

    web3: Web3
    accounts: Sequence[Any]
    real: bool = False

    @property
    def now(self) -> int:
        return self.web3.eth.get_block("latest")["timestamp"]

    def at(self, time: int) -> None:
        """The next block is of that second."""
        if self.real:
            self.tell("evm_setNextBlockTimestamp", time)
        else:
            self.web3.provider.ethereum_tester.time_travel(time)  # type: ignore[attr-defined]

    def tell(self, method: str, *given: Any) -> Any:
        """What the node answers to a method of its own."""
        answer = self.web3.provider.make_request(method, list(given))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def send(self, caller: Any, transaction: dict[str, Any]) -> TxReceipt:
        """Signed, sent, mined; it may have failed."""
        eth = self.web3.eth
        transaction = {
            "nonce": eth.get_transaction_count(caller.address),
            "chainId": eth.chain_id,
            "gas": GAS,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
            "value": 0,
            **transaction,
        }
        sent = eth.send_raw_transaction(caller.sign_transaction(transaction).raw_transaction)
        return eth.wait_for_transaction_receipt(sent, poll_latency=0.005)

    def deploy(self, caller: Any, abi: list[dict[str, Any]], bytecode: str, *given: Any) -> Any:
        """The contract, to be asked. Raises ValueError where its constructor reverts."""
        return self.web3.eth.contract(address=self.deployed(caller, abi, bytecode, *given)["contractAddress"], abi=abi)

    def deployed(self, caller: Any, abi: list[dict[str, Any]], bytecode: str, *given: Any) -> TxReceipt:
        maker = self.web3.eth.contract(abi=abi, bytecode=bytecode).constructor(*given)
        receipt = self.send(caller, {"data": maker.data_in_transaction, "gas": 16_000_000})
        if not receipt["status"]:
            raise ValueError("the constructor reverts")
        return receipt


@dataclass(frozen=True)
class Terms:
    """The constructor's, in its order."""

    owner: str
    payees: Sequence[str]
    name: str = "Pond"
    symbol: str = "POND"
    supply: int = 100
    provenance: bytes = PROVENANCE
    base: str = "ipfs://before/"
    contract_uri: str = "ipfs://about"
    royalty_receiver: str = ""
    royalty: int = 500
    shares: Sequence[int] = (7000, 3000)

    def given(self) -> tuple[Any, ...]:
        start = (self.name, self.symbol, self.supply, self.owner, self.provenance, self.base, self.contract_uri)
        return (*start, self.royalty_receiver or self.owner, self.royalty, list(self.payees), list(self.shares))


class Drop:
    """`owner`, `ana`, `ben`, `eve` have money; `payees` have none, unless others are given."""

    def __init__(self, chain: Chain, **terms: Any) -> None:
        self.chain = chain
        self.owner, self.ana, self.ben, self.eve = chain.accounts[:4]
        fresh = [chain.web3.eth.account.create().address for _ in range(2)]
        self.terms = replace(Terms(self.owner.address, fresh), **terms)
        self.payees = list(self.terms.payees)
        receipt = chain.deployed(self.owner, compiled().abi, compiled().bytecode, self.terms.given())
        self.contract = chain.web3.eth.contract(address=receipt["contractAddress"], abi=compiled().abi)
        self.deployed_gas = receipt["gasUsed"]

    @property
    def address(self) -> str:
        return self.contract.address

    def ask(self, name: str, *given: Any) -> Any:
        return self.contract.functions[name](*given).call({"from": self.owner.address})

    def send(self, caller: Any, name: str, *given: Any, value: int = 0, at: int = 0) -> TxReceipt:
        """A call that is to succeed."""
        receipt = self._sent(caller, name, given, value, at)
        assert receipt["status"] == 1, self.refuses(caller, name, *given, value=value)
        return receipt

    def passes(self, caller: Any, name: str, *given: Any, value: int = 0, at: int = 0) -> bool:
        """Whether a call succeeds in the block of that second."""
        return self._sent(caller, name, given, value, at)["status"] == 1

    def refuses(self, caller: Any, name: str, *given: Any, value: int = 0) -> str:
        """The name of the error that a call would end with."""
        asked = {"from": caller.address, "value": value, "gas": GAS}
        return refused(lambda: self.contract.functions[name](*given).call(asked))

    def events(self, receipt: TxReceipt) -> list[tuple[Any, ...]]:
        """Name and values of every event, in order."""
        events = [event for event in self.contract.events if event.abi["type"] == "event"]
        by_topic = {event.topic: event for event in events}
        found = []
        for log in receipt["logs"]:
            event = by_topic["0x" + log["topics"][0].hex().removeprefix("0x")]
            args = event.process_log(log)["args"]
            found.append((event.event_name, *(args[one["name"]] for one in event.abi["inputs"])))
        return found

    def _sent(self, caller: Any, name: str, given: tuple[Any, ...], value: int, at: int) -> TxReceipt:
        data = self.contract.encode_abi(name, args=list(given))
        if at:
            self.chain.at(at)
        return self.chain.send(caller, {"to": self.address, "data": data, "value": value})

    # what most tests begin with

    def open_public(self, price: int = 0, limit: int = 0) -> None:
        now = self.chain.now
        self.send(self.owner, "setPublicSale", now, now + DAY, price, limit)

    def entry(self, wallet: Any, limit: int = 5, price: int = 100, **other: Any) -> Entry:
        place = {"chain": self.chain.web3.eth.chain_id, "contract": self.address, **other}
        return Entry(wallet=wallet.address, limit=limit, price=price, **place)

    def open_presale(self, *entries: Entry) -> Tree:
        now, tree = self.chain.now, Tree(entries)
        self.send(self.owner, "setPresale", tree.root, now, now + DAY)
        return tree

    def owners(self) -> list[str]:
        """Of all tokens, from number 1."""
        return [self.ask("ownerOf", token) for token in range(1, self.ask("totalMinted") + 1)]


def refused(call: Callable[[], Any]) -> str:
    """The name of the error that a call ends with."""
    try:
        call()
    except ContractLogicError as error:
        data = bytes.fromhex(str(error.data).removeprefix("0x")) if error.data else b""
    else:
        raise AssertionError("it is not refused")
    return error_name(data)


def error_name(data: bytes) -> str:
    """What a contract of ours reverts with: the error's name, "Panic", or nothing."""
    return _errors().get(data[:4], data.hex())


def _errors() -> dict[bytes, str]:
    kinds = [one for one in compiled().abi if one["type"] == "error"]
    signatures = {f"{one['name']}({','.join(given['type'] for given in one['inputs'])})": one["name"] for one in kinds}
    known = {keccak(text=signature)[:4]: name for signature, name in signatures.items()}
    return {**known, b"": "", keccak(text="Panic(uint256)")[:4]: "Panic"}
