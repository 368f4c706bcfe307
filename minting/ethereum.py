"""Ethereum's libraries, imported in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def keeping_recursion_limit() -> Iterator[None]:
    """py_ecc and py-evm allow ten to a hundred times as many nested calls to the whole process when they are imported:
    JSON that is nested on purpose would then end it, where it is an error that can be told."""
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


with keeping_recursion_limit():
    from eth_account import Account
    from eth_account.messages import encode_defunct
    from eth_account.signers.local import LocalAccount

__all__ = ["Account", "LocalAccount", "encode_defunct", "keeping_recursion_limit"]
