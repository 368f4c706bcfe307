"""Reading much of a chain at one block: questions in batches that adapt to what the node takes, and a look at the end
whether the block still is what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from errors import NodeFailed, NodeRefused
from minting.chain import raw
from minting.chain.node import Node

MOST_AT_ONCE = 100  # questions in a batch: public nodes take no more
MOST_BYTES = 1 << 20  # of answers, after which the next batch is smaller
THREADS = 4  # where the node takes no batches
TRIES = 3  # of a chain that is reorganized while it is read
TAGS = ("finalized", "safe", "latest")
_REVERTED = 3  # the code that most nodes give
Question = tuple[str, list[Any]]  # a method of JSON-RPC, and what it is given


@dataclass(frozen=True)
class Block:
    """Which block was read. `hash`: 0x and 64 digits; `time`: seconds since 1970; `asked`: how it was asked for."""

    number: int
    hash: str
    time: int
    asked: str


@dataclass(frozen=True)
class Reverted:
    """What the contract answered to a call that it refuses."""


class Reorganized(Exception):
    """The block that is read is no longer on the chain."""


def pinned(node: Node, block: str | int) -> Block:
    """The block of that number, or "finalized", "safe", "latest". Raises NodeFailed where the chain has none."""
    given = hex(block) if isinstance(block, int) else block
    [found] = ask(node, f"block {block}", [("eth_getBlockByNumber", [given, False])])
    if found is None:
        raise NodeFailed(node.network.name, f"the node at {node.network.host} has no block {block}")
    with node.asking(f"block {block}"):
        return Block(_number(found["number"]), _digits(found["hash"], 32), _number(found["timestamp"]), str(block))


@contextmanager
def steady(node: Node, block: Block) -> Iterator[None]:
    """What is asked within is of this block. Raises Reorganized where the chain has another in its place by the end,
    also where that is why something failed."""
    try:
        yield
    except NodeFailed:
        _look_again(node, block)
        raise
    _look_again(node, block)


def _look_again(node: Node, block: Block) -> None:
    [found] = ask(node, f"block {block.number}", [("eth_getBlockByNumber", [hex(block.number), False])])
    if not isinstance(found, dict) or found.get("hash") != block.hash:
        raise Reorganized


def ask(
    node: Node, what: str, questions: Sequence[Question], progress: Callable[[int], object] = lambda done: None
) -> list[Any]:
    """The answers, in order; `Reverted` for a call that the contract refuses. Batches begin with one question and grow
    while the node goes along. Raises NodeFailed, NodeRefused."""
    return [answer for answers in asked(node, what, questions, progress) for answer in answers]


def asked(
    node: Node, what: str, questions: Sequence[Question], progress: Callable[[int], object] = lambda done: None
) -> Iterator[list[Any]]:
    """`ask`, a batch at a time, for answers that together may be too many to keep."""
    start, size, most = 0, 1, MOST_AT_ONCE
    while start < len(questions):
        piece = questions[start : start + size]
        answers = _batch(node, what, piece) if len(piece) > 1 else [_single(node, what, piece[0])]
        if answers is None:  # too much at once, or something passing: one of them tells
            most, size = max(1, size // 2), 1
            if most == 1:  # it takes no batches
                for group in range(start, len(questions), MOST_AT_ONCE):
                    with ThreadPoolExecutor(THREADS) as pool:
                        piece = questions[group : group + MOST_AT_ONCE]
                        yield list(pool.map(lambda one: _single(node, what, one), piece))
                    progress(len(piece))
                return
            continue
        yield answers
        progress(len(piece))
        start += len(piece)
        size = max(1, size // 2) if _bytes_of(answers) > MOST_BYTES else min(most, size * 2)


def call_at(to: str, data: str, block: Block) -> Question:
    """What the contract at `to` answers to `data` (hexadecimal, with 0x)."""
    return "eth_call", [{"to": to, "data": data}, hex(block.number)]


def _batch(node: Node, what: str, questions: Sequence[Question]) -> list[Any] | None:
    """None where it did not come as a whole."""
    try:
        with node.asking(what):
            responses = node.web3.provider.make_batch_request(list(questions))  # type: ignore[attr-defined, arg-type]
    except (NodeFailed, NotImplementedError):
        return None
    if not isinstance(responses, list) or len(responses) != len(questions):
        return None
    try:
        with node.asking(what):
            return [_result(node, what, response) for response in responses]
    except NodeFailed:
        return None


def _single(node: Node, what: str, question: Question) -> Any:
    """With patience: what the node is too busy for is asked again."""
    try:
        return raw.ask(node, what, question[0], *question[1])
    except NodeRefused as error:
        if _refuses(error.code, error.words):
            return Reverted()
        raise


def _result(node: Node, what: str, response: Any) -> Any:
    error = response.get("error")
    if error is None:
        return response["result"]
    code, words = (error.get("code"), str(error.get("message", ""))) if isinstance(error, dict) else (0, str(error))
    if _refuses(code, words):
        return Reverted()
    raise NodeRefused(node.network.name, what, 0, "")  # never shown: the question is asked again, alone


def _refuses(code: Any, words: str) -> bool:
    """Was it the contract, and not the node?"""
    return code == _REVERTED or "revert" in words.lower()


def _bytes_of(answers: Sequence[Any]) -> int:
    return sum(len(answer) for answer in answers if isinstance(answer, str))


def _number(given: Any) -> int:
    return given if isinstance(given, int) else int(given, 16)


def _digits(given: Any, size: int) -> str:
    """0x and so many bytes, lower case. Raises ValueError for another."""
    if len(bytes.fromhex(given[2:])) != size:
        raise ValueError("another length")
    return str(given).lower()
