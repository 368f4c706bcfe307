"""From the holders of one drop to the presale of the next: snapshot on one chain, allowlist and claims on another."""

from __future__ import annotations

import json
import signal

import pytest

from minting.allowlist.files import read_allowlist
from tests.chains import Anvil
from tests.minting.chain.limiting import HOLD, limiting
from tests.minting.chain.pond import Pond

SECRET = "a-key-of-somebody"
LATER = 2**32 - 1  # seconds since 1970
PRICE = 5 * 10**16
TOML = """
name = "pond"
[sources]
images = "toads"
[drop]
presale_price = "0.05"
[networks.cheap]
chain_id = 31337
rpc = "{first}/{secret}"
[networks.main]
chain_id = 4242
rpc = "{second}"
"""


@pytest.fixture(scope="module")
def chains(anvil_binary):
    """The first drop, on a chain with many blocks, and the second, on another chain."""
    one, other = Anvil(anvil_binary), Anvil(anvil_binary, 4242)
    first = Pond(one, minted=40, moves=20)
    one.mine(200)
    yield first, Pond(other)
    one.stop()
    other.stop()


@pytest.fixture
def collection(tmp_path, chains):
    """collection(first): its folder; `first`: where the first chain is asked."""
    first, second = chains

    def write(url):
        text = TOML.format(first=url or first.anvil.url, second=second.anvil.url, secret=SECRET)
        (tmp_path / "toads").mkdir()
        (tmp_path / "collection.toml").write_text(text)
        return tmp_path

    return write


@pytest.mark.slow
def test_holders_of_one_drop_claim_in_the_presale_of_the_next(chains, collection, toadworks, start):
    first, second = chains
    with limiting(first.anvil.port) as proxy:
        proxy.most_blocks, proxy.refusal = 16, lambda begin, end: "limited to a 16 blocks range"
        proxy.faults.extend(["", "", "", "", HOLD])
        folder = collection(proxy.url)
        out = folder / "drop" / "cheap" / f"holders-{first.address.lower()}.csv"
        killed = start("snapshot", f"cheap:{first.address}", cwd=folder)
        assert proxy.held.wait(60), killed.poll()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        before, proxy.ranges = proxy.ranges, []
        assert not out.exists() and len(before) == 3
        told = toadworks("snapshot", f"cheap:{first.address}", cwd=folder)
    assert told.returncode == 0 and "goes on with the snapshot of block" in told.stderr
    assert proxy.ranges[0][0] == before[-1][1] + 1
    assert out.read_text() == first.csv() and SECRET not in told.stdout + told.stderr
    assert SECRET not in out.with_suffix(".json").read_text()
    assert "40 tokens" in told.stdout and "checked: balanceOf of all" in told.stdout

    (folder / "friends.csv").write_text(f"address,limit,price\n{second.wallets[0]},2,0\n")
    (folder / "not.txt").write_text(f"{first.wallets[1]}\n")
    asked = ["allowlist", out, "friends.csv", "--network", "main", "--contract", second.address]
    told = toadworks(*asked, "--per-token", 1, "--at-most", 3, "--exclude", "not.txt", cwd=folder)
    assert told.returncode == 0, told.stderr
    made = read_allowlist(folder / "drop" / "main" / "allowlist.json")
    held = {wallet: sum(owner == wallet for owner in first.owners.values()) for wallet in set(first.owners.values())}
    expected = {wallet: (min(count, 3), PRICE) for wallet, count in held.items() if wallet != first.wallets[1]}
    expected[second.wallets[0]] = (2, 0)
    assert {entry.address: (entry.limit, entry.price) for entry in made.entries} == expected
    assert made.root in told.stdout and f"{len(expected)} wallets may mint {made.tokens} tokens at most" in told.stdout
    about = json.loads(out.with_suffix(".json").read_text())
    assert made.sources[0]["sha256"] == about["sha256"]
    assert made.sources[0]["snapshot"] == {key: about[key] for key in ("chain_id", "contract", "block", "hash")}

    second.done(second.contract.functions.setPresale(made.root, 0, LATER).transact({"from": second.team}))
    proofs = json.loads((folder / "drop" / "main" / "proofs.json").read_text())
    for wallet, (limit, price) in expected.items():
        proof = proofs[wallet.lower()]["proof"]
        asked_for = second.contract.functions.claim(limit, limit, price, proof)
        second.done(asked_for.transact({"from": wallet, "value": price * limit}))
        assert second.contract.functions.balanceOf(wallet).call() == limit
    assert second.contract.functions.totalSupply().call() == made.tokens
    assert first.wallets[1].lower() not in proofs
