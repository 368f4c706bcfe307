"""Stage 4: candidates get their fingerprints, are compared with sources, earlier tokens and each other, and look-alikes
are grouped.

Every comparison is remembered in the table together with what it was made with, so that a run compares what is new with
all before it, and nothing twice. Groups are formed within one source; look-alikes of different sources are reported
apart, as twins.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Table
from collection_db.rows import pieces
from flows.earlier import earlier_tokens, known_sources
from flows.hashing import Known, alike_stamp, hash_candidates, hashed_rows, short, stored_prints
from flows.progress import meter
from flows.settings import Settings
from flows.twins import find_twins, spoken_against, standing
from similarity.distances import Thresholds
from similarity.groups import group as group_alike
from similarity.pairs import Pairs, pairs_between
from similarity.prints import Prints

AT_ONCE = 20_000  # candidates; their fingerprints take 20 MB


@flow(name="group", flow_run_name="group {collection}", validate_parameters=False)
async def group(collection: str) -> int:
    """Hash what is not hashed yet, compare what was not compared yet, group; return the number of groups."""
    hash_candidates(collection)
    return group_all(collection)


@task(name="group look-alikes", cache_policy=NO_CACHE)
def group_all(collection: str) -> int:
    return group_candidates(Settings.read(collection))


def group_candidates(settings: Settings) -> int:
    """Compare and group all hashed candidates; return the number of groups.

    Chosen leaders lead, then accepted ones; then the best score (structure), then the lowest id. What nobody wants as
    it is (flat, unchanged from its source, a copy of another, like an earlier token) leads only where nothing else is
    in the group.
    """
    table = Table.open(settings.database_url)
    _compare_with_known(settings, table)
    groups = _group_sources(settings, table)
    find_twins(settings, table)
    table.close()
    return groups


def _compare_with_known(settings: Settings, table: Table) -> None:
    """Which candidates are unchanged, copies of other sources, or like earlier tokens."""
    sources, earlier = known_sources(settings, table), earlier_tokens(settings, table)
    limit = settings["look_alikes"]["source_bits"]
    stamp = f"{alike_stamp(settings)} {limit} {short(sources.digest + earlier.digest)}"
    new = [row for row in hashed_rows(table, settings) if row.compared_as != stamp]
    with meter("compare", len(new)) as shown:
        for piece in pieces(new, AT_ONCE):
            prints, turned = stored_prints(table, [row.id for row in piece], settings)
            copies = _pairs(prints, turned, sources, Thresholds.of_shape(limit))
            mine = np.array([sources.labels[number] for number in copies.right]) == np.array(
                [piece[number].source_id for number in copies.left]
            )
            nearer = copies.bits < np.array([row.source_bits for row in piece])[copies.left]
            copied = _labels(copies.take(~mine & nearer), sources)
            unchanged = set(copies.left[mine].tolist())
            like = _labels(_pairs(prints, turned, earlier, settings.thresholds), earlier)
            table.set_looks(
                {
                    "id": row.id,
                    "unchanged": row.source_bits <= limit or number in unchanged,
                    "copy_of": copied.get(number),
                    "earlier": like.get(number),
                    "compared_as": stamp,
                }
                for number, row in enumerate(piece)
            )
            shown.advance(len(piece))


def _group_sources(settings: Settings, table: Table) -> int:
    """Group the candidates of every source in which something changed; return the number of all groups."""
    rows = hashed_rows(table, settings)
    before, stamp = table.grouped_sources(), alike_stamp(settings)
    signatures, changed = {}, []
    by_source = {id: list(of) for id, of in groupby(sorted(rows, key=attrgetter("source_id")), attrgetter("source_id"))}
    for id, of in by_source.items():
        told = [(row.id, row.chosen, row.accepted, spoken_against(row), row.structure) for row in of]
        signature = short(f"{stamp} {told}")
        if before.get(id) != signature:
            signatures[id] = signature
            changed.append(of)
    leader_of = {row.id: row.leader_id for row in rows}
    with meter("group", sum(map(len, changed))) as shown:
        for several in _batches(changed):
            moved, start = [], 0
            prints, turned = stored_prints(table, [row.id for of in several for row in of], settings)
            for of in several:
                which = slice(start, start + len(of))
                start += len(of)
                scores, forced = standing(of)
                mirrored = None if turned is None else turned.take(which)
                leaders = group_alike(prints.take(which), scores, settings.thresholds, forced=forced, turned=mirrored)
                for row, leader in zip(of, leaders, strict=True):
                    leader_of[row.id] = of[leader].id
                    if (row.leader_id, row.score) != (of[leader].id, row.structure):
                        moved.append({"id": row.id, "score": row.structure, "leader_id": of[leader].id})
            table.set_looks(moved)
            table.set_grouped_sources({of[0].source_id: signatures[of[0].source_id] for of in several})
            shown.advance(sum(map(len, several)))
    return len(set(leader_of.values()))


def _pairs(prints: Prints, turned: Prints | None, known: Known, limits: Thresholds) -> Pairs:
    """Alike pairs of candidates, or their mirror images (left), and known pictures (right)."""
    if not known.labels:
        return Pairs.joined([])
    both = [prints] if turned is None else [prints, turned]
    return Pairs.joined(pairs_between(one, known.prints, limits) for one in both)


def _labels(pairs: Pairs, known: Known) -> dict[int, str]:
    """The nearest picture's label for each `left`."""
    near = pairs.nearest()
    return {int(left): known.labels[right] for left, right in zip(near.left, near.right, strict=True)}


def _batches(sources: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """Whole sources, some thousand candidates at a time."""
    batch: list[list[Any]] = []
    for of in sources:
        batch.append(of)
        if sum(map(len, batch)) >= AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
