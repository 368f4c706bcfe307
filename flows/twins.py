"""Look-alikes of different sources: found among the leaders of groups, remembered, and the better one of two stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collection_db import Table
from errors import RunFailed
from flows.hashing import alike_stamp, hashed_rows, stored_prints
from flows.settings import Settings
from similarity.groups import follow
from similarity.pairs import Pairs, TooMany, pairs_between, pairs_within

MOST_TWINS = 2_000_000  # pairs


def find_twins(settings: Settings, table: Table) -> None:
    """Compare new leaders with those of other sources; then let the better one of two that look alike stand."""
    stamp = alike_stamp(settings)
    crossed = table.crossed()
    if any(as_ != stamp for as_ in crossed.values()):
        table.clear_twins()
        crossed = {}
    leaders = [row for row in hashed_rows(table, settings) if row.leader_id == row.id and not row.flat]
    new = [row for row in leaders if row.id not in crossed]
    if new:
        source_of = table.source_ids([*crossed, *(row.id for row in new)])
        table.add_twins(_twins([row.id for row in new], list(crossed), source_of, settings, table))
        table.set_looks({"id": row.id, "crossed_as": stamp} for row in new)
    number_of = {row.id: number for number, row in enumerate(leaders)}
    known = [row for row in table.twins() if row.left_id in number_of and row.right_id in number_of]
    pairs = Pairs(
        np.array([number_of[row.left_id] for row in known], np.int32),
        np.array([number_of[row.right_id] for row in known], np.int32),
        np.array([row.bits for row in known], np.uint16),
        np.array([row.colour for row in known], np.float32),
        np.array([row.chroma for row in known], np.float32),
        np.array([row.grey for row in known], np.uint8),
    )
    better = follow(pairs, *standing(leaders))
    twin_of = {
        row.id: leaders[other].id for row, other in zip(leaders, better, strict=True) if leaders[other] is not row
    }
    table.set_looks(
        {"id": row.id, "twin_id": twin_of.get(row.id)}
        for row in hashed_rows(table, settings)
        if row.twin_id != twin_of.get(row.id)
    )


def _twins(
    new: list[str], old: list[str], source_of: Mapping[str, str], settings: Settings, table: Table
) -> list[dict[str, Any]]:
    """Rows of `schema.Twins`: every pair of a new leader and another, of different sources, that look alike."""
    ids = [*new, *old]
    sources = np.unique([source_of[id] for id in ids], return_inverse=True)[1]
    prints, turned = stored_prints(table, ids, settings)
    count, limits = len(new), settings.thresholds
    fresh, former = prints.take(slice(0, count)), prints.take(slice(count, None))
    try:
        among = pairs_within(fresh, limits, MOST_TWINS)
        across = pairs_between(fresh, former, limits, MOST_TWINS)
        found = [among, across._replace(right=across.right + np.int32(count))]
        if turned is not None:
            found.append(pairs_between(turned.take(slice(0, count)), prints, limits, MOST_TWINS))
            across = pairs_between(turned.take(slice(count, None)), fresh, limits, MOST_TWINS)
            found.append(across._replace(left=across.left + np.int32(count)))
    except TooMany:
        raise RunFailed(
            f"more than {MOST_TWINS:,} pairs of candidates of different sources look alike: the thresholds in "
            "[look_alikes] are too wide for this art; `toadworks similarity calibrate` proposes others"
        ) from None
    pairs = Pairs.joined(found)
    pairs = pairs.take(sources[pairs.left] != sources[pairs.right])
    pairs = pairs.take(np.lexsort((pairs.colour, pairs.bits)))  # of a pair found twice, the nearer comes first
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for left, right, bits, colour, chroma, grey in zip(*pairs, strict=True):
        one, other = sorted((ids[left], ids[right]))
        apart = {"bits": int(bits), "colour": float(colour), "chroma": float(chroma), "grey": int(grey)}
        rows.setdefault((one, other), {"left_id": one, "right_id": other, **apart})
    return list(rows.values())


def standing(rows: Sequence[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Scores [N] by which rows of `Table.looks`, in order of their ids, lead, and which of them lead in any case."""
    structure = np.array([-math.inf if row.structure is None else row.structure for row in rows])
    against = np.array([spoken_against(row) for row in rows], bool)
    accepted = np.array([row.accepted for row in rows], bool)
    chosen = np.array([row.chosen for row in rows], bool)
    order = np.lexsort((-structure, against, ~accepted, ~chosen))
    scores = np.empty(len(rows), np.intp)
    scores[order] = -np.arange(len(rows))
    return scores, chosen | accepted


def spoken_against(row: Any) -> bool:
    return bool(row.flat or row.unchanged or row.copy_of or row.earlier)
