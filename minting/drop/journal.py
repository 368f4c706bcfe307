"""What was signed for a network, and what became of it: written before anything is sent, and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import Lines
from errors import BadValue

FILE = "journal.jsonl"
CHAIN, SIGNED, DONE, FAILED, LOST, OVERTAKEN, ADOPTED = (
    *("chain", "signed", "done", "failed", "lost", "overtaken", "adopted"),
)
DEPLOY = "deploy"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A transaction as it was signed. `step`: which it does, counted from 1; `kind`: of step; `hash`, `raw`, `data`:
    hexadecimal with 0x; `gas`: at most; `fee`, `tip`: wei of gas (EIP-1559's maximum and priority); `ceiling`: what
    `fee` may be raised to, as it was agreed; `value`: wei; `sender`, `to` ("" deploys): EIP-55."""

    step: int
    kind: str
    what: str
    sender: str
    to: str
    nonce: int
    gas: int
    fee: int
    tip: int
    ceiling: int
    hash: str
    raw: str
    data: str
    value: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """What the chain holds of a step. `hash`: of the attempt that was mined; `contract`: what it deployed, or "";
    `paid`: wei, for its gas."""

    step: int
    hash: str
    block: int
    block_hash: str
    contract: str
    gas_used: int
    paid: int


@dataclass
class Entry:
    """A step: every transaction that was signed for it (one nonce, the last with the highest fee), and its end.

    `state`: SIGNED until it is known, then DONE; FAILED (it was mined and reverted); OVERTAKEN (its nonce was used by a
    transaction that is not ours, so it never will be mined). LOST (a reorg took it) is SIGNED again.
    """

    step: int
    attempts: list[Signed]
    state: str = SIGNED
    done: Done | None = None

    @property
    def last(self) -> Signed:
        return self.attempts[-1]


class Journal:
    """The journal in `folder`, one for each network: a killed process goes on from it. Raw signed transactions are in
    it: anybody may send them, and only once, so they are no secret, but nobody else's business.

    Raises BadValue for one in which a line is damaged or missing: what was signed must not be forgotten.
    """

    def __init__(self, folder: Path) -> None:
        self.entries: dict[int, Entry] = {}
        self.chain: dict[str, Any] = {}
        self.adopted: dict[str, Any] = {}
        self._lines = Lines(folder / FILE)
        try:
            for line in self._lines.read:
                self._take(line)
            whole = not self._lines.damaged and list(self.entries) == list(range(1, len(self.entries) + 1))
        except (KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            self._lines.close()
            where = f" (line {self._lines.damaged[0]} is damaged)" if self._lines.damaged else ""
            allowed = f"the lines that this version of Toadworks wrote, every one of them{where}; put it back as it was"
            raise BadValue("journal of a drop", str(folder / FILE), allowed)

    @property
    def file(self) -> Path:
        return self._lines.file

    @property
    def pending(self) -> list[Entry]:
        """Steps whose end is not known, in their order: a later one may need what an earlier one does."""
        return [entry for _, entry in sorted(self.entries.items()) if entry.state == SIGNED]

    @property
    def next_step(self) -> int:
        return max(self.entries, default=0) + 1

    @property
    def last_block(self) -> int:
        """Of what was done: a node that does not have it is behind."""
        return max((entry.done.block for entry in self.entries.values() if entry.done), default=0)

    @property
    def deployer(self) -> str:
        """Who deployed the contract; "" where that was another program."""
        return next((one.last.sender for one in self.entries.values() if one.done and one.last.kind == DEPLOY), "")

    @property
    def deployment(self) -> tuple[str, int] | None:
        """The contract's address and the block of its deployment, once that is done."""
        if self.adopted:
            return str(self.adopted["contract"]), int(self.adopted["block"])
        for entry in self.entries.values():
            if entry.state == DONE and entry.done and entry.last.kind == DEPLOY:
                return entry.done.contract, entry.done.block
        return None

    def note_chain(self, about: dict[str, Any]) -> None:
        """Which chain this is about: chain id, and the hash of its first block."""
        self._add(CHAIN, about)

    def note_adopted(self, contract: str, block: int) -> None:
        """A contract that another program deployed."""
        self._add(ADOPTED, {"contract": contract, "block": block})

    def note_signed(self, signed: Signed) -> None:
        self._add(SIGNED, vars(signed))

    def note_done(self, done: Done) -> None:
        self._add(DONE, vars(done))

    def note_end(self, step: int, state: str, why: str) -> None:
        """FAILED, OVERTAKEN or LOST."""
        self._add(state, {"step": step, "why": why})

    def close(self) -> None:
        self._lines.close()

    def _add(self, entry: str, about: dict[str, Any]) -> None:
        line = {"entry": entry, **about}
        self._lines.add(line)
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        about = {key: value for key, value in line.items() if key != "entry"}
        kind = line.get("entry")
        if kind == CHAIN:
            self.chain = about
        elif kind == ADOPTED:
            self.adopted = about
        elif kind == SIGNED:
            signed = Signed(**about)
            self.entries.setdefault(signed.step, Entry(signed.step, [])).attempts.append(signed)
        elif kind == DONE:
            done = Done(**about)
            self.entries[done.step].state, self.entries[done.step].done = DONE, done
        elif kind in (FAILED, LOST, OVERTAKEN):
            entry = self.entries[about["step"]]
            entry.state, entry.done = (SIGNED if kind == LOST else kind), None
