"""What a candidate would have as a token, before it is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from collection_db import Table
from errors import BadSource
from minting.metadata import own_attributes, source_attributes

KNOWN = 20_000  # sources whose traits are remembered


class Traits:
    """The traits of candidates, as an export would write them. May be called from several threads."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._of_source = lru_cache(maxsize=KNOWN)(self._read)

    def __call__(self, source: str, style: str, guidance_scale: float, insertion_step: int) -> list[tuple[str, str]]:
        """(trait, value) pairs; values as text. A source whose attributes are none, which the export refuses with the
        reason, has those of its recipe only."""
        return [*self._of_source(source), *_pairs(own_attributes(style, guidance_scale, insertion_step))]

    def _read(self, source: str) -> list[tuple[str, str]]:
        try:
            rows = self._table.sources([source])
            return [pair for row in rows for pair in _pairs(source_attributes(source, row.attributes))]
        except BadSource:
            return []


def _pairs(attributes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(str(one.get("trait_type", "")), str(one["value"])) for one in attributes]
