"""The tokens: ERC-721 and what marketplaces ask beside it."""

from __future__ import annotations

from collections.abc import Callable

from tests.contracts.drops import NOBODY, Drop
from tests.contracts.solidity import build

INTERFACES = {
    "ERC-165": "01ffc9a7",
    "ERC-721": "80ac58cd",
    "ERC-721 metadata": "5b5e139f",
    "ERC-2981": "2a55205a",
    "ERC-4906": "49064906",
}
RECEIVER = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.4;

contract Deaf {}

contract Wrong {
    function onERC721Received(address, address, uint256, bytes calldata) external pure returns (bytes4) {
        return 0xdeadbeef;
    }
}

contract Right {
    bytes public said;
    address public operator;
    address public from;
    uint256 public token;

    function onERC721Received(address by, address from_, uint256 id, bytes calldata data) external returns (bytes4) {
        (operator, from, token, said) = (by, from_, id, data);
        return this.onERC721Received.selector;
    }
}
"""


def test_interfaces_are_told_and_no_others(drop: Drop):
    asked = {**INTERFACES, "none, as ERC-165 says": "ffffffff", "enumerable": "780e9d63", "ERC-1155": "d9b67a26"}
    told = {name for name, interface in asked.items() if drop.ask("supportsInterface", bytes.fromhex(interface))}
    assert told == set(INTERFACES)


def test_names_are_those_of_the_deployment(drop: Drop):
    assert (drop.ask("name"), drop.ask("symbol"), drop.ask("contractURI")) == ("Pond", "POND", "ipfs://about")


def test_tokens_leave_the_middle_of_a_run(drop: Drop):
    drop.send(drop.owner, "teamMint", drop.ana.address, 45)
    model = [drop.ana.address] * 45
    moves = [
        (10, drop.ben),
        (9, drop.eve),
        (11, drop.ben),
        (20, drop.eve),
        (21, drop.ben),
        (45, drop.eve),
        (1, drop.ben),
    ]
    for token, to in moves:
        receipt = drop.send(drop.ana, "transferFrom", drop.ana.address, to.address, token)
        assert drop.events(receipt) == [("Transfer", drop.ana.address, to.address, token)]
        model[token - 1] = to.address
    drop.send(drop.ben, "transferFrom", drop.ben.address, drop.ana.address, 10)
    model[9] = drop.ana.address
    assert drop.owners() == model
    for wallet in (drop.ana, drop.ben, drop.eve):
        assert drop.ask("balanceOf", wallet.address) == model.count(wallet.address)
    assert drop.ask("totalSupply") == 45


def test_only_owners_and_whom_they_approve_move_tokens(drop: Drop):
    drop.send(drop.owner, "teamMint", drop.ana.address, 3)
    ana, ben, eve = drop.ana.address, drop.ben.address, drop.eve.address
    assert drop.refuses(drop.eve, "transferFrom", ana, eve, 1) == "TransferCallerNotOwnerNorApproved"
    assert drop.refuses(drop.owner, "transferFrom", ana, eve, 1) == "TransferCallerNotOwnerNorApproved"
    assert drop.refuses(drop.eve, "approve", eve, 1) == "ApprovalCallerNotOwnerNorApproved"
    assert drop.refuses(drop.ana, "transferFrom", ben, eve, 1) == "TransferFromIncorrectOwner"
    assert drop.refuses(drop.ana, "transferFrom", ana, NOBODY, 1) == "TransferToZeroAddress"
    assert drop.events(drop.send(drop.ana, "approve", ben, 2)) == [("Approval", ana, ben, 2)]
    assert drop.ask("getApproved", 2) == ben
    drop.send(drop.ben, "transferFrom", ana, eve, 2)
    assert drop.ask("getApproved", 2) == NOBODY  # an approval ends with the transfer
    assert drop.refuses(drop.ben, "transferFrom", eve, ben, 2) == "TransferCallerNotOwnerNorApproved"
    assert drop.events(drop.send(drop.ana, "setApprovalForAll", ben, True)) == [("ApprovalForAll", ana, ben, True)]
    assert drop.ask("isApprovedForAll", ana, ben)
    drop.send(drop.ben, "transferFrom", ana, ben, 3)
    drop.send(drop.ana, "setApprovalForAll", ben, False)
    assert drop.refuses(drop.ben, "transferFrom", ana, ben, 1) == "TransferCallerNotOwnerNorApproved"
    assert drop.owners() == [ana, eve, ben]


def test_what_is_asked_of_tokens_that_are_not_there_is_refused(drop: Drop):
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)
    assert drop.refuses(drop.eve, "tokenURI", 2) == "URIQueryForNonexistentToken"
    assert drop.refuses(drop.eve, "tokenURI", 0) == "URIQueryForNonexistentToken"
    assert drop.refuses(drop.eve, "getApproved", 2) == "ApprovalQueryForNonexistentToken"
    assert drop.refuses(drop.eve, "balanceOf", NOBODY) == "BalanceQueryForZeroAddress"


def test_safe_transfers_ask_the_contract_that_receives(drop: Drop, compiler: None):
    made = {name: drop.chain.deploy(drop.eve, one.abi, one.bytecode) for name, one in build(RECEIVER).items()}
    drop.send(drop.owner, "teamMint", drop.ana.address, 2)
    ana = drop.ana.address
    for name in ("Deaf", "Wrong"):
        told = drop.refuses(drop.ana, "safeTransferFrom", ana, made[name].address, 1)
        assert told == "TransferToNonERC721ReceiverImplementer"
    drop.send(drop.ana, "safeTransferFrom", ana, made["Right"].address, 1, b"take it")
    asked = {"from": drop.owner.address}
    told = [made["Right"].functions[name]().call(asked) for name in ("operator", "from", "token", "said")]
    assert told == [ana, ana, 1, b"take it"]
    drop.send(drop.ana, "transferFrom", ana, made["Deaf"].address, 2)  # who says how, knows why
    assert drop.owners() == [made["Right"].address, made["Deaf"].address]


def test_mints_do_not_ask_who_receives(drop: Drop, compiler: None):
    built = build(RECEIVER)["Deaf"]
    deaf = drop.chain.deploy(drop.eve, built.abi, built.bytecode)
    drop.send(drop.owner, "teamMint", deaf.address, 2)
    assert drop.owners() == [deaf.address] * 2


def test_uris_are_those_of_the_base(drop: Drop):
    drop.send(drop.owner, "teamMint", drop.ana.address, 12)
    assert [drop.ask("tokenURI", token) for token in (1, 12)] == ["ipfs://before/1", "ipfs://before/12"]
    receipt = drop.send(drop.owner, "setBaseURI", "ipfs://after/")
    assert drop.events(receipt) == [("BatchMetadataUpdate", 1, 2**256 - 1)]
    assert [drop.ask("tokenURI", token) for token in (1, 12)] == ["ipfs://after/1", "ipfs://after/12"]
    assert drop.ask("baseURI") == "ipfs://after/"


def test_without_a_base_there_is_no_uri(make_drop: Callable[..., Drop]):
    drop = make_drop(base="")
    drop.send(drop.owner, "teamMint", drop.ana.address, 1)
    assert drop.ask("tokenURI", 1) == ""


def test_royalty_is_a_share_rounded_down(drop: Drop):
    royalties = {0: 0, 19: 0, 20: 1, 10_000: 500, 10**24: 5 * 10**22}
    told = {price: drop.ask("royaltyInfo", 1, price) for price in royalties}
    assert told == {price: [drop.owner.address, royalty] for price, royalty in royalties.items()}
