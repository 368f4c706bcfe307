"""Trees are those of OpenZeppelin's library, root, proofs and file."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest

from errors import BadValue
from minting.allowlist.files import TYPES
from minting.allowlist.tree import StandardTree, leaf_hash, proves
from tests.chains import MODULES
from tests.conftest import missing

NPM = MODULES.parent
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def rows_of(dice: random.Random, count: int) -> list[tuple[object, ...]]:
    """Of different wallets, with limits and prices from the smallest to the largest."""
    limits, prices = (1, 5, 2**32 - 1), (0, 1, 5 * 10**16, 2**96 - 1, 2**256 - 1)
    return [
        (137, CONTRACT, 1, "0x" + dice.randbytes(20).hex(), dice.choice(limits), dice.choice(prices))
        for _ in range(count)
    ]


def npm(tmp_path, trees):
    """What the library makes of the same rows."""
    node = shutil.which("node")
    if node is None or not (MODULES / "@openzeppelin" / "merkle-tree").is_dir():
        missing("no @openzeppelin/merkle-tree: `npm install --prefix tests/npm --no-package-lock`")
    dumps = [tree.dump() for tree in trees]
    asked = [
        {"types": tree.types, "values": [one["value"] for one in dump["values"]], "dump": dump}
        for tree, dump in zip(trees, dumps, strict=True)
    ]
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    told = subprocess.run(
        [node, str(NPM / "merkle.mjs"), str(tmp_path / "asked.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_golden_roots_proofs_and_files_of_many_lists(tmp_path):
    dice = random.Random(9)
    counts = [*range(1, 34), 63, 64, 65, *(dice.randint(100, 400) for _ in range(2)), 2000]
    trees = [StandardTree(rows_of(dice, count), TYPES) for count in counts]
    for tree, told in zip(trees, npm(tmp_path, trees), strict=True):
        assert told["root"] == told["loaded"] == tree.root
        assert told["proofs"] == [tree.proof(index) for index in range(len(tree.values))]
        assert told["dump"] == tree.dump() and told["rendered"]


def test_golden_tree_of_other_types(tmp_path):
    rows = [("0x" + f"{n:040x}", n, f"toad {n}") for n in range(1, 12)]
    tree = StandardTree(rows, ("address", "uint96", "string"))
    (told,) = npm(tmp_path, [tree])
    assert told["root"] == tree.root and told["dump"] == tree.dump()


def test_a_proof_serves_its_own_leaf_alone():
    tree = StandardTree(rows_of(random.Random(1), 33), TYPES)
    leaves = [leaf_hash(row, TYPES) for row in tree.values]
    for at in range(33):
        good = [other for other in range(33) if proves(tree.proof(at), leaves[other], tree.root)]
        assert good == [at]


def test_a_row_twice_and_no_row_are_refused():
    rows = rows_of(random.Random(2), 5)
    with pytest.raises(BadValue, match="each row once; this is row 1"):
        StandardTree([*rows, rows[1]], TYPES)
    with pytest.raises(BadValue, match="no tree over nothing"):
        StandardTree([], TYPES)


def test_ten_thousand_wallets_hash_each_node_once(monkeypatch):
    """What makes it quick: 10,000 leaves take two hashes each, and their 9,999 nodes one."""
    from minting.allowlist import tree

    asked = []
    honest = tree.keccak
    monkeypatch.setattr(tree, "keccak", lambda data: asked.append(len(data)) or honest(data))
    made = StandardTree(rows_of(random.Random(3), 10_000), TYPES)
    assert len(asked) == 2 * 10_000 + 9_999
    assert max(len(made.proof(at)) for at in (0, 5_000, 9_999)) <= 14
