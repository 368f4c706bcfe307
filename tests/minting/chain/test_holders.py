"""Logs become owners."""

from __future__ import annotations

import pytest

from errors import BadValue
from minting.chain.holders import LONGEST_RUN, NOBODY, RUN, TRANSFER, Holders
from minting.chain.logs import Log
from tests.minting.chain.pond import wallet

CONTRACT = wallet(99)
TX = "0x" + "12" * 32


def word(number):
    return number.to_bytes(32)


def transfer(sender, to, token):
    return Log((TRANSFER, word(sender), word(to), word(token)), b"", 1, 0, TX)


def run(first, last, to):
    return Log((RUN, word(first), word(0), word(to)), word(last), 1, 0, TX)


def test_the_last_transfer_counts_and_burned_tokens_are_nobodys():
    holders = Holders(CONTRACT)
    moved = holders.take([transfer(0, 1, 7), transfer(0, 1, 8), transfer(0, 2, 2**256 - 1), transfer(1, 3, 7)])
    assert moved == holders.owners and holders.counts() == {wallet(n).lower(): 1 for n in (1, 2, 3)}
    assert holders.take([transfer(3, 0, 7)]) == {7: NOBODY}
    assert holders.tokens() == {wallet(1): [8], wallet(2): [2**256 - 1]}
    assert (holders.transfers, holders.burned, holders.strange) == (5, 1, 0)
    holders.take([transfer(0, 2, 7)])  # minted again
    assert holders.tokens()[wallet(2)] == [7, 2**256 - 1] and holders.burned == 0


def test_many_tokens_may_be_minted_by_one_log():
    holders = Holders(CONTRACT)
    holders.take([run(1, 5, 1), transfer(1, 2, 3)])
    assert holders.tokens() == {wallet(1): [1, 2, 4, 5], wallet(2): [3]} and holders.strange == 0
    for first, last in ((0, LONGEST_RUN), (5, 4)):
        with pytest.raises(BadValue, match="tokens by a log"):
            holders.take([run(first, last, 1)])


def test_transfers_from_who_did_not_hold_the_token_are_counted():
    holders = Holders(CONTRACT)
    holders.take([transfer(1, 2, 7), transfer(2, 3, 7), transfer(1, 2, 7)])
    assert holders.strange == 2 and holders.tokens() == {wallet(2): [7]}


def test_logs_of_other_standards_are_refused():
    with pytest.raises(BadValue, match="an ERC-20's, which name amounts"):
        Holders(CONTRACT).take([Log((TRANSFER, word(0), word(1)), word(7), 1, 0, TX)])
    with pytest.raises(BadValue, match="of 1 topics"):
        Holders(CONTRACT).take([Log((TRANSFER,), word(7) * 3, 1, 0, TX)])
