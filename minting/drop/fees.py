"""What a transaction pays: EIP-1559's fees, and the rise that a node asks for in a replacement."""

from __future__ import annotations

from dataclasses import dataclass

from errors import NodeFailed, NodeRefused, StepRefused
from minting.chain.networks import GWEI
from minting.chain.node import Node

LEAST_TIP = GWEI // 10  # where a node does not say
ROOM = 4  # times the first fee, where the user names no max_fee
RISE = 1.25  # nodes replace a transaction for one that pays a tenth more, some for an eighth


@dataclass(frozen=True)
class Fees:
    """wei of gas: `fee` at most, of which `tip` for whoever makes the block; `base`: what the block takes now."""

    fee: int
    tip: int
    base: int

    @property
    def likely(self) -> int:
        return min(self.fee, self.base + self.tip)


def fees_now(node: Node, most: int = 0) -> Fees:
    """Twice the base fee, so that a transaction is taken even after five full blocks. `most`: wei of gas that was
    agreed to, 0 for the network's max_fee. Raises StepRefused where gas is dearer than that."""
    with node.asking("the price of gas"):
        base = node.web3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        raise NodeFailed(node.network.name, "its blocks have no base fee (EIP-1559), which is not supported")
    try:
        with node.asking("the usual tip"):
            tip = max(int(node.web3.eth.max_priority_fee), 1)
    except NodeRefused:
        tip = LEAST_TIP
    return _within(node, Fees(2 * int(base) + tip, tip, int(base)), most)


def ceiling_of(node: Node, fees: Fees) -> int:
    """Wei of gas that a transaction may come to pay, however often its fee is raised: the network's max_fee, or else a
    few times what it begins with."""
    return int(node.network.max_fee * GWEI) or fees.fee * ROOM


def raised(node: Node, fee: int, tip: int, most: int) -> Fees:
    """What replaces a transaction that paid so much. Raises StepRefused where that is more than `most`."""
    now = fees_now(node, most)
    if int(fee * RISE) + 1 > most:
        told = f"{most / GWEI:.4g} gwei were agreed to at most; it waits until gas is cheaper"
        raise StepRefused(node.network.name, "a higher fee", told)
    fee, tip = max(now.fee, int(fee * RISE) + 1), max(now.tip, int(tip * RISE) + 1)
    return Fees(min(fee, most), min(tip, fee, most), now.base)


def _within(node: Node, fees: Fees, most: int) -> Fees:
    most = most or int(node.network.max_fee * GWEI)
    if not most or fees.fee <= most:
        return fees
    if fees.base + fees.tip > most:
        told = f"gas costs {(fees.base + fees.tip) / GWEI:.4g} gwei now, more than {most / GWEI:.4g}"
        raise StepRefused(node.network.name, "its fee", f"{told} (max_fee, or what was agreed to)")
    return Fees(most, fees.tip, fees.base)
