"""Any calls, by any callers, in any order: the contract does and refuses what the model does and refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.contracts.bare import Bare
from tests.contracts.drops import NOBODY, Chain, Drop
from tests.contracts.model import Model, Refused
from tests.contracts.trees import Entry, Tree

SUPPLY, SHARES = 60, (5001, 3000, 1999)
REVERTING = bytes.fromhex("60006000fd")  # PUSH1 0, PUSH1 0, REVERT
people = some.integers(0, 3)
callers = some.sampled_from([None] * 5 + [0, 1, 2, 3])  # None: who may
quantities = some.sampled_from([1, 1, 2, 3, 5, 0, 19, 20, 21, 22, 41])
over = some.sampled_from([0] * 8 + [1, -1, 7])  # wei beside the price
tips = some.sampled_from([0] * 5 + [13])  # what comes with a transfer, which ERC-721 allows
prices = some.integers(0, 3) | some.sampled_from([10**15 + 1])
limits = some.sampled_from([1, 2, 3, 5, 6, 25, 1000])
starts, ends = some.integers(-6, 2), some.integers(-2, 40)  # seconds from now
numbers = some.integers(0, 2**16)
bases = some.sampled_from(["", "ipfs://one/", "https://" + "a" * 60 + "/"])


class Calls(RuleBasedStateMachine):
    """Begins with the drop that `begin` gives."""

    begin: Callable[[], Drop]

    def __init__(self) -> None:
        super().__init__()
        drop = type(self).begin()
        self.bare, self.terms = Bare(drop), drop.terms
        self.people = [one.address.lower() for one in drop.chain.accounts[:4]]
        self.payees = [*map(str.lower, drop.payees), self.people[3]]
        self.chain_id, self.address = drop.chain.web3.eth.chain_id, drop.address
        self.trees: list[tuple[Tree, list[Entry]]] = []
        self.due: set[Callable[[], None]] = set()  # to be checked before the next call
        self.model = Model(
            owner=self.people[0],
            supply=SUPPLY,
            shares=dict(zip(self.payees, SHARES, strict=False)),
            provenance=drop.terms.provenance,
            base=drop.terms.base,
            time=self.bare.time,
            contract_uri=drop.terms.contract_uri,
            royalty=(self.people[0], drop.terms.royalty),
        )

    def both(self, expected: Callable[[], None], caller: str, name: str, *given: Any, value: int = 0) -> None:
        """The call, of which the model knows how it ends."""
        told = None
        try:
            expected()
        except Refused as refused:
            told = str(refused)
        assert self.bare.call(caller, name, *given, value=value).error == told, (name, given, value)
        if told is None:  # what is refused changes nothing, by the EVM's own rule
            self.due |= {getattr(self, right) for right in CHANGES.get(name, (SET,))}

    @initialize(ready=some.sampled_from([True] * 4 + [False]), limit=some.integers(0, 6), price=prices)
    def prepare(self, ready: bool, limit: int, price: int) -> None:
        """Most begin with both phases open, a list that everybody is on, and a few tokens."""
        if not ready:
            return
        self.set_provenance(None, 1)
        self.set_presale(None, [limit + 1, 2, 25, 3], price, -1, 30)
        self.set_public_sale(None, 0, 30, price, limit)
        self.team_mint(None, 1, limit + 1)

    def owner_or(self, caller: int | None) -> str:
        return self.model.owner if caller is None else self.people[caller]

    @rule(caller=callers, to=people, quantity=quantities)
    def team_mint(self, caller: int | None, to: int, quantity: int) -> None:
        who, to_ = self.owner_or(caller), self.people[to]
        self.both(lambda: self.model.team_mint(who, to_, quantity), who, "teamMint", to_, quantity)

    @rule(caller=people, quantity=quantities, over=over)
    def mint(self, caller: int, quantity: int, over: int) -> None:
        who, value = self.people[caller], max(0, self.model.sale.price * quantity + over)
        self.both(lambda: self.model.mint(who, quantity, value), who, "mint", quantity, value=value)

    @rule(number=numbers, quantity=quantities, over=over, caller=callers, older=some.sampled_from([0, 0, 0, 1]))
    def claim(self, number: int, quantity: int, over: int, caller: int | None, older: int) -> None:
        """With somebody's proof, of the newest list or of one before, which may be the one that stands."""
        if not self.trees:
            return
        tree, entries = self.trees[-1 - older % len(self.trees)]
        entry = entries[number % len(entries)]
        who = entry.wallet if caller is None else self.people[caller]
        proof, value = tree.proof(entry), max(0, entry.price * quantity + over)
        given = (quantity, entry.limit, entry.price, proof)
        self.both(lambda: self.model.claim(who, entry, proof, quantity, value), who, "claim", *given, value=value)

    @rule(caller=callers, limits=some.lists(limits, min_size=1, max_size=4), price=prices, start=starts, end=ends)
    def set_presale(self, caller: int | None, limits: list[int], price: int, start: int, end: int) -> None:
        named = zip(self.people, limits, strict=False)
        entries = [Entry(self.chain_id, self.address, wallet, limit, price) for wallet, limit in named]
        self.trees.append((Tree(entries), entries))
        who, tree, times = self.owner_or(caller), self.trees[-1][0], (self.model.time + start, self.model.time + end)
        self.both(lambda: self.model.set_presale(who, tree, *times), who, "setPresale", tree.root, *times)

    @rule(caller=callers, start=starts, end=ends, price=prices, limit=some.just(0) | limits)
    def set_public_sale(self, caller: int | None, start: int, end: int, price: int, limit: int) -> None:
        who, given = self.owner_or(caller), (self.model.time + start, self.model.time + end, price, limit)
        self.both(lambda: self.model.set_public_sale(who, *given), who, "setPublicSale", *given)

    @rule(caller=callers, paused=some.sampled_from([False, False, True]))
    def set_paused(self, caller: int | None, paused: bool) -> None:
        who = self.owner_or(caller)
        self.both(lambda: self.model.set_paused(who, paused), who, "setPaused", paused)

    @rule(caller=callers, byte=some.integers(0, 2))
    def set_provenance(self, caller: int | None, byte: int) -> None:
        who, hash_ = self.owner_or(caller), bytes([byte]) * 32
        self.both(lambda: self.model.set_provenance(who, hash_), who, "setProvenance", hash_)

    @rule(caller=callers, uri=bases, freezing=some.sampled_from([False, False, True]))
    def set_uris(self, caller: int | None, uri: str, freezing: bool) -> None:
        who = self.owner_or(caller)
        self.both(lambda: self.model.set_base(who, uri), who, "setBaseURI", uri)
        self.both(lambda: self.model.set_contract_uri(who, uri), who, "setContractURI", uri)
        if freezing:
            self.both(lambda: self.model.freeze(who), who, "freeze")

    @rule(caller=callers, receiver=people, points=some.sampled_from([0, 1, 999, 1000, 1001, 2**96 - 1]))
    def set_royalty(self, caller: int | None, receiver: int, points: int) -> None:
        who, to = self.owner_or(caller), [NOBODY, *self.people][receiver]
        self.both(lambda: self.model.set_royalty(who, to, points), who, "setRoyalty", to, points)

    @rule(caller=callers, to=people, taker=callers)
    def hand_over(self, caller: int | None, to: int, taker: int | None) -> None:
        who, to_ = self.owner_or(caller), self.people[to]
        self.both(lambda: self.model.offer(who, to_), who, "transferOwnership", to_)
        taking = to_ if taker is None else self.people[taker]
        self.both(lambda: self.model.accept(taking), taking, "acceptOwnership")

    def holder(self, number: int) -> tuple[int, str]:
        """A token that is there, mostly, and who holds it."""
        token = number % (len(self.model.tokens) + 2)
        there = 1 <= token <= len(self.model.tokens)
        return token, self.model.tokens[token - 1] if there else self.people[1]

    @rule(number=numbers, to=some.integers(0, 4), caller=callers, giver=callers, tip=tips)
    def transfer(self, number: int, to: int, caller: int | None, giver: int | None, tip: int) -> None:
        """By its holder, mostly; else by somebody, as the holder's or as somebody's."""
        token, holder = self.holder(number)
        who = holder if caller is None else self.people[caller]
        given = (holder if giver is None else self.people[giver], [*self.people, NOBODY][to], token)
        self.both(lambda: self.model.transfer(who, *given, tip), who, "transferFrom", *given, value=tip)
        self.holds(range(token - 2, token + 3))

    @rule(number=numbers, caller=callers, to=people, tip=tips)
    def approve(self, number: int, caller: int | None, to: int, tip: int) -> None:
        token, holder = self.holder(number)
        who, given = holder if caller is None else self.people[caller], (self.people[to], token)
        self.both(lambda: self.model.approve(who, *given, tip), who, "approve", *given, value=tip)

    @rule(caller=people, operator=people, approved=some.booleans())
    def approve_all(self, caller: int, operator: int, approved: bool) -> None:
        who, given = self.people[caller], (self.people[operator], approved)
        self.both(lambda: self.model.approve_all(who, *given), who, "setApprovalForAll", *given)

    @rule(caller=people, payee=some.integers(0, 3))
    def withdraw(self, caller: int, payee: int) -> None:
        to = self.payees[payee]
        had, before, due = self.bare.balance(to), self.model.released[to], self.model.due(to)
        self.both(lambda: self.model.withdraw(to), self.people[caller], "withdraw", to)
        assert self.bare.balance(to) - had == self.model.released[to] - before in (0, due)

    @rule(deaf=some.booleans())
    def payee_changes_its_mind(self, deaf: bool) -> None:
        self.bare.set_code(self.payees[0], REVERTING if deaf else b"")
        (self.model.deaf.add if deaf else self.model.deaf.discard)(self.payees[0])

    @rule(wei=some.integers(1, 20_000))
    def force_money_in(self, wei: int) -> None:
        self.bare.give(self.address, wei)
        self.model.paid_in += wei
        self.due.add(self.money_is_right)

    @rule(seconds=some.integers(0, 4))
    def wait(self, seconds: int) -> None:
        self.bare.time = self.model.time = self.model.time + seconds

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        while self.due:
            self.due.pop()()

    def counts_are_right(self) -> None:
        model, ask = self.model, self.bare.ask
        assert ask("totalSupply") == ask("totalMinted") == len(model.tokens) <= SUPPLY
        for wallet in self.people:
            assert ask("balanceOf", wallet) == model.tokens.count(wallet)
            assert ask("mintedBy", wallet) == (model.claimed[wallet], model.bought[wallet])

    def money_is_right(self) -> None:
        model, ask = self.model, self.bare.ask
        assert self.bare.balance(self.address) == model.held
        assert ask("totalReleased") == sum(model.released.values())
        dues = [ask("due", payee) for payee in self.payees]
        assert dues == [model.due(payee) for payee in self.payees]
        assert model.held - len(SHARES) < sum(dues) <= model.held  # nobody's are a few wei at most
        assert [ask("released", payee) for payee in self.payees] == [model.released[payee] for payee in self.payees]

    def what_is_set_stays(self) -> None:
        model, ask = self.model, self.bare.ask
        sale = model.sale
        assert ask("sale") == (*sale.presale, *sale.public, sale.price, sale.limit, sale.paused)
        assert ask("allowlistRoot") == (model.tree.root if model.tree else bytes(32))
        assert (ask("provenance"), ask("frozen"), ask("baseURI")) == (model.provenance, model.frozen, model.base)
        assert (ask("owner"), ask("pendingOwner")) == (model.owner, model.pending)
        assert ask("contractURI") == model.contract_uri
        assert ask("royaltyInfo", 1, 10_000) == model.royalty

    def holds(self, numbers: range) -> None:
        """Owners, approvals and URIs of tokens, of those that there are."""
        model, ask = self.model, self.bare.ask
        for token in set(numbers) & {*range(1, len(model.tokens) + 1)}:
            assert ask("ownerOf", token) == model.tokens[token - 1]
            assert ask("getApproved", token) == model.approved.get(token, NOBODY)
            assert ask("tokenURI", token) == (f"{model.base}{token}" if model.base else "")

    def teardown(self) -> None:
        for right in (self.counts_are_right, self.money_is_right, self.what_is_set_stays):
            right()
        self.holds(range(1, SUPPLY + 1))


COUNTS, MONEY, SET = "counts_are_right", "money_is_right", "what_is_set_stays"
CHANGES = {  # what is checked after a call at once; all of it is at the end
    "teamMint": (COUNTS, SET),
    "mint": (COUNTS, MONEY),
    "claim": (COUNTS, MONEY),
    "transferFrom": (COUNTS, MONEY),
    "approve": (MONEY,),
    "withdraw": (MONEY,),
}


def run(chain: Chain, examples: int, steps: int) -> None:
    drop = Drop(chain, supply=SUPPLY, provenance=bytes(32), payees=[*payees(chain)], shares=SHARES)
    machine = type("Calls", (Calls,), {"begin": lambda: drop})
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


def payees(chain: Chain) -> list[str]:
    return [chain.web3.eth.account.from_key(bytes([7]) * 31 + bytes([index])).address for index in (1, 2, 3)]


def test_any_calls_in_any_order_leave_it_as_the_model_says(inside: Chain):
    run(inside, examples=25, steps=30)


@pytest.mark.slow
def test_many_more_calls_in_any_order_leave_it_as_the_model_says(inside: Chain):
    run(inside, examples=80, steps=50)
