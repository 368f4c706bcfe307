"""What a transaction pays: EIP-1559's fees, and the rise that a node asks for in a replacement."""

from __future__ import annotations

from dataclasses import dataclass

from errors import NodeFailed, NodeRefused, StepRefused
from minting.chain.networks import GWEI
from minting.chain.node import Node

LEAST_TIP = GWEI // 10  # where a node does not say
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


def fees_now(node: Node) -> Fees:
    """Twice the base fee, so that a transaction is taken even after five full blocks. Raises StepRefused where gas is
    dearer than the network's max_fee."""
    with node.asking("the price of gas"):
        base = node.web3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        raise NodeFailed(node.network.name, "its blocks have no base fee (EIP-1559), which is not supported")
    try:
        with node.asking("the usual tip"):
            tip = max(int(node.web3.eth.max_priority_fee), 1)
    except NodeRefused:
        tip = LEAST_TIP
    return _within(node, Fees(2 * int(base) + tip, tip, int(base)))


def raised(node: Node, fee: int, tip: int) -> Fees:
    """What replaces a transaction that paid so much. Raises StepRefused as `fees_now` does."""
    now = fees_now(node)
    new = Fees(max(now.fee, int(fee * RISE) + 1), max(now.tip, int(tip * RISE) + 1), now.base)
    most = int(node.network.max_fee * GWEI)
    if most and int(fee * RISE) + 1 > most:
        raise StepRefused(
            node.network.name, "a higher fee", f"it would be above max_fee, {node.network.max_fee:g} gwei"
        )
    return _within(node, new)


def _within(node: Node, fees: Fees) -> Fees:
    most = int(node.network.max_fee * GWEI)
    if not most or fees.fee <= most:
        return fees
    if fees.base + fees.tip > most:
        told = f"gas costs {(fees.base + fees.tip) / GWEI:.3g} gwei now, more than max_fee, {node.network.max_fee:g}"
        raise StepRefused(node.network.name, "its fee", told)
    return Fees(most, fees.tip, fees.base)
