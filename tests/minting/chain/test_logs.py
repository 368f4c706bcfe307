"""Logs come in ranges that fit the node, whatever its limits and however it tells them."""

from __future__ import annotations

import pytest

from errors import NodeFailed, NodeRefused
from minting.chain import logs as module
from minting.chain.holders import TOPICS
from minting.chain.logs import Ranges, logs_of, suggestion
from tests.chains import Anvil
from tests.minting.chain.limiting import HOLD, PAGE, RESET, limiting
from tests.minting.chain.pond import Pond

BLOCKS = 2_000


@pytest.fixture(scope="module")
def pond(anvil_binary):
    anvil = Anvil(anvil_binary)
    made = Pond(anvil, minted=40, moves=10)
    anvil.mine(BLOCKS)
    made.move(1, made.wallets[9])
    yield made
    anvil.stop()


@pytest.fixture
def proxy(pond, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    with limiting(pond.anvil.port) as between:
        yield between


def read(pond, proxy, **ranges):
    """The logs of all blocks through the proxy; every block is asked for once, in order."""
    node = proxy.node(pond.anvil)
    last = pond.web3.eth.block_number
    found = [log for _, some in logs_of(node, pond.address, TOPICS, 0, last, Ranges(**ranges)) for log in some]
    assert proxy.ranges[0][0] == 0 and proxy.ranges[-1][1] == last
    assert all(one[1] + 1 == other[0] for one, other in zip(proxy.ranges, proxy.ranges[1:], strict=False))
    assert len(found) == 40 + 11 and found == sorted(found, key=lambda log: (log.block, log.index))
    return proxy.methods.count("eth_getLogs")


def test_a_node_without_limits_is_asked_once(pond, proxy):
    assert read(pond, proxy) == 1


@pytest.mark.parametrize("most", [400, 128, 7])
def test_a_limit_of_blocks_that_is_not_told_is_found(pond, proxy, most):
    proxy.most_blocks = most
    asked = read(pond, proxy)
    assert max(last - first + 1 for first, last in proxy.ranges) > most * 0.7
    assert asked < 1.6 * BLOCKS / most + 25


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("eth_getLogs is limited to a 300 range", 300),
        ("exceed maximum block range: 300", 300),
        ("block range is too wide, up to 1,000 blocks are allowed", 1000),
        ("You can make requests with up to a 300 block range and a cap of 10K logs in the response", 300),
    ],
)
def test_a_limit_of_blocks_that_is_told_is_kept_to(pond, proxy, words, most):
    proxy.most_blocks, proxy.refusal = most, lambda first, last: words
    assert read(pond, proxy) == 1 + -(-(pond.web3.eth.block_number + 1) // most)


def test_a_limit_of_logs_is_met_by_smaller_ranges_where_they_are_dense(pond, proxy):
    proxy.most_logs = 21
    assert read(pond, proxy) < 30
    dense, sparse = proxy.ranges[0], proxy.ranges[-1]
    assert sparse[1] - sparse[0] > 10 * (dense[1] - dense[0])


def test_the_range_that_a_refusal_suggests_is_taken(pond, proxy):
    proxy.most_logs = 30

    def refusal(first, last):
        return f"query returned more than 10000 results. Try with this block range [{first:#x}, {first + 4:#x}]."

    proxy.refusal = refusal
    read(pond, proxy)
    assert proxy.ranges[0] == (0, 4)


def test_broken_answers_are_asked_for_again(pond, proxy):
    proxy.faults.extend([RESET, PAGE, "429 Too Many Requests", "", RESET, "rate limit", PAGE])
    assert read(pond, proxy, size=1000) < 25


def test_a_node_that_takes_too_long_is_asked_for_less(pond, proxy, monkeypatch):
    monkeypatch.setattr("minting.chain.node.TIMEOUT", 0.5)
    proxy.faults.append(HOLD)
    read(pond, proxy, size=1000)
    assert proxy.ranges[0] == (0, 499) and proxy.held.is_set()


def test_a_node_that_never_answers_is_given_up(pond, proxy):
    proxy.faults.extend([RESET] * 100)
    with pytest.raises(NodeFailed, match="did not answer the logs of the blocks 0"):
        read(pond, proxy)
    assert proxy.methods.count("eth_getLogs") == module.FAILURES


def test_a_node_that_refuses_every_block_is_given_up_in_its_words(pond, proxy):
    proxy.faults.extend(["this key may not read logs"] * 100)
    with pytest.raises(NodeRefused, match=r"the blocks 0\.\.0: this key may not read logs"):
        read(pond, proxy)


@pytest.mark.parametrize("key", ["address", "blockNumber", "topics"])
def test_answers_to_something_else_are_not_believed(pond, proxy, key):
    wrong = {"address": "0x" + "1" * 40, "blockNumber": "0xffffff", "topics": ["0xno"]}[key]
    proxy.edit = lambda method, result: (
        [{**log, key: wrong} for log in result] if method == "eth_getLogs" and result else result
    )
    with pytest.raises(NodeFailed, match=r"with others|no answer"):
        read(pond, proxy)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("query returned more than 10000 results", (0, True)),
        ("Try with this block range [0x64, 0xc7].", (100, False)),
        ("Try with this block range [0x0, 0xc7].", (0, True)),
        ("query exceeds max results 20000, retry with the range 100-199", (100, False)),
        ("query exceeds max block range 100000", (100_000, True)),
        ("ranges over 10000 blocks are not supported on freetier", (10_000, True)),
        ("eth_getLogs is limited to a 10,000 range", (10_000, True)),
        ("up to a 2K block range and a cap of 10K logs", (2_000, True)),
        ("block range too large, max 1k blocks", (1_000, True)),
        ("execution timeout", (0, True)),
    ],
)
def test_what_nodes_suggest_is_understood(words, told):
    assert suggestion(words, 100) == told
