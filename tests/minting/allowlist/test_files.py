"""allowlist.json and proofs.json: written, read, and known where they were changed."""

from __future__ import annotations

import json

import pytest
from eth_utils.address import to_checksum_address

from errors import BadSource, BadValue
from minting.allowlist.files import FILE, PROOFS, TYPES, make_allowlist, read_allowlist, write_allowlist
from minting.allowlist.rows import Source
from minting.allowlist.rules import Entry, Rules
from minting.allowlist.tree import leaf_hash, proves

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
WALLETS = [to_checksum_address(f"0x{number:040x}") for number in range(1, 8)]
SNAPSHOT = {"chain_id": 1, "contract": CONTRACT, "block": 7, "hash": "0x" + "12" * 32}


@pytest.fixture
def made():
    entries = [Entry(wallet, number, 10**17 + number) for number, wallet in enumerate(WALLETS, 1)]
    source = Source("holders.csv", "ab" * 32, [], SNAPSHOT)
    return make_allowlist(137, CONTRACT.lower(), entries, [source], Rules(price=3, per_token=1), excluded=2)


def test_what_is_written_is_read_again(tmp_path, made):
    read = read_allowlist(write_allowlist(tmp_path / "drop", made))
    assert read == made and read.root == made.root
    assert (read.tokens, read.income) == (28, 28 * 10**17 + sum(n * n for n in range(1, 8)))
    assert read.sources[0]["snapshot"] == SNAPSHOT and read.rules["price"] == "3"
    assert sorted(file.name for file in (tmp_path / "drop").iterdir()) == [FILE, PROOFS]


def test_every_wallet_finds_its_proof(tmp_path, made):
    write_allowlist(tmp_path, made)
    proofs = json.loads((tmp_path / PROOFS).read_text())
    assert list(proofs) == [wallet.lower() for wallet in WALLETS]
    for entry in made.entries:
        told = proofs[entry.address.lower()]
        leaf = leaf_hash((137, CONTRACT, 1, entry.address, told["limit"], int(told["price"])), TYPES)
        assert proves(told["proof"], leaf, made.root)
        assert made.proof(entry.address) == (entry, told["proof"])
    with pytest.raises(BadValue, match="on the allowlist"):
        made.proof(CONTRACT)


def test_the_same_lists_give_the_same_bytes(tmp_path, made):
    write_allowlist(tmp_path / "one", made)
    write_allowlist(tmp_path / "two", made)
    for name in (FILE, PROOFS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda given: given["leaves"][2].update(limit=9), "root"),
        (lambda given: given["leaves"][2].update(price="0"), "root"),
        (lambda given: given["leaves"].pop(), "root"),
        (lambda given: given.update(contract=WALLETS[0]), "root"),
        (lambda given: given.update(chain_id=1), "root"),
        (lambda given: given.update(tokens=29), "sums"),
        (lambda given: given.update(income="0"), "sums"),
        (lambda given: given["leaves"].append(given["leaves"][0]), "twice"),
        (lambda given: given["leaves"][0].update(limit=0), r"leaves\.0\.limit"),
        (lambda given: given["leaves"][0].update(price=1), r"leaves\.0\.price"),
        (lambda given: given["leaves"][0].update(price=str(2**96)), "above"),
        (lambda given: given["leaves"][0].update(address="ada"), "ada"),
        (lambda given: given.update(leaves=[]), "leaves"),
        (lambda given: given.update(format=2), "format"),
        (lambda given: given.update(more=1), "more"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path, made, change, told):
    file = write_allowlist(tmp_path, made)
    given = json.loads(file.read_text())
    change(given)
    file.write_text(json.dumps(given))
    with pytest.raises(BadSource, match=told) as caught:
        read_allowlist(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff", b"{}"])
def test_what_is_no_allowlist_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BadSource, match=FILE):
        read_allowlist(tmp_path / FILE)
