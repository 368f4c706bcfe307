"""Two drops as one person makes them: the holders of the first are let into the presale of the second, on another
chain."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from errors import StepRefused
from minting.drop.calls import Call, call, gas_of
from minting.drop.steps import Drop
from tests.chains import Anvil
from tests.flows.drops import BEGAN, ENDS, exported, with_drop
from tests.minting.drop.conftest import terms

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "a pond at night"
PRICE = 10**16
CLEAN = "the chain says what the collection says"


@pytest.fixture
def chains(anvil_binary: Path) -> Iterator[tuple[Anvil, Anvil]]:
    both = Anvil(anvil_binary, 31337), Anvil(anvil_binary, 31338)
    yield both
    for node in both:
        node.stop()


def keystore(folder: Path, account: Any) -> Path:
    file = folder / "key.json"
    file.write_text(json.dumps(Account.encrypt(account.key, PASSWORD, kdf="pbkdf2", iterations=2)))
    return file


def signs(anvil: Anvil, account: Any, one: Call) -> None:
    """What a holder's wallet does."""
    eth = anvil.node().web3.eth
    about = {"to": one.to, "data": one.data, "value": one.value, "gas": 500_000, "chainId": anvil.chain_id, "type": 2}
    about |= {"nonce": eth.get_transaction_count(account.address)}
    about |= {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
    sent = eth.send_raw_transaction(account.sign_transaction(about).raw_transaction)
    assert eth.wait_for_transaction_receipt(sent, 10)["status"] == 1


def refused(anvil: Anvil, account: Any, one: Call, error: str) -> None:
    with pytest.raises(StepRefused, match=error):
        gas_of(anvil.node(), one, account.address)


def claim(drop: Drop, proofs: dict[str, Any], wallet: str, count: int, paid: int | None = None) -> Call:
    found = proofs[wallet.lower()]
    proof = [bytes.fromhex(step[2:]) for step in found["proof"]]
    price = int(found["price"])
    given = (count, found["limit"], price, proof)
    return call("sale", "claim", drop.address, "claim", *given, value=count * price if paid is None else paid)


@pytest.mark.slow
def test_holders_of_the_first_drop_get_into_the_presale_of_the_second(chains, toadworks: Run, tmp_path: Path) -> None:
    first_chain, second_chain = chains
    publisher = first_chain.fresh()
    second_chain.ask("anvil_setBalance", publisher.address, hex(10**20))
    key = keystore(tmp_path, publisher)

    def run(folder: Path, *arguments: str, status: int = 0) -> str:
        told = toadworks(*arguments, cwd=folder, TOADWORKS_KEYSTORE=str(key), TOADWORKS_KEYSTORE_PASSWORD=PASSWORD)
        assert told.returncode == status, (arguments, told.stdout, told.stderr)
        assert PASSWORD not in told.stdout + told.stderr and "Traceback" not in told.stderr
        return told.stdout if not status else told.stderr

    def address_in(told: str) -> str:
        return told.rstrip().rpartition("contract: ")[2]

    # the first drop: the public buys
    pond = exported(tmp_path / "first", 7, placeholder=False)
    sale = {"public_start": BEGAN, "public_end": ENDS, "public_price": "0.01"}
    with_drop(pond, {"cheap": first_chain}, team={publisher.address: 1}, **sale)
    assert "`toadworks rehearse` first" in run(pond, "deploy", "--network", "cheap", "--yes", status=2)
    assert "all of it went as it has to" in run(pond, "rehearse")
    first = Drop(first_chain.node(), address_in(run(pond, "deploy", "--network", "cheap", "--yes")), terms())
    run(pond, "open", "--network", "cheap", "--yes")
    run(pond, "mint", "--network", "cheap", "--yes")
    ann, bob, carol, stranger = (first_chain.fresh() for _ in range(4))
    for buyer, count in ((ann, 3), (bob, 2), (stranger, 1)):
        signs(first_chain, buyer, call("sale", "buy", first.address, "mint", count, value=count * PRICE))
    moved = call("move", "give", first.address, "transferFrom", stranger.address, carol.address, 7)
    signs(first_chain, stranger, moved)

    told = run(pond, "snapshot", f"cheap:{first.address}", "--block", "latest")
    assert told.startswith("4 wallets hold 7 tokens")
    holders = next((pond / "drop" / "cheap").glob("holders-*.csv"))

    # the second: who held, may mint first, one for each token and two at most
    lake = exported(tmp_path / "second", 8)
    shutil.copy(holders, lake / "holders.csv")
    presale = {"presale_start": BEGAN, "presale_end": ENDS, "presale_price": "0.01"}
    rules = {"allowlist": ["holders.csv"], "presale_per_token": 1, "presale_at_most": 2}
    with_drop(lake, {"cheap": first_chain, "main": second_chain}, **presale, **rules)
    assert "wallet on the allowlist: claim 2 at 0.01 coins each" in run(lake, "rehearse")
    second = Drop(second_chain.node(), address_in(run(lake, "deploy", "--network", "main", "--yes")), terms())
    assert "allowlist --network main" in run(lake, "open", "--network", "main", "--yes", status=2)
    run(lake, "allowlist", "--network", "main")
    run(lake, "open", "--network", "main", "--yes")
    proofs = json.loads((lake / "drop" / "main" / "proofs.json").read_text())
    limits = {ann: 2, bob: 2, carol: 1, publisher: 1}
    assert {wallet: about["limit"] for wallet, about in proofs.items()} == {
        one.address.lower(): limit for one, limit in limits.items()
    }
    for one in (ann, bob, carol, stranger):
        second_chain.ask("anvil_setBalance", one.address, hex(10**20))
    refused(second_chain, stranger, claim(second, proofs, ann.address, 1), "NotOnAllowlist")
    refused(second_chain, ann, claim(second, proofs, ann.address, 3), "OverLimit")
    refused(second_chain, ann, claim(second, proofs, ann.address, 1, paid=0), "WrongPayment")
    refused(second_chain, stranger, call("sale", "buy", second.address, "mint", 1), "Closed")
    for one, limit in ((ann, 2), (bob, 1), (carol, 1)):
        signs(second_chain, one, claim(second, proofs, one.address, limit))
    refused(second_chain, ann, claim(second, proofs, ann.address, 1), "OverLimit")
    assert second.ask("totalMinted") == 4

    # the reveal, and what a stranger can hold it against
    assert CLEAN in run(lake, "audit", "--network", "main", "--block", "latest")
    run(lake, "reveal", "--network", "main", "--yes")
    release = json.loads((lake / "release" / "manifest.json").read_text())
    assert second.ask("tokenURI", 3) == f"{release['base_uri']}3"
    run(lake, "freeze", "--network", "main", "--yes")
    assert "pay 0.040000 POL" in run(lake, "withdraw", "--network", "main", "--yes")
    assert CLEAN in run(lake, "audit", "--network", "main", "--block", "latest")
    second_chain.ask("anvil_setStorageAt", second.address, "0x0", "0x" + f"{4:064x}")  # a token is gone
    run(lake, "audit", "--network", "main", "--block", "latest", status=1)
