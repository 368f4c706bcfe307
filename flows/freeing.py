"""Freeing the images of rejected candidates (`toadworks gc`). Their rows, recipes, decisions and fingerprints stay, so
they can be made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from collection_db import Assets, Table
from collection_db.rows import pieces
from errors import DamagedAsset, MissingAsset
from flows.progress import meter
from flows.settings import Settings

AT_ONCE = 500  # candidates noted as freed before their files go


@dataclass(frozen=True)
class Freeable:
    """Rejected candidates whose images are kept, and how many bytes these take."""

    rows: list[Any]
    size: int


def freeable(settings: Settings) -> Freeable:
    """What `free` would free."""
    table = Table.open(settings.database_url)
    rows = table.to_free()
    table.close()
    wanted = {row.image_sha256 for row in rows}
    sizes = {one.sha256: one.size for one in settings.open_assets().stored() if one.sha256 in wanted}
    return Freeable(rows, sum(sizes.values()))


def free(settings: Settings, found: Freeable) -> int:
    """Remove these images; return how many files went. The table is told first: whoever is killed in between leaves
    files that nothing names, and never a row without its file."""
    table, assets = Table.open(settings.database_url), settings.open_assets()
    count = 0
    with meter("free", len(found.rows)) as shown:
        for piece in pieces(found.rows, AT_ONCE):
            for sha256 in table.set_freed([row.id for row in piece]):
                assets.remove(sha256)
                count += 1
            shown.advance(len(piece))
    table.close()
    return count


def keep_again(table: Table, assets: Assets) -> None:
    """Freed images that are wanted again, and lie there all the same, count as kept: whoever freed them was killed
    before they went, or a backup brought them back."""
    for row in table.wanted_again():
        try:
            assets.read(row.image_sha256)
        except (MissingAsset, DamagedAsset):
            continue
        table.set_kept([row.id])
