"""Nodes that refuse, stop, forget and lie: an audit is of one block or of none, and never harms a terminal."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from errors import NodeFailed
from flows.auditing import told
from minting.chain import node as nodes
from minting.chain.reading import MOST_AT_ONCE
from minting.drop import auditing, state
from tests.chains import accounts
from tests.drops import PRICE, Drop, wrong
from tests.minting.drop.auditing.between import between

BELL = "\x1b]0;owned\x07\u202e\x00\n"


def text(said: bytes) -> str:
    """A string as a contract returns it."""
    padded = said + bytes(-len(said) % 32)
    return "0x" + (32).to_bytes(32).hex() + len(said).to_bytes(32).hex() + padded.hex()


def selector(signature: str) -> str:
    return "0x" + state.keccak(text=signature)[:4].hex()


def lying(signature: str, said: str) -> Any:
    """What answers a call of that function with `said`."""

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        asked = question["method"] == "eth_call" and question["params"][0]["data"].startswith(selector(signature))
        return {**answer, "result": said} if asked else answer

    return change


def test_a_node_without_batches_is_asked_one_by_one(drop: Drop) -> None:
    with between(drop.anvil, batches=False) as strange:
        report = drop.audit(strange.node())
    assert report.clean and report.mints is not None and len(report.mints) == 5
    assert max(map(len, strange.asked)) > 1  # it was tried
    assert sum(len(one) == 1 for one in strange.asked) > 30


def test_batches_shrink_to_what_a_node_takes(drop: Drop) -> None:
    with between(drop.anvil, most=4) as strange:
        assert drop.audit(strange.node()).clean
    taken = [len(one) for one in strange.asked]
    assert 4 in taken and max(taken) <= MOST_AT_ONCE


def test_a_node_that_stops_midway_is_told(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "TIMEOUT", 0.5)
    monkeypatch.setattr(nodes, "TRIES", 2)
    monkeypatch.setattr(nodes, "PAUSE", 0.01)
    seen, over = itertools.count(), threading.Event()

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_call" and next(seen) >= 8:
            over.wait(60)
        return answer

    with between(drop.anvil, change) as strange:
        node = strange.node()
        with pytest.raises(NodeFailed, match=r"127\.0\.0\.1 did not answer .* \(ReadTimeout\)"):
            drop.audit(node)
        over.set()


def test_a_batch_that_is_lost_is_asked_for_again(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "PAUSE", 0.01)
    seen = itertools.count()

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_call" and next(seen) % 7 == 3:
            raise ConnectionError
        return answer

    with between(drop.anvil, change) as strange:
        assert drop.audit(strange.node()).clean


def test_a_reorganization_between_is_read_again(drop: Drop) -> None:
    """The chain loses its last block, in which a token was minted, while it is read; another takes its place."""
    buyer = accounts(3)[2]
    kept = drop.anvil.ask("evm_snapshot")
    drop.call("mint", 1, sender=buyer, value=PRICE)
    done = []

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_getLogs" and not done:
            done.append(drop.anvil.ask("evm_revert", kept))
            drop.anvil.mine(2)
        return answer

    with between(drop.anvil, change) as strange:
        report = drop.audit(strange.node())
    assert report.clean and report.mints is not None and list(report.mints) == [1, 2, 3, 4, 5]
    assert done == [True]
    assert report.block.hash == drop.web3.eth.get_block(report.block.number)["hash"].to_0x_hex()


def test_what_fails_as_the_chain_is_reorganized_is_read_again(drop: Drop) -> None:
    kept = drop.anvil.ask("evm_snapshot")
    drop.call("mint", 1, sender=accounts(3)[2], value=PRICE)
    done = []

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_getCode" and not done:
            done.append(drop.anvil.ask("evm_revert", kept))
            return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "unknown block"}}
        return answer

    with between(drop.anvil, change) as strange:
        report = drop.audit(strange.node())
    assert report.clean and report.mints is not None and list(report.mints) == [1, 2, 3, 4, 5]


def test_batches_that_come_back_incomplete_are_asked_for_again(drop: Drop) -> None:
    seen = itertools.count()

    def change(question: dict[str, Any], answer: dict[str, Any]) -> Any:
        first = question["method"] == "eth_call" and next(seen) == 20  # the first URI of a batch of two
        return None if first else answer

    with between(drop.anvil, change) as strange:
        assert drop.audit(strange.node()).clean


def test_texts_are_made_harmless() -> None:
    assert state.plain(b"\x1b[2Jx\xff\n\xe2\x80\xae") == "?[2Jx\ufffd??"
    assert state.plain(b"a" * 5000) == "a" * 100 + "... (5000 in all)"


def test_a_chain_that_does_not_come_to_rest_is_told(drop: Drop) -> None:
    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] == "eth_getBlockByNumber" and question["params"][0] != "latest":
            return {**answer, "result": {**answer["result"], "hash": "0x" + 64 * "5"}}
        return answer

    with (
        between(drop.anvil, change) as strange,
        pytest.raises(NodeFailed, match="reorganized 3 times while it was read; --block finalized"),
    ):
        drop.audit(strange.node())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(text(BELL.encode() * 40), id="escape codes"),
        pytest.param(text(b"\xff\xfe\xc3(" * 40), id="no UTF-8"),
        pytest.param(text(b"a" * 10_000_000), id="10 MB"),
        pytest.param(text("\N{FROG FACE}\u0301".encode() * 5000), id="marks"),
    ],
)
@pytest.mark.parametrize("signature", ["baseURI()", "tokenURI(uint256)", "name()"])
def test_what_a_chain_says_does_a_terminal_no_harm(drop: Drop, signature: str, said: str) -> None:
    with between(drop.anvil, lying(signature, said)) as strange:
        report = drop.audit(strange.node())
    assert not report.clean
    for line in told(report):
        assert line.isprintable() and len(line) < 1000


def test_long_lies_are_not_all_read(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "LONGEST_WRONG", 3_000_000)
    with between(drop.anvil, lying("tokenURI(uint256)", text(b"a" * 2_000_000))) as strange:
        found = wrong(drop.audit(strange.node()))["token URIs"].told
    assert found.startswith("2 of 5 are others (1-2)") and found.endswith("3 were not read, as they are so long")


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ("name()", "0x"),
        ("name()", "0x" + "ff" * 96),
        ("name()", "0x" + (32).to_bytes(32).hex() + "ff" * 32),
        ("name()", "nonsense"),
        ("name()", 17),
        ("name()", None),
        ("sale()", "0x" + "ff" * 32 * 7),
        ("owner()", "0x" + "ff" * 32),
        ("payees()", "0x" + (32).to_bytes(32).hex() + "ff" * 32),
        ("totalMinted()", "0x"),
    ],
)
def test_answers_that_are_none_are_told(drop: Drop, signature: str, said: Any) -> None:
    with between(drop.anvil, lying(signature, said)) as strange, pytest.raises(NodeFailed, match="gave no answer to"):
        drop.audit(strange.node())


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("eth_getCode", 5),
        ("eth_getBalance", []),
        ("eth_getBlockByNumber", {"number": "0x1"}),
        ("eth_getLogs", [{}]),
        ("eth_getLogs", 7),
        ("eth_getTransactionByHash", {"to": 7}),
        ("eth_getTransactionByHash", []),
    ],
)
def test_strange_answers_are_told(drop: Drop, monkeypatch: pytest.MonkeyPatch, method: str, said: Any) -> None:
    monkeypatch.setattr("minting.chain.logs.PAUSE", 0.001)

    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": said} if question["method"] == method else answer

    with between(drop.anvil, change) as strange, pytest.raises(NodeFailed, match="no answer to"):
        drop.audit(strange.node())


def test_a_million_tokens_that_a_node_makes_up_are_not_asked_for(drop: Drop) -> None:
    with between(drop.anvil, lying("totalMinted()", "0x" + "ff" * 32)) as strange:
        report = drop.audit(strange.node())
    assert "its logs have 5" in wrong(report)["tokens"].told
    assert sum(map(len, strange.asked)) < 200


def test_payments_that_do_not_add_up_are_told(drop: Drop) -> None:
    with between(drop.anvil, lying("released(address)", "0x" + (5).to_bytes(32).hex())) as strange:
        [line] = wrong(drop.audit(strange.node())).values()
    assert (line.what, line.remedy) == ("money", "do not trust this node") and "its payees got" in line.told


def test_what_was_paid_through_another_contract_is_not_guessed(drop: Drop) -> None:
    def change(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if question["method"] != "eth_getTransactionByHash" or answer["result"]["value"] == "0x0":
            return answer
        return {**answer, "result": {**answer["result"], "to": accounts(1)[0].address}}

    with between(drop.anvil, change) as strange:
        report = drop.audit(strange.node())
    assert report.clean
    [told] = [line.told for line in report.lines if line.what == "money"]
    assert told.endswith("0.000000 ETH of it by mints, besides 1 transactions that paid through another contract")
