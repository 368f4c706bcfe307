"""From lists to entries: how many tokens each wallet may mint, and at what price."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from errors import BadRows, NothingLeft
from minting.allowlist.rows import MOST_LIMIT, MOST_TOLD, Row, Source


@dataclass(frozen=True, order=True)
class Entry:
    """A wallet, how many tokens it may mint, and the price of each in wei."""

    address: str
    limit: int
    price: int


@dataclass(frozen=True)
class Rules:
    """`limit`, `price` (wei): of a wallet of which no list says anything else; `per_token`: for each token that a
    wallet holds by the snapshots together, instead of `limit`; `at_most`: of those. 0 each where it does not apply."""

    limit: int = 1
    price: int = 0
    per_token: int = 0
    at_most: int = 0

    def held(self, tokens: int) -> int:
        """The limit of a wallet that holds so many tokens."""
        if not self.per_token:
            return self.limit
        return min(tokens * self.per_token, self.at_most or MOST_LIMIT, MOST_LIMIT)


def entries_of(sources: Sequence[Source], rules: Rules, excluded: Collection[str] = ()) -> list[Entry]:
    """An entry for each wallet, by address.

    What several snapshots say a wallet holds is added up. Of the limits that lists give it, and the one from what it
    holds, the highest counts. A row with a price says everything on its wallet: only such rows count for it then.
    Raises BadRows where two of them say different prices, NothingLeft where no wallet is left.
    """
    found: dict[str, list[Row]] = {}
    for source in sources:
        for row in source.rows:
            if row.address not in excluded:
                found.setdefault(row.address, []).append(row)
    entries: list[Entry] = []
    bad: list[str] = []
    for address, rows in found.items():
        priced = [row for row in rows if row.price is not None]
        if len({row.price for row in priced}) > 1:
            places = " and ".join(row.where for row in priced)
            bad.append(f"{address} has different prices in {places}")
            continue
        price = priced[0].price if priced else None
        entries.append(Entry(address, _limit(priced or rows, rules), rules.price if price is None else price))
    if bad:
        raise BadRows("the lists", bad, MOST_TOLD)
    if not entries:
        raise NothingLeft("no wallet is left on the allowlist: all were excluded")
    return sorted(entries, key=lambda entry: entry.address.lower())


def _limit(rows: Iterable[Row], rules: Rules) -> int:
    limits: list[int] = []
    tokens = 0
    for row in rows:
        tokens += row.tokens or 0
        if row.limit is not None:
            limits.append(row.limit)
        elif row.tokens is None:
            limits.append(rules.limit)
    return max([*limits, *([rules.held(tokens)] if tokens else [])])
