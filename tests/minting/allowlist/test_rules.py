"""Lists become entries by rules that can be told in a sentence."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address

from errors import BadRows, NothingLeft
from minting.allowlist.rows import Row, Source
from minting.allowlist.rules import Entry, Rules, entries_of

ADA, BOB, EVE = (to_checksum_address(f"0x{letter * 40}") for letter in "abe")


def source(*rows):
    return Source("list.csv", "0" * 64, [Row(f"list.csv: line {line}", *row) for line, row in enumerate(rows, 1)])


def limits(sources, **rules):
    return {entry.address: entry.limit for entry in entries_of(sources, Rules(**rules))}


def test_a_wallet_gets_one_for_each_token_and_five_at_most():
    snapshot = source((ADA, 1), (BOB, 5), (EVE, 300))
    assert limits([snapshot], per_token=1, at_most=5) == {ADA: 1, BOB: 5, EVE: 5}
    assert limits([snapshot], per_token=2) == {ADA: 2, BOB: 10, EVE: 600}
    assert limits([snapshot], limit=3) == {ADA: 3, BOB: 3, EVE: 3}


def test_what_several_snapshots_hold_is_added_up_before_it_is_cut():
    both = [source((ADA, 2), (BOB, 1)), source((ADA, 2))]
    assert limits(both, per_token=1, at_most=3) == {ADA: 3, BOB: 1}


def test_the_highest_limit_of_a_wallet_counts():
    lists = [source((ADA, None, 2), (BOB, None, 7)), source((ADA, None, 4), (BOB, None), (EVE, None)), source((BOB, 9))]
    assert limits(lists, per_token=1, at_most=8, limit=3) == {ADA: 4, BOB: 8, EVE: 3}


def test_a_row_with_a_price_says_everything_on_its_wallet():
    lists = [source((ADA, 9), (BOB, 9)), source((ADA, None, 2, 0)), source((ADA, None, 1, 0))]
    assert entries_of(lists, Rules(price=5, per_token=1)) == [Entry(ADA, 2, 0), Entry(BOB, 9, 5)]


def test_two_prices_for_a_wallet_are_refused():
    with pytest.raises(BadRows, match=r"different prices in list\.csv: line 1 and list\.csv: line 1"):
        entries_of([source((ADA, None, 2, 0)), source((ADA, None, 2, 1))], Rules())


def test_excluded_wallets_are_left_out():
    lists = [source((ADA,), (BOB,))]
    assert [entry.address for entry in entries_of(lists, Rules(), {ADA})] == [BOB]
    with pytest.raises(NothingLeft, match="all were excluded"):
        entries_of(lists, Rules(), {ADA, BOB})
