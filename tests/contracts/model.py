"""What a Drop is to do, in plain Python: the same calls, refused by the same names, on lists and dictionaries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.contracts.drops import NOBODY
from tests.contracts.trees import Entry, Tree

WHOLE = 10_000


class Refused(Exception):
    """By the name of the contract's error."""


def require(fits: bool, name: str) -> None:
    if not fits:
        raise Refused(name)


@dataclass
class Sale:
    presale: tuple[int, int] = (0, 0)
    public: tuple[int, int] = (0, 0)
    price: int = 0
    limit: int = 0
    paused: bool = False


@dataclass
class Model:
    owner: str
    supply: int
    shares: dict[str, int]
    provenance: bytes
    base: str
    time: int
    contract_uri: str
    royalty: tuple[str, int]
    pending: str = NOBODY
    frozen: bool = False
    sale: Sale = field(default_factory=Sale)
    tree: Tree | None = None
    tokens: list[str] = field(default_factory=list)  # whose each is, from number 1
    approved: dict[int, str] = field(default_factory=dict)
    operators: set[tuple[str, str]] = field(default_factory=set)
    claimed: Counter[str] = field(default_factory=Counter)
    bought: Counter[str] = field(default_factory=Counter)
    paid_in: int = 0
    released: Counter[str] = field(default_factory=Counter)
    deaf: set[str] = field(default_factory=set)  # payees that take no money

    @property
    def held(self) -> int:
        return self.paid_in - sum(self.released.values())

    def due(self, payee: str) -> int:
        return self.paid_in * self.shares.get(payee, 0) // WHOLE - self.released[payee]

    # minting

    def team_mint(self, caller: str, to: str, quantity: int) -> None:
        self.check_owner(caller)
        require(not self.sale.paused, "Paused")
        self.mint_to(to, quantity)

    def claim(self, caller: str, entry: Entry, proof: list[bytes], quantity: int, value: int) -> None:
        self.check_open(self.sale.presale)
        known = self.tree is not None and entry.leaf() in self.tree.nodes and self.tree.proof(entry) == proof
        require(known and entry.wallet == caller, "NotOnAllowlist")
        require(value == entry.price * quantity, "WrongPayment")
        require(self.claimed[caller] + quantity <= entry.limit, "OverLimit")
        self.mint_to(caller, quantity)
        self.claimed[caller] += quantity
        self.paid_in += value

    def mint(self, caller: str, quantity: int, value: int) -> None:
        self.check_open(self.sale.public)
        require(value == self.sale.price * quantity, "WrongPayment")
        require(not self.sale.limit or self.bought[caller] + quantity <= self.sale.limit, "OverLimit")
        self.mint_to(caller, quantity)
        self.bought[caller] += quantity
        self.paid_in += value

    def check_open(self, times: tuple[int, int]) -> None:
        require(not self.sale.paused, "Paused")
        require(times[0] <= self.time < times[1], "Closed")

    def mint_to(self, to: str, quantity: int) -> None:
        require(bool(self.tokens) or any(self.provenance), "NoProvenance")
        require(len(self.tokens) + quantity <= self.supply, "SoldOut")
        require(quantity > 0, "MintZeroQuantity")
        self.tokens += [to] * quantity

    # tokens

    def transfer(self, caller: str, giver: str, to: str, token: int, value: int) -> None:
        require(1 <= token <= len(self.tokens), "OwnerQueryForNonexistentToken")
        require(self.tokens[token - 1] == giver, "TransferFromIncorrectOwner")
        may = caller in (giver, self.approved.get(token)) or (giver, caller) in self.operators
        require(may, "TransferCallerNotOwnerNorApproved")
        require(to != NOBODY, "TransferToZeroAddress")
        self.tokens[token - 1] = to
        self.approved.pop(token, None)
        self.paid_in += value

    def approve(self, caller: str, to: str, token: int, value: int) -> None:
        require(1 <= token <= len(self.tokens), "OwnerQueryForNonexistentToken")
        holder = self.tokens[token - 1]
        require(caller == holder or (holder, caller) in self.operators, "ApprovalCallerNotOwnerNorApproved")
        self.approved[token] = to
        self.paid_in += value

    def approve_all(self, caller: str, operator: str, approved: bool) -> None:
        (self.operators.add if approved else self.operators.discard)((caller, operator))

    # the owner

    def check_owner(self, caller: str) -> None:
        require(caller == self.owner, "OwnableUnauthorizedAccount")

    def set_presale(self, caller: str, tree: Tree, start: int, end: int) -> None:
        self.check_owner(caller)
        require(start <= end, "BadTimes")
        self.tree, self.sale.presale = tree, (start, end)

    def set_public_sale(self, caller: str, start: int, end: int, price: int, limit: int) -> None:
        self.check_owner(caller)
        require(start <= end, "BadTimes")
        self.sale.public, self.sale.price, self.sale.limit = (start, end), price, limit

    def set_paused(self, caller: str, paused: bool) -> None:
        self.check_owner(caller)
        self.sale.paused = paused

    def set_provenance(self, caller: str, provenance: bytes) -> None:
        self.check_owner(caller)
        require(not self.tokens, "ProvenanceFixed")
        self.provenance = provenance

    def set_base(self, caller: str, base: str) -> None:
        self.check_owner(caller)
        require(not self.frozen, "Frozen")
        self.base = base

    def freeze(self, caller: str) -> None:
        self.check_owner(caller)
        require(not self.frozen, "Frozen")
        self.frozen = True

    def set_contract_uri(self, caller: str, uri: str) -> None:
        self.check_owner(caller)
        self.contract_uri = uri

    def set_royalty(self, caller: str, receiver: str, points: int) -> None:
        self.check_owner(caller)
        require(points <= 1000, "RoyaltyTooHigh")
        require(receiver != NOBODY, "ERC2981InvalidDefaultRoyaltyReceiver")
        self.royalty = (receiver, points)

    def offer(self, caller: str, to: str) -> None:
        self.check_owner(caller)
        self.pending = to

    def accept(self, caller: str) -> None:
        require(caller == self.pending, "OwnableUnauthorizedAccount")
        self.owner, self.pending = caller, NOBODY

    # money

    def withdraw(self, payee: str) -> None:
        require(self.due(payee) > 0, "NothingDue")
        require(payee not in self.deaf, "FailedCall")
        self.released[payee] += self.due(payee)
