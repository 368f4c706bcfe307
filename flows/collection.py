"""The top-level flow: from sources to groups and contact sheets. People decide what comes after."""

from __future__ import annotations

from typing import Any

from prefect import flow

from collection_db import Table
from errors import BadValue
from flows.group import group
from flows.ingest import ingest
from flows.pair import pair
from flows.settings import Settings
from flows.sheets import sheets
from flows.stylize import stylize

ACCEPT = ("", "leaders")


@flow(name="make collection", flow_run_name="make {collection}")
async def make_collection(collection: str, accept: str = "") -> dict[str, Any]:
    """Run every stage of the collection in the folder `collection`, making what is missing.

    `accept="leaders"` records an acceptance by "auto" of every group's leader that nothing speaks against
    (`Table.leaders`). Returns numbers for a summary: skipped (a list of files and reasons), new, known, made, failed
    (sentences), groups, accepted, sheets (files).
    """
    if accept not in ACCEPT:
        raise BadValue("accept", accept, '"leaders", or nothing')
    skipped = await ingest(collection)
    new, known, unmasked = await pair(collection)
    made, failed = await stylize(collection)
    groups = await group(collection)
    accepted = 0
    if accept == "leaders":
        table = Table.open(Settings.read(collection).database_url)
        accepted = table.accept_leaders("auto")
        table.close()
    drawn = await sheets(collection)
    return {
        "skipped": skipped + unmasked,
        "new": new,
        "known": known,
        "made": made,
        "failed": failed,
        "groups": groups,
        "accepted": accepted,
        "sheets": drawn,
    }
