"""What a candidate would have as a token, before it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from collection_db import Table
from errors import BadSource
from minting.attributes import Attribute, Rules, own_attributes, ruled, source_attributes

KNOWN = 20_000  # sources whose traits are remembered


class Traits:
    """The traits of candidates, as an export would write them, by the `rules` of [attributes]. May be called from
    several threads."""

    def __init__(self, table: Table, rules: Rules) -> None:
        self._table, self._rules = table, rules
        self._of_source = lru_cache(maxsize=KNOWN)(self._read)

    def __call__(self, source: str, style: str, guidance_scale: float, insertion_step: int) -> list[tuple[str, str]]:
        """(trait, value) pairs; values as text. A source whose attributes are none, which the export refuses with the
        reason, has those of its recipe only."""
        own = own_attributes(style, guidance_scale, insertion_step)
        return [*self._of_source(source), *_pairs(ruled(own, self._rules))]

    def _read(self, source: str) -> list[tuple[str, str]]:
        try:
            rows = self._table.sources([source])
            return [pair for row in rows for pair in _pairs(self._of_row(source, row.attributes))]
        except BadSource:
            return []

    def _of_row(self, source: str, attributes: Sequence[Mapping[str, Any]]) -> list[Attribute]:
        return ruled(source_attributes(source, attributes), self._rules)


def _pairs(attributes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(str(one.get("trait_type", "")), str(one["value"])) for one in attributes]
