"""Look-alikes for a person: a list of them, and what to know of candidates that are being accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from collection_db import Table
from flows.hashing import hashed_only, hashed_rows, stored_prints
from flows.settings import Settings
from similarity.distances import nearer_of
from similarity.pairs import pairs_either_way

SHORT = 8  # digits of an id


def listed(settings: Settings, limit: int) -> list[str]:
    """Look-alikes for a person: counts, then at most `limit` lines of each kind (0: all)."""
    table = Table.open(settings.database_url)
    rows = hashed_rows(table, settings)
    by_id = {row.id: row for row in rows}
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.leader_id:
            sizes[row.leader_id] += 1
    groups = sorted(((count, id) for id, count in sizes.items() if count > 1), key=lambda pair: (-pair[0], pair[1]))
    kinds: Mapping[str, list[str]] = {
        "groups of look-alikes": [f"{count} led by {_named(id, by_id)}" for count, id in groups],
        "twins, leaders that look like one of another source": _twins(settings, table, rows, by_id),
        "unchanged from their sources": [
            f"{_named(row.id, by_id)}: {row.source_bits} bits" for row in rows if row.unchanged
        ],
        "copies of other sources": [f"{_named(row.id, by_id)}: source {row.copy_of}" for row in rows if row.copy_of],
        "like an earlier token": [f"{_named(row.id, by_id)}: {row.earlier}" for row in rows if row.earlier],
        "flat": [_named(row.id, by_id) for row in rows if row.flat],
    }
    table.close()
    lines = [f"{len(rows):>8}  candidates compared, {len(sizes)} groups, those of one among them"]
    for kind, found in kinds.items():
        lines.append(f"{len(found):>8}  {kind}")
        shown = found[: limit or None]
        lines += [f"          {line}" for line in shown]
        if len(shown) < len(found):
            lines.append(f"          ... and {len(found) - len(shown)} more (--limit 0 prints all)")
    return lines


def _twins(settings: Settings, table: Table, rows: Sequence[Any], by_id: Mapping[str, Any]) -> list[str]:
    """The nearest first, with all four distances."""
    twins = [row for row in rows if row.twin_id in by_id]
    if not twins:
        return []
    prints, turned = stored_prints(table, [row.id for row in twins], settings)
    others, _ = stored_prints(table, [row.twin_id for row in twins], settings)
    apart = nearer_of(prints, turned, others)
    order = np.lexsort((apart.colours, apart.bits))
    return [
        f"{_named(twins[number].id, by_id)} and {_named(twins[number].twin_id, by_id)}: {apart.bits[number]} bits, "
        f"colour {apart.colours[number]:.2f}, chroma {apart.chromas[number]:.1f}, grey {apart.greys[number]}"
        for number in order
    ]


def _named(id: str, by_id: Mapping[str, Any]) -> str:
    return f"{id[:SHORT]} of {by_id[id].source_id}" if id in by_id else id[:SHORT]


def notes_on(ids: Sequence[str], settings: Settings, table: Table) -> list[str]:
    """What a curator who accepts these candidates should know: which look like another accepted one, their source,
    another source or an earlier token; a sentence each."""
    accepted = hashed_only(table.looks(accepted_only=True), settings)
    mine = hashed_only(table.looks(ids), settings)
    rows = {row.id: row for row in (*accepted, *mine)}
    notes = []
    for row in mine:
        for said, holds in (
            ("is flat", row.flat),
            (f"is practically its own source ({row.source_bits} bits apart)", row.unchanged),
            (f"is practically source {row.copy_of}", row.copy_of),
            (f"looks like {row.earlier}", row.earlier),
        ):
            if holds:
                notes.append(f"{_named(row.id, rows)} {said}")
    if len(mine) < len(set(ids)):
        notes.append(f"{len(set(ids)) - len(mine)} are not compared with anything yet; `toadworks run` does that")
    seen: set[frozenset[str]] = set()
    for one, other, bits, colour in _alike(mine, accepted, settings, table):
        if frozenset((one.id, other.id)) not in seen:
            seen.add(frozenset((one.id, other.id)))
            told = f"{bits} bits and colour {colour:.2f} apart"
            notes.append(f"{_named(one.id, rows)} looks like {_named(other.id, rows)}, accepted too ({told})")
    return notes


def groups_among(ids: Sequence[str], settings: Settings, table: Table) -> dict[str, str]:
    """Which of these candidates are in one look-alike group: of one source, and led by the same one, or so alike that
    one would follow the other if not both were accepted, since what is accepted leads. The group's first id, by id; of
    those that are alone nothing."""
    rows = table.looks(ids)
    first = {row.id: row.id for row in rows}

    def root(id: str) -> str:
        while first[id] != id:
            id = first[id]
        return id

    def join(one: str, other: str) -> None:
        low, high = sorted((root(one), root(other)))
        first[high] = low

    led: dict[str, str] = {}
    for row in rows:
        if row.leader_id:
            join(row.id, led.setdefault(row.leader_id, row.id))
    hashed = hashed_only(rows, settings)
    for one, other, _, _ in _alike(hashed, hashed, settings, table):
        if one.source_id == other.source_id:
            join(one.id, other.id)
    sizes: dict[str, int] = defaultdict(int)
    for id in first:
        sizes[root(id)] += 1
    return {id: root(id) for id in first if sizes[root(id)] > 1}


def _alike(
    left: Sequence[Any], right: Sequence[Any], settings: Settings, table: Table
) -> Iterator[tuple[Any, Any, int, float]]:
    """Pairs of different hashed candidates that look alike, with how many bits and how much colour they are apart. A
    pair may come more than once."""
    prints, turned = stored_prints(table, [row.id for row in left], settings)
    others, others_turned = stored_prints(table, [row.id for row in right], settings)
    found = pairs_either_way(prints, turned, others, others_turned, settings.thresholds_within)
    for at, to, bits, colour, _, grey in zip(*found, strict=True):
        one, other = left[at], right[to]
        variants = (one.source_id, one.style) == (other.source_id, other.style)
        if one.id != other.id and (variants or grey <= settings.thresholds.grey):
            yield one, other, bits, colour
