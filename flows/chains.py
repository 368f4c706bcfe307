"""Which chain is meant where there may be no collection yet: one that another collection names, or a node's address."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from errors import BadValue
from flows.settings import Settings
from minting.chain.networks import Network, read_network
from minting.chain.node import Node

_VARIABLE = re.compile(r"\$\{\w+\}")
_PLAIN = re.compile(r"[a-z0-9.-]{1,12}")  # a part of a path, such as "rpc" or "eth", that is too short for a key


def network_of(chain: str, rpc: str, collection: Path | None) -> Network:
    """CHAIN of CHAIN:ADDRESS: with `rpc`, a node's address, a chain's id; without, a network of `collection`, by its
    name or its chain's id. Raises BadValue, BadSetting; neither repeats an address."""
    if rpc:
        if not (chain.isdecimal() and chain.isascii() and len(chain) < 20):
            raise BadValue("chain", chain[:40], "with --rpc the chain's id, as chainlist.org has it, such as 1 or 137")
        if not holds_no_secret(rpc):
            allowed = (
                "https://HOST, or with a key in its path https://HOST/${NAME}, where NAME is an environment variable"
            )
            raise BadValue("--rpc", _host(rpc), allowed)
        return read_network(f"chain-{int(chain)}", {"chain_id": int(chain), "rpc": rpc}, "--rpc")
    if collection is None:
        told = f"one that --rpc leads to, or a network of the collection that -c names (CHAIN is {chain[:40]})"
        raise BadValue("chain", chain[:40], told)
    settings = Settings.read(collection)
    named: dict[str, Network] = settings.values.get("networks", {})  # type: ignore[assignment]
    by_id = [network for network in named.values() if str(network.chain_id) == chain]
    network = by_id[0] if by_id and chain not in named else settings.network(chain)
    if not network.rpc:
        raise BadValue(f"networks.{network.name}", "", "one with an rpc, the address of a node")
    return network


def node_of(network: Network) -> Node:
    """The node at the network's address. Raises NodeFailed, BadSetting where the environment lacks what it names."""
    return Node.open(network)


def holds_no_secret(rpc: str) -> bool:
    """Whether a node's address may be written down: what is secret in it are environment variables."""
    try:
        parts = urlsplit(_VARIABLE.sub("x", rpc))
    except ValueError:
        return False
    bare = not (parts.fragment or "@" in parts.netloc) and all(
        value == "x" for _, value in parse_qsl(parts.query, True)
    )
    return bare and all(_PLAIN.fullmatch(part) for part in parts.path.split("/") if part)


def _host(rpc: str) -> str:
    try:
        return urlsplit(rpc).hostname or "the address given"
    except ValueError:
        return "the address given"
