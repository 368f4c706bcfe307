"""Look-alikes for a person: a list of them, and what to know of candidates that are being accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from collection_db import Table
from flows.hashing import hashed_rows, stored_prints
from flows.settings import Settings
from similarity.pairs import pairs_between

SHORT = 8  # digits of an id


def listed(settings: Settings, limit: int) -> list[str]:
    """Look-alikes for a person: counts, then at most `limit` lines of each kind (0: all)."""
    table = Table.open(settings.database_url)
    rows, twins = hashed_rows(table, settings), table.twins()
    table.close()
    by_id = {row.id: row for row in rows}
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.leader_id:
            sizes[row.leader_id] += 1
    groups = sorted(((count, id) for id, count in sizes.items() if count > 1), key=lambda pair: (-pair[0], pair[1]))
    across = [pair for pair in twins if pair.left_id in by_id and pair.right_id in by_id]
    kinds: Mapping[str, list[str]] = {
        "groups of look-alikes": [f"{count} led by {_named(id, by_id)}" for count, id in groups],
        "pairs of leaders of different sources": [
            f"{_named(pair.left_id, by_id)} and {_named(pair.right_id, by_id)}: "
            f"{pair.bits} bits, colour {pair.colour:.2f}, chroma {pair.chroma:.1f}, grey {pair.grey}"
            for pair in sorted(across, key=lambda pair: (pair.bits, pair.colour))
        ],
        "unchanged from their sources": [
            f"{_named(row.id, by_id)}: {row.source_bits} bits" for row in rows if row.unchanged
        ],
        "copies of other sources": [f"{_named(row.id, by_id)}: source {row.copy_of}" for row in rows if row.copy_of],
        "like an earlier token": [f"{_named(row.id, by_id)}: {row.earlier}" for row in rows if row.earlier],
        "flat": [_named(row.id, by_id) for row in rows if row.flat],
    }
    lines = [f"{len(rows):>8}  candidates compared, {len(sizes)} groups, those of one among them"]
    for kind, found in kinds.items():
        lines.append(f"{len(found):>8}  {kind}")
        shown = found[: limit or None]
        lines += [f"          {line}" for line in shown]
        if len(shown) < len(found):
            lines.append(f"          ... and {len(found) - len(shown)} more (--limit 0 prints all)")
    return lines


def _named(id: str, by_id: Mapping[str, Any]) -> str:
    return f"{id[:SHORT]} of {by_id[id].source_id}" if id in by_id else id[:SHORT]


def notes_on(ids: Sequence[str], settings: Settings, table: Table) -> list[str]:
    """What a curator who accepts these candidates should know: which look like another accepted one, their source,
    another source or an earlier token; a sentence each."""
    rows = {row.id: row for row in hashed_rows(table, settings)}
    mine = [id for id in ids if id in rows]
    accepted = [id for id, row in rows.items() if row.accepted]
    notes = []
    for id in mine:
        row = rows[id]
        for said, holds in (
            ("is flat", row.flat),
            (f"is practically its own source ({row.source_bits} bits apart)", row.unchanged),
            (f"is practically source {row.copy_of}", row.copy_of),
            (f"looks like {row.earlier}", row.earlier),
        ):
            if holds:
                notes.append(f"{_named(id, rows)} {said}")
    prints, turned = stored_prints(table, mine, settings)
    others, _ = stored_prints(table, accepted, settings)
    seen: set[frozenset[str]] = set()
    for side in (prints, turned) if turned is not None else (prints,):
        for left, right, bits, colour, *_ in zip(*pairs_between(side, others, settings.thresholds), strict=True):
            pair = frozenset((mine[left], accepted[right]))
            if len(pair) == 2 and pair not in seen:
                seen.add(pair)
                told = f"{bits} bits and colour {colour:.2f} apart"
                notes.append(
                    f"{_named(mine[left], rows)} looks like {_named(accepted[right], rows)}, accepted too ({told})"
                )
    return notes
