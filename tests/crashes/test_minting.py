"""Deploying and minting by processes that are killed at any moment, on a chain that is shaken: all is done, once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.rehearsing import rehearse_drop
from minting.drop.journal import DONE, Journal
from minting.drop.steps import Drop
from tests.chains import Anvil
from tests.flows.drops import exported, with_drop
from tests.minting.drop.conftest import terms

ROOT = Path(__file__).parents[2]
KILLS, WALLETS = 50, 24
# It has imported everything before it is asked to begin, so that what is killed is work. On each line a child deploys
# what is not deployed, and mints what is not minted.
FORKING = """
import os, sys
from eth_account import Account
from flows.dropping import DEPLOY, MINT, do
from flows.settings import Settings
from minting.drop.sending import Waiting
settings, account = Settings.read(sys.argv[1]), Account.from_key(sys.argv[2])
waiting = Waiting(pause=0.01, again=0.1, stalled=1.0, doubt=0.5, away=20)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        for kind in (DEPLOY, MINT):
            do(settings, settings.network("anvil"), kind, account, agree=lambda *told: True, say=lambda text: None,
               waiting=waiting)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Mining:
    """Blocks, all the time; it can be made to stop."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, self.going = anvil, True
        anvil.ask("evm_setAutomine", False)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while self.going:
            with suppress(RuntimeError, requests.exceptions.RequestException):  # amid a reorg it may refuse
                self.anvil.mine()
            time.sleep(0.03)

    def stop(self) -> None:
        self.going = False
        self.thread.join()


def shake(anvil: Anvil, chance: random.Random) -> None:
    """A reorg, a pool that forgets, gas that becomes dearer, or nothing."""
    trouble = chance.choice(["reorg", "drop", "dear", "", ""])
    if trouble == "reorg":
        anvil.ask("anvil_reorg", min(chance.randrange(1, 20), int(anvil.ask("eth_blockNumber"), 16) - 1), [])
    elif trouble == "drop":
        anvil.ask("anvil_dropAllTransactions")
    elif trouble == "dear":
        anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(chance.randrange(1, 60) * 10**9))


def transactions_of(anvil: Anvil, address: str) -> list[dict[str, Any]]:
    """All that the chain holds, of an account."""
    found = []
    for number in range(int(anvil.ask("eth_blockNumber"), 16) + 1):
        block = anvil.ask("eth_getBlockByNumber", hex(number), True)
        found += [one for one in block["transactions"] if one["from"] == address.lower()]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_killed_fifty_times_nothing_is_doubled_and_nothing_skipped(anvil: Anvil, tmp_path: Path, seed: int) -> None:
    chance, account = random.Random(seed), anvil.fresh()
    team = {"0x" + f"{number:040x}": 1 + number % 3 for number in range(1, WALLETS + 1)}
    settings = with_drop(exported(tmp_path / "pond", sum(team.values())), {"anvil": anvil}, team=team)
    rehearse_drop(settings, lambda line: None)
    mining = Mining(anvil)
    command = [sys.executable, "-c", FORKING, str(settings.folder), account.key.hex()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as forking:
        assert forking.stdin and forking.stdout and forking.stdout.readline() == "ready\n"
        kills = 0
        for _ in range(4 * KILLS):  # one that gives up, as the node is amid a reorg, is begun again as a killed one is
            forking.stdin.write("go\n")
            forking.stdin.flush()
            child = int(forking.stdout.readline())
            if kills < KILLS:
                time.sleep(chance.uniform(0.02, 0.25))
                os.kill(child, signal.SIGKILL)
            status = int(forking.stdout.readline())
            kills += os.WIFSIGNALED(status)
            if status == 0 and kills >= KILLS:
                break
            shake(anvil, chance)
        forking.stdin.close()
    mining.stop()
    assert kills >= KILLS
    journal = Journal(settings.folder / "drop" / "anvil")
    entries = list(journal.entries.values())
    assert {entry.state for entry in entries} == {DONE} and journal.deployment
    sent = transactions_of(anvil, account.address)
    assert [one["to"] for one in sent].count(None) == 1
    assert len(sent) == len(entries) == 1 + WALLETS
    drop = Drop(anvil.node(), journal.deployment[0], terms())
    assert drop.ask("totalMinted") == sum(team.values())
    assert {wallet: drop.ask("teamMinted", anvil.node().web3.to_checksum_address(wallet)) for wallet in team} == team
    told = [json.loads(line) for line in journal.file.read_text().splitlines()]
    assert {line["nonce"] for line in told if line["entry"] == "signed"} == set(range(len(entries)))
    print(
        f"{kills} kills, {sum(line['entry'] == 'signed' for line in told)} signed, "
        f"{sum(line['entry'] == 'lost' for line in told)} lost to reorgs"
    )
