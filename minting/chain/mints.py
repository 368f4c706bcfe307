"""Which tokens an ERC-721 contract minted: its Transfer logs from the zero address (EIP-721)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from errors import NodeFailed
from minting.chain.node import Node
from minting.chain.reading import ask
from minting.ethereum import keeping_recursion_limit

with keeping_recursion_limit():
    from eth_utils.crypto import keccak

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
NOBODY = "0x" + 64 * "0"
MOST_BLOCKS = 1 << 16  # in one question, to begin with
SHRINK = 4  # what a range that is refused is divided by


@dataclass(frozen=True)
class Mint:
    """`tx`: 0x and 64 digits, lower case."""

    tx: str
    block: int


def mints_of(
    node: Node,
    address: str,
    from_block: int,
    to_block: int,
    progress: Callable[[int], object] = lambda blocks: None,
) -> dict[int, Mint]:
    """Every token that the contract minted in these blocks, both included, by its number; ranges shrink where the node
    refuses them, and grow again. Raises NodeFailed where not even one block's logs are to be had."""
    found: dict[int, Mint] = {}
    start, size = from_block, MOST_BLOCKS
    while start <= to_block:
        end = min(to_block, start + size - 1)
        given = {"address": address, "topics": [TRANSFER, NOBODY], "fromBlock": hex(start), "toBlock": hex(end)}
        try:
            [logs] = ask(node, f"the logs of blocks {start} to {end}", [("eth_getLogs", [given])])
        except NodeFailed:
            if end == start:
                raise
            size = max(1, (end - start + 1) // SHRINK)
            continue
        with node.asking("the logs of mints"):
            found |= dict(_mint(log, address, start, end) for log in logs)
        progress(end - start + 1)
        start, size = end + 1, min(MOST_BLOCKS, size * 2)
    return dict(sorted(found.items()))


def _mint(log: Any, address: str, start: int, end: int) -> tuple[int, Mint]:
    """Raises ValueError for a log that was not asked for."""
    topics, block, tx = log["topics"], int(log["blockNumber"], 16), log["transactionHash"].lower()
    mine = log["address"].lower() == address.lower() and [*topics[:2]] == [TRANSFER, NOBODY]
    if not mine or len(topics) != 4 or not start <= block <= end or len(bytes.fromhex(tx[2:])) != 32:
        raise ValueError("another log")
    return int(topics[3], 16), Mint(tx, block)
