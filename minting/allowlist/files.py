"""allowlist.json, which says everything that a contract's presale root stands for, and proofs.json, for a web page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from durable import write_json, write_whole
from errors import BadSource, BadValue
from minting.allowlist.rows import MOST_LIMIT, Source
from minting.allowlist.rules import Entry, Rules
from minting.allowlist.tree import StandardTree
from minting.chain.addresses import checked_address
from minting.chain.coins import MOST_WEI
from minting.chain.networks import LARGEST_CHAIN_ID

FILE, PROOFS = "allowlist.json", "proofs.json"
PRESALE = 1  # the phase that a leaf names, in Drop.sol
TYPES = ("uint256", "address", "uint256", "address", "uint256", "uint256")
LARGEST = 2**28  # bytes

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Hash = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
_Wei = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,40})$")]
_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Allowlist:
    """Who may mint in the presale of `contract`. `entries`: by address; `sources`: what they were made from."""

    chain_id: int
    contract: str
    entries: list[Entry]
    sources: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def tree(self) -> StandardTree:
        return StandardTree(
            [
                (self.chain_id, self.contract, PRESALE, entry.address, entry.limit, entry.price)
                for entry in self.entries
            ],
            TYPES,
        )

    @property
    def root(self) -> str:
        """What the contract is told: 0x and 64 hexadecimal digits."""
        return self.tree.root

    @property
    def tokens(self) -> int:
        """That all wallets together may mint."""
        return sum(entry.limit for entry in self.entries)

    @property
    def income(self) -> int:
        """Wei, if they do."""
        return sum(entry.limit * entry.price for entry in self.entries)

    def proof(self, address: str) -> tuple[Entry, list[str]]:
        """What a wallet hands to `claim`. Raises BadValue for one that is not on the list."""
        at = self._places.get(address.lower())
        if at is None:
            raise BadValue("address", address, "one that is on the allowlist")
        return self.entries[at], self.tree.proof(at)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {entry.address.lower(): at for at, entry in enumerate(self.entries)}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Leaf(_Form):
    address: str
    limit: Annotated[int, Field(ge=1, le=MOST_LIMIT)]
    price: _Wei


class _Snapshot(_Form):
    chain_id: _Count
    contract: str
    block: _Count
    hash: _Hash


class _Source(_Form):
    file: str
    sha256: _Digest
    wallets: _Count
    snapshot: _Snapshot | None = None


class _Rules(_Form):
    limit: _Count
    price: _Wei
    per_token: _Count
    at_most: _Count
    excluded: _Count


class _File(_Form):
    """allowlist.json. Amounts are wei, as decimal text: JavaScript's numbers have 53 bits."""

    format: Literal[1]
    chain_id: Annotated[int, Field(ge=1, le=LARGEST_CHAIN_ID)]
    contract: str
    phase: Literal[1]
    root: _Hash
    wallets: _Count
    tokens: _Count
    income: _Wei
    rules: _Rules
    sources: list[_Source]
    leaves: Annotated[list[_Leaf], Field(min_length=1)]


def make_allowlist(
    chain_id: int, contract: str, entries: Sequence[Entry], sources: Sequence[Source], rules: Rules, excluded: int = 0
) -> Allowlist:
    """`excluded`: wallets that were to be left out."""
    about = [
        {"file": one.name, "sha256": one.sha256, "wallets": len(one.rows), "snapshot": one.snapshot} for one in sources
    ]
    said = {**asdict(rules), "price": str(rules.price), "excluded": excluded}
    return Allowlist(chain_id, checked_address(contract), list(entries), about, said)


def write_allowlist(folder: Path, allowlist: Allowlist) -> Path:
    """Write allowlist.json and proofs.json to `folder`; return the former, which is there only with the latter."""
    content = {
        "format": 1,
        "chain_id": allowlist.chain_id,
        "contract": allowlist.contract,
        "phase": PRESALE,
        "root": allowlist.root,
        "wallets": len(allowlist.entries),
        "tokens": allowlist.tokens,
        "income": str(allowlist.income),
        "rules": allowlist.rules,
        "sources": allowlist.sources,
        "leaves": [{**asdict(entry), "price": str(entry.price)} for entry in allowlist.entries],
    }
    proofs = {
        entry.address.lower(): {"limit": entry.limit, "price": str(entry.price), "proof": allowlist.tree.proof(at)}
        for at, entry in enumerate(allowlist.entries)
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.unlink(missing_ok=True)  # a kill in between leaves proofs of no list, and never those of another
    write_whole(folder / PROOFS, (json.dumps(proofs, separators=(",", ":")) + "\n").encode())
    write_json(file, content)
    return file


def read_allowlist(file: Path) -> Allowlist:
    """Raises BadSource for a file that is none, or whose root or sums are not those of its leaves."""
    try:
        if file.stat().st_size > LARGEST:
            raise BadSource(file, f"has more than {LARGEST // 2**20} MiB")
        given = _File.model_validate_json(file.read_bytes())
        entries = [Entry(checked_address(leaf.address), leaf.limit, int(leaf.price)) for leaf in given.leaves]
        contract = checked_address(given.contract)
    except OSError as error:
        raise BadSource(file, f"cannot be read ({error.strerror}); `toadworks allowlist` writes it") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadSource(file, f"is no allowlist: {place}: {first['msg']}") from None
    except BadValue as error:
        raise BadSource(file, f"is no allowlist: {error}") from None
    rules, sources = given.rules.model_dump(), [source.model_dump() for source in given.sources]
    allowlist = Allowlist(given.chain_id, contract, entries, sources, rules)
    if len({entry.address for entry in entries}) < len(entries):
        raise BadSource(file, "names a wallet twice")
    if max(entry.price for entry in entries) > MOST_WEI:
        raise BadSource(file, f"names a price above {MOST_WEI} wei")
    if allowlist.root != given.root:
        raise BadSource(file, f"its root {given.root} is not that of its leaves, {allowlist.root}: it was changed")
    if (len(entries), allowlist.tokens, str(allowlist.income)) != (given.wallets, given.tokens, given.income):
        raise BadSource(file, "its sums are not those of its leaves: it was changed")
    return allowlist
