"""Contracts of all kinds, on a real node: which tokens there are, and their URIs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadSource, BadValue, NodeRefused
from minting.chain.addresses import checked_address
from minting.chain.node import Node
from minting.origins import contract as contract_module
from minting.origins.contract import Block, Contract, block_of, checked_ids
from tests.chains import Anvil, accounts
from tests.minting.origins.strangers import ERC_721, ERC_1155, Odd, Stranger

CRYPTOADZ = "0x1CB1A5e65610AEFF2551A50f76a87a7d3fB649C6"
LAST = 2**256 - 1


@pytest.fixture(scope="module")
def chain(anvil_binary: Path) -> Iterator[tuple[Node, Any]]:
    running = Anvil(anvil_binary)
    yield running.node(), accounts(1)[0]
    running.stop()


def read(odd: Odd, at: str = "latest") -> Contract:
    return Contract(odd.node, odd.address, block_of(odd.node, at))


def test_listed_tokens_are_read(chain: tuple[Node, Any]) -> None:
    odd = Odd(*chain, listed=True)
    for id in (7, LAST, 0, 500):
        odd.do("mint", id, f"https://toadz.example/{id}")
    found = read(odd)
    assert found.standard == "ERC-721"
    assert found.ids() == [0, 7, 500, LAST]
    assert found.ids(limit=2, parallel=3) == [7, LAST]  # the first in the contract's own order
    assert found.uri(LAST) == f"https://toadz.example/{LAST}"


@pytest.mark.parametrize("lies", [False, True])
def test_minted_tokens_are_found_in_logs(chain: tuple[Node, Any], lies: bool) -> None:
    odd = Odd(*chain, lies=lies)
    for id in (9, 3):
        odd.do("mint", id, "x")
    odd.do("move", 3)
    odd.do("mintRun", 100, 105, "y")
    assert read(odd).ids() == [3, 9, *range(100, 106)]
    assert read(odd).ids(limit=2) == [3, 9]
    assert read(odd).ids(from_block=read(odd).block.number) == [*range(100, 106)]


def test_logs_are_asked_for_in_spans_that_the_node_allows(chain: tuple[Node, Any], monkeypatch: Any) -> None:
    odd = Odd(*chain)
    for id in range(6):
        odd.do("mint", id, "x")
    asked: list[int] = []
    given = Contract._logs

    def few(self: Contract, begin: int, end: int) -> Any:
        asked.append(end - begin + 1)
        if end - begin + 1 > 2:
            raise NodeRefused("inside", "logs", -32005, "too many")
        return given(self, begin, end)

    monkeypatch.setattr(Contract, "_logs", few)
    assert read(odd).ids() == [*range(6)]
    assert max(asked) > 2 and asked.count(2) >= 3


def test_block_is_the_one_that_is_named(chain: tuple[Node, Any]) -> None:
    odd = Odd(*chain)
    odd.do("mint", 1, "then")
    then = block_of(odd.node, "latest")
    odd.do("change", 1, "now")
    odd.do("mint", 2, "now")
    found = Contract(odd.node, odd.address, then)
    assert (found.uri(1), found.ids()) == ("then", [1])
    assert block_of(odd.node, str(then.number)) == then
    assert read(odd).uri(1) == "now"


def test_token_that_is_not_there_is_told(chain: tuple[Node, Any]) -> None:
    with pytest.raises(BadSource, match="may not be minted"):
        read(Odd(*chain)).uri(1)


def test_contract_does_not_send_us_elsewhere(chain: tuple[Node, Any], stranger: Stranger) -> None:
    """CCIP Read: web3 would ask the address that the contract names."""
    odd = Odd(*chain)
    odd.do("lead", f"{stranger.url}/{{sender}}/{{data}}")
    with pytest.raises(BadSource, match="no URI"):
        read(odd).uri(1)
    assert stranger.asked == []


def test_erc_1155_wants_its_tokens_named(chain: tuple[Node, Any]) -> None:
    odd = Odd(*chain, kind=ERC_1155)
    odd.do("mint", 5, "https://toadz.example/{id}.json")
    assert read(odd).standard == "ERC-1155"
    assert read(odd).uri(5) == "https://toadz.example/{id}.json"
    with pytest.raises(BadValue, match="--ids"):
        read(odd).ids()


@pytest.mark.parametrize("kind", ["00000000", "ffffffff"])
def test_contract_of_another_kind_is_refused(chain: tuple[Node, Any], kind: str) -> None:
    odd = Odd(*chain, kind=kind)
    with pytest.raises(BadValue, match="ERC-165"):
        read(odd)


def test_address_without_a_contract_is_refused(chain: tuple[Node, Any]) -> None:
    with pytest.raises(BadValue, match="there is none"):
        Contract(chain[0], CRYPTOADZ, block_of(chain[0], "latest"))


def test_too_many_tokens_are_refused(chain: tuple[Node, Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(contract_module, "MOST_TOKENS", 2)
    for listed in (False, True):
        odd = Odd(*chain, listed=listed)
        for id in range(3):
            odd.do("mint", id, "x")
        with pytest.raises(BadValue, match="at most 2 tokens"):
            read(odd).ids()


@pytest.mark.parametrize("answer", [b"", b"\x01", b"\xff" * 64, b"\0" * 31 + b" " + b"\xff" * 32 + b"x" * 32])
def test_answer_that_is_none_is_told(chain: tuple[Node, Any], monkeypatch: Any, answer: bytes) -> None:
    found = read(Odd(*chain))
    monkeypatch.setattr(found._node.web3.eth, "call", lambda *args, **more: answer)
    with pytest.raises(BadSource, match="not what the standard says"):
        found.uri(1)


def test_busy_node_is_asked_again(chain: tuple[Node, Any], monkeypatch: Any) -> None:
    odd = Odd(*chain)
    odd.do("mint", 1, "x")
    found = read(odd)
    monkeypatch.setattr(contract_module, "PAUSE_S", 0.001)
    call, left = found._node.web3.eth.call, [2]

    def busy(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise NodeRefused("inside", "it", -32005, "rate limit exceeded")
        return call(*args, **more)

    monkeypatch.setattr(found._node.web3.eth, "call", busy)
    assert found.uri(1) == "x" and left == [-1]


@pytest.mark.parametrize("text", ["", "0x1", CRYPTOADZ[2:], CRYPTOADZ.replace("CB", "cb", 1), "0x" + "z" * 40])
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match=r"EIP-55|40 hexadecimal digits"):
        checked_address(text)


def test_address_gets_its_checksum() -> None:
    assert checked_address(CRYPTOADZ.lower()) == checked_address(CRYPTOADZ) == CRYPTOADZ


@pytest.mark.parametrize(
    ("text", "ids"), [("1", [1]), ("3-5,1", [3, 4, 5, 1]), ("2,1-3", [2, 1, 3]), (str(LAST), [LAST]), ("0-0", [0])]
)
def test_ids_are_read(text: str, ids: list[int]) -> None:
    assert checked_ids(text) == ids


@given(st.text(alphabet="0123456789-, x٣²", max_size=12))
def test_any_ids_are_read_or_refused(text: str) -> None:
    try:
        ids = checked_ids(text)
    except BadValue:
        return
    assert ids and all(0 <= id <= LAST for id in ids) and len(set(ids)) == len(ids)


@pytest.mark.parametrize("text", ["5-3", "1-", "-1", "1--2", str(LAST + 1), "0-100000", "1-99999,200000-299999", "a"])
def test_ids_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(BadValue, match="--ids"):
        checked_ids(text)


@pytest.mark.parametrize("given", ["-1", "1.5", "pending", "earliest", "9" * 30])
def test_block_that_cannot_be_is_refused(chain: tuple[Node, Any], given: str) -> None:
    with pytest.raises(BadValue, match="--block"):
        block_of(chain[0], given)


def test_interfaces_are_those_of_the_standards() -> None:
    assert (ERC_721, ERC_1155) == ("80ac58cd", "d9b67a26") and Block(1, "0x").number == 1
