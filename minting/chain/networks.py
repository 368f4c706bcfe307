"""A network, as a user describes it: no chain is built in, and no key of anybody's node."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from errors import BadSetting

CENT = 0.01
GWEI = 10**9  # wei
GAS_CAP = 16_777_216  # of one transaction, EIP-7825
LARGEST_CHAIN_ID = 2**63 - 1
_VARIABLE = re.compile(r"\$\{(\w*)\}")
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True, kw_only=True)
class Network:
    """[networks.NAME] of a collection.toml.

    `rpc`: the URL of a node's JSON-RPC, in which ${NAME} stands for an environment variable: such addresses often hold
    a key, so none is ever shown beyond its host; `chain_id`: EIP-155's; `confirmations`: blocks on top of a
    transaction's before it counts; `explorer`: the address that /tx/HASH is joined to; `coin`: what it pays in;
    `coin_price`: of one, in the user's money, 0 where it is not known; `gas_price`: gwei, for estimates where no node
    is asked; `max_fee`: gwei of gas beyond which nothing is sent, 0 for any; `max_gas`: of one transaction.
    """

    name: str
    chain_id: int
    rpc: str = field(default="", repr=False)
    confirmations: int = 3
    explorer: str = ""
    coin: str = "ETH"
    coin_price: float = 0.0
    gas_price: float = 1.0
    max_fee: float = 0.0
    max_gas: int = GAS_CAP

    @property
    def host(self) -> str:
        """What of the RPC's address may be shown."""
        return urlsplit(self.rpc).hostname or self.name

    def url(self) -> str:
        """The RPC's address, with what the environment holds in it. Never to be shown. Raises BadSetting."""
        missing = [name for name in _VARIABLE.findall(self.rpc) if not os.environ.get(name)]
        if missing:
            key = f"networks.{self.name}.rpc"
            raise BadSetting("collection.toml", key, f"the environment has no {missing[0]}", "set it and try again")
        return _VARIABLE.sub(lambda found: os.environ[found[1]], self.rpc)

    def money(self, wei: int) -> str:
        """So much in coins, and in money where the price is known."""
        coins = Decimal(wei) / 10**18
        told = f"{coins:.6f} {self.coin}"
        price = float(coins) * self.coin_price
        return f"{told} ({price:,.2f})" if price >= CENT else f"{told} (under 0.01)" if price else told


def read_network(name: str, given: Mapping[str, Any], file: Path | str) -> Network:
    """[networks.NAME]. Raises BadSetting: the file, the key, what is allowed."""

    def require(fits: bool, key: str, problem: str, allowed: str) -> None:
        if not fits:
            raise BadSetting(file, f"networks.{name}{key}", problem, allowed)

    known = {one.name: one for one in fields(Network) if one.name != "name"}
    require(bool(_NAME.fullmatch(name)), "", "is no network's name", "letters, digits, - and _")
    require(isinstance(given, Mapping), "", f"{given!r} is not a table", f"[networks.{name}], its keys below it")
    for key, value in given.items():
        require(key in known, f".{key}", "is not a key of a network", ", ".join(known))
        types, called = _TYPES[str(known[key].type)]
        require(isinstance(value, types) and not isinstance(value, bool), f".{key}", f"is not {called}", called)
    require("chain_id" in given, ".chain_id", "is missing", "the chain's id, as chainlist.org has it")
    require(0 < given["chain_id"] <= LARGEST_CHAIN_ID, ".chain_id", "is no chain's id", "whole numbers from 1")
    parts = urlsplit(given.get("rpc", ""))
    # the address is not repeated: it may hold a key
    require(
        parts.scheme in ("http", "https") and bool(parts.hostname), ".rpc", "is no address of a node", "https://..."
    )
    network = Network(name=name, **given)
    require(0 <= network.confirmations <= 10_000, ".confirmations", f"{network.confirmations}", "0..10000 blocks")
    for key in ("coin_price", "gas_price", "max_fee"):
        require(0 <= getattr(network, key) < 1e9, f".{key}", f"{getattr(network, key)}", "numbers from 0")
    require(network.max_gas >= 21_000, ".max_gas", f"{network.max_gas}", "whole numbers from 21000")
    return network


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # whose words repeat the address
        return False
