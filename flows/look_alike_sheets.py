"""Pictures of look-alikes: the groups, what looks like another source's candidate or like another source, and how near
the nearest neighbours are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from collection_db import Table
from flows.hashing import hashed_rows, stored_prints
from flows.progress import say
from flows.settings import Settings
from flows.sources import Pictures
from similarity.distances import Distances, nearer_of
from similarity.pairs import TooMany, pairs_within
from similarity.pictures import Captioned, Group, group_sheet, histogram

GROUPS, TWINS, NEAREST = "look-alikes.png", "twins.png", "nearest.png"
MOST_PICTURES = 400  # on a sheet
MOST_GROUPS = 40
MOST_NEAREST = 100_000  # candidates: all of them are compared with each other, in about two seconds
MOST_PAIRS = 20_000_000  # that nearest neighbours are chosen from
SHORT = 6  # digits of an id: with the distance they fit under a picture


def draw_look_alikes(settings: Settings) -> list[Path]:
    """Draw those sheets for which there is something; remove the others of an earlier run. Return their files."""
    table, pictures = Table.open(settings.database_url), Pictures(settings.open_assets())
    rows = hashed_rows(table, settings)
    settings.sheets.mkdir(parents=True, exist_ok=True)
    sheets = {
        GROUPS: _groups(settings, table, pictures, rows),
        TWINS: _twins(settings, table, pictures, rows),
        NEAREST: _nearest(settings, table, rows),
    }
    table.close()
    for name, sheet in sheets.items():
        if sheet is None:
            (settings.sheets / name).unlink(missing_ok=True)
    return [save_sheet(sheet, settings.sheets / name) for name, sheet in sheets.items() if sheet is not None]


def save_sheet(sheet: Image.Image, file: Path) -> Path:
    """Write the file as a whole or not at all."""
    unfinished = file.with_name(f"{file.name}.tmp-new")
    sheet.save(unfinished, "PNG")
    return unfinished.replace(file)


def _groups(settings: Settings, table: Table, pictures: Pictures, rows: Sequence[Any]) -> Image.Image | None:
    """The largest groups, each leader with its followers, the nearest first."""
    by_id = {row.id: row for row in rows}
    followers: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row.leader_id != row.id and row.leader_id in by_id:  # the plan may have changed since they were grouped
            followers[row.leader_id].append(row)
    if not followers:
        return None
    largest = sorted(followers.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    alike = sum(map(len, followers.values()))
    fitting = _as_many_as_fit(largest)
    told = "" if len(fitting) == len(largest) else f", the largest {len(fitting)} here"
    title = f"{settings.name}: {len(largest):,} groups of look-alikes, {alike:,} candidates follow a leader{told}"
    beside = (_beside(settings, table, pictures, by_id[leader], of) for leader, of in fitting)
    groups = [group for found in beside for group in found]
    return group_sheet(groups, title) if groups else None


def _beside(settings: Settings, table: Table, pictures: Pictures, first: Any, others: Sequence[Any]) -> list[Group]:
    """A candidate, and others beside it, the nearest first, with how far they are from it."""
    apart = _apart(settings, table, first.id, [row.id for row in others])
    shown = []
    for number in np.lexsort((apart.colours, apart.bits)):
        row = others[number]
        told = f"{row.id[:SHORT]} {apart.bits[number]} bits {apart.colours[number]:.1f}"
        if row.source_id != first.source_id:  # there is no room for all three
            told = f"{row.id[:SHORT]} of {row.source_id}, {apart.bits[number]} bits"
        shown += _captioned(pictures, row, told)
    return [Group(leader, shown) for leader in _captioned(pictures, first, f"{first.id[:SHORT]} of {first.source_id}")]


def _captioned(pictures: Pictures, row: Any, told: str) -> list[Captioned]:
    """The picture of a candidate or a source, if it is there."""
    picture = pictures.get(row.image_sha256)
    return [] if picture is None else [Captioned(picture, told)]


def _apart(settings: Settings, table: Table, first: str, others: Sequence[str]) -> Distances:
    prints, turned = stored_prints(table, [first, *others], settings)
    one = np.zeros(len(others), np.intp)
    return nearer_of(prints.take(one), None if turned is None else turned.take(one), prints.take(slice(1, None)))


def _as_many_as_fit(groups: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    fitting, pictures = [], 0
    for leader, of in islice(groups, MOST_GROUPS):
        fitting.append((leader, of[:MOST_PICTURES]))
        pictures += 1 + len(fitting[-1][1])
        if pictures >= MOST_PICTURES:
            break
    return fitting


def _twins(settings: Settings, table: Table, pictures: Pictures, rows: Sequence[Any]) -> Image.Image | None:
    """Leaders that look like a better one of another source, and copies of other sources, each beside what it looks
    like."""
    by_id = {row.id: row for row in rows}
    sources = {row.id: row for row in table.sources()}
    of: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        if row.twin_id in by_id:
            of["candidate", row.twin_id].append(row)
        if row.copy_of in sources:
            of["source", row.copy_of].append(row)
    if not of:
        return None
    groups: list[Group] = []
    for (kind, id), alike in islice(sorted(of.items(), key=lambda pair: (-len(pair[1]), pair[0])), MOST_GROUPS):
        if kind == "candidate":
            groups += _beside(settings, table, pictures, by_id[id], alike[:MOST_PICTURES])
            continue
        shown = [
            one
            for row in alike[:MOST_PICTURES]
            for one in _captioned(pictures, row, f"{row.id[:SHORT]} of {row.source_id}")
        ]
        groups += [Group(first, shown) for first in _captioned(pictures, sources[id], f"source {id}")]
    return group_sheet(groups, f"{settings.name}: alike, and of different sources") if groups else None


def _nearest(settings: Settings, table: Table, rows: Sequence[Any]) -> Image.Image | None:
    """How many bits away each candidate's nearest neighbour of like colours is; left out where there are too many."""
    if len(rows) > MOST_NEAREST:
        say(f"{NEAREST} is left out: it is drawn of {MOST_NEAREST:,} candidates at most")
        return None
    limits, bits = settings.thresholds_within, settings.hashing.bits
    prints, _ = stored_prints(table, [row.id for row in rows], settings)
    wide = replace(limits, bits=max(limits.bits, bits // 4))
    try:
        pairs = pairs_within(prints, wide, MOST_PAIRS)
    except TooMany:
        say(f"{NEAREST} is left out: too many candidates look alike")
        return None
    nearest = np.full(len(rows), bits)
    for side in (pairs.left, pairs.right):
        np.minimum.at(nearest, side, pairs.bits)
    shown = nearest[nearest <= wide.bits]
    if not len(shown):
        return None
    title = f"{settings.name}: {len(shown):,} of {len(rows):,} candidates have a neighbour of like colours"
    return histogram(shown, limits.bits, title, bits)
