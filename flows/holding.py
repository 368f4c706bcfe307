"""Who holds a collection on a chain: a snapshot, with a bar where it takes a while."""

from __future__ import annotations

from pathlib import Path

from eth_utils.address import is_checksum_address, is_hex_address

from errors import BadValue
from flows.progress import say, shown
from flows.settings import Settings
from minting.chain.node import Node
from minting.chain.snapshot import TAGS, Snapshot, take_snapshot

DROP = "drop"  # in the collection's folder: a folder for each network


def snapshot(
    settings: Settings, source: str, block: str, first: int | None = None, output: Path | None = None
) -> tuple[Path, Snapshot]:
    """Take the snapshot of `source`, NETWORK:CONTRACT, at `block`, a number or one of TAGS, to the CSV `output`, or to
    drop/NETWORK/holders-CONTRACT.csv. Raises BadValue, BadSetting, NodeFailed, NodeRefused."""
    name, _, contract = source.partition(":")
    if not (contract.startswith("0x") and is_hex_address(contract)):
        raise BadValue("contract", source, "NETWORK:0x and 40 hexadecimal digits, the address of a contract")
    if contract not in (contract.lower(), "0x" + contract[2:].upper()) and not is_checksum_address(contract):
        raise BadValue("contract", contract, "an address whose capitals are those of its checksum (EIP-55)")
    if block not in TAGS and not (block.isdecimal() and block.isascii() and len(block) < 20):
        raise BadValue("block", block, f"a block's number, or {', '.join(TAGS)}")
    network = settings.network(name)
    file = output or settings.folder / DROP / name / f"holders-{contract.lower()}.csv"
    node = Node.open(network)
    return file, take_snapshot(node, contract, block, file, first=first, meter=shown, say=say)
