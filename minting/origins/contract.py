"""The contract of a source collection: its standard, its tokens, and their URIs, all at one block.

Written after ERC-165, ERC-721 (with its metadata and enumeration), ERC-1155's metadata and ERC-2309.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from errors import BadSource, BadValue, NodeFailed, NodeRefused
from minting.chain.node import Node
from minting.ethereum import keeping_recursion_limit
from minting.uploading.together import in_parallel

with keeping_recursion_limit():
    from web3.exceptions import ContractLogicError

T = TypeVar("T")
ERC_721, ERC_1155 = "ERC-721", "ERC-1155"
_INTERFACES = {ERC_721: "80ac58cd", ERC_1155: "d9b67a26"}
_ENUMERABLE = "780e9d63"
LARGEST_ID = 2**256 - 1
MOST_TOKENS = 100_000
MOST_IN_A_RUN = 10_000  # tokens of one ERC-2309 event
LONGEST_URI = 8_000_000  # characters; it may hold an image
FIRST_SPAN, LONGEST_SPAN = 2_000, 1_000_000  # blocks asked for their logs at a time
TRIES, PAUSE_S = 4, 0.5
_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
_RUN = "0x" + keccak(text="ConsecutiveTransfer(uint256,uint256,address,address)").hex()
_NOBODY = "0x" + "00" * 32


@dataclass(frozen=True)
class Block:
    """`number` and `hash` (0x...): which state of the chain is read."""

    number: int
    hash: str


class Reverted(Exception):
    """The contract itself refuses a call."""


def checked_ids(text: str) -> list[int]:
    """ "1-3,7" as 1, 2, 3, 7. Raises BadValue."""
    allowed = f'such as "1-500,777": whole numbers, at most {MOST_TOKENS} of them'
    ids: dict[int, None] = {}
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and first.isascii() and len(first) <= 78):
            raise BadValue("--ids", text[:60], allowed)
        if dash and not (last.isdecimal() and last.isascii() and len(last) <= 78):
            raise BadValue("--ids", text[:60], allowed)
        begin, end = int(first), int(last or first)
        if not begin <= end <= LARGEST_ID or end - begin >= MOST_TOKENS or len(ids) > MOST_TOKENS:
            raise BadValue("--ids", text[:60], allowed)
        ids |= dict.fromkeys(range(begin, end + 1))
    if len(ids) > MOST_TOKENS:
        raise BadValue("--ids", text[:60], allowed)
    return list(ids)


def block_of(node: Node, given: str) -> Block:
    """The block of that number, or the "latest", "finalized" or "safe" one. Raises BadValue, NodeFailed."""
    named = given in ("latest", "finalized", "safe")
    if not named and not (given.isdecimal() and given.isascii() and len(given) < 19):
        raise BadValue("--block", given[:40], "a block's number, latest, finalized or safe")
    wanted: Any = given if named else int(given)
    with node.asking(f"the block {given}"):
        found = node.web3.eth.get_block(wanted)
        return Block(int(found["number"]), "0x" + bytes(found["hash"]).hex())


class Contract:
    """The contract at `address` (with its checksum) of the chain that `node` is of, at `block`. Threads may share it.

    Raises BadValue where there is no such contract at that block, or it is neither an ERC-721 nor an ERC-1155.
    """

    def __init__(self, node: Node, address: str, block: Block) -> None:
        self._node, self.address, self.block = node, address, block
        where = f"of {node.network.name} at block {block.number}"
        with node.asking("the contract's code"):
            code = node.web3.eth.get_code(self._address, block.number)
        if not code:
            raise BadValue("contract", address, f"a contract {where}; there is none at this address")
        found = [name for name, interface in _INTERFACES.items() if self._supports(interface)]
        if not found or self._supports("ffffffff"):
            raise BadValue("contract", address, "one that says (ERC-165) that it is an ERC-721 or an ERC-1155")
        self.standard = found[0]

    @property
    def _address(self) -> Any:
        return self.address

    def ids(self, limit: int = 0, from_block: int | None = None, parallel: int = 1) -> list[int]:
        """The tokens, the first `limit` (0: all), in the order of their ids: as the contract lists them, or else those
        that its logs say were minted, from `from_block` on (None: from where it was deployed).

        Raises BadValue for one that does neither, or has more than 100,000.
        """
        if self.standard == ERC_1155:
            raise BadValue("contract", self.address, "an ERC-721, or an ERC-1155 with its tokens named by --ids")
        if self._supports(_ENUMERABLE):
            try:
                return sorted(self._enumerated(limit, parallel))
            except (Reverted, BadSource):
                pass  # it says so only
        minted = sorted(self._minted(self._deployed() if from_block is None else from_block))
        return minted[:limit] if limit else minted

    def uri(self, id: int) -> str:
        """A token's URI as the contract gives it. Raises BadSource where it gives none."""
        name = "tokenURI" if self.standard == ERC_721 else "uri"
        try:
            (text,) = self._call(f"{name}(uint256)", ["uint256"], [id], ["string"])
        except Reverted:
            raise BadSource(f"token {id}", "the contract gives no URI for it; it may not be minted, or burnt") from None
        if len(text) > LONGEST_URI:
            raise BadSource(f"token {id}", f"its URI has {len(text)} characters; at most {LONGEST_URI} are taken")
        return str(text)

    def _supports(self, interface: str) -> bool:
        try:
            found = self._call("supportsInterface(bytes4)", ["bytes4"], [bytes.fromhex(interface)], ["bool"])
        except (Reverted, BadSource):
            return False
        return bool(found[0])

    def _enumerated(self, limit: int, parallel: int) -> list[int]:
        (supply,) = self._call("totalSupply()", [], [], ["uint256"])
        count = min(supply, limit or supply)
        if count > MOST_TOKENS:
            told = f"one with at most {MOST_TOKENS} tokens; this has {str(supply)[:20]}: name some by --ids or --limit"
            raise BadValue("contract", self.address, told)

        def at(index: int) -> int:
            (id,) = self._call("tokenByIndex(uint256)", ["uint256"], [index], ["uint256"])
            return int(id)

        return list(dict.fromkeys(in_parallel(parallel, at, range(count))))

    def _minted(self, begin: int) -> set[int]:
        """From the logs, in spans as long as the node allows."""
        ids: set[int] = set()
        span = FIRST_SPAN
        while begin <= self.block.number:
            end = min(begin + span - 1, self.block.number)
            try:
                logs = self._logs(begin, end)
            except NodeRefused:
                if span == 1:
                    raise
                span = max(1, span // 2)
                continue
            for log in logs:
                ids.update(_minted_by(log))
            if len(ids) > MOST_TOKENS:
                told = f"one with at most {MOST_TOKENS} tokens; name some of this one's by --ids"
                raise BadValue("contract", self.address, told)
            begin, span = end + 1, min(2 * span, LONGEST_SPAN)
        return ids

    def _logs(self, begin: int, end: int) -> Any:
        with self._node.asking(f"the logs of blocks {begin} to {end}"):
            return self._node.web3.eth.get_logs(
                {"address": self._address, "fromBlock": begin, "toBlock": end, "topics": [[_TRANSFER, _RUN]]}
            )

    def _deployed(self) -> int:
        """The first block at which it has code, found by halving. Raises BadValue where the node does not know."""
        low, high = 0, self.block.number
        try:
            while low < high:
                middle = (low + high) // 2
                with self._node.asking("the contract's code"):
                    code = self._node.web3.eth.get_code(self._address, middle)
                low, high = (low, middle) if code else (middle + 1, high)
        except NodeFailed as error:
            told = f"the block in which the contract was deployed, as this node keeps no old state ({error})"
            raise BadValue("--from-block", "", told) from None
        return low

    def _call(self, signature: str, types: list[str], given: list[Any], returned: list[str]) -> tuple[Any, ...]:
        """What a function returns. Raises Reverted, BadSource for what is no answer to it, NodeFailed."""
        data = keccak(text=signature)[:4] + encode(types, given)

        def ask() -> bytes:
            with self._node.asking(f"{signature} of the contract"), _reverting():
                return bytes(self._node.web3.eth.call({"to": self._address, "data": data}, self.block.number))

        answer = _patiently(ask)
        try:
            return decode(returned, answer)
        except (DecodingError, UnicodeDecodeError, OverflowError, ValueError):
            name = signature.partition("(")[0]
            raise BadSource(
                f"{name} of {self.address}", "the contract's answer is not what the standard says"
            ) from None


@contextmanager
def _reverting() -> Iterator[None]:
    """A contract's refusal is no failure of the node. It is a NodeRefused where web3 does not know it for one."""
    try:
        yield
    except ContractLogicError:
        raise Reverted from None


def _patiently(ask: Callable[[], bytes]) -> bytes:
    """Nodes refuse what comes too fast, or are away for a moment; what the contract refuses is final."""
    for attempt in range(TRIES):
        try:
            return ask()
        except NodeFailed as error:
            if isinstance(error, NodeRefused) and _is_revert(error):
                raise Reverted from None
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE_S * 2**attempt)
    raise AssertionError("the last try returns or raises")


def _is_revert(error: NodeRefused) -> bool:
    words = error.words.lower()
    return error.code == 3 or any(word in words for word in ("revert", "invalid opcode", "out of gas", "vm execution"))


def _minted_by(log: Any) -> range:
    """The ids that a Transfer or ConsecutiveTransfer from nobody made."""
    topics = ["0x" + bytes(topic).hex() for topic in log["topics"]]
    if len(topics) != 4:
        return range(0)
    if topics[0] == _TRANSFER:
        return range(int(topics[3], 16), int(topics[3], 16) + 1) if topics[1] == _NOBODY else range(0)
    if topics[2] != _NOBODY or len(log["data"]) != 32:
        return range(0)
    first, last = int(topics[1], 16), int.from_bytes(bytes(log["data"]), "big")
    return range(first, min(last + 1, first + MOST_IN_A_RUN)) if first <= last else range(0)
