"""The rehearsal: everything that will be done, and everything that has to be refused."""

from __future__ import annotations

import time

import pytest
from eth_account import Account

from errors import RunFailed
from minting.allowlist.rules import Entry
from minting.drop import rehearsing
from minting.drop.rehearsing import BUYER, OWNER, WALLET, rehearse
from minting.drop.terms import Phase
from tests.minting.drop.conftest import terms

NOW = int(time.time())
COIN = 10**18
PRESALE = Phase(start=NOW + 3_600, end=NOW + 7_200, price=COIN // 50)
PUBLIC = Phase(start=NOW + 7_200, end=NOW + 90_000, price=COIN // 20, limit=3)
REVEALED = ("ipfs://bafyrelease/", "ipfs://bafyreleased")
WALLETS = [Account.create().address for _ in range(12)]
ENTRIES = [Entry(wallet, 1 + at % 5, PRESALE.price) for at, wallet in enumerate(WALLETS)]
PAYEES = {WALLETS[0]: 9_000, WALLETS[1]: 1_000}


def test_everything_is_done_and_what_has_to_be_refused_is():
    told = rehearse(
        terms(presale=PRESALE, public=PUBLIC, team={WALLETS[2]: 21}, payees=PAYEES, owner=WALLETS[5]),
        ENTRIES,
        REVEALED,
    )
    done = [line.what for line in told.lines if line.role == OWNER and not line.refused]
    starts = (
        "deploy",
        "open the presale",
        "open the public phase",
        "mint 21 of",
        "reveal",
        "the collection's",
        "freeze",
    )
    assert [what.startswith(start) for what, start in zip(done, starts, strict=True)] == [True] * 7
    refused = [line.refused for line in told.lines if line.refused]
    early, wallet, buyer = (
        ["Closed", "OverLimit", "NotOnAllowlist"],
        ["Closed", "OverLimit"],
        ["WrongPayment", "Closed"],
    )
    assert refused == [*early, *wallet, *buyer, "SoldOut", "Frozen"]
    assert [line.what.split(",")[0] for line in told.lines[-2:]] == [
        "withdraw: 0.243 coins",
        "withdraw: 0.027 coins",
    ]  # 1 + 5 claims at 0.02, 3 at 0.05, in 9 and 1 parts of 10
    assert told.gas(OWNER) > 2_500_000 and told.gas(WALLET) > 0 and told.gas(BUYER) > 0
    assert told.notes == ["the claims of 10 of the 12 wallets on the allowlist were tried with their proofs, and pass"]


def test_a_drop_of_the_team_alone_is_rehearsed():
    told = rehearse(terms(team={WALLETS[0]: 100}), [], REVEALED)
    assert [note.partition(":")[0] for note in told.notes] == ["there is no presale", "there is no public phase"]


def test_a_drop_that_the_allowlist_sells_out_is_rehearsed():
    told = rehearse(terms(supply=4, presale=PRESALE, public=PUBLIC), ENTRIES, REVEALED)
    assert told.notes == ["nothing was left for the public phase: team and allowlist took all of it"]


@pytest.mark.parametrize("name", ["presale", "public"])
def test_a_phase_that_is_over_before_it_began_is_told(name):
    with pytest.raises(RunFailed, match=f"drop.{name}_end has passed"):
        rehearse(terms(**{name: Phase(start=NOW - 200, end=NOW - 100)}), ENTRIES, REVEALED)


def test_a_contract_that_does_not_refuse_what_it_has_to_is_found(monkeypatch):
    monkeypatch.setattr(rehearsing._Stage, "_left", lambda stage: 5)
    with pytest.raises(RunFailed, match=r"lets it pass, and has to refuse it \(SoldOut\)"):
        rehearse(terms(team={WALLETS[0]: 3}), [], REVEALED)
