"""What is still to be done, as the chain stands: of what it holds already, nothing is called again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from errors import StepRefused, WrongChain
from minting.chain.coins import coins_of
from minting.chain.node import Node
from minting.drop.calls import Call, ask, call
from minting.drop.contract import compiled
from minting.drop.terms import Phase, Terms

OPEN, MINT, REVEAL, FREEZE, WITHDRAW, STOP = "open", "mint", "reveal", "freeze", "withdraw", "stop"
AT_ONCE = 200  # tokens of a team mint in one transaction: under a million gas
NO_ROOT = "0x" + 64 * "0"


@dataclass(frozen=True)
class Drop:
    """The contract as it stands on a chain, at a block or now, and its terms where they matter. What it asks raises
    NodeFailed."""

    node: Node
    address: str
    wanted: Terms | None = None
    block: int | None = None

    @property
    def terms(self) -> Terms:
        assert self.wanted is not None
        return self.wanted

    def ask(self, function: str, *arguments: Any) -> Any:
        return ask(self.node, self.address, function, *arguments, block=self.block)

    def check_code(self) -> None:
        """Raises WrongChain where something else lies at the address than this contract."""
        with self.node.asking("the contract's code"):
            code = bytes(self.node.web3.eth.get_code(self.address))  # type: ignore[arg-type]
        if not compiled().is_code(code):
            found = "another contract than the one that was rehearsed" if code else "no contract"
            raise WrongChain(self.node.network.name, f"at {self.address} there is {found}")

    def check_terms(self, deployer: str = "") -> None:
        """Raises WrongChain where what a deployment fixes for ever is not what the terms say. `deployer`: who deployed
        it, "" where that is not known."""
        fixed = {
            "name": (self.ask("name"), self.terms.name),
            "symbol": (self.ask("symbol"), self.terms.symbol),
            "supply": (self.ask("maxSupply"), self.terms.supply),
        }
        if self.terms.payees or self.terms.owner or deployer:
            shares = {one: self.ask("shareOf", one) for one in self.ask("payees")}
            fixed["payees"] = (shares, self.terms.shares(deployer))
        wrong = [f"{key} {found!r} instead of {wanted!r}" for key, (found, wanted) in fixed.items() if found != wanted]
        if wrong:
            told = f"{self.address} was deployed with {'; '.join(wrong)}: it cannot be changed any more"
            raise WrongChain(self.node.network.name, f"{told}; put collection.toml and the release back as they were")

    def check_provenance(self, known: Collection[str]) -> None:
        """Raises StepRefused where the hash that the first mint fixed is none of the release's."""
        if (found := self.ask("provenance").hex()) not in known and self.ask("totalMinted"):
            told = (
                f"the contract's provenance hash {found} is not the release's: its images or their order were changed"
            )
            raise StepRefused(self.node.network.name, "the release", told)

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
            what = f"set the provenance hash {terms.provenance}"
            yield self.call(OPEN, what, "setProvenance", bytes.fromhex(terms.provenance))
        found = "0x" + self.ask("allowlistRoot").hex()
        wanted = root if terms.presale.start else NO_ROOT
        if (sale["presaleStart"], sale["presaleEnd"], found) != (terms.presale.start, terms.presale.end, wanted):
            what = f"open the presale, {times(terms.presale)}" if terms.presale.start else "close the presale"
            arguments = (bytes.fromhex(wanted[2:]), terms.presale.start, terms.presale.end)
            yield self.call(OPEN, what, "setPresale", *arguments, details=(f"the allowlist's root: {wanted}",))
        given = (terms.public.start, terms.public.end, terms.public.price, terms.public.limit)
        if given != (sale["publicStart"], sale["publicEnd"], sale["publicPrice"], sale["publicLimit"]):
            limit = f"{terms.public.limit} a wallet" if terms.public.limit else "any number a wallet"
            price = f"{coins_of(terms.public.price)} {self.node.network.coin} a token"
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

    def call(
        self, kind: str, what: str, function: str, *arguments: Any, value: int = 0, details: tuple[str, ...] = ()
    ) -> Call:
        return call(kind, what, self.address, function, *arguments, value=value, details=details)


def times(phase: Phase) -> str:
    start, end = (datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M:%S") for one in (phase.start, phase.end))
    return f"from {start} to {end} UTC"
