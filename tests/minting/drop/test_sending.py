"""Steps are sent exactly once, whatever a chain and its node do in between."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from errors import BadValue, NodeFailed, StepFailed, StepRefused
from minting.drop.calls import call, deployment
from minting.drop.fees import fees_now
from minting.drop.journal import DONE, FAILED, OVERTAKEN, Journal
from minting.drop.steps import Drop
from tests.chains import Anvil
from tests.minting.chain.limiting import limiting
from tests.minting.drop.conftest import QUICK, Party, terms

HOLDER = "0x" + "12" * 20


def team_mint(drop: Drop, count: int = 1) -> Any:
    return call("mint", f"mint {count}", drop.address, "teamMint", HOLDER, count)


def in_background(run: Any) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def mining(anvil: Anvil, thread: threading.Thread, seconds: float = 20) -> None:
    """Blocks, until the thread has ended."""
    end = time.monotonic() + seconds
    while thread.is_alive() and time.monotonic() < end:
        anvil.mine()
        thread.join(0.05)
    assert not thread.is_alive()


def sent(anvil: Anvil) -> list[dict[str, Any]]:
    """What waits to be mined."""
    pool = anvil.ask("txpool_content")
    return [one for kind in ("pending", "queued") for by in pool[kind].values() for one in by.values()]


def until(holds: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_what_is_done_is_what_the_chain_holds(party):
    drop = party.deployed(terms())
    drop.check_code()
    assert drop.ask("owner") == party.account.address and drop.ask("maxSupply") == 100
    done = party.sender().send(team_mint(drop, 3))
    assert drop.ask("teamMinted", HOLDER) == 3
    entry = party.sender().journal.entries[2]
    assert (entry.state, entry.done) == (DONE, done) and done.paid > 0


def test_what_the_contract_refuses_is_never_signed(party):
    drop = party.deployed(terms(supply=2))
    with pytest.raises(StepRefused, match=r"the contract refuses it \(SoldOut\)"):
        party.sender().send(team_mint(drop, 3))
    assert list(party.sender().journal.entries) == [1]


def test_what_would_take_too_much_gas_is_never_signed(party):
    drop = party.deployed(terms())
    party.network["max_gas"] = 90_000
    with pytest.raises(StepRefused, match="max_gas is 90000"):
        party.sender().send(team_mint(drop, 20))


def test_gas_above_what_is_allowed_is_never_paid(party):
    drop = party.deployed(terms())
    party.network["max_fee"] = 0.000001
    with pytest.raises(StepRefused, match="max_fee"):
        party.sender().send(team_mint(drop))


def test_an_account_that_cannot_pay_is_told(party):
    drop = party.deployed(terms())
    party.anvil.ask("anvil_setBalance", party.account.address, hex(10**9))
    sender = party.sender()
    with pytest.raises(StepRefused, match=r"and 0x\w+ has 0\.000000 ETH"):
        sender.check_funds(sender.price([team_mint(drop)]))


def test_confirmations_are_waited_for(party, slow_anvil):
    party.network["confirmations"] = 3
    sender, found = party.sender(), []
    thread = in_background(lambda: found.append(sender.send(deployment(terms(), party.account.address))))
    until(lambda: sent(slow_anvil))
    slow_anvil.mine(3)
    until(lambda: any("2 of 3 confirmations" in said for said in party.said))
    assert thread.is_alive() and not found
    slow_anvil.mine()
    thread.join(10)
    assert found[0].block == 1


def test_a_transaction_that_was_dropped_is_sent_again(party, slow_anvil):
    sender, found = party.sender(), []
    thread = in_background(lambda: found.append(sender.send(deployment(terms(), party.account.address))))
    until(lambda: sent(slow_anvil))
    first = sent(slow_anvil)[0]["hash"]
    slow_anvil.ask("anvil_dropTransaction", first)
    assert not sent(slow_anvil)
    until(lambda: sent(slow_anvil))
    mining(slow_anvil, thread)
    assert found[0].hash == first and len(sender.journal.entries[1].attempts) == 1


def test_an_underpriced_one_is_replaced_by_the_same_call(party, slow_anvil):
    party.network["max_fee"] = 2_000.0
    sender, found = party.sender(), []
    thread = in_background(lambda: found.append(sender.send(deployment(terms(), party.account.address))))
    until(lambda: sent(slow_anvil))
    slow_anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(500 * 10**9))
    mining(slow_anvil, thread)
    first, *_, last = sender.journal.entries[1].attempts
    assert (first.nonce, first.data, first.to, first.value) == (last.nonce, last.data, last.to, last.value)
    assert last.fee > 500 * 10**9 > first.fee and found[0].hash == last.hash
    assert slow_anvil.node().web3.eth.get_transaction_count(party.account.address) == 1


def test_one_that_stalls_is_replaced_and_only_one_of_them_is_mined(party, slow_anvil):
    sender, found = party.sender(), []
    thread = in_background(lambda: found.append(sender.send(deployment(terms(), party.account.address))))
    until(lambda: len(sender.journal.entries[1].attempts) > 1 if sender.journal.entries else False)
    mining(slow_anvil, thread)
    assert found[0].contract and slow_anvil.node().web3.eth.get_transaction_count(party.account.address) == 1


def test_a_fee_is_never_raised_above_what_is_allowed(party, slow_anvil):
    party.network["max_fee"] = 4.0
    sender = party.sender()
    thread = in_background(lambda: sender.send(deployment(terms(), party.account.address)))
    until(lambda: any("were agreed to at most" in said or "max_fee" in said for said in party.said))
    assert all(one.fee <= 4 * 10**9 for one in sender.journal.entries[1].attempts)
    mining(slow_anvil, thread)


def test_without_a_limit_a_fee_rises_to_a_few_times_the_first_at_most(party, slow_anvil):
    sender = party.sender(waiting=replace(QUICK, stalled=0.05))
    priced = sender.price([deployment(terms(), party.account.address)])[0]
    thread = in_background(lambda: sender.send(priced.call, priced))
    until(lambda: any("were agreed to at most" in said for said in party.said))
    slow_anvil.ask("evm_setAutomine", True)
    mining(slow_anvil, thread)
    attempts = sender.journal.entries[1].attempts
    assert len(attempts) > 2 and all(one.fee <= priced.ceiling == 4 * attempts[0].fee for one in attempts)
    assert all(one.gas * one.fee <= priced.most for one in attempts)


def test_what_a_node_keeps_no_receipt_of_is_still_done(party):
    drop = party.deployed(terms())
    with limiting(party.anvil.port) as proxy:
        proxy.edit = lambda method, result: None if method == "eth_getTransactionReceipt" else result
        sender = party.sender(proxy.node(party.anvil))
        sender.settle()
        assert sender.journal.deployment[0] == drop.address
        assert "eth_sendRawTransaction" not in proxy.methods


def test_a_dry_run_sends_nothing_that_was_signed_before(party, slow_anvil):
    sender = party.sender()
    sender._sign(1, deployment(terms(), party.account.address), 0, 3_000_000, fees_now(sender.node), 10**12)
    with pytest.raises(StepRefused, match="without --dry-run"):
        party.sender().settle(only_look=True)
    assert not sent(slow_anvil)


def test_steps_that_a_reorg_took_come_back_in_their_order(party):
    """The deployment by one account, with a high nonce, the mint by another."""
    owner = party.anvil.fresh()
    party.anvil.ask("anvil_setNonce", party.account.address, "0x5")
    drop = party.deployed(terms(owner=owner.address))
    second = Party(party.anvil, party.folder, owner)
    second.sender().send(team_mint(drop))
    party.anvil.ask("anvil_reorg", 2, [])
    second.sender().settle()
    assert drop.ask("teamMinted", HOLDER) == 1


@pytest.mark.parametrize("damage", ["a line", "a key", "the first line"])
def test_a_journal_that_was_damaged_stops_everything(party, damage):
    drop = party.deployed(terms())
    party.sender().send(team_mint(drop))
    file = party.folder / "journal.jsonl"
    lines = file.read_bytes().split(b"\n")
    if damage == "the first line":
        lines = lines[2:]
    else:
        lines[2] = lines[2][:50] if damage == "a line" else lines[2].replace(b'"nonce"', b'"once"')
    file.write_bytes(b"\n".join(lines))
    with pytest.raises(BadValue, match="journal of a drop"):
        party.sender()


def test_another_process_goes_on_with_what_was_signed(party, slow_anvil):
    sender = party.sender()
    sender._sign(
        1, one := deployment(terms(), party.account.address), 0, 3_000_000, fees_now(sender.node), 10**12
    )  # then it is killed
    assert one.data and not sent(slow_anvil)
    after = party.sender()
    thread = in_background(after.settle)
    mining(slow_anvil, thread)
    assert after.journal.entries[1].state == DONE and len(after.journal.entries) == 1


def test_what_was_sent_and_not_noted_is_found(party):
    """Killed between the sending and the receipt."""
    drop = party.deployed(terms())
    sender = party.sender()
    sender._sign(2, team_mint(drop), 1, 200_000, fees_now(sender.node), 10**12)
    sender.node.web3.eth.send_raw_transaction(sender.journal.entries[2].last.raw)
    after = party.sender()
    after.settle()
    assert after.journal.entries[2].state == DONE and drop.ask("teamMinted", HOLDER) == 1


def test_a_reorg_that_takes_a_step_is_noticed_and_it_is_done_again(party):
    drop = party.deployed(terms())
    party.sender().send(team_mint(drop))
    first = party.sender().journal.entries[2].done
    party.anvil.ask("anvil_reorg", 1, [])
    assert drop.ask("teamMinted", HOLDER) == 0
    again = party.sender()
    again.settle()
    assert drop.ask("teamMinted", HOLDER) == 1
    after = again.journal.entries[2].done
    assert after.hash == first.hash and after.block_hash != first.block_hash
    assert any("a reorg took it" in said for said in party.said)


def test_a_reorg_that_moves_a_step_to_another_block_is_noticed(party):
    drop = party.deployed(terms())
    done = party.sender().send(team_mint(drop))
    raw = party.sender().journal.entries[2].last.raw
    party.anvil.ask("anvil_reorg", 1, [[raw, 0]])
    party.sender().settle()
    after = party.sender().journal.entries[2].done
    assert after.block_hash != done.block_hash and drop.ask("teamMinted", HOLDER) == 1


def test_a_nonce_that_another_program_used_is_told_and_the_step_can_be_done_anew(party, slow_anvil):
    sender = party.sender()
    sender._sign(1, deployment(terms(), party.account.address), 0, 3_000_000, fees_now(sender.node), 10**12)
    about = {"to": HOLDER, "value": 1, "gas": 21_000, "nonce": 0, "chainId": 31337, "type": 2}
    other = party.account.sign_transaction({**about, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9})
    sender.node.web3.eth.send_raw_transaction(other.raw_transaction)
    slow_anvil.mine()
    with pytest.raises(StepFailed, match="another transaction of the account used its nonce"):
        sender.settle()
    slow_anvil.ask("evm_setAutomine", True)
    assert Journal(party.folder).entries[1].state == OVERTAKEN
    assert party.sender().send(deployment(terms(), party.account.address)).contract


def test_other_transactions_under_way_are_not_replaced(party, slow_anvil):
    about = {"to": HOLDER, "value": 1, "gas": 21_000, "nonce": 0, "chainId": 31337, "type": 2}
    other = party.account.sign_transaction({**about, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9})
    party.node().web3.eth.send_raw_transaction(other.raw_transaction)
    with pytest.raises(StepRefused, match="has 1 other transactions under way"):
        party.sender().send(deployment(terms(), party.account.address))


def test_a_step_that_the_contract_reverts_when_it_is_mined_is_told(party, slow_anvil):
    slow_anvil.ask("evm_setAutomine", True)
    drop = party.deployed(terms(supply=3))
    slow_anvil.ask("evm_setAutomine", False)
    sender, raised = party.sender(), []

    def run() -> None:
        try:
            sender.send(team_mint(drop, 3))
        except StepFailed as error:
            raised.append(error)

    thread = in_background(run)
    until(lambda: sent(slow_anvil))
    slow_anvil.ask("anvil_setStorageAt", drop.address, "0x0", "0x" + f"{4:064x}")  # the rest was minted meanwhile
    mining(slow_anvil, thread)
    assert "the contract reverted it" in str(raised[0])
    assert Journal(party.folder).entries[2].state == FAILED


def test_a_journal_with_a_torn_line_is_gone_on_with(party):
    drop = party.deployed(terms())
    file = party.folder / "journal.jsonl"
    file.write_bytes(file.read_bytes() + b'{"entry": "signed", "step": 2, "ki')
    party.sender().send(team_mint(drop))
    assert drop.ask("teamMinted", HOLDER) == 1
    assert [entry.state for entry in Journal(party.folder).entries.values()] == [DONE, DONE]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_node_that_stays_away_is_given_up_and_nothing_is_lost(party, slow_anvil, monkeypatch):
    monkeypatch.setattr("minting.chain.node.PAUSE", 0.001)
    sender = party.sender(waiting=replace(QUICK, away=0.5))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            sender.send(deployment(terms(), party.account.address))
        except NodeFailed as error:
            raised.append(error)

    thread = in_background(run)
    until(lambda: sent(slow_anvil))
    slow_anvil.stop()
    thread.join(30)
    assert raised and Journal(party.folder).pending


@pytest.mark.parametrize("answer", ["late", "never"])
def test_a_node_that_took_it_and_did_not_answer_is_asked_for_the_receipt(party, monkeypatch, answer):
    drop = party.deployed(terms())
    with limiting(party.anvil.port) as proxy:
        if answer == "late":
            monkeypatch.setattr("minting.chain.node.TIMEOUT", 0.3)
        sender = party.sender(proxy.node(party.anvil))

        def late(method: str, result: Any) -> Any:
            if method == "eth_sendRawTransaction":
                if answer == "never":
                    raise ConnectionResetError
                time.sleep(0.6)
            return result

        proxy.edit = late
        sender.send(team_mint(drop, 2))
        assert proxy.methods.count("eth_sendRawTransaction") == 1
    assert drop.ask("totalMinted") == 2 and len(sender.journal.entries[2].attempts) == 1
