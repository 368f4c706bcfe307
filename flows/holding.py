"""Who holds a collection on a chain: a snapshot, with a bar where it takes a while."""

from __future__ import annotations

from pathlib import Path

from errors import BadValue
from flows.drop_terms import network_folder
from flows.progress import say, shown
from flows.settings import Settings
from minting.chain.addresses import checked_address
from minting.chain.node import Node
from minting.chain.snapshot import TAGS, Snapshot, take_snapshot

ADDRESS_LENGTH = 42  # characters


def snapshot(
    settings: Settings, source: str, block: str, first: int | None = None, output: Path | None = None
) -> tuple[Path, Snapshot]:
    """Take the snapshot of `source`, NETWORK:CONTRACT, at `block`, a number or one of TAGS, to the CSV `output`, or to
    drop/NETWORK/holders-CONTRACT.csv. Raises BadValue, BadSetting, NodeFailed, NodeRefused."""
    name, _, contract = source.partition(":")
    if not contract.startswith("0x") or len(contract) != ADDRESS_LENGTH:
        raise BadValue("contract", source, "NETWORK:0x and 40 hexadecimal digits, the address of a contract")
    contract = checked_address(contract)
    if block not in TAGS and not (block.isdecimal() and block.isascii() and len(block) < 20):
        raise BadValue("block", block, f"a block's number, or {', '.join(TAGS)}")
    network = settings.network(name)
    file = output or network_folder(settings, network) / f"holders-{contract.lower()}.csv"
    node = Node.open(network)
    return file, take_snapshot(node, contract, block, file, first=first, meter=shown, say=say)
