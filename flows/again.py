"""Candidates made once more from their recipes: to mend what is lost, and to see how a picture came to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from collection_db import Assets
from errors import RunFailed, ToadworksError
from flows.making import checked_parts, maker
from flows.settings import Settings
from flows.stylize import Outcome, outcomes, together
from glide.request import Step
from styles.recipes import Recipe


@dataclass(frozen=True, eq=False)
class Again:
    """A few candidates that were made once more. `made_with`: with what, now; empty where `failed`, a sentence on each
    that was not made, by id, says so of all of them."""

    rows: list[Any]
    made_with: dict[str, Any]
    good: list[Outcome]
    failed: dict[str, str]


def made_again(
    rows: list[Any], settings: Settings, assets: Assets, on_step: Callable[[str, Step], None] | None = None
) -> Iterator[Again]:
    """Candidates, rows as of `Table.whole`, made once more from their recipes, few by few, in batches of the width in
    which they were made; `on_step` as for `outcomes`. Raises RunFailed where assets or the device are out of reach."""
    rows = sorted(rows, key=lambda row: (width_of(row, settings), row.model, row.json))
    for width, alike in groupby(rows, key=lambda row: width_of(row, settings)):
        for few in together(list(alike), width):
            try:
                spec, parts = checked_parts(few[0].model, Recipe.from_json(few[0].json))
                working = maker(spec, parts, settings["model"]["device"], width)
                good, failed = outcomes(few, working, assets, on_step)
            except RunFailed:
                raise
            except ToadworksError as error:
                yield Again(few, {}, [], {row.id: str(error) for row in few})
            else:
                yield Again(few, working.made_with, good, failed)


def width_of(row: Any, settings: Settings) -> int:
    """Rows an evaluation when the candidate was made, as far as is known."""
    width = row.made_with.get("batch") if isinstance(row.made_with, dict) else None
    return width if isinstance(width, int) and width > 0 else int(settings["model"]["batch"])
