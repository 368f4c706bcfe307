"""The whole drop on a chain inside this process, deploy to withdraw: what each role signs, and what gas it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from errors import RunFailed, StepRefused
from minting.allowlist.files import Allowlist
from minting.allowlist.rules import Entry
from minting.chain.inside import inside_node
from minting.drop.calls import Call, call, deployment, gas_of
from minting.drop.journal import Done, Journal
from minting.drop.sending import Sender, Waiting
from minting.drop.steps import NO_ROOT, Drop
from minting.drop.terms import Phase, Terms
from minting.ethereum import LocalAccount

OWNER, WALLET, BUYER, STRANGER, PAYEE = "owner", "wallet on the allowlist", "buyer", "somebody else", "anybody"
MOST_PROOFS = 200  # of wallets whose claims are tried, from one end of the list to the other
NOW = Waiting(pause=0.0)


@dataclass(frozen=True)
class Line:
    """What a role signs, and the gas that it took; 0 for what was refused, as it has to be, with the reason."""

    role: str
    what: str
    gas: int = 0
    refused: str = ""


@dataclass
class Rehearsal:
    """`notes`: what was left out, or is worth a look."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def gas(self, role: str) -> int:
        return sum(line.gas for line in self.lines if line.role == role)


def rehearse(
    terms: Terms,
    entries: Sequence[Entry],
    revealed: tuple[str, str],
    *,
    begun: bool = False,
    heard: Callable[[Line], None] = lambda line: None,
) -> Rehearsal:
    """Deploy, open, mint for the team, claim, buy, reveal, freeze and withdraw, each as it will be done, and try what
    has to be refused. `entries`: of the allowlist; `revealed`: the release's base URI and contractURI; `begun`:
    whether the drop is under way, so that a phase may be over; `heard`: is told each line as it is played.

    Nobody's key is needed: accounts of this chain stand for the owner and the buyers, and for the wallets that may mint
    the most and the least; the claims of the others are tried without being made. Raises RunFailed, StepRefused or
    StepFailed where something does not go as it has to.
    """
    with TemporaryDirectory() as folder:
        return _Stage(terms, entries, revealed, Path(folder), begun, heard).play()


class _Stage:
    def __init__(
        self,
        terms: Terms,
        entries: Sequence[Entry],
        revealed: tuple[str, str],
        folder: Path,
        begun: bool,
        heard: Callable[[Line], None],
    ) -> None:
        self.tried = _spread([entry.address for entry in _ordered(entries)[1:-1]])
        self.node, (owner, *others) = inside_node(5, rich=self.tried)
        self.least, self.most, self.buyer, self.stranger = others[:4]
        self.owner = owner
        self.terms = replace(terms, owner=owner.address)  # a multisig signs in its own place
        self.entries, self.revealed, self.heard = entries, revealed, heard
        self.folder, self.begun = folder, begun
        self.told = Rehearsal()
        self.drop = Drop(self.node, "", self.terms)

    def play(self) -> Rehearsal:
        address = self._does(OWNER, self.owner, deployment(self.terms, self.owner.address)).contract
        self.drop = Drop(self.node, address, self.terms)
        self.drop.check_code()
        self.allowlist = Allowlist(self.node.network.chain_id, address, self._with_stand_ins())
        for one in self.drop.opening(self.allowlist.root if self.entries else NO_ROOT):
            self._does(OWNER, self.owner, one)
        for one in self.drop.minting():
            self._does(OWNER, self.owner, one)
        self._presale()
        self._public()
        self._supply()
        self._reveal()
        for payee in self.drop.ask("payees"):
            self._pays(payee)
        return self.told

    def _with_stand_ins(self) -> list[Entry]:
        """Two wallets of this chain in the places of those that may mint the least and the most."""
        ordered = _ordered(self.entries)
        if not ordered:
            return []
        least = replace(ordered[0], address=self.least.address)
        most = replace(ordered[-1], address=self.most.address)
        return [least, *ordered[1:-1], most] if len(ordered) > 1 else [least]

    def _presale(self) -> None:
        phase = self.terms.presale
        if not self._opens("presale", phase):
            return
        if not self.entries:
            self.told.notes.append("the presale has no allowlist yet: nobody can claim (`toadworks allowlist`)")
            return
        least, *_, most = self.allowlist.entries
        self._comes(phase, lambda: self._fails(WALLET, self.least, self._claim(least, 1), "Closed"))
        self._does(WALLET, self.least, self._claim(least, 1))
        if most is not least:
            self._does(WALLET, self.most, self._claim(most, min(most.limit, self._left())))
            if self._left():
                self._fails(WALLET, self.most, self._claim(most, 1), "OverLimit")
        self._fails(STRANGER, self.stranger, self._claim(least, 1), "NotOnAllowlist")
        if least.limit > 1:
            self._fails(WALLET, self.least, self._claim(least, 1, extra=1), "WrongPayment")
        if not self._left():
            return
        for address in self.tried:
            gas_of(self.node, self._claim(self.allowlist.proof(address)[0], 1), address)
        if self.tried:
            told = f"the claims of {len(self.tried)} of the {len(self.entries)} wallets on the allowlist"
            self.told.notes.append(f"{told} were tried with their proofs, and pass")

    def _public(self) -> None:
        phase = self.terms.public
        if not self._opens("public phase", phase):
            return
        self._comes(phase, lambda: self._fails(BUYER, self.buyer, self._buy(1), "Closed"))
        most = min(phase.limit or 5, self._left())
        if most < 1:
            self.told.notes.append("nothing was left for the public phase: team and allowlist took all of it")
            return
        self._does(BUYER, self.buyer, self._buy(1))
        if most > 1:
            self._does(BUYER, self.buyer, self._buy(most - 1))
        if phase.limit and self._left():
            self._fails(BUYER, self.buyer, self._buy(1), "OverLimit")
        if self._left():
            self._fails(STRANGER, self.stranger, self._buy(1, extra=1), "WrongPayment")
        self._travel(phase.end)
        self._fails(STRANGER, self.stranger, self._buy(1), "Closed")

    def _supply(self) -> None:
        more = self._left() + 1
        one = self.drop.call("mint", f"mint {more}, one more than there are", "teamMint", self.owner.address, more)
        self._fails(OWNER, self.owner, one, "SoldOut")

    def _reveal(self) -> None:
        if not self.drop.ask("totalMinted"):
            one = self.drop.call("mint", "mint a first token", "teamMint", self.owner.address, 1)
            self._does(OWNER, self.owner, one)
        for one in self.drop.revealing(*self.revealed):
            self._does(OWNER, self.owner, one)
        if (found := self.drop.ask("tokenURI", 1)) != f"{self.revealed[0]}1":
            raise RunFailed(f"after the reveal, tokenURI(1) is {found}, not {self.revealed[0]}1")
        for one in self.drop.freezing(self.revealed[0]):
            self._does(OWNER, self.owner, one)
        again = self.drop.call("reveal", "another base URI", "setBaseURI", "ipfs://another/")
        self._fails(OWNER, self.owner, again, "Frozen")

    def _pays(self, payee: str) -> None:
        due = self.drop.ask("due", payee)
        if not due:
            return
        before = self._balance(payee)
        share = self.drop.ask("shareOf", payee) / 100
        what = f"withdraw: {due / 10**18:g} coins, {share:g} % of what was paid, to {self._called(payee)}"
        self._does(PAYEE, self.stranger, self.drop.call("withdraw", what, "withdraw", payee))
        if self._balance(payee) - before != due:
            raise RunFailed(f"{payee} did not get the {due} wei that were due to it")

    def _called(self, address: str) -> str:
        return "whoever owns the contract" if address == self.owner.address else address

    def _claim(self, entry: Entry, count: int, extra: int = 0) -> Call:
        """`extra`: wei too many."""
        _, proof = self.allowlist.proof(entry.address)
        what = f"claim {count} at {entry.price / 10**18:g} coins each" + (" and a wei" if extra else "")
        steps = [bytes.fromhex(one[2:]) for one in proof]
        return self._payable(what, "claim", count, entry.limit, entry.price, steps, value=count * entry.price + extra)

    def _buy(self, count: int, extra: int = 0) -> Call:
        price = self.terms.public.price
        what = f"mint {count} at {price / 10**18:g} coins each" + (" and a wei" if extra else "")
        return self._payable(what, "mint", count, value=count * price + extra)

    def _payable(self, what: str, function: str, *arguments: Any, value: int) -> Call:
        return call("sale", what, self.drop.address, function, *arguments, value=value)

    def _left(self) -> int:
        return self.terms.supply - int(self.drop.ask("totalMinted"))

    def _does(self, role: str, account: LocalAccount, one: Call) -> Done:
        """It goes well."""
        sender = Sender(self.node, Journal(self.folder / account.address), account, waiting=NOW)
        done = sender.send(one)
        sender.journal.close()
        self._tell(Line(role, one.what, done.gas_used))
        return done

    def _fails(self, role: str, account: LocalAccount, one: Call, error: str) -> None:
        """The contract refuses it, for this reason. Raises RunFailed where it does not."""
        try:
            gas_of(self.node, one, account.address)
        except StepRefused as refused:
            if f"({error})" not in refused.problem:
                raise RunFailed(f"{role}: {one.what}: {refused.problem}, and not with {error}") from None
        else:
            raise RunFailed(f"{role}: {one.what}: the contract lets it pass, and has to refuse it ({error})")
        self._tell(Line(role, one.what, refused=error))

    def _tell(self, line: Line) -> None:
        self.told.lines.append(line)
        self.heard(line)

    def _opens(self, name: str, phase: Phase) -> bool:
        """Whether it is planned, and is not over."""
        if not phase.start:
            self.told.notes.append(f"there is no {name}: drop.{name.split()[0]}_start is empty")
        elif phase.end <= self._time():
            if not self.begun:
                raise RunFailed(f"the {name} is over before it began: drop.{name.split()[0]}_end has passed")
            self.told.notes.append(f"the {name} is over, and was not played")
            return False
        return phase.start != 0

    def _comes(self, phase: Phase, early: Callable[[], None]) -> None:
        """Its time comes; before that, if it is still to come, `early` is tried."""
        if self._time() < phase.start - 1:
            early()
            self._travel(phase.start)

    def _time(self) -> int:
        return int(self.node.web3.eth.get_block("latest")["timestamp"])

    def _balance(self, address: str) -> int:
        return self.node.web3.eth.get_balance(address)  # type: ignore[arg-type]

    def _travel(self, time: int) -> None:
        """The next block is of that time."""
        if time > self._time():
            self.node.web3.provider.ethereum_tester.time_travel(time)  # type: ignore[attr-defined]


def _ordered(entries: Sequence[Entry]) -> list[Entry]:
    """From those that may mint the least to those that may mint the most."""
    return sorted(entries, key=lambda entry: (entry.limit, entry.price, entry.address))


def _spread(addresses: Sequence[str]) -> list[str]:
    """At most MOST_PROOFS of them, from one end to the other."""
    count = min(len(addresses), MOST_PROOFS)
    return [addresses[at * len(addresses) // count] for at in range(count)]
