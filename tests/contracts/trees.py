"""OpenZeppelin's standard Merkle tree in a few lines of the tests' own, so that Drop.sol is not held against the code
that makes allowlists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi import encode
from eth_utils import keccak

PRESALE = 1


@dataclass(frozen=True)
class Entry:
    """What a leaf says."""

    chain: int
    contract: str
    wallet: str
    limit: int
    price: int  # wei
    phase: int = PRESALE

    def leaf(self) -> bytes:
        types = ["uint256", "address", "uint256", "address", "uint256", "uint256"]
        values = [self.chain, self.contract, self.phase, self.wallet, self.limit, self.price]
        return keccak(keccak(encode(types, values)))


class Tree:
    """A heap of hashes, leaves last, sorted, in reverse: node i is over 2i + 1 and 2i + 2."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        leaves = sorted(entry.leaf() for entry in entries)
        self.nodes = [b""] * (len(leaves) - 1) + leaves[::-1]
        for index in range(len(leaves) - 2, -1, -1):
            self.nodes[index] = keccak(b"".join(sorted(self.nodes[2 * index + 1 : 2 * index + 3])))

    @property
    def root(self) -> bytes:
        return self.nodes[0]

    def proof(self, entry: Entry) -> list[bytes]:
        index, found = self.nodes.index(entry.leaf()), []
        while index:
            found.append(self.nodes[index - 1 if index % 2 == 0 else index + 1])
            index = (index - 1) // 2
        return found
