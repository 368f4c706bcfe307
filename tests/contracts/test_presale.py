"""Claims: who is on the list, for how many, at which price, and that no proof serves elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chains import MODULES
from tests.conftest import missing
from tests.contracts.drops import Drop
from tests.contracts.trees import Entry, Tree


def claim(drop: Drop, wallet: Any, tree: Tree, entry: Entry, quantity: int = 1) -> dict[str, Any]:
    """The arguments of a claim that is right."""
    given = ("claim", quantity, entry.limit, entry.price, tree.proof(entry))
    return {"given": (wallet, *given), "value": entry.price * quantity}


def refused(drop: Drop, wallet: Any, tree: Tree, entry: Entry, quantity: int = 1) -> str:
    asked = claim(drop, wallet, tree, entry, quantity)
    return drop.refuses(*asked["given"], value=asked["value"])


def claimed(drop: Drop, wallet: Any, tree: Tree, entry: Entry, quantity: int = 1) -> Any:
    asked = claim(drop, wallet, tree, entry, quantity)
    return drop.send(*asked["given"], value=asked["value"])


def test_everybody_on_the_list_claims_at_their_own_price(drop: Drop):
    entries = [drop.entry(wallet, limit, price) for wallet, limit, price in wallets(drop)]
    tree = drop.open_presale(*entries)
    for (wallet, limit, _), entry in zip(wallets(drop), entries, strict=True):
        claimed(drop, wallet, tree, entry, limit)
        assert drop.ask("mintedBy", wallet.address) == [limit, 0]
    assert drop.owners() == [wallet.address for wallet, limit, _ in wallets(drop) for _ in range(limit)]


def wallets(drop: Drop) -> list[tuple[Any, int, int]]:
    return [(drop.ana, 2, 100), (drop.ben, 5, 0), (drop.eve, 1, 10**18)]


def test_list_of_one_needs_no_proof(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana))
    assert tree.proof(entry) == []
    claimed(drop, drop.ana, tree, entry)


def test_limit_is_over_all_claims(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=3), drop.entry(drop.ben))
    assert refused(drop, drop.ana, tree, entry, 4) == "OverLimit"
    claimed(drop, drop.ana, tree, entry, 2)
    drop.send(drop.ana, "transferFrom", drop.ana.address, drop.eve.address, 1)
    assert refused(drop, drop.ana, tree, entry, 2) == "OverLimit"
    claimed(drop, drop.ana, tree, entry)
    assert refused(drop, drop.ana, tree, entry) == "OverLimit"
    assert drop.ask("mintedBy", drop.ana.address) == [3, 0]


def test_what_was_claimed_counts_under_a_new_list(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=3))
    claimed(drop, drop.ana, tree, entry, 3)
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=5, price=1))
    assert refused(drop, drop.ana, tree, entry, 3) == "OverLimit"
    claimed(drop, drop.ana, tree, entry, 2)


def test_phases_count_apart(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=4, price=0))
    drop.open_public(limit=3)
    claimed(drop, drop.ana, tree, entry, 3)
    drop.send(drop.ana, "mint", 2)
    claimed(drop, drop.ana, tree, entry, 1)
    drop.send(drop.ana, "mint", 1)
    assert drop.ask("mintedBy", drop.ana.address) == [4, 3]
    assert refused(drop, drop.ana, tree, entry) == drop.refuses(drop.ana, "mint", 1) == "OverLimit"


def test_proofs_are_for_their_wallet_alone(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana), drop.entry(drop.ben))
    assert refused(drop, drop.eve, tree, entry) == "NotOnAllowlist"
    assert refused(drop, drop.ben, tree, entry) == "NotOnAllowlist"
    assert drop.refuses(drop.eve, "claim", 1, 5, 100, [], value=100) == "NotOnAllowlist"


@pytest.mark.parametrize("change", [{"limit": 6}, {"price": 99}, {"limit": 2**256 - 1}, {"price": 0}])
def test_limit_and_price_cannot_be_made_up(drop: Drop, change: dict[str, int]):
    tree = drop.open_presale(entry := drop.entry(drop.ana), drop.entry(drop.ben))
    other = replace(entry, **change)
    told = drop.refuses(
        drop.ana, "claim", 1, other.limit, other.price, tree.proof(entry), value=min(other.price, 10**18)
    )
    assert told == "NotOnAllowlist"


@pytest.mark.parametrize("what", ["chain", "contract", "phase"])
def test_proofs_of_elsewhere_are_refused(drop: Drop, what: str):
    elsewhere = {"chain": 1, "contract": drop.payees[0], "phase": 2}[what]
    tree = drop.open_presale(entry := drop.entry(drop.ana, **{what: elsewhere}), drop.entry(drop.ben))
    assert refused(drop, drop.ana, tree, entry) == "NotOnAllowlist"
    tree = drop.open_presale(entry := drop.entry(drop.ana), drop.entry(drop.ben))
    claimed(drop, drop.ana, tree, entry)  # it was that alone


def test_proofs_of_another_drop_are_refused(make_drop: Callable[..., Drop]):
    one, other = make_drop(), make_drop()
    tree = one.open_presale(entry := one.entry(one.ana), one.entry(one.ben))
    other.send(other.owner, "setPresale", tree.root, 0, 2**32 - 1)
    assert refused(other, other.ana, tree, entry) == "NotOnAllowlist"
    claimed(one, one.ana, tree, entry)


def test_nobody_is_on_a_list_that_was_never_set(drop: Drop):
    now = drop.chain.now
    drop.send(drop.owner, "setPresale", bytes(32), now, now + 1000)
    assert drop.refuses(drop.ana, "claim", 1, 5, 0, []) == "NotOnAllowlist"
    assert drop.refuses(drop.ana, "claim", 1, 5, 0, [bytes(32)]) == "NotOnAllowlist"


def test_nodes_of_the_tree_are_no_leaves(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana), drop.entry(drop.ben), drop.entry(drop.eve))
    proof = tree.proof(entry)
    for wrong in ([], proof[:-1], proof[1:], [*proof, bytes(32)], proof[::-1], [tree.root]):
        if wrong != proof:
            assert drop.refuses(drop.ana, "claim", 1, 5, 100, wrong, value=100) == "NotOnAllowlist"


def test_claims_want_the_exact_price(drop: Drop):
    tree = drop.open_presale(entry := drop.entry(drop.ana, price=100))
    drop.open_public(price=7)  # of the other phase
    for value in (0, 7, 100, 199, 201):
        assert drop.refuses(drop.ana, "claim", 2, 5, 100, [], value=value) == "WrongPayment"
    claimed(drop, drop.ana, tree, entry, 2)
    assert drop.chain.web3.eth.get_balance(drop.address) == 200


def test_presale_is_open_from_its_start_until_before_its_end(drop: Drop):
    tree, start = Tree([entry := drop.entry(drop.ana, price=0)]), drop.chain.now + 1000
    given = ("claim", 1, 5, 0, tree.proof(entry))
    drop.send(drop.owner, "setPresale", tree.root, start, start + 500)
    drop.send(drop.owner, "setPublicSale", 0, 2**32 - 1, 0, 0)  # another matter
    assert drop.refuses(drop.ana, *given) == "Closed"
    assert not drop.passes(drop.ana, *given, at=start - 1)
    assert drop.passes(drop.ana, *given, at=start)
    assert drop.passes(drop.ana, *given, at=start + 499)
    assert not drop.passes(drop.ana, *given, at=start + 500)
    assert drop.refuses(drop.ana, *given) == "Closed"
    assert drop.ask("mintedBy", drop.ana.address) == [2, 0]


def test_claims_go_in_runs_and_end_with_the_supply(make_drop: Callable[..., Drop]):
    drop = make_drop(supply=50)
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=100, price=0))
    claimed(drop, drop.ana, tree, entry, 45)
    assert refused(drop, drop.ana, tree, entry, 6) == "SoldOut"
    claimed(drop, drop.ana, tree, entry, 5)
    assert drop.ask("balanceOf", drop.ana.address) == drop.ask("totalSupply") == 50


@pytest.mark.parametrize("quantity", [2**32, 2**64, 2**255, 2**256 - 1])
def test_leaves_without_an_end_do_not_reach_the_other_count(drop: Drop, quantity: int):
    tree = drop.open_presale(entry := drop.entry(drop.ana, limit=2**256 - 1, price=0))
    claimed(drop, drop.ana, tree, entry)
    assert refused(drop, drop.ana, tree, entry, quantity) in {"OverLimit", "Panic"}
    assert drop.refuses(drop.ana, "claim", 2**255, entry.limit, 2, tree.proof(entry)) in {"Panic", "NotOnAllowlist"}
    assert drop.ask("mintedBy", drop.ana.address) == [1, 0]


def test_golden_tree_is_that_of_openzeppelins_library(drop: Drop):
    if shutil.which("node") is None or not (MODULES / "@openzeppelin" / "merkle-tree").is_dir():
        missing("no merkle-tree: `npm install --prefix tests/npm --no-package-lock`")
    entries = [drop.entry(wallet, limit, price) for wallet, limit, price in wallets(drop)]
    program = """
        const { StandardMerkleTree } = await import(process.argv[1]);
        const types = ["uint256", "address", "uint256", "address", "uint256", "uint256"];
        const tree = StandardMerkleTree.of(JSON.parse(process.argv[2]), types);
        console.log(JSON.stringify([tree.root, ...[...tree.entries()].map(([index]) => tree.getProof(index))]));
    """
    values = [[str(e.chain), e.contract, str(e.phase), e.wallet, str(e.limit), str(e.price)] for e in entries]
    library = MODULES / "@openzeppelin" / "merkle-tree" / "dist" / "index.js"
    command = ["node", "--input-type=module", "-e", program, library.as_uri(), json.dumps(values)]
    root, *proofs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    tree = drop.open_presale(*entries)
    assert tree.root.hex() == root[2:]
    for (wallet, limit, price), proof in zip(wallets(drop), proofs, strict=True):
        drop.send(wallet, "claim", 1, limit, price, proof, value=price)
