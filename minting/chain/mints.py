"""Which tokens an ERC-721 contract minted: its Transfer logs from the zero address (EIP-721)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from errors import NodeFailed
from minting.chain.logs import logs_of
from minting.chain.node import Node
from minting.ethereum import keeping_recursion_limit

with keeping_recursion_limit():
    from eth_utils.crypto import keccak

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
NOBODY = "0x" + 64 * "0"


@dataclass(frozen=True)
class Mint:
    """`tx`: 0x and 64 digits, lower case."""

    tx: str
    block: int


def mints_of(
    node: Node, address: str, first: int, last: int, progress: Callable[[int], object] = lambda blocks: None
) -> dict[int, Mint]:
    """Every token that the contract minted in the blocks `first`..`last`, by its number, ascending. Raises
    NodeFailed."""
    found: dict[int, Mint] = {}
    at = first
    for until, logs in logs_of(node, address, [TRANSFER, NOBODY], first, last):
        for log in logs:
            if len(log.topics) != 4:
                raise NodeFailed(node.network.name, f"the logs of {address} are those of no ERC-721 contract")
            found[int.from_bytes(log.topics[3])] = Mint(log.tx, log.block)
        progress(until + 1 - at)
        at = until + 1
    return dict(sorted(found.items()))
