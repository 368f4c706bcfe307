"""Merkle trees as OpenZeppelin's JavaScript library `@openzeppelin/merkle-tree` makes them ("standard-v1"), which its
contract `MerkleProof` checks proofs of.

A leaf is keccak256(keccak256(abi.encode(values))), so that none can be taken for a node. Leaves are sorted, and lie at
the end of an array in falling order; node i is the hash over the nodes 2i + 1 and 2i + 2, the smaller first; the root
is node 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from errors import BadValue

FORMAT = "standard-v1"


class StandardTree:
    """The tree over `values`: rows of ABI values, each of the `types`. Numbers are ints, addresses text.

    Raises BadValue where there is no row, or one twice.
    """

    def __init__(self, values: Sequence[Sequence[Any]], types: Sequence[str]) -> None:
        self.values, self.types = [list(row) for row in values], list(types)
        hashes = [leaf_hash(row, types) for row in values]
        order = sorted(range(len(hashes)), key=hashes.__getitem__)
        if not order:
            raise BadValue("values", "", "one row or more: there is no tree over nothing")
        for one, other in pairwise(order):
            if hashes[one] == hashes[other]:
                raise BadValue("values", self.values[one], f"each row once; this is row {min(one, other)} and another")
        size = 2 * len(hashes) - 1
        self.nodes = [b""] * size
        self.places = [0] * len(hashes)  # of each row's leaf among the nodes
        for rank, index in enumerate(order):
            self.places[index] = size - 1 - rank
            self.nodes[size - 1 - rank] = hashes[index]
        for at in range(size - 1 - len(hashes), -1, -1):
            self.nodes[at] = pair_hash(self.nodes[2 * at + 1], self.nodes[2 * at + 2])

    @property
    def root(self) -> str:
        return _hex(self.nodes[0])

    def proof(self, index: int) -> list[str]:
        """Of the row at `index`: the siblings on the way from its leaf to the root."""
        at, found = self.places[index], []
        while at:
            found.append(_hex(self.nodes[at + 1 if at % 2 else at - 1]))
            at = (at - 1) // 2
        return found

    def dump(self) -> dict[str, Any]:
        """What the library's `load` takes; its numbers are text, as JavaScript's have 53 bits."""
        rows = [[str(value) if isinstance(value, int) else value for value in row] for row in self.values]
        return {
            "format": FORMAT,
            "leafEncoding": self.types,
            "tree": list(map(_hex, self.nodes)),
            "values": [{"value": row, "treeIndex": place} for row, place in zip(rows, self.places, strict=True)],
        }


def leaf_hash(row: Sequence[Any], types: Sequence[str]) -> bytes:
    return keccak(keccak(encode(types, row)))


def pair_hash(one: bytes, other: bytes) -> bytes:
    return keccak(min(one, other) + max(one, other))


def proves(proof: Sequence[str], leaf: bytes, root: str) -> bool:
    """Whether `proof` leads from `leaf` to `root`, by the rule of `MerkleProof.verify`."""
    for sibling in proof:
        leaf = pair_hash(leaf, bytes.fromhex(sibling[2:]))
    return _hex(leaf) == root


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
