"""Logs of a contract, in ranges of blocks that fit what a node is willing to answer."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from errors import NodeFailed, NodeRefused
from minting.chain.node import Node
from minting.chain.raw import ask_once, is_busy

LARGEST = 2**20  # blocks asked for at once, at first
STEADY = 8  # answers in a row after which a range may double again
FAILURES = 6  # in a row, without an answer or at a range that cannot shrink, before it is given up
PAUSE = 0.5  # seconds after a failure, doubled each time
_SUGGESTED = re.compile(r"\b(0x[0-9a-f]{1,16}|\d{1,18})\s*[,-]\s*(0x[0-9a-f]{1,16}|\d{1,18})\b", re.IGNORECASE)
_SIZE = r"(\d{1,3}(?:[,_]\d{3})+|\d{1,9})(k?)"
_BLOCKS = re.compile(rf"\b{_SIZE}[\s-]*(?:blocks?|range)|(?:range|blocks?)\D{{0,30}}?\b{_SIZE}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Log:
    """`topics`, `data`: as they are on the chain; `block`, `index`: its place; `tx`: its transaction's hash, 0x and 64
    digits."""

    topics: tuple[bytes, ...]
    data: bytes
    block: int
    index: int
    tx: str


@dataclass
class Ranges:
    """How many blocks to ask for: doubled while that goes well, halved when it is refused, and raised slowly from then
    on, as most nodes refuse at a limit of their own. What a refusal suggests is tried first, and never exceeded."""

    size: int = LARGEST
    ceiling: int = LARGEST
    steady: int = STEADY

    def grow(self) -> None:
        self.steady += 1
        more = self.size if self.steady > STEADY else max(self.size // 8, 1)
        self.size = min(self.size + more, self.ceiling)

    def shrink(self, refused: int, suggested: int = 0, lasting: bool = False) -> None:
        """`refused`: how many blocks were too many; `suggested`: how many the node would take, 0 where it did not say;
        `lasting`: that holds for other blocks, too."""
        self.steady = 0
        self.size = suggested if 0 < suggested < refused else max(refused // 2, 1)
        if lasting and self.size == suggested:
            self.ceiling = suggested


def logs_of(
    node: Node, contract: str, topics: Sequence[Any], first: int, last: int, ranges: Ranges | None = None
) -> Iterator[tuple[int, list[Log]]]:
    """Logs of `contract` in the blocks `first`..`last`, by their place, range by range, each with its last block;
    `topics`: as eth_getLogs takes them. Raises NodeFailed or NodeRefused once a single block is refused, or nothing is
    answered, several times in a row."""
    ranges, failures, at = ranges or Ranges(), 0, first
    while at <= last:
        until = min(at + ranges.size - 1, last)
        size = until - at + 1
        try:
            found = _asked(node, contract, topics, at, until)
        except NodeFailed as error:
            busy = not isinstance(error, NodeRefused) or is_busy(error)
            suggested, lasting = suggestion(error.words, at) if isinstance(error, NodeRefused) else (0, False)
            if 0 < suggested < size:
                busy = False
            failures += busy or size == 1
            if failures >= FAILURES:
                raise
            if busy or size == 1:
                time.sleep(PAUSE * 2 ** (failures - 1))
            ranges.shrink(size, suggested, lasting)
            continue
        yield until, found
        failures, at = 0, until + 1
        if size == ranges.size:
            ranges.grow()


def suggestion(words: str, first: int) -> tuple[int, bool]:
    """How many blocks a refusal of a range from `first` on suggests, 0 where it does not, and whether for all ranges:
    "[0x10, 0x1f]" or "16-31" is for this one; "limited to a 10,000 range" and "up to 2K blocks" are for all."""
    for begin, end in _SUGGESTED.findall(words):
        if _number(begin) == first <= _number(end):
            return _number(end) - first + 1, False
    sizes = [_number(one[0] or one[2]) * (1000 if one[1] or one[3] else 1) for one in _BLOCKS.findall(words)]
    return min((size for size in sizes if size > 1), default=0), True


def _number(text: str) -> int:
    return int(text, 16) if text[:2] in ("0x", "0X") else int(re.sub(r"\D", "", text))


def _asked(node: Node, contract: str, topics: Sequence[Any], first: int, last: int) -> list[Log]:
    what = f"the logs of the blocks {first}..{last}"
    asked = {"address": contract, "topics": list(topics), "fromBlock": hex(first), "toBlock": hex(last)}
    answer = ask_once(node, what, "eth_getLogs", asked)
    try:
        found = [_log(one) for one in answer if not one.get("removed")]
        strange = any(one["address"].lower() != contract.lower() for one in answer)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NodeFailed(node.network.name, f"the node at {node.network.host} gave no answer to {what}") from None
    if strange or not all(first <= log.block <= last for log in found):
        raise NodeFailed(node.network.name, f"the node at {node.network.host} answered {what} with others")
    return sorted(found, key=lambda log: (log.block, log.index))


def _log(given: dict[str, Any]) -> Log:
    return Log(
        topics=tuple(bytes.fromhex(topic[2:]) for topic in given["topics"]),
        data=bytes.fromhex(given["data"][2:]),
        block=int(given["blockNumber"], 16),
        index=int(given["logIndex"], 16),
        tx=f"0x{bytes.fromhex(given['transactionHash'][2:]).hex():0>64}",
    )
