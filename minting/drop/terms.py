"""The terms of a drop: [drop] and [release] of a collection.toml, and what the release says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from errors import BadSetting, BadValue
from minting.chain.addresses import checked_address
from minting.chain.coins import wei_of

WHOLE = 10_000  # basis points
MOST_ROYALTY = 1_000  # basis points, as Drop.sol has it
LARGEST_TIME, LARGEST_LIMIT = 2**32 - 1, 2**16 - 1
LARGEST_SUPPLY = 2**32 - 1
TIMES = 'a time with its zone, as "2026-12-24T18:00:00Z", or ""'


@dataclass(frozen=True, kw_only=True)
class Phase:
    """When a phase is open (seconds since 1970, from `start` until just before `end`; 0 to 0: never), what a token
    costs (wei), and how many a wallet may mint."""

    start: int = 0
    end: int = 0
    price: int = 0
    limit: int = 0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is deployed and then opened. `owner`: an address, "" for whoever deploys; `payees`: basis points by address,
    none for all to the owner; `team`: tokens by address; `provenance`: SHA-256 over the images' (see
    `minting.manifest.provenance`), hexadecimal; `royalty_receiver`: "" for the owner. Addresses are in EIP-55's
    form."""

    name: str
    symbol: str
    supply: int
    owner: str
    provenance: str
    base_uri: str
    contract_uri: str
    royalty_receiver: str
    royalty_basis_points: int
    payees: dict[str, int]
    team: dict[str, int]
    presale: Phase
    public: Phase

    def constructor(self, signer: str) -> tuple[Any, ...]:
        """Drop.sol's Terms, as `signer` deploys them."""
        owner = self.owner or signer
        payees = self.shares(signer)
        return (
            self.name,
            self.symbol,
            self.supply,
            owner,
            bytes.fromhex(self.provenance),
            self.base_uri,
            self.contract_uri,
            self.royalty_receiver or owner,
            self.royalty_basis_points,
            list(payees),
            list(payees.values()),
        )

    def shares(self, signer: str) -> dict[str, int]:
        """Basis points of what is paid, by address."""
        return self.payees or {self.owner or signer: WHOLE}

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, hexadecimal: what was rehearsed is what is deployed."""
        return _digest(asdict(self))

    @property
    def sale_digest(self) -> str:
        """The same, without what changes when a placeholder gives way to the release: what was rehearsed is what is
        opened and minted."""
        changing = ("base_uri", "contract_uri", "provenance")
        return _digest({key: value for key, value in asdict(self).items() if key not in changing})


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class DropSettings:
    """[drop] of a collection.toml, read: see docs/settings.md. `supply`: 0 for as many as the release has."""

    supply: int
    owner: str
    payees: dict[str, int]
    team: dict[str, int]
    presale: Phase
    public: Phase


def read_drop(given: Mapping[str, Any], file: Path | str) -> DropSettings:
    """Raises BadSetting: the file, the key, what is allowed."""

    def told(key: str, read: Callable[..., Any], *values: Any) -> Any:
        try:
            return read(*values)
        except BadValue as error:
            raise BadSetting(file, f"drop.{key}", f"{error.value!r} cannot be used", error.allowed) from None

    def whole(value: Any, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise BadValue("number", value, f"whole numbers 0..{most}")
        return value

    def by_address(key: str, most: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for wallet, number in given[key].items():
            address = told(key, checked_address, wallet)
            if address in found:
                raise BadSetting(file, f"drop.{key}", f"{address} is there twice", "each address once")
            found[address] = told(f"{key}.{address}", whole, number, most)
            if not found[address]:
                raise BadSetting(file, f"drop.{key}.{address}", "is 0", f"whole numbers 1..{most}")
        return found

    def phase(name: str) -> Phase:
        start, end = (told(f"{name}_{key}", read_time, given[f"{name}_{key}"]) for key in ("start", "end"))
        if bool(start) != bool(end) or (start and start >= end):
            problem = "is missing, or not after the start" if start else "has no start"
            raise BadSetting(file, f"drop.{name}_end", problem, "a time after the start; a phase has both or neither")
        price = told(f"{name}_price", wei_of, given[f"{name}_price"])
        return Phase(
            start=start, end=end, price=price, limit=told(f"{name}_limit", whole, given[f"{name}_limit"], LARGEST_LIMIT)
        )

    payees = by_address("payees", WHOLE)
    if payees and sum(payees.values()) != WHOLE:
        problem = f"the shares come to {sum(payees.values())}"
        raise BadSetting(file, "drop.payees", problem, f"basis points that come to {WHOLE}, or {{}}")
    return DropSettings(
        supply=told("supply", whole, given["supply"], LARGEST_SUPPLY),
        owner=told("owner", checked_address, given["owner"]) if given["owner"] else "",
        payees=payees,
        team=by_address("team", LARGEST_SUPPLY),
        presale=phase("presale"),
        public=phase("public"),
    )


def read_time(given: str) -> int:
    """Seconds since 1970 of an ISO 8601 time with a zone; "": 0. Raises BadValue."""
    if not given:
        return 0
    try:
        time = datetime.fromisoformat(given)
        seconds = int(time.timestamp()) if time.tzinfo else 0
    except (ValueError, OverflowError):
        seconds = 0
    if not 0 < seconds <= LARGEST_TIME:
        raise BadValue("time", given, TIMES)
    return seconds
