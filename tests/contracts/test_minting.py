"""The team's mint and the public phase."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.drops import DAY, NOBODY, PROVENANCE, Drop


def transfers(drop: Drop, receipt: object) -> list[tuple[str, str, int]]:
    return [tuple(event[1:]) for event in drop.events(receipt) if event[0] == "Transfer"]  # type: ignore[arg-type]


def test_ids_begin_at_one_and_each_is_told(drop: Drop):
    receipt = drop.send(drop.owner, "teamMint", drop.ana.address, 3)
    assert drop.events(receipt) == [("Transfer", NOBODY, drop.ana.address, token) for token in (1, 2, 3)]
    assert (drop.ask("totalSupply"), drop.ask("totalMinted"), drop.ask("balanceOf", drop.ana.address)) == (3, 3, 3)
    assert drop.owners() == [drop.ana.address] * 3
    for token in (0, 4):
        assert drop.refuses(drop.eve, "ownerOf", token) == "OwnerQueryForNonexistentToken"


@pytest.mark.parametrize("quantity", [1, 19, 20, 21, 40, 41])
def test_team_mints_any_number_in_runs_of_twenty(drop: Drop, quantity: int):
    receipt = drop.send(drop.owner, "teamMint", drop.ana.address, quantity)
    assert [token for _, _, token in transfers(drop, receipt)] == [*range(1, quantity + 1)]
    assert drop.ask("balanceOf", drop.ana.address) == drop.ask("totalSupply") == quantity
    starts = [token for token in range(1, quantity + 1) if initialised(drop, token)]
    assert starts == [*range(1, quantity + 1, 20)]


def initialised(drop: Drop, token: int) -> bool:
    """Whether the token's owner is written at its own place: ERC721A looks back where it is not."""
    from eth_abi import encode
    from eth_utils import keccak

    place = int.from_bytes(keccak(encode(["uint256", "uint256"], [token, 4])))  # its fifth variable is the mapping
    return bool(int.from_bytes(drop.chain.web3.eth.get_storage_at(drop.address, place)))


def test_only_the_owner_mints_for_the_team(drop: Drop):
    assert drop.refuses(drop.eve, "teamMint", drop.eve.address, 1) == "OwnableUnauthorizedAccount"
    assert drop.refuses(drop.owner, "teamMint", NOBODY, 1) == "MintToZeroAddress"
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, 0) == "MintZeroQuantity"
    assert drop.ask("totalSupply") == 0


def test_team_mint_takes_no_money_and_counts_for_nobody(drop: Drop):
    data = drop.contract.encode_abi("teamMint", args=[drop.ana.address, 1])
    assert drop.chain.send(drop.owner, {"to": drop.address, "data": data, "value": 1})["status"] == 0
    drop.send(drop.owner, "teamMint", drop.ana.address, 2)
    assert drop.ask("mintedBy", drop.ana.address) == [0, 0]


def test_supply_ends_exactly(make_drop: Callable[..., Drop]):
    drop = make_drop(supply=25)
    drop.open_public()
    drop.send(drop.owner, "teamMint", drop.ana.address, 22)
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, 4) == "SoldOut"
    assert drop.refuses(drop.ana, "mint", 4) == "SoldOut"
    drop.send(drop.ana, "mint", 3)
    assert drop.ask("totalSupply") == drop.ask("maxSupply") == 25
    assert drop.refuses(drop.ana, "mint", 1) == "SoldOut"
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, 1) == "SoldOut"


def test_public_mint_wants_the_exact_price(drop: Drop):
    drop.open_public(price=10**15)
    for value in (0, 10**15, 2 * 10**15 - 1, 2 * 10**15 + 1):
        assert drop.refuses(drop.ana, "mint", 2, value=value) == "WrongPayment"
    drop.send(drop.ana, "mint", 2, value=2 * 10**15)
    assert drop.chain.web3.eth.get_balance(drop.address) == 2 * 10**15
    drop.open_public()
    assert drop.refuses(drop.ana, "mint", 1, value=1) == "WrongPayment"


def test_public_limit_counts_over_calls_and_not_over_transfers(drop: Drop):
    drop.open_public(limit=3)
    assert drop.refuses(drop.ana, "mint", 4) == "OverLimit"
    drop.send(drop.ana, "mint", 2)
    drop.send(drop.ana, "transferFrom", drop.ana.address, drop.ben.address, 1)
    assert drop.refuses(drop.ana, "mint", 2) == "OverLimit"
    drop.send(drop.ana, "mint", 1)
    assert drop.refuses(drop.ana, "mint", 1) == "OverLimit"
    drop.send(drop.ben, "mint", 3)
    assert drop.ask("mintedBy", drop.ana.address) == drop.ask("mintedBy", drop.ben.address) == [0, 3]
    drop.open_public(limit=4)
    drop.send(drop.ana, "mint", 1)
    assert drop.ask("mintedBy", drop.ana.address) == [0, 4]


def test_without_a_limit_a_wallet_mints_all_there_is(make_drop: Callable[..., Drop]):
    drop = make_drop(supply=1000)
    drop.open_public(limit=0)
    drop.send(drop.ana, "mint", 45)
    drop.send(drop.ana, "mint", 255)
    assert drop.ask("mintedBy", drop.ana.address) == [0, 300]


@pytest.mark.parametrize("quantity", [2**32, 2**64, 2**255, 2**256 - 1])
def test_absurd_quantities_are_refused(drop: Drop, quantity: int):
    drop.open_public()
    drop.send(drop.ana, "mint", 1)
    assert drop.refuses(drop.ana, "mint", quantity) in {"OverLimit", "Panic"}
    drop.open_public(price=2)
    assert drop.refuses(drop.ana, "mint", quantity) in {"WrongPayment", "Panic"}
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, quantity) == "SoldOut"


def test_nothing_can_be_minted_for_nothing(drop: Drop):
    drop.open_public(price=5)
    assert drop.refuses(drop.ana, "mint", 0) == "MintZeroQuantity"


def test_public_phase_is_open_from_its_start_until_before_its_end(drop: Drop):
    start = drop.chain.now + 1000
    drop.send(drop.owner, "setPublicSale", start, start + 500, 0, 0)
    assert drop.refuses(drop.ana, "mint", 1) == "Closed"
    assert not drop.passes(drop.ana, "mint", 1, at=start - 1)
    assert drop.passes(drop.ana, "mint", 1, at=start)
    assert drop.passes(drop.ana, "mint", 1, at=start + 499)
    assert not drop.passes(drop.ana, "mint", 1, at=start + 500)
    assert drop.refuses(drop.ana, "mint", 1) == "Closed"
    assert drop.ask("totalSupply") == 2
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)  # the team has no times


def test_no_phase_is_open_at_first(drop: Drop):
    assert drop.ask("sale") == [0, 0, 0, 0, 0, 0, False]
    assert drop.refuses(drop.ana, "mint", 1) == "Closed"
    assert drop.refuses(drop.ana, "claim", 1, 1, 0, []) == "Closed"


def test_public_sale_of_no_length_is_never_open(drop: Drop):
    start = drop.chain.now + 100
    drop.send(drop.owner, "setPublicSale", start, start, 0, 0)
    assert not drop.passes(drop.ana, "mint", 1, at=start)


def test_only_minting_stops_in_a_pause(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana, price=0))
    drop.open_public()
    drop.send(drop.ana, "mint", 2)
    assert drop.events(drop.send(drop.owner, "setPaused", True)) == [("MintingPaused", True)]
    assert drop.refuses(drop.ana, "mint", 1) == "Paused"
    assert drop.refuses(drop.ana, "claim", 1, 5, 0, tree.proof(entry)) == "Paused"
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, 1) == "Paused"
    drop.send(drop.ana, "transferFrom", drop.ana.address, drop.ben.address, 1)
    drop.send(drop.ana, "approve", drop.ben.address, 2)
    drop.send(drop.ben, "safeTransferFrom", drop.ana.address, drop.ben.address, 2)
    assert drop.events(drop.send(drop.owner, "setPaused", False)) == [("MintingPaused", False)]
    drop.send(drop.ana, "mint", 1)
    drop.send(drop.ana, "claim", 1, 5, 0, tree.proof(entry))
    assert drop.owners() == [drop.ben.address] * 2 + [drop.ana.address] * 2


def test_nothing_is_minted_before_the_provenance(make_drop: Callable[..., Drop]):
    drop = make_drop(provenance=bytes(32))
    drop.open_public()
    tree = drop.open_presale(entry := drop.entry(drop.ana, price=0))
    assert drop.refuses(drop.ana, "mint", 1) == "NoProvenance"
    assert drop.refuses(drop.ana, "claim", 1, 5, 0, tree.proof(entry)) == "NoProvenance"
    assert drop.refuses(drop.owner, "teamMint", drop.ana.address, 1) == "NoProvenance"
    drop.send(drop.owner, "setProvenance", PROVENANCE)
    drop.send(drop.ana, "mint", 1)


def test_setting_one_phase_leaves_the_other(drop: Drop):
    drop.send(drop.owner, "setPresale", PROVENANCE, 1, 2)
    drop.send(drop.owner, "setPublicSale", 3, 4, 2**96 - 1, 2**16 - 1)
    drop.send(drop.owner, "setPaused", True)
    assert drop.ask("sale") == [1, 2, 3, 4, 2**96 - 1, 2**16 - 1, True]
    drop.send(drop.owner, "setPresale", PROVENANCE, 5, 2**32 - 1)
    assert drop.ask("sale") == [5, 2**32 - 1, 3, 4, 2**96 - 1, 2**16 - 1, True]
    drop.send(drop.owner, "setPublicSale", 6, 7, 8, 9)
    assert drop.ask("sale") == [5, 2**32 - 1, 6, 7, 8, 9, True]


def test_largest_price_can_be_asked(drop: Drop):
    drop.open_public(price=2**96 - 1)
    assert drop.refuses(drop.ana, "mint", 3, value=1) == "WrongPayment"
    assert drop.chain.now < drop.ask("sale")[3] <= drop.chain.now + DAY
