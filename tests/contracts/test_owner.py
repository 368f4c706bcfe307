"""What the owner sets, what nobody else does, and what is fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_utils import keccak, to_checksum_address
from rlp import encode

from minting.drop.contract import compiled
from tests.contracts.drops import NOBODY, PROVENANCE, Chain, Drop, Terms, refused

OTHER = b"\7" * 32
SETTING: dict[str, tuple[Any, ...]] = {
    "teamMint": (NOBODY, 1),
    "setPresale": (OTHER, 1, 2),
    "setPublicSale": (1, 2, 3, 4),
    "setPaused": (True,),
    "setProvenance": (OTHER,),
    "setBaseURI": ("ipfs://other/",),
    "freeze": (),
    "setContractURI": ("ipfs://other",),
    "setRoyalty": (NOBODY, 1),
    "transferOwnership": (NOBODY,),
    "renounceOwnership": (),
}
ANYBODYS = {
    "approve", "claim", "mint", "safeTransferFrom", "setApprovalForAll", "transferFrom", "withdraw", "acceptOwnership"
}  # fmt: skip


def test_every_function_that_changes_something_is_known_here():
    changing = {
        one["name"]
        for one in compiled().abi
        if one["type"] == "function" and one["stateMutability"] not in ("view", "pure")
    }
    assert changing == ANYBODYS | set(SETTING)
    assert not {one["type"] for one in compiled().abi} & {"receive", "fallback"}


def test_nobody_else_sets_anything(drop: Drop):
    told = {name: drop.refuses(drop.eve, name, *given) for name, given in SETTING.items()}
    assert told == dict.fromkeys(SETTING, "OwnableUnauthorizedAccount")


def test_presale_is_set_and_told(drop: Drop):
    receipt = drop.send(drop.owner, "setPresale", OTHER, 10, 20)
    assert drop.events(receipt) == [("PresaleSet", OTHER, 10, 20)]
    assert drop.ask("allowlistRoot") == OTHER
    assert drop.refuses(drop.owner, "setPresale", OTHER, 21, 20) == "BadTimes"
    drop.send(drop.owner, "setPresale", OTHER, 20, 20)


def test_public_sale_is_set_and_told(drop: Drop):
    receipt = drop.send(drop.owner, "setPublicSale", 10, 20, 30, 40)
    assert drop.events(receipt) == [("PublicSaleSet", 10, 20, 30, 40)]
    assert drop.refuses(drop.owner, "setPublicSale", 21, 20, 30, 40) == "BadTimes"
    drop.send(drop.owner, "setPublicSale", 20, 20, 30, 40)


def test_provenance_is_fixed_by_the_first_mint(drop: Drop):
    assert drop.ask("provenance") == PROVENANCE
    assert drop.events(drop.send(drop.owner, "setProvenance", OTHER)) == [("ProvenanceSet", OTHER)]
    assert drop.ask("provenance") == OTHER
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)
    assert drop.refuses(drop.owner, "setProvenance", PROVENANCE) == "ProvenanceFixed"
    assert drop.ask("provenance") == OTHER


def test_freeze_is_for_ever(drop: Drop):
    assert not drop.ask("frozen")
    drop.send(drop.owner, "setBaseURI", "ipfs://after/")
    assert drop.events(drop.send(drop.owner, "freeze")) == [("MetadataFrozen",)]
    assert drop.ask("frozen")
    assert drop.refuses(drop.owner, "setBaseURI", "ipfs://later/") == "Frozen"
    assert drop.refuses(drop.owner, "freeze") == "Frozen"
    assert drop.ask("baseURI") == "ipfs://after/"


def test_a_freeze_stops_neither_minting_nor_what_is_said_of_the_whole(drop: Drop):
    drop.send(drop.owner, "freeze")
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)
    assert drop.events(drop.send(drop.owner, "setContractURI", "ipfs://other")) == [("ContractURIUpdated",)]
    assert drop.ask("contractURI") == "ipfs://other"


def test_royalty_is_set_and_told_up_to_a_tenth(drop: Drop):
    receipt = drop.send(drop.owner, "setRoyalty", drop.ben.address, 1000)
    assert drop.events(receipt) == [("RoyaltySet", drop.ben.address, 1000)]
    assert drop.ask("royaltyInfo", 1, 10_000) == [drop.ben.address, 1000]
    assert drop.refuses(drop.owner, "setRoyalty", drop.ben.address, 1001) == "RoyaltyTooHigh"
    assert drop.refuses(drop.owner, "setRoyalty", NOBODY, 10) == "ERC2981InvalidDefaultRoyaltyReceiver"
    drop.send(drop.owner, "setRoyalty", drop.ben.address, 0)
    assert drop.ask("royaltyInfo", 1, 10_000)[1] == 0


def test_a_new_owner_accepts_first(drop: Drop):
    ben = drop.ben.address
    drop.send(drop.owner, "transferOwnership", ben)
    assert (drop.ask("owner"), drop.ask("pendingOwner")) == (drop.owner.address, ben)
    assert drop.refuses(drop.ben, "setPaused", True) == "OwnableUnauthorizedAccount"
    assert drop.refuses(drop.eve, "acceptOwnership") == "OwnableUnauthorizedAccount"
    drop.send(drop.ben, "acceptOwnership")
    assert (drop.ask("owner"), drop.ask("pendingOwner")) == (ben, NOBODY)
    assert drop.refuses(drop.owner, "setPaused", True) == "OwnableUnauthorizedAccount"
    drop.send(drop.ben, "setPaused", True)


def test_a_drop_without_an_owner_goes_on_selling_and_paying(drop: Drop):
    drop.open_public(price=10)
    drop.send(drop.owner, "renounceOwnership")
    assert drop.ask("owner") == NOBODY
    assert drop.refuses(drop.owner, "setPaused", True) == "OwnableUnauthorizedAccount"
    drop.send(drop.ana, "mint", 1, value=10)
    drop.send(drop.eve, "withdraw", drop.payees[0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"supply": 0}, "BadSupply"),
        ({"supply": 2**32}, "BadSupply"),
        ({"royalty": 1001}, "RoyaltyTooHigh"),
        ({"royalty_receiver": NOBODY}, "ERC2981InvalidDefaultRoyaltyReceiver"),
        ({"owner": NOBODY, "royalty_receiver": "0x" + "11" * 20}, "OwnableInvalidOwner"),
        ({"shares": (7000, 2999)}, "BadSplit"),
        ({"shares": (7000, 3001)}, "BadSplit"),
        ({"shares": (10_000, 0)}, "BadSplit"),
        ({"shares": (10_000,)}, "BadSplit"),
        ({"shares": (5000, 5000, 0)}, "BadSplit"),
        ({"shares": (2**256 - 1, 10_001)}, "Panic"),
        ({"shares": ()}, "BadSplit"),
        ({"shares": (), "payees": ()}, "BadSplit"),
        ({"payees": ("0x" + "11" * 20,) * 2}, "BadSplit"),
        ({"payees": (NOBODY, "0x" + "11" * 20)}, "BadSplit"),
    ],
    ids=str,
)
def test_terms_that_cannot_be_meant_are_not_deployed(chain: Chain, wrong: dict[str, Any], told: str):
    terms = replace(Terms(chain.accounts[0].address, [chain.accounts[4].address, chain.accounts[5].address]), **wrong)
    maker = chain.web3.eth.contract(abi=compiled().abi, bytecode=compiled().bytecode).constructor(terms.given())
    assert (
        refused(lambda: chain.web3.eth.call({"from": chain.accounts[0].address, "data": maker.data_in_transaction}))
        == told
    )


def test_largest_terms_are_deployed(make_drop: Callable[..., Drop]):
    payees = tuple(to_checksum_address(f"0x{index:040x}") for index in range(1, 101))
    drop = make_drop(supply=2**32 - 1, royalty=1000, payees=payees, shares=(100,) * 100)
    assert drop.ask("payees") == list(payees)
    assert drop.ask("maxSupply") == 2**32 - 1


def test_no_split_pays_the_contract_itself(drop: Drop, make_drop: Callable[..., Drop]):
    def next_address() -> str:
        count = drop.chain.web3.eth.get_transaction_count(drop.owner.address)
        return to_checksum_address(keccak(encode([bytes.fromhex(drop.owner.address[2:]), count]))[-20:])

    foretold = next_address()
    assert make_drop().address == foretold
    with pytest.raises(ValueError, match="reverts"):
        make_drop(payees=(next_address(), drop.ana.address))
