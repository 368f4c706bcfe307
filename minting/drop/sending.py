"""Sending steps, each exactly once: signed, written down, sent, and waited for, whatever happens in between.

A step is a nonce: it is written into the journal before it is sent, so whoever goes on from there sends the same bytes
again, and the chain takes one transaction of a nonce. Only the fee of a step is ever changed, with the same nonce.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from errors import NodeFailed, NodeRefused, StepFailed, StepRefused
from minting.chain.networks import GWEI
from minting.chain.node import Node
from minting.drop.calls import Call, gas_of
from minting.drop.fees import Fees, ceiling_of, fees_now, raised
from minting.drop.journal import DONE, FAILED, LOST, OVERTAKEN, Done, Entry, Journal, Signed
from minting.ethereum import LocalAccount, keeping_recursion_limit

with keeping_recursion_limit():
    from web3.exceptions import TransactionNotFound
    from web3.utils.address import get_create_address

ROOM = 1.2  # gas beyond the estimate: the state may change until it is mined
# nodes' words, without blanks: for a transaction that they have or had, that pays too little, that cannot be paid
KNOWN = ("alreadyknown", "alreadyimported", "knowntransaction", "alreadyexists", "noncetoolow", "oldnonce", "alreadyin")
CHEAP = ("underpriced", "lessthanblockbasefee", "feetoolow", "replacementnotallowed")
POOR = ("insufficientfunds", "insufficientbalance", "exceedsaccountbalance")


@dataclass(frozen=True)
class Waiting:
    """Seconds. `pause`: between two looks; `again`: until a transaction that is not mined is sent once more; `stalled`:
    until its fee is raised; `doubt`: for how long a nonce must seem to be another's before it counts as lost; `away`:
    for how long a node may not answer."""

    pause: float = 1.0
    again: float = 15.0
    stalled: float = 120.0
    doubt: float = 30.0
    away: float = 300.0


PATIENT = Waiting()


@dataclass(frozen=True)
class Priced:
    """A call, the gas that it should take, and wei: likely, and at most. `ceiling`: wei of gas at most, if its fee has
    to be raised."""

    call: Call
    gas: int
    likely: int
    most: int
    ceiling: int


def created_by(attempt: Signed) -> str:
    """The address of what a transaction deploys: it follows from the sender and the nonce."""
    return str(get_create_address(attempt.sender, attempt.nonce))  # type: ignore[arg-type]


class Sender:
    """Sends calls by one account (None: only settles what was sent). `say` is told what is waited for."""

    def __init__(
        self,
        node: Node,
        journal: Journal,
        account: LocalAccount | None = None,
        *,
        say: Callable[[str], None] = lambda text: None,
        waiting: Waiting = PATIENT,
    ) -> None:
        self.node, self.journal, self.account, self.say, self.waiting = node, journal, account, say, waiting

    def settle(self, *, only_look: bool = False) -> None:
        """Bring every step that was signed to its end; notice what a reorg took, and send it again. With `only_look`,
        nothing is sent.

        Raises StepFailed for one that was mined and reverted, or whose nonce another transaction used; NodeFailed
        where the node stays away; StepRefused where something would have to be sent with `only_look`.
        """
        for entry in self.journal.entries.values():
            if entry.done:
                self._look_again(entry, entry.done)
            elif entry.state in (FAILED, OVERTAKEN):  # a node may have been wrong, or a reorg put it right
                found = self._receipt(entry)
                if found and found[1]["status"] and self._depth(found) >= self.node.network.confirmations:
                    self._finish(entry, found)
        for entry in self.journal.pending:
            if not only_look:
                self._wait_for(entry)
            elif not (found := self._receipt(entry)) or self._depth(found) < self.node.network.confirmations:
                told = "it was signed and is not confirmed; the same command without --dry-run or --unsigned goes on"
                raise StepRefused(self.node.network.name, entry.last.what, told)
            else:
                self._finish(entry, found)

    def price(self, calls: list[Call], sender: str = "") -> list[Priced]:
        """What they would cost now. Raises StepRefused where one would be reverted, takes too much gas, or is paid too
        dearly."""
        sender = sender or self._signer.address
        fees = fees_now(self.node)
        ceiling = ceiling_of(self.node, fees)
        priced = []
        for one in calls:
            gas = gas_of(self.node, one, sender)
            limit = int(gas * ROOM)
            if limit > self.node.network.max_gas:
                told = f"it takes {gas} gas, and max_gas is {self.node.network.max_gas}"
                raise StepRefused(self.node.network.name, one.what, told)
            priced.append(Priced(one, gas, gas * fees.likely + one.value, limit * ceiling + one.value, ceiling))
        return priced

    def check_funds(self, priced: list[Priced]) -> None:
        """Raises StepRefused where the account cannot pay for all of them."""
        address, network = self._signer.address, self.node.network
        with self.node.asking("the balance"):
            balance = self.node.web3.eth.get_balance(address)
        if balance < (most := sum(one.most for one in priced)):
            told = f"it may take {network.money(most)}, and {address} has {network.money(balance)}"
            raise StepRefused(network.name, "the account", told)

    def send(self, one: Call, agreed: Priced | None = None) -> Done:
        """Do it, and wait until it has its confirmations. Nothing else may be pending (`settle`). Raises StepRefused
        where it would come to more than was `agreed`."""
        priced = self.price([one])[0]
        agreed = agreed or priced
        if priced.gas > agreed.gas * ROOM:
            told = f"it takes {priced.gas} gas now, and {agreed.gas} were agreed to"
            raise StepRefused(self.node.network.name, one.what, told)
        fees = fees_now(self.node, agreed.ceiling)
        step = self.journal.next_step
        nonce = self._nonce()
        limit = min(int(priced.gas * ROOM), self.node.network.max_gas)
        self._sign(step, one, nonce, limit, fees, agreed.ceiling)
        return self._wait_for(self.journal.entries[step])

    @property
    def _signer(self) -> LocalAccount:
        if self.account is None:
            raise StepRefused(self.node.network.name, "signing", "no keystore was given")
        return self.account

    def _nonce(self) -> int:
        """The next one. Raises StepRefused where another program uses this account just now."""
        address, name = self._signer.address, self.node.network.name
        mined = [one.last for one in self.journal.entries.values() if one.state in (DONE, FAILED)]
        used = [one.nonce for one in mined if one.sender == address]
        end = time.monotonic() + self.waiting.doubt
        while True:
            with self.node.asking("the nonce"):
                nonce = self.node.web3.eth.get_transaction_count(address, "latest")
                pending = self.node.web3.eth.get_transaction_count(address, "pending")
            if nonce > max(used, default=-1) and pending <= nonce:
                return nonce
            if time.monotonic() > end:
                break
            time.sleep(self.waiting.pause)  # nodes behind one address may be some blocks apart
        if pending > nonce:
            told = f"{address} has {pending - nonce} other transactions under way; wait until they are mined"
        else:
            told = "the node is behind what was confirmed before; try again later, or another node"
        raise StepRefused(name, "the nonce", told)

    def _sign(self, step: int, one: Call, nonce: int, gas: int, fees: Fees, ceiling: int) -> None:
        about: dict[str, Any] = {
            "type": 2,
            "chainId": self.node.network.chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.fee,
            "maxPriorityFeePerGas": fees.tip,
            "value": one.value,
            "data": one.data,
        }
        if one.to:
            about["to"] = one.to
        signed = self._signer.sign_transaction(about)
        self.journal.note_signed(
            Signed(
                step=step,
                kind=one.kind,
                what=one.what,
                sender=self._signer.address,
                to=one.to,
                nonce=nonce,
                gas=gas,
                fee=fees.fee,
                tip=fees.tip,
                ceiling=ceiling,
                hash="0x" + signed.hash.hex().removeprefix("0x"),
                raw="0x" + signed.raw_transaction.hex().removeprefix("0x"),
                data=one.data,
                value=one.value,
            )
        )

    def _wait_for(self, entry: Entry) -> Done:
        """Until it is mined and confirmed."""
        began = answered = time.monotonic()
        sent = raised = seen_overtaken = 0.0
        cheap = False
        told = text = ""
        while True:
            now = time.monotonic()
            try:
                found = self._receipt(entry)
                if found is None and not seen_overtaken and now - sent > self.waiting.again:
                    sent = now
                    cheap = self._push(entry)
                    found = self._receipt(entry)
                depth = self._depth(found) if found else -1
                if found and depth >= self.node.network.confirmations:
                    return self._finish(entry, found)
                if found and depth >= 0:
                    seen_overtaken = 0.0
                    wanted = self.node.network.confirmations
                    text = f"{entry.last.what}: {depth} of {wanted} confirmations, waiting for blocks"
                elif self._is_overtaken(entry):
                    seen_overtaken = seen_overtaken or now
                    if now - seen_overtaken > self.waiting.pause:  # before that, it was mined between two questions
                        text = f"{entry.last.what}: its nonce {entry.last.nonce} is used; looking for it"
                    if now - seen_overtaken > self.waiting.doubt and self._receipt(entry) is None:
                        self._end(entry, OVERTAKEN, "another transaction of the account used its nonce")
                else:
                    seen_overtaken = 0.0
                    text = f"{entry.last.what}: sent, waiting to be mined"
                    stalled = now - max(began, raised) > self.waiting.stalled
                    if stalled or (now - raised > self.waiting.again and (cheap or self._is_too_cheap(entry))):
                        raised, cheap = now, False
                        if self._raise_fee(entry):
                            sent = 0.0
                if text != told:
                    told = text
                    self.say(told)
                answered = now
            except NodeFailed:
                if now - answered > self.waiting.away:
                    raise
            time.sleep(self.waiting.pause)

    def _receipt(self, entry: Entry) -> tuple[Signed, Any] | None:
        """Of whichever attempt was mined."""
        for attempt in reversed(entry.attempts):
            with self.node.asking("a receipt"):
                try:
                    found = self.node.web3.eth.get_transaction_receipt(attempt.hash)  # type: ignore[arg-type]
                    found["blockHash"].to_0x_hex(), found["blockNumber"] + 0, found["gasUsed"] + 0, found["status"]
                    return attempt, found
                except TransactionNotFound:
                    continue
        return None

    def _depth(self, found: tuple[Signed, Any]) -> int:
        """How many blocks stand on the receipt's; -1 where its block is not in the chain, or not yet."""
        _, receipt = found
        with self.node.asking("blocks"):
            head = self.node.web3.eth.block_number
            if head < receipt["blockNumber"]:
                return -1
            same = self.node.web3.eth.get_block(receipt["blockNumber"])["hash"] == receipt["blockHash"]
        return head - int(receipt["blockNumber"]) if same else -1

    def _finish(self, entry: Entry, found: tuple[Signed, Any]) -> Done:
        attempt, receipt = found
        if not receipt["status"]:
            self._end(entry, FAILED, "it was mined, and the contract reverted it; its gas is spent")
        done = Done(
            step=entry.step,
            hash=attempt.hash,
            block=int(receipt["blockNumber"]),
            block_hash=receipt["blockHash"].to_0x_hex(),
            contract="" if attempt.to else created_by(attempt),
            gas_used=int(receipt["gasUsed"]),
            paid=int(receipt["gasUsed"]) * int(receipt.get("effectiveGasPrice", 0)),
        )
        self.journal.note_done(done)
        return done

    def _end(self, entry: Entry, state: str, why: str) -> None:
        self.journal.note_end(entry.step, state, why)
        raise StepFailed(self.node.network.name, entry.last.what, why)

    def _push(self, entry: Entry) -> bool:
        """Send it; whether the node says that it pays too little. What a node says of a transaction that it has is no
        error, nor is silence: it is looked for."""
        last, network = entry.last, self.node.network
        if network.max_fee and last.fee > network.max_fee * GWEI:
            told = (
                f"it was signed for {last.fee / GWEI:.4g} gwei, and max_fee is {network.max_fee:g} now; raise it again"
            )
            raise StepFailed(network.name, last.what, told)
        if last.to:
            with self.node.asking("the contract's code"):
                code = self.node.web3.eth.get_code(last.to)  # type: ignore[arg-type]
            if not code:  # the call would do nothing, and count as done
                raise NodeFailed(network.name, f"there is no contract at {last.to} (yet); nothing was sent")
        try:
            with self.node.asking("the transaction"):
                self.node.web3.eth.send_raw_transaction(last.raw)  # type: ignore[arg-type]
        except NodeRefused as error:
            words = "".join(error.words.lower().split()).replace("_", "")
            if any(cheap in words for cheap in CHEAP):
                return True
            if any(known in words for known in KNOWN) or self._is_known(last):
                return False
            if any(poor in words for poor in POOR):
                told = f"{last.sender} cannot pay for it; send it coins, and run the same command again"
                raise StepFailed(network.name, last.what, told) from None
            raise StepFailed(network.name, last.what, f"{error}; the same command goes on from here") from None
        except NodeFailed:
            pass
        return False

    def _is_known(self, attempt: Signed) -> bool:
        with self.node.asking("the transaction"):
            try:
                return bool(self.node.web3.eth.get_transaction(attempt.hash))  # type: ignore[arg-type]
            except TransactionNotFound:
                return False

    def _is_overtaken(self, entry: Entry) -> bool:
        """Whether the chain holds a transaction of this nonce, though none of ours is found."""
        with self.node.asking("the nonce"):
            return self.node.web3.eth.get_transaction_count(entry.last.sender) > entry.last.nonce  # type: ignore[arg-type]

    def _is_too_cheap(self, entry: Entry) -> bool:
        with self.node.asking("the base fee"):
            base = self.node.web3.eth.get_block("latest").get("baseFeePerGas", 0)
        return base > entry.last.fee

    def _raise_fee(self, entry: Entry) -> bool:
        """The same call with the same nonce, and more for its gas. Where that cannot be, it waits on as it is."""
        last = entry.last
        if self.account is None or self.account.address != last.sender:
            self.say(f"{last.what}: its fee may be too low now; give the keystore of {last.sender} to raise it")
            return False
        try:
            fees = raised(self.node, last.fee, last.tip, last.ceiling)
        except StepRefused as error:
            self.say(f"{last.what}: {error.problem}")
            return False
        self.say(f"{last.what}: sent again with more gas price ({fees.fee / GWEI:.4g} gwei at most)")
        one = Call(
            kind=last.kind, what=last.what, to=last.to, data=last.data, function="", arguments=(), value=last.value
        )
        self._sign(entry.step, one, last.nonce, last.gas, fees, last.ceiling)
        return True

    def _look_again(self, entry: Entry, done: Done) -> None:
        """Is what was done still done? After a reorg it may be in another block, or nowhere. A node that keeps no
        receipts of old blocks still knows whether the block is in the chain."""
        found = self._receipt(entry)
        if found is not None and found[1]["blockHash"].to_0x_hex() == done.block_hash:
            return
        with self.node.asking("the last block"):
            head = self.node.web3.eth.block_number
        if head < done.block:
            told = f"the node is at block {head}, and {entry.last.what!r} was done in block {done.block}: it is behind"
            raise NodeFailed(self.node.network.name, told)
        with self.node.asking(f"block {done.block}"):
            there = self.node.web3.eth.get_block(done.block)["hash"].to_0x_hex()
        if there == done.block_hash:
            return
        self.say(f"{entry.last.what}: a reorg took it out of block {done.block}")
        self.journal.note_end(entry.step, LOST, f"block {done.block_hash} is not in the chain any more")
