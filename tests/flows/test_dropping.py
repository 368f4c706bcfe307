"""The drop on a network: what is still to be done is done once, and nothing that was not rehearsed."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collection_db import Table
from errors import BadRelease, BadSetting, NothingLeft, RunFailed, StepRefused, WrongChain
from flows.alone import alone_in
from flows.drop_terms import terms_of
from flows.dropping import (
    DEPLOY,
    FREEZE,
    MINT,
    OPEN,
    REVEAL,
    STOP,
    WITHDRAW,
    Outcome,
    adopt,
    deployment_of,
    do,
    write_unsigned,
)
from flows.export import write_tokens
from flows.rehearsing import rehearse_drop
from flows.settings import Settings
from minting.drop.journal import Journal
from minting.drop.steps import Drop
from minting.manifest import read_manifest
from tests.chains import Anvil
from tests.flows.drops import BEGAN, ENDS, exported, with_drop
from tests.minting.drop.conftest import QUICK

TEAM = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
ANN, BOB = "0x90F79bf6EB2c4f870365E785982E1f101E93b906", "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
Make = Callable[..., Settings]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("made") / "pond", 6)


@pytest.fixture
def pond(made: Path, tmp_path: Path, anvil: Anvil) -> Make:
    """pond(team={..}): the settings of a collection of six tokens whose drop was rehearsed."""

    def make(rehearsed: bool = True, **drop: Any) -> Settings:
        folder = tmp_path / "pond"
        if not folder.exists():
            shutil.copytree(made, folder)
        settings = with_drop(folder, {"anvil": anvil}, **drop)
        if rehearsed:
            rehearse_drop(settings, lambda line: None)
        return settings

    return make


@pytest.fixture
def doing(anvil: Anvil) -> Callable[..., Outcome]:
    """doing(settings, DEPLOY): what came of it; `asked` has the calls that were agreed to."""
    own = anvil.fresh()

    def run(settings: Settings, kind: str, account: Any = own, agreed: bool = True) -> Outcome:
        def agree(network: Any, priced: Any, signer: str) -> bool:
            run.asked = [one.call for one in priced]  # type: ignore[attr-defined]
            return agreed

        network = settings.network("anvil")
        return do(settings, network, kind, account, agree=agree, say=lambda text: None, waiting=QUICK)

    run.owner = own  # type: ignore[attr-defined]
    return run


def drop_of(settings: Settings, anvil: Anvil) -> Drop:
    return Drop(anvil.node(), deployment_of(settings, settings.network("anvil")).address, terms_of(settings))


def functions(outcome: Outcome) -> list[str]:
    return [call.function for call, _ in outcome.done]


def test_from_deployment_to_withdrawal_each_step_is_done_once(pond, doing, anvil):
    sale = {"public_start": BEGAN, "public_end": ENDS, "public_price": "0.01", "public_limit": 3}
    settings = pond(team={TEAM: 2}, payees={ANN: 9_000, BOB: 1_000}, **sale)
    assert functions(doing(settings, DEPLOY)) == ["constructor"]
    drop = drop_of(settings, anvil)
    placeholder = read_manifest(settings.placeholder_folder / "manifest.json")
    release = read_manifest(settings.release_folder / "manifest.json")
    assert drop.ask("provenance").hex() == placeholder.promise.provenance_sha256 == release.provenance.sha256
    assert drop.ask("royaltyInfo", 1, 10_000) == ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8", 500]
    assert functions(doing(settings, OPEN)) == ["setPublicSale"]
    assert functions(doing(settings, MINT)) == ["teamMint"]
    assert drop.ask("tokenURI", 2) == f"{placeholder.base_uri}2" and drop.ask("ownerOf", 2) == TEAM
    buyer = anvil.fresh()
    _buy(anvil, drop, buyer, 3, 3 * 10**16)
    assert functions(doing(settings, REVEAL)) == ["setBaseURI", "setContractURI"]
    assert drop.ask("tokenURI", 5) == f"{release.base_uri}5" and drop.ask("ownerOf", 5) == buyer.address
    assert functions(doing(settings, FREEZE)) == ["freeze"]
    before = anvil.node().web3.eth.get_balance(BOB)
    assert functions(doing(settings, WITHDRAW)) == ["withdraw", "withdraw"]
    assert anvil.node().web3.eth.get_balance(BOB) - before == 3 * 10**15
    for kind in (DEPLOY, OPEN, MINT, REVEAL, FREEZE, WITHDRAW):
        assert doing(settings, kind).done == []
    assert json.loads((settings.folder / "drop" / "anvil" / "contract.json").read_text())["language"] == "Solidity"


def test_minting_can_be_stopped_and_let_go_on(pond, doing, anvil):
    settings = pond(public_start=BEGAN, public_end=ENDS)
    doing(settings, DEPLOY)
    doing(settings, OPEN)
    assert functions(doing(settings, STOP)) == ["setPaused"] and drop_of(settings, anvil).sale()["paused"]
    assert doing(settings, STOP).done == []
    assert functions(doing(settings, OPEN)) == ["setPaused"] and not drop_of(settings, anvil).sale()["paused"]


def test_other_terms_than_were_deployed_stop_everything(pond, doing):
    doing(pond(), DEPLOY)
    with pytest.raises(WrongChain, match="supply 6 instead of 5"):
        doing(pond(supply=5, team={TEAM: 1}), MINT)


def test_minting_is_stopped_whatever_became_of_the_release(pond, doing, anvil):
    settings = pond(public_start=BEGAN, public_end=ENDS)
    drop = Drop(anvil.node(), doing(settings, DEPLOY).address)
    shutil.rmtree(settings.release_folder)
    shutil.rmtree(settings.placeholder_folder)
    doing(settings, STOP)
    assert drop.sale()["paused"] and doing(settings, WITHDRAW).done == []


def test_a_release_that_is_not_what_was_promised_is_not_revealed(pond, doing):
    settings = pond(team={TEAM: 1})
    doing(settings, DEPLOY)
    doing(settings, MINT)
    file = settings.placeholder_folder / "manifest.json"
    promised = read_manifest(file).promise.provenance_sha256
    file.write_text(file.read_text().replace(promised, "ab" * 32))
    with pytest.raises(BadRelease, match="provenance hash was published"):
        doing(settings, REVEAL)
    shutil.rmtree(settings.placeholder_folder)
    changed = settings.release_folder / "manifest.json"
    about = json.loads(changed.read_text())
    about["tokens"][0]["image"], about["tokens"][1]["image"] = about["tokens"][1]["image"], about["tokens"][0]["image"]
    changed.write_text(json.dumps(about))
    with pytest.raises(StepRefused, match="its images or their order were changed"):
        doing(settings, REVEAL)


def test_a_payee_that_takes_no_money_does_not_keep_the_others_from_theirs(pond, doing, anvil):
    settings = pond(payees={ANN: 9_000, BOB: 1_000})
    drop = Drop(anvil.node(), doing(settings, DEPLOY).address)
    anvil.ask("anvil_setBalance", drop.address, hex(10**18))
    anvil.ask("anvil_setCode", ANN, "0x60006000fd")  # it reverts
    assert [call.arguments for call, _ in doing(settings, WITHDRAW).done] == [(BOB,)]


def test_a_phase_that_is_over_is_no_hindrance_once_the_drop_is_under_way(pond, doing):
    over = {"presale_start": BEGAN, "presale_end": "2026-01-02T00:00:00Z"}
    with pytest.raises(RunFailed, match="has passed"):
        pond(**over)
    doing(pond(), DEPLOY)
    assert "the presale is over, and was not played" in rehearse_drop(pond(False, **over), lambda line: None).notes


def test_a_team_that_grows_gets_only_the_rest(pond, doing, anvil):
    settings = pond(team={TEAM: 2})
    doing(settings, DEPLOY)
    doing(settings, MINT)
    settings = pond(team={TEAM: 3, ANN: 1})
    doing(settings, MINT)
    assert [call.arguments for call in doing.asked] == [(TEAM, 1), (ANN, 1)]
    assert drop_of(settings, anvil).ask("totalMinted") == 4
    table = Table.open(settings.database_url)
    marks = {mint.number: mint.tx for mint in table.mints()}
    table.close()
    journal = Journal(settings.folder / "drop" / "anvil")
    sent = [entry.done.hash for entry in journal.entries.values() if entry.last.kind == MINT]
    assert marks == {1: sent[0], 2: sent[0], 3: sent[1], 4: sent[2]}


def test_nothing_is_deployed_that_was_not_rehearsed(pond, doing):
    with pytest.raises(NothingLeft, match="not rehearsed"):
        doing(pond(rehearsed=False), DEPLOY)
    pond(team={TEAM: 2})
    with pytest.raises(NothingLeft, match="the terms, the release changed"):
        doing(pond(rehearsed=False, team={TEAM: 3}), DEPLOY)


def test_after_a_no_nothing_is_sent(pond, doing, anvil):
    outcome = doing(pond(), DEPLOY, agreed=False)
    assert not outcome.agreed and anvil.node().web3.eth.block_number == 0


def test_a_chain_that_was_started_anew_stops_everything(pond, doing, anvil, anvil_binary):
    settings = pond()
    doing(settings, DEPLOY)
    port = anvil.port
    anvil.stop()
    again = Anvil(anvil_binary, 31337, "--timestamp", "1700000000", port=port)
    try:
        with pytest.raises(WrongChain, match="another chain"):
            doing(settings, MINT)
        assert again.node().web3.eth.block_number == 0
    finally:
        again.stop()


def test_other_code_at_the_address_stops_everything(pond, doing, anvil):
    settings = pond(team={TEAM: 2})
    doing(settings, DEPLOY)
    anvil.ask("anvil_setCode", drop_of(settings, anvil).address, "0x6001600101")
    with pytest.raises(WrongChain, match="another contract"):
        doing(settings, MINT)


def test_whom_the_contract_does_not_belong_to_is_told(pond, doing, anvil):
    settings = pond(team={TEAM: 2})
    doing(settings, DEPLOY)
    with pytest.raises(StepRefused, match=r"belongs to .* --unsigned"):
        doing(settings, MINT, account=anvil.fresh())


def test_nothing_is_frozen_before_the_reveal(pond, doing):
    settings = pond()
    doing(settings, DEPLOY)
    with pytest.raises(StepRefused, match="`toadworks reveal` comes first"):
        doing(settings, FREEZE)


def test_a_presale_needs_an_allowlist_of_this_contract(pond, doing):
    settings = pond(presale_start=BEGAN, presale_end=ENDS)
    doing(settings, DEPLOY)
    with pytest.raises(NothingLeft, match="toadworks allowlist --network anvil"):
        doing(settings, OPEN)


def test_a_multisig_gets_calls_to_sign_and_what_it_deployed_is_gone_on_with(pond, doing, anvil):
    safe = anvil.fresh()
    settings = pond(owner=safe.address, team={TEAM: 2})
    network = settings.network("anvil")
    file, calls = write_unsigned(settings, network, DEPLOY)
    batch = json.loads(file.read_text())
    assert batch["chainId"] == "31337" and batch["transactions"][0]["to"] is None and len(calls) == 1
    address = _signed_by(anvil, safe, batch["transactions"][0])
    assert adopt(settings, network, address) == address
    file, _ = write_unsigned(settings, network, MINT)
    _signed_by(anvil, safe, json.loads(file.read_text())["transactions"][0])
    assert write_unsigned(settings, network, MINT) is None
    assert drop_of(settings, anvil).ask("teamMinted", TEAM) == 2
    with pytest.raises(StepRefused, match="was deployed here before"):
        adopt(settings, network, address)


def test_a_contract_with_other_terms_is_not_adopted(pond, doing, anvil, tmp_path):
    settings = pond()
    address = doing(settings, DEPLOY).address
    shutil.rmtree(settings.folder / "drop" / "anvil")
    with pytest.raises(WrongChain, match="supply 6 instead of 5"):
        adopt(pond(supply=5), settings.network("anvil"), address)
    with pytest.raises(WrongChain, match="no contract"):
        adopt(pond(), settings.network("anvil"), anvil.fresh().address)


def test_two_processes_do_not_work_on_a_network_at_once(pond, doing):
    settings = pond()
    folder = settings.folder / "drop" / "anvil"
    told: list[str] = []

    def other() -> None:
        try:
            doing(settings, DEPLOY)
        except RunFailed as error:
            told.append(str(error))

    with alone_in(folder, "works on anvil"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert "another process works on anvil" in told[0] and Journal(folder).entries == {}


@pytest.mark.parametrize(
    ("drop", "told"),
    [
        ({"supply": 7}, "drop.supply: 7 tokens, and the release has 6"),
        ({"team": {TEAM: 7}}, "drop.team: 7 tokens"),
    ],
)
def test_terms_that_the_release_cannot_keep_are_refused(pond, drop, told):
    with pytest.raises(BadSetting, match=told):
        terms_of(pond(rehearsed=False, **drop))


def test_a_release_of_another_standard_is_refused(pond):
    settings = pond(rehearsed=False)
    file = settings.placeholder_folder / "manifest.json"
    file.write_text(file.read_text().replace('"ERC-721"', '"ERC-1155"'))
    with pytest.raises(BadSetting, match="no ERC-1155"):
        terms_of(settings)


def test_the_manifest_tells_what_the_allowlist_is_made_from(pond):
    settings = pond(rehearsed=False, allowlist=["friends.csv"])
    (settings.folder / "friends.csv").write_text(f"{ANN}\n")
    write_tokens.fn(str(settings.file))
    manifest = read_manifest(settings.release_folder / "manifest.json")
    digest = hashlib.sha256(f"{ANN}\n".encode()).hexdigest()
    assert [(one.file, one.sha256) for one in manifest.lists] == [("friends.csv", digest)]
    assert ANN not in manifest.text()


def test_without_a_release_there_are_no_terms(pond):
    settings = pond(rehearsed=False)
    shutil.rmtree(settings.release_folder)
    shutil.rmtree(settings.placeholder_folder)
    with pytest.raises(BadRelease, match="toadworks export"):
        terms_of(settings)


def _buy(anvil: Anvil, drop: Drop, buyer: Any, count: int, value: int) -> None:
    _signed_by(anvil, buyer, {"to": drop.address, "value": value, "data": drop.call("sale", "", "mint", count).data})


def _signed_by(anvil: Anvil, account: Any, transaction: dict[str, Any]) -> str:
    """What a wallet does with a call: the address of what it deployed, or ""."""
    eth = anvil.node().web3.eth
    about = {key: value for key, value in transaction.items() if key in ("to", "data") and value is not None}
    about |= {"value": int(transaction["value"]), "gas": 5_000_000, "nonce": eth.get_transaction_count(account.address)}
    about |= {"chainId": anvil.chain_id, "type": 2, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
    sent = eth.send_raw_transaction(account.sign_transaction(about).raw_transaction)
    receipt = eth.wait_for_transaction_receipt(sent, 10)
    assert receipt["status"] == 1
    return str(receipt["contractAddress"] or "")
