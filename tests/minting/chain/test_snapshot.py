"""Snapshots of real contracts on a real node: who holds what, held against the contract, through whatever happens."""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import contextmanager
from itertools import pairwise

import pytest
from filelock import FileLock

from errors import BadValue, NodeFailed, NothingLeft
from flows.progress import shown
from minting.chain import logs, raw
from minting.chain.balances import AT_ONCE, balances_at
from minting.chain.snapshot import WrongHolders, take_snapshot
from tests.chains import Anvil
from tests.minting.chain.limiting import RESET, limiting
from tests.minting.chain.pond import Parrot, Pond, coin, wallet


@pytest.fixture(scope="module")
def pond(anvil_binary):
    anvil = Anvil(anvil_binary)
    anvil.mine(70)
    made = Pond(anvil, minted=60, moves=40)
    anvil.mine(300)
    for token in (1, 2, 3):
        made.move(token, made.wallets[9])
    yield made
    anvil.stop()


@pytest.fixture
def proxy(pond, monkeypatch):
    monkeypatch.setattr(logs, "PAUSE", 0.0)
    monkeypatch.setattr(raw, "PAUSE", 0.0)
    with limiting(pond.anvil.port) as between:
        yield between


@pytest.fixture
def take(tmp_path):
    """take(node, contract, asked="latest"): the snapshot, and what was said; the CSV is in tmp_path."""

    def taken(node, contract, asked="latest", **more):
        said = []
        more = {"meter": shown, "say": said.append, **more}
        return take_snapshot(node, contract, str(asked), tmp_path / "holders.csv", **more), said

    return taken


def break_off(proxy, after):
    """The proxy answers to ranges of 40 blocks, `after` of them, and then breaks."""
    proxy.most_blocks, proxy.refusal = 40, lambda first, last: "limited to a 40 blocks range"
    proxy.faults.clear()
    proxy.faults.extend(["", *[""] * after, *["broken"] * 100])


def lines_of_progress(tmp_path):
    return (tmp_path / ".holders.csv.progress").read_bytes().splitlines()


def files(tmp_path):
    return sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".busy")


def test_holders_are_those_of_the_chain(tmp_path, pond, take):
    told, said = take(pond.anvil.node(), pond.address)
    text = (tmp_path / "holders.csv").read_text()
    assert text == pond.csv() and said == []
    assert files(tmp_path) == ["holders.csv", "holders.json"]
    about = json.loads((tmp_path / "holders.json").read_text())
    block = pond.web3.eth.get_block("latest")
    assert about["sha256"] == hashlib.sha256(text.encode()).hexdigest() == told.sha256
    assert (about["block"], about["hash"]) == (block["number"], block["hash"].to_0x_hex())
    assert (about["chain_id"], about["contract"], about["rpc"]) == (31337, pond.address, "127.0.0.1")
    assert (told.first_block, told.transfers, told.tokens, told.burned) == (pond.block, 103, 60, 0)
    assert told.total_supply == 60 and told.balances_checked == told.holders == text.count("\n") - 1
    assert told.unchecked == "" and ":8545" not in json.dumps(about)


def test_an_earlier_block_is_asked_for_by_its_number(tmp_path, pond, take):
    now = pond.web3.eth.block_number
    told, _ = take(pond.anvil.node(), pond.address, now - 3)
    assert told.block == now - 3 and told.transfers == 100
    assert (tmp_path / "holders.csv").read_text() != pond.csv()
    with pytest.raises(NodeFailed, match=f"has no block {now + 1}"):
        take(pond.anvil.node(), pond.address, now + 1)


def test_the_same_block_gives_the_same_bytes_whatever_the_ranges_are(tmp_path, pond, proxy, take):
    take(pond.anvil.node(), pond.address)
    once = [(tmp_path / name).read_bytes() for name in files(tmp_path)]
    proxy.most_blocks, proxy.most_logs = 23, 31
    proxy.faults.extend(["", RESET, "too many requests", RESET])
    take(proxy.node(pond.anvil), pond.address)
    assert [(tmp_path / name).read_bytes() for name in files(tmp_path)] == once


def test_what_was_read_is_not_asked_for_again(tmp_path, pond, proxy, take):
    dice, asked = random.Random(5), []
    for _ in range(4):
        break_off(proxy, after=2)
        with pytest.raises(NodeFailed):
            take(proxy.node(pond.anvil), pond.address)
        progress = tmp_path / ".holders.csv.progress"
        with progress.open("r+b") as torn:  # as a power cut leaves it, within the last line
            torn.truncate(len(progress.read_bytes()) - dice.randint(0, len(lines_of_progress(tmp_path)[-1])))
        asked.append(list(proxy.ranges))
        proxy.ranges.clear()
    proxy.faults.clear()
    _, said = take(proxy.node(pond.anvil), pond.address)
    assert said[0].startswith("goes on with the snapshot of block")
    assert all(len(ranges) == 2 for ranges in asked)
    assert all(later[0] in (earlier[1], (earlier[1][1] + 1, earlier[1][1] + 40)) for earlier, later in pairwise(asked))
    assert proxy.ranges[0][0] >= pond.block + 4 * 40
    assert (tmp_path / "holders.csv").read_text() == pond.csv()


@pytest.mark.parametrize("other", ["block", "first", "contract"])
def test_a_progress_of_something_else_is_not_gone_on_with(tmp_path, pond, proxy, take, other):
    now = pond.web3.eth.block_number
    break_off(proxy, after=3)
    with pytest.raises(NodeFailed):
        take(proxy.node(pond.anvil), pond.address, now)
    progress = tmp_path / ".holders.csv.progress"
    begun = json.loads(lines_of_progress(tmp_path)[0])
    assert len(lines_of_progress(tmp_path)) == 4 and begun["block"] == now
    more = {"first": 0} if other == "first" else {}
    if other == "contract":
        begun["contract"] = wallet(5)
        progress.write_bytes(json.dumps(begun).encode() + progress.read_bytes()[len(lines_of_progress(tmp_path)[0]) :])
    _, said = take(pond.anvil.node(), pond.address, now - 3 if other == "block" else now, **more)
    assert said == [] and not progress.exists()
    assert ((tmp_path / "holders.csv").read_text() == pond.csv()) == (other != "block")


@pytest.mark.parametrize("beside", ["{}", "[1]", "toads"])
def test_no_other_file_is_overwritten(tmp_path, pond, take, beside):
    (tmp_path / "holders.json").write_text(beside)
    with pytest.raises(BadValue, match=r"holders\.json beside it would be overwritten"):
        take(pond.anvil.node(), pond.address)
    assert files(tmp_path) == ["holders.json"] and (tmp_path / "holders.json").read_text() == beside


def test_two_at_once_are_refused(tmp_path, pond, take):
    with FileLock(tmp_path / ".holders.csv.busy"), pytest.raises(NothingLeft, match="another process"):
        take(pond.anvil.node(), pond.address)


def test_a_node_without_old_state_says_so_and_what_was_not_checked(tmp_path, pond, proxy, take):
    proxy.oldest = pond.web3.eth.block_number + 1
    told, said = take(proxy.node(pond.anvil), pond.address)
    assert told.first_block == 0 and "from block 0 on" in said[0]
    assert told.balances_checked is None and told.total_supply is None
    assert told.unchecked == f"the node would not tell balanceOf and totalSupply at block {told.block}"
    assert "missing trie node" in said[1] and "trie" not in (tmp_path / "holders.json").read_text()
    assert (tmp_path / "holders.csv").read_text() == pond.csv()


def test_balances_are_asked_together_or_one_by_one(pond, proxy):
    node, block = proxy.node(pond.anvil), pond.web3.eth.block_number
    wallets = [*pond.wallets, *map(wallet, range(1, AT_ONCE + 20))]
    together = balances_at(node, pond.address, wallets, block, lambda count: None)
    assert proxy.methods.count("eth_call") == 2
    proxy.no_creation = True
    assert balances_at(node, pond.address, wallets, block, lambda count: None) == together
    assert proxy.methods.count("eth_call") == 2 + 1 + len(wallets)
    held = [sum(owner == one for owner in pond.owners.values()) for one in pond.wallets]
    assert together == held + [0] * (AT_ONCE + 19)


def test_logs_that_a_node_loses_are_noticed(tmp_path, pond, proxy, take):
    token = "0x" + f"{3:064x}"  # it was passed on by the last log of all

    def lose_one(method, result):
        return result[:-1] if method == "eth_getLogs" and result and result[-1]["topics"][3] == token else result

    proxy.edit = lose_one
    with pytest.raises(WrongHolders, match=r"holds \d+ by the logs, \d+ by balanceOf.*nothing was written"):
        take(proxy.node(pond.anvil), pond.address)
    assert files(tmp_path) == []


def test_a_wallet_that_the_logs_forget_is_noticed_by_the_supply(anvil, take):
    pond = Pond(anvil, minted=5)
    pond.mint(pond.wallets[9], 2)
    with limiting(anvil.port) as proxy:
        proxy.edit = lambda method, result: result[:-2] if method == "eth_getLogs" else result
        with pytest.raises(WrongHolders, match=r"there are 5 tokens at block .*, totalSupply says 7"):
            take(proxy.node(anvil), pond.address)


def test_burned_tokens_have_no_holder_and_a_supply_that_counts_them_is_told(anvil, take, tmp_path):
    parrot = Parrot(anvil.node())
    for token in (10, 11, 12):
        parrot.transfer(0, 5, token)
    parrot.transfer(5, 0, 11)
    parrot.transfer(5, 0xABCDEF, 12)
    parrot.know(5, 1)
    parrot.know(0xABCDEF, 1)
    parrot.know(0, 2)
    told, said = take(anvil.node(), parrot.address)
    assert (told.burned, told.tokens, said) == (1, 2, [])
    assert (tmp_path / "holders.csv").read_text() == (
        f"address,tokens,token_ids\n{wallet(5)},1,10\n{wallet(0xABCDEF)},1,12\n"
    )
    parrot.know(0, 3)
    assert "it counts the 1 that were burned" in take(anvil.node(), parrot.address)[1][0]
    parrot.know(0, 4)
    with pytest.raises(WrongHolders, match=r"there are 2 tokens .* totalSupply says 4"):
        take(anvil.node(), parrot.address)
    parrot.know(0, 2)
    parrot.know(5, 2)
    with pytest.raises(WrongHolders, match=f"{wallet(5)} holds 1 by the logs, 2 by balanceOf"):
        take(anvil.node(), parrot.address)


def test_what_is_no_collection_is_refused(anvil, take, tmp_path):
    money = coin(anvil.node())
    money.transfer(1, 2, 1000)
    with pytest.raises(BadValue, match="an ERC-20's, which name amounts"):
        take(anvil.node(), money.address)
    with pytest.raises(BadValue, match="no Transfer log"):
        take(anvil.node(), Parrot(anvil.node()).address)
    with pytest.raises(BadValue, match="there is no code"):
        take(anvil.node(), wallet(77))
    assert files(tmp_path) == []


@contextmanager
def at_the_end_of(stage, do):
    yield lambda count: None
    if stage == "blocks":
        do()


def test_a_reorganisation_meanwhile_is_noticed(anvil, take, tmp_path):
    pond = Pond(anvil, minted=30)
    before = anvil.ask("evm_snapshot")
    pond.move(1, pond.wallets[9])

    def reorganise():
        anvil.ask("evm_revert", before)
        pond.mint(pond.wallets[8], 1)

    with pytest.raises(WrongHolders, match="the chain was reorganised"):
        take(anvil.node(), pond.address, meter=lambda stage, total: at_the_end_of(stage, reorganise))
    assert files(tmp_path) == []
    pond.owners = {token: pond.contract.functions.ownerOf(token).call() for token in range(1, 32)}
    take(anvil.node(), pond.address)
    assert (tmp_path / "holders.csv").read_text() == pond.csv()


def test_a_reorganisation_between_two_runs_is_noticed(anvil, take, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "PAUSE", 0.0)
    pond = Pond(anvil, minted=30)
    anvil.mine(60)
    with limiting(anvil.port) as proxy:
        break_off(proxy, after=1)
        with pytest.raises(NodeFailed):
            take(proxy.node(anvil), pond.address)
        assert len(lines_of_progress(tmp_path)) == 2
        last = anvil.node().web3.eth.block_number
        anvil.ask("anvil_reorg", 1, [])
        assert anvil.node().web3.eth.block_number == last
        proxy.faults.clear()
        _, said = take(proxy.node(anvil), pond.address)
    assert "is another now: it begins anew" in said[0] and not any("goes on" in one for one in said)
