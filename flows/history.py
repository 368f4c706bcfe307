"""A candidate's whole life for a person: its recipe, its making, what it looks like, what was said of it, its token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from collection_db import Table
from collection_db.ledger import undone_by
from flows.settings import Settings
from styles.recipes import Recipe

SHORT = 10


def history(settings: Settings, id: str) -> Iterator[str]:
    """Lines of text; `id` is whole."""
    table = Table.open(settings.database_url)
    [row] = table.whole([id])
    entries, tags = table.decisions(id), table.tags([id]).get(id, [])
    recipe = Recipe.from_json(row.json)
    yield f"candidate {row.id}"
    yield f"source    {row.source_id} ({row.source_file}), {row.style}: {row.prompt!r}"
    yield (
        f"recipe    scale {row.guidance_scale:g}, insertion step {row.insertion_step} of {row.steps} ({recipe.mode}), "
        f"seed {recipe.seed}, {recipe.sampler}, {row.model} {recipe.weights_sha256[:SHORT]}"
        f"{'' if row.planned else '; not in the present plan'}"
    )
    yield f"image     {row.image_sha256}{_freed(row)}"
    yield f"looks     {_looks(row)}"
    yield f"stands    {_stands(row, tags)}"
    yield ""
    yield f"{_when(row.recipe_added_at)}  planned"
    yield f"{_when(row.made_at)}  made in {row.seconds:.2f} s{f' by {row.worker}' if row.worker else ''}: {_told(row)}"
    undone = undone_by(entries)
    events = [(entry.decided_at, _entry(entry, entry.number in undone)) for entry in entries]
    if row.freed_at is not None:
        events.append((row.freed_at, "image freed"))
    if row.token is not None:
        events.append((row.exported_at, f"token {row.token} in the release, {row.token_name!r}"))
        for mint in table.mints(row.token):
            told = f"token {mint.number} found minted by {mint.contract}, in block {mint.block}, transaction {mint.tx}"
            events.append((mint.marked_at, told))
    for at, told in sorted(events, key=lambda event: event[0]):
        yield f"{_when(at)}  {told}"
    table.close()


def _entry(entry: Any, undone: bool) -> str:
    named = f"named it {entry.value!r}" if entry.value else "took its name back"
    what = {"undo": f"took back entry {entry.undoes}", "rename": named, "note": "noted"}
    what |= {"more": "asked for more like it", "unmore": "asked for no more like it"}
    plain = f"{entry.action} {entry.value!r}" if entry.value else str(entry.action)
    told = what.get(entry.action, plain) + (", to settle it" if entry.settles else "")
    note = f": {entry.note}" if entry.note else ""
    return f"entry {entry.number}, {entry.curator}: {told}{note}{'   (taken back)' if undone else ''}"


def _looks(row: Any) -> str:
    if row.leader_id is None:
        return "not compared with anything yet"
    told = ["leads its group" if row.leader_id == row.id else f"follows {row.leader_id[:SHORT]}"]
    told += [f"score {row.score:.3f}"] if row.score is not None else []
    told += ["flat"] if row.flat else []
    told += [f"practically its own source ({row.source_bits} bits apart)"] if row.unchanged else []
    told += [f"practically source {row.copy_of}"] if row.copy_of else []
    told += [f"like {row.earlier}"] if row.earlier else []
    told += [f"twin of {row.twin_id[:SHORT]}"] if row.twin_id else []
    return ", ".join(told)


def _stands(row: Any, tags: list[str]) -> str:
    told = [row.verdict + (f" by {row.curator}" if row.curator else "")]
    told += ["curators disagree"] if row.disagreed else []
    told += [f"{row.stars} star{'s' * (row.stars > 1)}"] if row.stars else []
    told += [f"tags {', '.join(tags)}"] if tags else []
    told += [f"name {row.name!r}"] if row.name else []
    return "; ".join(told)


def _freed(row: Any) -> str:
    if row.freed_at is None:
        return ""
    first = "" if row.verdict != "reject" else " once it is no longer rejected"
    return f" (freed; `toadworks check --repair` makes it again{first})"


def _told(row: Any) -> str:
    made_with = row.made_with if isinstance(row.made_with, dict) else {}
    return ", ".join(f"{key} {value}" for key, value in made_with.items()) or "nothing is known of the machine"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
