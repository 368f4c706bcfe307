"""Mending what `flows.check` found: the table is worked out anew from its ledger, lost pictures are made again from
recipes and the user's files, and what nothing names is removed. Nothing ever takes the place of a picture that somebody
accepted, but its own bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collection_db import Assets, Table
from collection_db.keeping import MASK
from errors import BadSource
from flows.again import made_again
from flows.check import Findings
from flows.freeing import keep_again
from flows.hashing import hash_drawn
from flows.ingest import put_source
from flows.making import differing
from flows.masking import mask_name, masks_of
from flows.progress import Meter, meter
from flows.settings import Settings
from flows.sources import find_sources, read_image
from flows.stylize import Outcome, drawn_of, packed
from styles.recipes import Recipe

UNWANTED_AFTER = timedelta(hours=1)  # a younger file may be of a writer that is about to name it


@dataclass
class Repaired:
    """What was mended: rows of the table; assets that are there again, byte for byte; candidates that got another
    picture; files that were removed, and those that stay since they are too young. `problems`: what was not mended, and
    why."""

    rows: int = 0
    restored: int = 0
    replaced: int = 0
    removed: int = 0
    young: int = 0
    problems: list[str] = field(default_factory=list)


def repair(settings: Settings, found: Findings) -> Repaired:
    """Mend what can be mended. Raises RunFailed where table or assets are out of reach."""
    table, assets, done = Table.open(settings.database_url), settings.open_assets(), Repaired()
    if any(fault.mended for fault in found.faults):
        done.rows = table.rebuild()
    done.problems += [f"{fault.id[:12]} {fault.told}".strip() for fault in found.faults if not fault.mended]
    lost = {*found.missing, *found.damaged}
    if lost:
        uses = table.uses(lost)
        with meter("repair", len(lost)) as shown:
            _sources(settings, table, assets, uses.sources, lost, done, shown)
            _masks(settings, table, assets, uses.masks, done, shown)
            _candidates(settings, table, assets, table.uses(lost).candidates, done, shown)
    keep_again(table, assets)
    before = datetime.now(UTC) - UNWANTED_AFTER
    wanted = table.named_assets("all")  # asked again: a run may have come to name one of them
    for one in found.unreferenced:
        if one.sha256 in wanted:
            continue
        if one.modified < before:
            assets.remove(one.sha256, older_than=before)
            done.removed += 1
        else:
            done.young += 1
    done.removed += len(assets.sweep())
    table.close()
    return done


def _sources(
    settings: Settings, table: Table, assets: Assets, rows: list[Any], lost: set[str], done: Repaired, shown: Meter
) -> None:
    """From the user's files, if these still are the same pictures. Traits stay as they were read."""
    if not rows:
        return
    files, _ = find_sources(settings.images)  # the folder may have moved
    for row in rows:
        shown.advance()
        file = files.get(row.id, Path(row.file))
        try:
            source = read_image(file, settings["sources"]["frame"])
        except BadSource as error:
            done.problems.append(f"source {row.id}: {error}")
            continue
        if source.pixels_sha256 != row.pixels_sha256:
            done.problems.append(f"source {row.id}: {file} is another picture now; `toadworks run` takes it in")
            continue
        names = ("id", "file", "position", "pixels_sha256", "width", "height", "frames", "attributes", "licence")
        table.add_sources([{name: row._mapping[name] for name in names} | put_source(source, assets)])
        done.restored += len(lost & {row.image_sha256, row.mask_sha256})


def _masks(settings: Settings, table: Table, assets: Assets, masks: list[str], done: Repaired, shown: Meter) -> None:
    """From the masks that the user drew."""
    if not masks:
        return
    why = "no file of inpainting.mask is this mask any more"
    try:
        drawn, _ = masks_of(settings, [row.id for row in table.present_sources()])
    except BadSource as error:
        drawn, why = {}, str(error)
    by_name = {mask_name(mask): mask for mask in drawn.values() if isinstance(mask, bytes)}
    for name in masks:
        shown.advance()
        if name in by_name:
            assets.put(by_name[name], MASK)
            done.restored += 1
        else:
            done.problems.append(f"mask {name[:12]}: {why}")


def _candidates(
    settings: Settings, table: Table, assets: Assets, rows: list[Any], done: Repaired, shown: Meter
) -> None:
    """From their recipes, in batches of the width in which they were made."""
    usable = []
    for row in rows:
        if Recipe.from_json(row.json).source_sha256 == row.source_pixels_sha256:
            usable.append(row)
        else:
            shown.advance()
            done.problems.append(f"candidate {row.id[:12]}: its source {row.source_id} is another picture by now")
    for again in made_again(usable, settings, assets):
        told = again.failed.items()
        done.problems += [why if id[:12] in why else f"candidate {id[:12]}: {why}" for id, why in told]
        for outcome in again.good:
            _put_back(settings, table, assets, outcome, again.made_with, done)
        shown.advance(len(again.rows))


def _put_back(
    settings: Settings, table: Table, assets: Assets, outcome: Outcome, made_with: dict[str, Any], done: Repaired
) -> None:
    row = outcome.row
    # as it was told of the first one: where the pixels are the same, the bytes are, too
    before, now = packed(outcome, row.made_with), packed(outcome, made_with)
    for same in (before, now):
        if hashlib.sha256(same).hexdigest() == row.image_sha256:
            assets.put(same)
            table.set_kept([row.id])
            done.restored += 1
            return
    if row.verdict == "accept" or row.token is not None or not _replaced(table, assets, outcome, made_with, now):
        kind = "a token" if row.token is not None else "accepted"
        why = differing(row.made_with, made_with) or "another version, or other names of style or source"
        done.problems.append(
            f"candidate {row.id[:12]} is {kind}, and made again it is not the same ({why}): nothing took its place; "
            "bring its image back from a backup, or reject it"
        )
        return
    hash_drawn(settings, table, [drawn_of(outcome)])
    done.replaced += 1


def _replaced(table: Table, assets: Assets, outcome: Outcome, made_with: dict[str, Any], image: bytes) -> bool:
    """Whether the candidate has the image now: not if it was accepted meanwhile."""
    return table.replace_image(outcome.row.id, assets.put(image), made_with)
