"""Ethereum's libraries, imported in one place."""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()

from eth_account import Account  # noqa: E402
from eth_account.messages import encode_defunct  # noqa: E402
from eth_account.signers.local import LocalAccount  # noqa: E402

# py_ecc, which comes with them, allows a hundred times as many nested calls to the whole process: JSON that is nested
# on purpose would then end it, where it is an error that can be told
sys.setrecursionlimit(_limit)

__all__ = ["Account", "LocalAccount", "encode_defunct"]
