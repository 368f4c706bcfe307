"""JSON-RPC as it is: for thousands of answers, which a library would take longer to dress than to get."""

from __future__ import annotations

import re
import time
from typing import Any

from web3.types import RPCEndpoint

from errors import NodeFailed, NodeRefused
from minting.chain.node import Node

MOST_WORDS = 400  # of a refusal
TRIES = 6  # of what a node is too busy for
PAUSE = 0.5  # seconds, doubled each time
_BUSY = re.compile(r"too many requests|rate.?limit|per second|throttl|capacity|try again|busy|credits", re.IGNORECASE)


def ask(node: Node, what: str, method: str, *given: Any) -> Any:
    """What the node answers, its numbers in hexadecimal, once it is not too busy. Raises NodeFailed, NodeRefused:
    `what` was asked."""
    for tried in range(TRIES - 1):
        try:
            return ask_once(node, what, method, *given)
        except NodeRefused as error:
            if not is_busy(error):
                raise
            time.sleep(PAUSE * 2**tried)
    return ask_once(node, what, method, *given)


def is_busy(error: NodeRefused) -> bool:
    """Whether the same may be asked again later."""
    return bool(_BUSY.search(error.words))


def ask_once(node: Node, what: str, method: str, *given: Any) -> Any:
    """`ask`, where the caller has a way of its own with nodes that are too busy."""
    with node.asking(what):
        answer: Any = node.web3.provider.make_request(RPCEndpoint(method), list(given))
    told = answer.get("error") if isinstance(answer, dict) else None
    if told:
        code, words = (told.get("code"), told.get("message")) if isinstance(told, dict) else (0, told)
        shown = "".join(filter(str.isprintable, str(words or "")))[:MOST_WORDS]
        raise NodeRefused(node.network.name, what, code if isinstance(code, int) else 0, shown)
    if not isinstance(answer, dict) or "result" not in answer:
        raise NodeFailed(node.network.name, f"the node at {node.network.host} gave no answer to {what}")
    return answer["result"]


def number_in(node: Node, value: Any, what: str) -> int:
    """A number of an answer. Raises NodeFailed where it is none."""
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        told = f"the node at {node.network.host} said {str(value)[:40]!r} where {what} belongs"
        raise NodeFailed(node.network.name, told) from None
