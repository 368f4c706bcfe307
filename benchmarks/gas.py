"""What does a drop cost? Gas of every step of Drop.sol, as transactions on an EVM in this process (or on a node),
beside the targets and beside two plain contracts with as long an allowlist: a bare one on ERC721A, and one on
OpenZeppelin's ERC721.

    python benchmarks/gas.py [--leaves 1024] [--anvil]

Compiled with npm's solc, optimizer 200: `npm install --prefix contracts --no-package-lock`. A claim is the first of a
fresh wallet, not the first of all; a proof among 1,024 leaves has ten hashes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from minting.chain.inside import inside_node
from tests.chains import Anvil, accounts, anvil_program
from tests.contracts.drops import DAY, Chain, Drop
from tests.contracts.solidity import build, no_compiler
from tests.contracts.trees import Entry, Tree

PRICE = 10**15  # wei
LIMIT = 5
PLAIN = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721A} from "erc721a/contracts/ERC721A.sol";

/// A claim and nothing else: no phases, no supply, no owner, no money out.
contract BareERC721A is ERC721A {
    bytes32 private immutable _root;
    uint256 private immutable _price;

    constructor(bytes32 root, uint256 price) ERC721A("Bare", "BARE") {
        (_root, _price) = (root, price);
        _mint(msg.sender, 1);
    }

    function claim(uint256 quantity, uint256 limit, bytes32[] calldata proof) external payable {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(msg.sender, limit))));
        require(MerkleProof.verifyCalldata(proof, _root, leaf));
        require(msg.value == _price * quantity);
        uint64 claimed = _getAux(msg.sender) + uint64(quantity);
        require(claimed <= limit);
        _mint(msg.sender, quantity);
        _setAux(msg.sender, claimed);
    }

    function _startTokenId() internal pure override returns (uint256) {
        return 1;
    }
}

contract PlainERC721 is ERC721 {
    bytes32 private immutable _root;
    uint256 private immutable _price;
    uint256 private _minted;
    mapping(address wallet => uint256) private _claimed;

    constructor(bytes32 root, uint256 price) ERC721("Plain", "PLAIN") {
        (_root, _price) = (root, price);
        _mint(msg.sender, ++_minted);
    }

    function claim(uint256 quantity, uint256 limit, bytes32[] calldata proof) external payable {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(msg.sender, limit))));
        require(MerkleProof.verifyCalldata(proof, _root, leaf));
        require(msg.value == _price * quantity);
        uint256 claimed = _claimed[msg.sender] + quantity;
        require(claimed <= limit);
        _claimed[msg.sender] = claimed;
        uint256 minted = _minted;
        for (uint256 i = 0; i < quantity; ++i) _mint(msg.sender, ++minted);
        _minted = minted;
    }
}
"""


@dataclass(frozen=True)
class Row:
    """`target`: what `gas` is to stay at or under, 0 for none."""

    step: str
    gas: int
    target: int = 0


def strangers(count: int) -> list[str]:
    """Addresses that nobody has."""
    return [to_checksum_address(keccak(text=f"stranger {index}")[-20:]) for index in range(count)]


def drop_rows(chain: Chain, leaves: int = 1024) -> list[Row]:
    """Of one drop, step after step. `chain` has six accounts, of whom none holds a token of it."""
    drop = Drop(chain, supply=10_000)
    owner, rows = drop.owner, []
    claimers = list(chain.accounts[1:3])
    other, team, *fresh = strangers(6)

    def step(name: str, target: int, caller: Any, function: str, *given: Any, value: int = 0) -> None:
        rows.append(Row(name, drop.send(caller, function, *given, value=value)["gasUsed"], target))

    rows.append(Row("deploy", drop.deployed_gas))
    everybody = [one.address for one in claimers] + strangers(leaves)[: leaves - 2]
    entries = [Entry(chain.web3.eth.chain_id, drop.address, wallet, LIMIT, PRICE) for wallet in everybody]
    tree, now = Tree(entries), chain.now
    step("setPresale", 0, owner, "setPresale", tree.root, now, now + DAY)
    step("setPublicSale", 0, owner, "setPublicSale", now, now + DAY, PRICE, LIMIT)
    drop.send(owner, "teamMint", other, 1)  # the very first mint of all costs more
    step("team: 1 to a fresh address", 0, owner, "teamMint", fresh[0], 1)
    step("team: 20 to a fresh address", 119_999, owner, "teamMint", team, 20)
    step("team: 20 to a holder", 99_999, owner, "teamMint", team, 20)
    step("team: 1 to a holder", 0, owner, "teamMint", team, 1)
    for wallet, entry, quantity, target in zip(claimers, entries, (1, 5), (88_500, 96_500), strict=False):
        given = (quantity, LIMIT, PRICE, tree.proof(entry))
        step(f"claim of {quantity}", target, wallet, "claim", *given, value=PRICE * quantity)
    step("public mint of 1", 0, chain.accounts[3], "mint", 1, value=PRICE)
    step("public mint of 5", 0, chain.accounts[4], "mint", 5, value=PRICE * 5)
    drop.send(owner, "teamMint", owner.address, 60)
    begin = drop.ask("totalMinted") - 59
    # each from a run of its own, since a transfer leaves marks where the next ones need not look further back
    for name, token, to in (
        ("1st of a run of 20", begin, fresh[1]),
        ("20th", begin + 39, fresh[2]),
        ("19th, which costs most", begin + 58, fresh[3]),
    ):
        step(f"transfer: {name}", 0, owner, "transferFrom", owner.address, to, token)
    step("withdraw", 0, chain.accounts[5], "withdraw", drop.payees[0])
    step("setBaseURI", 0, owner, "setBaseURI", f"ipfs://{'b' * 59}/")
    step("freeze", 0, owner, "freeze")
    return rows


def plain_rows(chain: Chain, leaves: int = 1024) -> list[Row]:
    """Claims of 1 and 5 from the plain contracts."""
    rows, owner = [], chain.accounts[0]
    wallets = [one.address for one in chain.accounts[1:3]] + strangers(leaves)[: leaves - 2]
    tree = Tree([PlainEntry(0, "", wallet, LIMIT, PRICE) for wallet in wallets])
    for name, built in build(PLAIN).items():
        contract = chain.deploy(owner, built.abi, built.bytecode, tree.root, PRICE)
        for index, quantity in enumerate((1, 5)):
            proof = tree.proof(PlainEntry(0, "", wallets[index], LIMIT, PRICE))
            call = {
                "to": contract.address,
                "data": contract.encode_abi("claim", args=[quantity, LIMIT, proof]),
                "value": PRICE * quantity,
            }
            receipt = chain.send(chain.accounts[1 + index], call)
            if not receipt["status"]:
                raise RuntimeError(f"{name} refuses a claim of {quantity}")
            rows.append(Row(f"{name}: claim of {quantity}", receipt["gasUsed"]))
    return rows


class PlainEntry(Entry):
    def leaf(self) -> bytes:
        return keccak(keccak(encode(["address", "uint256"], [self.wallet, self.limit])))


def table(rows: list[Row]) -> str:
    lines = [f"| {'step':34} | {'gas':>9} | {'at most':>9} |", f"|{'-' * 36}|{'-' * 10}:|{'-' * 10}:|"]
    for row in rows:
        lines.append(f"| {row.step:34} | {row.gas:9,} | {f'{row.target:,}' if row.target else '':>9} |")
    return "\n".join(lines)


def on_chain(anvil: bool, action: Callable[[Chain], None]) -> None:
    if not anvil:
        node, owners = inside_node(6, seed="gas")
        action(Chain(node.web3, owners))
        return
    program = anvil_program()
    if program is None:
        sys.exit("no Ethereum node: npm install --prefix tests/npm --no-package-lock")
    running = Anvil(program)
    try:
        action(Chain(running.node().web3, accounts(6), real=True))
    finally:
        running.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--leaves", type=int, default=1024)
    parser.add_argument("--anvil", action="store_true", help="on a real node, in place of the EVM in this process")
    asked = parser.parse_args()
    if told := no_compiler():
        sys.exit(told)
    rows: list[Row] = []
    on_chain(asked.anvil, lambda chain: rows.extend(drop_rows(chain, asked.leaves)))
    on_chain(asked.anvil, lambda chain: rows.extend(plain_rows(chain, asked.leaves)))
    print(table(rows))
    if any(row.target and row.gas > row.target for row in rows):
        sys.exit("over a target")


if __name__ == "__main__":
    main()
