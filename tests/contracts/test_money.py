"""The money: paid to whom it is due, once, by whoever asks, whatever a payee does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.drops import Drop
from tests.contracts.solidity import build

PAYEES = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.4;

interface Drop {
    function withdraw(address payable payee) external;
    function due(address payee) external view returns (uint256);
    function mint(uint256 quantity) external payable;
}

/// Asks again while it is paid, for itself or for another, and keeps what it was told meanwhile.
contract Greedy {
    address payable public asked;
    uint256 public paid;
    uint256 public refused;
    uint256 public duringDue;

    function ask(address payable payee) external {
        asked = payee;
    }

    receive() external payable {
        paid += 1;
        duringDue = Drop(msg.sender).due(address(this));
        if (asked == address(0) || paid > 3) return;
        try Drop(msg.sender).withdraw(asked) {} catch {
            refused += 1;
        }
    }
}

/// Spends what it is paid on a token, at once.
contract Buyer {
    receive() external payable {
        Drop(msg.sender).mint{value: 10}(1);
    }
}

contract Closed {}

/// Leaves money where nobody asked for it: it is there when the constructor ends.
contract Forced {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}
"""


def balance(drop: Drop, address: str) -> int:
    return drop.chain.web3.eth.get_balance(address)


def sold(drop: Drop, wei: int) -> None:
    drop.open_public(price=wei)
    drop.send(drop.ana, "mint", 1, value=wei)


def test_anybody_has_payees_paid_and_nobody_else(drop: Drop):
    sold(drop, 10_000)
    one, other = drop.payees
    assert [drop.ask("due", payee) for payee in (one, other, drop.eve.address)] == [7000, 3000, 0]
    assert drop.events(drop.send(drop.eve, "withdraw", one)) == [("Withdrawn", one, 7000)]
    assert [balance(drop, payee) for payee in (one, other, drop.address)] == [7000, 0, 3000]
    assert drop.refuses(drop.eve, "withdraw", one) == "NothingDue"
    assert drop.refuses(drop.eve, "withdraw", drop.eve.address) == "NothingDue"
    assert drop.refuses(drop.owner, "withdraw", drop.owner.address) == "NothingDue"
    drop.send(drop.owner, "withdraw", other)
    assert [balance(drop, payee) for payee in (one, other, drop.address)] == [7000, 3000, 0]
    assert [drop.ask("released", payee) for payee in drop.payees] == [7000, 3000]
    assert drop.ask("totalReleased") == 10_000


def test_shares_are_of_all_that_ever_came_in(drop: Drop):
    one, other = drop.payees
    sold(drop, 10_000)
    drop.send(drop.eve, "withdraw", one)
    sold(drop, 20_000)
    assert [drop.ask("due", payee) for payee in (one, other)] == [14_000, 9_000]
    drop.send(drop.eve, "withdraw", other)
    drop.send(drop.eve, "withdraw", one)
    assert [balance(drop, payee) for payee in (one, other, drop.address)] == [21_000, 9_000, 0]


def test_wei_that_cannot_be_split_wait_for_more(make_drop: Callable[..., Drop]):
    payees = [*make_drop().payees, make_drop().payees[0]]
    drop = make_drop(payees=payees, shares=(3333, 3333, 3334))
    assert [drop.ask("shareOf", payee) for payee in payees] == [3333, 3333, 3334]
    sold(drop, 2)
    assert [drop.ask("due", payee) for payee in payees] == [0, 0, 0]
    assert drop.refuses(drop.eve, "withdraw", payees[0]) == "NothingDue"
    sold(drop, 9_998)
    for payee in payees:
        drop.send(drop.eve, "withdraw", payee)
    assert [balance(drop, payee) for payee in (*payees, drop.address)] == [3333, 3333, 3334, 0]


def test_plain_payments_are_refused(drop: Drop):
    assert drop.chain.send(drop.eve, {"to": drop.address, "value": 1})["status"] == 0
    assert drop.chain.send(drop.eve, {"to": drop.address, "value": 1, "data": "0x12345678"})["status"] == 0


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")  # which is how
def test_what_is_forced_in_or_comes_with_a_transfer_is_split_too(drop: Drop, compiler: None):
    one, other = drop.payees
    built = build(PAYEES)["Forced"]
    maker = drop.chain.web3.eth.contract(abi=built.abi, bytecode=built.bytecode).constructor(drop.address)
    drop.chain.send(drop.eve, {"data": maker.data_in_transaction, "value": 10_000})
    assert balance(drop, drop.address) == 10_000
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)
    drop.send(drop.ana, "transferFrom", drop.ana.address, drop.ben.address, 1, value=10_000)
    drop.send(drop.eve, "withdraw", one)
    drop.send(drop.eve, "withdraw", other)
    assert [balance(drop, payee) for payee in (one, other, drop.address)] == [14_000, 6_000, 0]


def test_a_payee_that_asks_again_while_it_is_paid_gets_no_more(make_drop: Callable[..., Drop], compiler: None):
    first = make_drop()
    built = build(PAYEES)["Greedy"]
    greedy = first.chain.deploy(first.eve, built.abi, built.bytecode)
    drop = make_drop(payees=[greedy.address, first.payees[1]])
    asking = greedy.functions.ask(greedy.address).build_transaction({"from": drop.eve.address, "gas": 100_000})
    drop.chain.send(drop.eve, {"to": greedy.address, "data": asking["data"]})
    sold(drop, 10_000)
    drop.send(drop.eve, "withdraw", greedy.address)
    told = [greedy.functions[name]().call({"from": drop.eve.address}) for name in ("paid", "refused", "duringDue")]
    assert told == [1, 1, 0]
    assert [balance(drop, one) for one in (greedy.address, drop.address)] == [7000, 3000]
    assert drop.ask("due", drop.payees[1]) == 3000


def test_a_payee_may_have_another_paid_meanwhile(make_drop: Callable[..., Drop], compiler: None):
    first = make_drop()
    built = build(PAYEES)["Greedy"]
    greedy = first.chain.deploy(first.eve, built.abi, built.bytecode)
    drop = make_drop(payees=[greedy.address, first.payees[1]])
    asking = greedy.functions.ask(first.payees[1]).build_transaction({"from": drop.eve.address, "gas": 100_000})
    drop.chain.send(drop.eve, {"to": greedy.address, "data": asking["data"]})
    sold(drop, 10_000)
    drop.send(drop.eve, "withdraw", greedy.address)
    assert [balance(drop, one) for one in (greedy.address, first.payees[1], drop.address)] == [7000, 3000, 0]
    assert drop.ask("totalReleased") == 10_000


def test_a_payee_that_buys_while_it_is_paid_leaves_the_books_right(make_drop: Callable[..., Drop], compiler: None):
    first = make_drop()
    built = build(PAYEES)["Buyer"]
    buyer = first.chain.deploy(first.eve, built.abi, built.bytecode)
    drop = make_drop(payees=[buyer.address, first.payees[1]])
    drop.open_public(price=10)
    drop.send(drop.ana, "mint", 4, value=40)
    drop.send(drop.eve, "withdraw", buyer.address)
    assert drop.ask("ownerOf", 5) == buyer.address
    assert (balance(drop, buyer.address), balance(drop, drop.address)) == (18, 22)
    assert [drop.ask("due", one) for one in drop.payees] == [7, 15]
    drop.send(drop.eve, "withdraw", buyer.address)
    assert (balance(drop, buyer.address), balance(drop, drop.address)) == (15, 25)
    assert [drop.ask("due", one) for one in drop.payees] == [7, 18]


def test_a_payee_that_takes_no_money_keeps_it_from_nobody_else(make_drop: Callable[..., Drop], compiler: None):
    first = make_drop()
    built = build(PAYEES)["Closed"]
    closed = first.chain.deploy(first.eve, built.abi, built.bytecode)
    drop = make_drop(payees=[closed.address, first.payees[1]])
    sold(drop, 10_000)
    assert drop.refuses(drop.eve, "withdraw", closed.address) == "FailedCall"
    assert (drop.ask("released", closed.address), drop.ask("totalReleased")) == (0, 0)
    drop.send(drop.eve, "withdraw", first.payees[1])
    assert (balance(drop, first.payees[1]), balance(drop, drop.address)) == (3000, 7000)
