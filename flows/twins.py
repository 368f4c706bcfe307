"""Look-alikes of different sources: found among the leaders of groups, remembered, and the better one of two stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collection_db import Table
from collection_db.rows import pieces
from flows.hashing import alike_stamp, stored_prints
from flows.progress import meter, say
from flows.settings import Settings
from similarity.groups import follow, group
from similarity.pairs import Pairs, TooMany, pairs_between, pairs_either_way, pairs_within

AT_ONCE = 20_000  # former leaders that new ones are compared with
MOST_TWINS = 1_000_000  # pairs that are remembered


def find_twins(settings: Settings, table: Table, rows: Sequence[Any], leader_of: Mapping[str, str]) -> None:
    """Compare new leaders with those of other sources; then let the better one of two that look alike stand.

    `rows`: of `Table.looks`; `leader_of`: the leader of each. Flat ones are left out: nobody wants them anyway.
    """
    leaders = [row for row in rows if leader_of[row.id] == row.id and not row.flat]
    try:
        better = follow(_remembered(settings, table, leaders), *standing(leaders))
    except TooMany:
        say(
            f"twins: over {MOST_TWINS:,} pairs of leaders of different sources look alike, too many to remember; all "
            "leaders are compared anew instead. Does insertion step 0, or a style, make one picture of every source?"
        )
        table.clear_twins()
        prints, turned = stored_prints(table, [row.id for row in leaders], settings)
        scores, forced = standing(leaders)
        better = group(prints, scores, settings.thresholds, forced=forced, turned=turned)
    twin_of = {
        row.id: leaders[other].id
        for row, other in zip(leaders, better, strict=True)
        if leaders[other].source_id != row.source_id
    }
    table.set_looks(
        {"id": row.id, "twin_id": twin_of.get(row.id)} for row in rows if row.twin_id != twin_of.get(row.id)
    )


def _remembered(settings: Settings, table: Table, leaders: Sequence[Any]) -> Pairs:
    """All alike pairs of these leaders, of different sources, by their numbers; new ones are compared with all before
    them first. Raises TooMany."""
    stamp = alike_stamp(settings)
    crossed = table.crossed()
    if any(as_ != stamp for as_ in crossed.values()):
        table.clear_twins()
        crossed = {}
    new = [row.id for row in leaders if row.id not in crossed]
    if new:
        _compare(new, list(crossed), settings, table)
        table.set_looks({"id": id, "crossed_as": stamp} for id in new)
    number_of = {row.id: number for number, row in enumerate(leaders)}
    known = [row for row in table.twins() if row.left_id in number_of and row.right_id in number_of]
    return Pairs(
        np.array([number_of[row.left_id] for row in known], np.int32),
        np.array([number_of[row.right_id] for row in known], np.int32),
        np.array([row.bits for row in known], np.uint16),
        np.array([row.colour for row in known], np.float32),
        np.array([row.chroma for row in known], np.float32),
        np.array([row.grey for row in known], np.uint8),
    )


def _compare(new: list[str], former: list[str], settings: Settings, table: Table) -> None:
    """Store every pair of a new leader and another one, of different sources, that look alike. Raises TooMany."""
    source_of = table.source_ids([*new, *former])
    prints, turned = stored_prints(table, new, settings)
    limits, count = settings.thresholds, len(table.twins())
    with meter("twins", len(new) + len(former)) as shown:
        found = pairs_within(prints, limits, MOST_TWINS)
        if turned is not None:
            found = Pairs.joined([found, pairs_between(turned, prints, limits, MOST_TWINS)])
        count += _store(found, new, new, source_of, table)
        shown.advance(len(new))
        for piece in pieces(former, AT_ONCE):
            others, others_turned = stored_prints(table, piece, settings)
            found = pairs_either_way(prints, turned, others, others_turned, limits, MOST_TWINS)
            count += _store(found, new, list(piece), source_of, table)
            if count > MOST_TWINS:
                raise TooMany
            shown.advance(len(piece))


def _store(
    pairs: Pairs, lefts: Sequence[str], rights: Sequence[str], source_of: Mapping[str, str], table: Table
) -> int:
    """Add these pairs to the table; of one that was found twice, the nearer. Return how many they are."""
    sources = [np.array([source_of[id] for id in ids], object) for ids in (lefts, rights)]
    pairs = pairs.take(sources[0][pairs.left] != sources[1][pairs.right])
    pairs = pairs.take(np.lexsort((pairs.colour, pairs.bits)))
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for left, right, bits, colour, chroma, grey in zip(*pairs, strict=True):
        one, other = sorted((lefts[left], rights[right]))
        apart = {"bits": int(bits), "colour": float(colour), "chroma": float(chroma), "grey": int(grey)}
        rows.setdefault((one, other), {"left_id": one, "right_id": other, **apart})
    if len(rows) > MOST_TWINS:
        raise TooMany
    table.add_twins(list(rows.values()))
    return len(rows)


def standing(rows: Sequence[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Scores [N] by which rows of `Table.looks`, in order of their ids, lead, and which of them lead in any case."""
    structure = np.array([-math.inf if row.structure is None else row.structure for row in rows])
    against = np.array([spoken_against(row) for row in rows], bool)
    chosen = np.array([row.chosen or 0 for row in rows])
    accepted = np.array([row.accepted for row in rows], bool)
    order = np.lexsort((-structure, against, -chosen, ~accepted))
    scores = np.empty(len(rows), np.intp)
    scores[order] = -np.arange(len(rows))
    return scores, accepted


def spoken_against(row: Any) -> bool:
    return bool(row.flat or row.unchanged or row.copy_of or row.earlier)
