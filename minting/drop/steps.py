"""What is still to be done, as the chain stands: of what it holds already, nothing is called again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from errors import StepRefused, WrongChain
from minting.chain.node import Node
from minting.drop.calls import Call, ask, call
from minting.drop.contract import compiled
from minting.drop.terms import Phase, Terms

OPEN, MINT, REVEAL, FREEZE, WITHDRAW, STOP = "open", "mint", "reveal", "freeze", "withdraw", "stop"
AT_ONCE = 200  # tokens of a team mint in one transaction: under a million gas
NO_ROOT = "0x" + 64 * "0"


@dataclass(frozen=True)
class Drop:
    """The contract as it stands on a chain, and its terms. What it asks raises NodeFailed."""

    node: Node
    address: str
    terms: Terms

    def ask(self, function: str, *arguments: Any) -> Any:
        return ask(self.node, self.address, function, *arguments)

    def check_code(self) -> None:
        """Raises WrongChain where something else lies at the address than this contract."""
        with self.node.asking("the contract's code"):
            code = bytes(self.node.web3.eth.get_code(self.address))  # type: ignore[arg-type]
        if not compiled().is_code(code):
            found = "another contract" if code else "no contract"
            raise WrongChain(self.node.network.name, f"at {self.address} lies {found} than the one that was rehearsed")

    def check_terms(self) -> None:
        """Raises WrongChain where what a deployment fixes for ever, and its owner, are not those of the terms."""
        owner = self.ask("owner")
        fixed = {
            "name": (self.ask("name"), self.terms.name),
            "symbol": (self.ask("symbol"), self.terms.symbol),
            "supply": (self.ask("maxSupply"), self.terms.supply),
            "owner": (owner, self.terms.owner or owner),
            "provenance": (self.ask("provenance").hex(), self.terms.provenance),
            "payees": ({one: self.ask("shareOf", one) for one in self.ask("payees")}, self.terms.shares(owner)),
        }
        if wrong := [
            f"{key} {found!r} instead of {wanted!r}" for key, (found, wanted) in fixed.items() if found != wanted
        ]:
            raise WrongChain(self.node.network.name, f"{self.address} has {'; '.join(wrong)}")

    def check_signer(self, signer: str) -> None:
        """Raises StepRefused where the contract would not listen to them."""
        if (owner := self.ask("owner")) != signer:
            told = f"{self.address} belongs to {owner}, not to {signer}; --unsigned writes the calls for its owner"
            raise StepRefused(self.node.network.name, "the keystore", told)

    def opening(self, root: str) -> Iterator[Call]:
        """Set what is not yet set of the phases; let minting go on where it was stopped. `root`: of the allowlist,
        hexadecimal with 0x."""
        sale, terms = self.sale(), self.terms
        if self.ask("provenance") == bytes(32) and not self.ask("totalMinted"):
            yield self.call(OPEN, "fix the provenance hash", "setProvenance", bytes.fromhex(terms.provenance))
        found = "0x" + self.ask("allowlistRoot").hex()
        wanted = root if terms.presale.start else NO_ROOT
        if (sale["presaleStart"], sale["presaleEnd"], found) != (terms.presale.start, terms.presale.end, wanted):
            what = f"open the presale, {times(terms.presale)}" if terms.presale.start else "close the presale"
            arguments = (bytes.fromhex(wanted[2:]), terms.presale.start, terms.presale.end)
            yield self.call(OPEN, what, "setPresale", *arguments)
        given = (terms.public.start, terms.public.end, terms.public.price, terms.public.limit)
        if given != (sale["publicStart"], sale["publicEnd"], sale["publicPrice"], sale["publicLimit"]):
            limit = f"{terms.public.limit} a wallet" if terms.public.limit else "any number a wallet"
            price = f"{terms.public.price / 10**18:g} {self.node.network.coin} a token"
            what = f"open the public phase, {times(terms.public)}, {price}, {limit}"
            yield self.call(OPEN, what if terms.public.start else "close the public phase", "setPublicSale", *given)
        if sale["paused"]:
            yield self.call(OPEN, "let minting go on", "setPaused", False)

    def stopping(self) -> Iterator[Call]:
        if not self.sale()["paused"]:
            yield self.call(STOP, "stop minting in every phase", "setPaused", True)

    def minting(self) -> Iterator[Call]:
        """What the team does not have yet of its tokens."""
        for wallet, wanted in self.terms.team.items():
            there = self.ask("teamMinted", wallet)
            while there < wanted:
                count = min(AT_ONCE, wanted - there)
                there += count
                what = f"mint {count} of the team's tokens to {wallet} ({there} of {wanted})"
                yield self.call(MINT, what, "teamMint", wallet, count)

    def revealing(self, base_uri: str, contract_uri: str) -> Iterator[Call]:
        if self.ask("baseURI") != base_uri:
            yield self.call(REVEAL, f"reveal: the tokens' metadata is at {base_uri}", "setBaseURI", base_uri)
        if self.ask("contractURI") != contract_uri:
            what = f"the collection's metadata is at {contract_uri}"
            yield self.call(REVEAL, what, "setContractURI", contract_uri)

    def freezing(self, base_uri: str) -> Iterator[Call]:
        """Raises StepRefused before the reveal: what is frozen stays for ever."""
        if self.ask("frozen"):
            return
        if (found := self.ask("baseURI")) != base_uri:
            told = f"the base URI is {found!r}, and the release's is {base_uri!r}: `toadworks reveal` comes first"
            raise StepRefused(self.node.network.name, "freeze", told)
        yield self.call(FREEZE, f"freeze: {base_uri} is the base URI for ever", "freeze")

    def withdrawing(self) -> Iterator[Call]:
        for payee in self.ask("payees"):
            if due := self.ask("due", payee):
                what = f"pay {self.node.network.money(due)} to {payee}"
                yield self.call(WITHDRAW, what, "withdraw", payee)

    def sale(self) -> dict[str, Any]:
        """Drop.sol's Sale, by the names that it has there."""
        entry = next(one for one in compiled().abi if one.get("name") == "sale")
        return dict(zip((one["name"] for one in entry["outputs"]), self.ask("sale"), strict=True))

    def call(self, kind: str, what: str, function: str, *arguments: Any) -> Call:
        return call(kind, what, self.address, function, *arguments)


def times(phase: Phase) -> str:
    start, end = (datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M:%S") for one in (phase.start, phase.end))
    return f"from {start} to {end} UTC"
