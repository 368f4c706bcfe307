"""Stage 4: candidates get their fingerprints, are compared with sources, earlier tokens and each other, and look-alikes
are grouped.

Groups are formed within one source; look-alikes of different sources are reported apart, as twins. What was compared is
remembered in the table together with what it was compared by. So a run compares new candidates with all before them,
and forms those sources' groups anew in which something changed; with other settings, other sources or other earlier
tokens, everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Table
from collection_db.rows import pieces
from flows.hashing import alike_stamp, hash_batch, hash_missing, hash_rows, hashed_rows, short, stored_prints
from flows.known import Known, earlier_tokens, known_sources
from flows.progress import meter
from flows.settings import Settings
from flows.twins import find_twins, spoken_against, standing
from similarity.distances import Thresholds
from similarity.groups import follow
from similarity.groups import group as group_alike
from similarity.pairs import Pairs, TooMany, pairs_between, pairs_either_way, pairs_within
from similarity.prints import Prints

AT_ONCE = 20_000  # candidates; their fingerprints take 20 MB
MOST_PAIRS = 5_000_000  # of one source; they take 300 MB


@flow(name="group", flow_run_name="group {collection}", validate_parameters=False, persist_result=False)
async def group(collection: str) -> int:
    """Hash what is not hashed yet, compare what was not compared yet, group; return the number of groups."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    hash_missing(settings, table, partial(hash_batch, collection))
    table.close()
    return group_all(collection)


@task(name="group look-alikes", cache_policy=NO_CACHE)
def group_all(collection: str) -> int:
    return group_hashed(Settings.read(collection))


def group_candidates(settings: Settings) -> int:
    """Hash what is not hashed yet, and group; in this process, without Prefect. Return the number of groups."""
    table = Table.open(settings.database_url)
    hash_missing(settings, table, partial(hash_rows, settings, table))
    table.close()
    return group_hashed(settings)


def group_hashed(settings: Settings) -> int:
    """Compare and group all candidates that have a fingerprint; return the number of groups.

    Accepted candidates lead in any case; then, of those that look alike, the one that was chosen last; then the best
    score (structure), then the lowest id. What nobody wants as it is (flat, unchanged from its source, a copy of
    another, like an earlier token) leads only where nothing else is in the group.
    """
    table = Table.open(settings.database_url)
    _compare_with_known(settings, table)
    rows = hashed_rows(table, settings)
    leader_of = _group_sources(settings, table, rows)
    find_twins(settings, table, rows, leader_of)
    table.close()
    return len(set(leader_of.values()))


def _compare_with_known(settings: Settings, table: Table) -> None:
    """Which candidates are unchanged, copies of other sources, or like earlier tokens."""
    sources, earlier = known_sources(settings, table), earlier_tokens(settings, table)
    limit = settings["look_alikes"]["source_bits"]
    stamp = f"{alike_stamp(settings)} {limit} {short(sources.digest + earlier.digest)}"
    new = [row for row in hashed_rows(table, settings) if row.compared_as != stamp]
    with meter("compare", len(new)) as shown:
        for piece in pieces(new, AT_ONCE):
            prints, turned = stored_prints(table, [row.id for row in piece], settings)
            like = _labels(pairs_either_way(prints, turned, earlier.prints, None, settings.thresholds), earlier)
            near = pairs_either_way(prints, turned, sources.prints, None, Thresholds.of_shape(limit))
            copied, own_bits = _copies(piece, near, sources)
            table.set_looks(
                {
                    "id": row.id,
                    "unchanged": bool(own_bits[number] <= limit),
                    "copy_of": copied.get(number),
                    "earlier": like.get(number),
                    "compared_as": stamp,
                }
                for number, row in enumerate(piece)
            )
            shown.advance(len(piece))


def _copies(rows: Any, near: Pairs, sources: Known) -> tuple[dict[int, str], Any]:
    """Which of these candidates (left, by number) is nearer to another source than to its own, and to which; and in how
    many bits each differs from its own source, or from that one's mirror image.

    `near`: pairs that are close in shape. Flat pictures have no shape: they are copies of nothing, and unchanged from
    nothing.
    """
    flat = np.array([row.flat for row in rows], bool)
    near = near.take(~flat[near.left] & ~sources.prints.flat[near.right])
    own_bits = np.array([999_999 if row.source_bits is None or row.flat else row.source_bits for row in rows])
    mine = np.array(
        [sources.labels[right] == rows[left].source_id for left, right in zip(near.left, near.right, strict=True)], bool
    )
    np.minimum.at(own_bits, near.left[mine], near.bits[mine].astype(own_bits.dtype))
    return _labels(near.take(~mine & (near.bits < own_bits[near.left])), sources), own_bits


def _group_sources(settings: Settings, table: Table, rows: list[Any]) -> dict[str, str]:
    """Group the candidates of every source in which something changed; return the leader of every candidate."""
    before, stamp = table.grouped_sources(), alike_stamp(settings)
    signatures, changed = {}, []
    for id, same in groupby(sorted(rows, key=attrgetter("source_id", "id")), attrgetter("source_id")):
        members = list(same)
        told = [(row.id, row.style, row.chosen, row.accepted, spoken_against(row), row.structure) for row in members]
        signature = short(f"{stamp} {told}")
        if before.get(id) != signature:
            signatures[id] = signature
            changed.append(members)
    leader_of = {row.id: row.leader_id for row in rows}
    with meter("group", sum(map(len, changed))) as shown:
        for several in _batches(changed):
            together = [row for of in several for row in of]
            prints, turned = stored_prints(table, [row.id for row in together], settings)
            start = 0
            for of in several:
                which = slice(start, start + len(of))
                start += len(of)
                mirrored = None if turned is None else turned.take(which)
                leaders = _leaders(of, prints.take(which), mirrored, settings)
                leader_of |= {row.id: of[leader].id for row, leader in zip(of, leaders, strict=True)}
            table.set_groups(
                ({"id": row.id, "score": row.structure, "leader_id": leader_of[row.id]} for row in together),
                {of[0].source_id: signatures[of[0].source_id] for of in several},
            )
            shown.advance(len(together))
    return leader_of


def _leaders(rows: list[Any], prints: Prints, turned: Prints | None, settings: Settings) -> NDArray[np.intp]:
    """int [N]: the leader of each candidate of one source. Between two of one style the greys are not asked."""
    scores, forced = standing(rows)
    limits = settings.thresholds_within
    try:
        found = [pairs_within(prints, limits, MOST_PAIRS)]
        if turned is not None:
            mirrored = pairs_between(turned, prints, limits, MOST_PAIRS)
            found.append(mirrored.take(mirrored.left != mirrored.right))
    except TooMany:  # thousands that are all alike
        return group_alike(prints, scores, settings.thresholds, forced=forced, turned=turned)
    pairs = Pairs.joined(found)
    styles = np.unique([row.style for row in rows], return_inverse=True)[1]
    same = styles[pairs.left] == styles[pairs.right]
    return follow(pairs.take(same | (pairs.grey <= settings.thresholds.grey)), scores, forced)


def _labels(pairs: Pairs, known: Known) -> dict[int, str]:
    """The nearest picture's label for each `left`."""
    near = pairs.nearest()
    return {int(left): known.labels[right] for left, right in zip(near.left, near.right, strict=True)}


def _batches(sources: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """Whole sources, some thousand candidates at a time."""
    batch: list[list[Any]] = []
    count = 0
    for of in sources:
        batch.append(of)
        count += len(of)
        if count >= AT_ONCE:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
