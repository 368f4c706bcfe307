"""The shapes in which the page gets what the table says."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import QueryParams

from collection_db.filtering import COLUMNS, Listing
from collection_db.listing import Listed
from collection_db.reviewing import Progress, Seen, Told

SETTINGS = ("layout", "sort", "descending", "limit")  # of a view, besides its filters
OF_RECIPE = ("prompt", "mode", "seed", "sampler", "steps", "model", "planned")
OF_CANDIDATE = ("number", "id", "style", "guidance_scale", "insertion_step", "score", "structure", "source_bits")
OF_LOOKS = ("clip_score", "flat", "unchanged", "copy_of", "earlier", "seconds", "worker", "leader", "twin")


def listing_of(query: QueryParams, leave_out: Sequence[str] = ()) -> Listing:
    """The listing that an address asks for. Raises BadValue, naming the column, for what cannot be."""
    names = [name for name in query if name not in (*SETTINGS, *leave_out)]
    filters = {name: query.getlist(name) for name in names}
    return Listing(filters, query.get("sort", "position"), query.get("descending") == "1")


def packed(listed: Listed, last: tuple[int, int]) -> bytes:
    """A list as bytes: the length of a JSON header (uint32), the header, then numbers, groups (uint32 each) and flags
    (uint8); all little-endian. The header is padded with blanks, so that the numbers begin at a multiple of four."""
    header = {
        "count": len(listed),
        "rows": listed.rows,
        "columns": listed.columns,
        "row_title": listed.titles[0],
        "column_title": listed.titles[1],
        "newest": newest(last),
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    arrays = (listed.numbers.astype("<u4"), listed.groups.astype("<u4"), listed.flags)
    return struct.pack("<I", len(text)) + text + b"".join(array.tobytes() for array in arrays)


def row(seen: Seen, flags: int) -> dict[str, Any]:
    """A candidate with its recipe, its scores and what may be told of its decisions."""
    of, standing = seen.row, seen.standing
    return {
        **{name: getattr(of, name) for name in (*OF_CANDIDATE, *OF_LOOKS, *OF_RECIPE)},
        "image": of.image_sha256,
        "source": of.source_id,
        "source_image": of.source_image,
        "recipe": json.loads(of.json),
        "group_size": of.group_size if of.leader else 1,
        "made_at": of.made_at.isoformat(),
        "token": of.token,
        "freed": of.freed_at is not None,
        "flags": flags,
        "verdict": standing.verdict,
        "curator": standing.curator,
        "decided_at": standing.decided_at and standing.decided_at.isoformat(),
        "note": standing.note,
        "name": standing.name,
        "stars": standing.stars,
        "starred": seen.starred,
        "tags": sorted(standing.tags),
        "disagreed": standing.disagreed,
        "more": standing.more,
        "hidden": seen.hidden,
        "opinions": seen.opinions,
    }


def entry(told: Told) -> dict[str, Any]:
    """An entry of the ledger; of a hidden one only that it is there."""
    of = told.entry
    what = {name: getattr(of, name) for name in ("action", "value", "note", "settles")}
    return {
        "number": of.number,
        "curator": of.curator,
        "decided_at": of.decided_at.isoformat(),
        "undone": told.undone,
        "hidden": told.hidden,
        **(dict.fromkeys(what) if told.hidden else what),
    }


def progress(of: Progress, supply: int) -> dict[str, Any]:
    undecided = of.shown - sum(of.mine.values())
    return {
        "shown": of.shown,
        "needing": of.needing,
        "mine": of.mine | {"undecided": undecided},
        "accepted": of.accepted,
        "supply": supply,
        "per_minute": None if not of.pace else 60 / of.pace,
        "left_seconds": None if not of.pace else of.needing * of.pace,
    }


def columns(values: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """What can be filtered and sorted, with the `values` that are known of some."""
    return [
        {
            "name": name,
            "label": column.label,
            "kind": column.kind,
            "sorts": column.sorts,
            **({"values": list(values[name])} if name in values else {}),
        }
        for name, column in COLUMNS.items()
    ]


def newest(of: tuple[int, int]) -> dict[str, int]:
    entry, candidate = of
    return {"entry": entry, "candidate": candidate}
