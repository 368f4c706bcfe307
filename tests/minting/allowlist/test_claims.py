"""The contract takes the proofs of proofs.json, from their wallets alone, and for what they say."""

from __future__ import annotations

import json

import pytest
from eth_hash.auto import keccak
from web3.exceptions import ContractCustomError

from minting.allowlist.files import PROOFS, make_allowlist, write_allowlist
from minting.allowlist.rules import Entry, Rules
from tests.minting.chain.pond import Pond

LATER = 2**32 - 1  # seconds since 1970
PRICE = 5 * 10**16


@pytest.fixture
def presale(anvil, tmp_path):
    """A drop in its presale, its wallets 1..5 on the allowlist, and what proofs.json says."""
    pond = Pond(anvil)
    entries = [Entry(wallet, number, PRICE * number) for number, wallet in enumerate(pond.wallets[1:6], 1)]
    made = make_allowlist(anvil.chain_id, pond.address, entries, [], Rules())
    write_allowlist(tmp_path, made)
    pond.done(pond.contract.functions.setPresale(made.root, 0, LATER).transact({"from": pond.team}))
    return pond, json.loads((tmp_path / PROOFS).read_text())


def claim(pond, sender, count, told, **changes):
    told = {**told, **changes}
    asked = pond.contract.functions.claim(count, told["limit"], int(told["price"]), told["proof"])
    return pond.done(asked.transact({"from": sender, "value": int(told["price"]) * count}))


def refused(name):
    return pytest.raises(ContractCustomError, match="0x" + keccak(f"{name}()".encode())[:4].hex())


def test_every_wallet_claims_what_its_entry_says(presale):
    pond, proofs = presale
    for number, wallet in enumerate(pond.wallets[1:6], 1):
        claim(pond, wallet, number, proofs[wallet.lower()])
        assert pond.contract.functions.balanceOf(wallet).call() == number
        with refused("OverLimit"):
            claim(pond, wallet, 1, proofs[wallet.lower()])
    assert pond.web3.eth.get_balance(pond.address) == PRICE * (1 + 4 + 9 + 16 + 25)


def test_nobody_else_claims_and_nothing_else_is_claimed(presale):
    pond, proofs = presale
    own, other = pond.wallets[2], pond.wallets[7]
    for wrong in (
        {},
        {"limit": 3},
        {"price": "0"},
        {"proof": proofs[own.lower()]["proof"][:-1]},
        {"proof": []},
        {"proof": proofs[pond.wallets[3].lower()]["proof"]},
    ):
        with refused("NotOnAllowlist"):
            claim(pond, own if wrong else other, 1, proofs[own.lower()], **wrong)


def test_a_proof_serves_one_contract_alone(presale):
    pond, proofs = presale
    again = Pond(pond.anvil)
    root = pond.contract.functions.allowlistRoot().call()
    again.done(again.contract.functions.setPresale(root, 0, LATER).transact({"from": again.team}))
    with refused("NotOnAllowlist"):
        claim(again, pond.wallets[1], 1, proofs[pond.wallets[1].lower()])
