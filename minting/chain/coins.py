"""Amounts of a chain's coin as people write them, exact to the wei: never a float."""

from __future__ import annotations

import re

from errors import BadValue

PLACES = 18  # of a coin; 10**18 wei are one
MOST_WEI = 2**96 - 1  # what the contract keeps prices in
_COINS = re.compile(r"(\d{1,12})(?:\.(\d{1,18}))?", re.ASCII)


def wei_of(text: str) -> int:
    """Wei of a decimal number of coins, "0.05". Raises BadValue for anything else, also for more than MOST_WEI."""
    found = _COINS.fullmatch(text.strip())
    wei = int(found[1]) * 10**PLACES + int((found[2] or "").ljust(PLACES, "0")) if found else MOST_WEI + 1
    if wei > MOST_WEI:
        raise BadValue("price", text, 'a decimal number of coins, such as "0.05", of at most 18 places')
    return wei


def coins_of(wei: int) -> str:
    """The shortest text that `wei_of` makes the same amount of."""
    whole, rest = divmod(wei, 10**PLACES)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
