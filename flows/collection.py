"""The top-level flow: from sources to groups and contact sheets, then people decide, then the export.

Deployed on a Prefect server, and asked to, the run suspends while people review: it holds no process and no GPU, and
goes on when somebody finishes the review. Elsewhere it ends before the review.
"""

from __future__ import annotations

from typing import Any

from prefect import State, flow
from prefect.states import Completed

from collection_db import Table
from errors import BadRelease, BadValue, Frozen, NothingLeft
from flows.export import export
from flows.group import group
from flows.ingest import ingest
from flows.pair import pair
from flows.progress import say
from flows.settings import Settings
from flows.sheets import sheets
from flows.stylize import stylize
from flows.waiting import FLOW, Finished, another_waits, can_suspend, own_review, suspend

ACCEPT = ("", "leaders")


# Prefect starts a suspended run from the top, in another process. What the run gave in the end is kept with it; what
# the stages gave need not be (they say so): the table has it, on whichever machine the run goes on.
@flow(name=FLOW, flow_run_name="make {collection}", persist_result=True)
async def make_collection(collection: str, accept: str = "", review: bool = False) -> dict[str, Any] | State[Any]:
    """Run every stage of the collection in the folder `collection`, making what is missing.

    `accept="leaders"` records an acceptance by "auto" of every group's leader that nothing speaks against
    (`Table.leaders`). Returns numbers for a summary: skipped (a list of files and reasons), new, known, made, failed
    (sentences), groups, accepted, sheets (files).

    With `review` a run of a deployment suspends then, unless another one of the collection waits already. Resumed, it
    makes nothing more, but exports what is accepted by then, and returns tokens (their number), finished_by and note.
    """
    if accept not in ACCEPT:
        raise BadValue("accept", accept, '"leaders", or nothing')
    if not (review and can_suspend()):
        return await make_candidates(collection, accept)
    settings = Settings.read(collection)
    pause, said = own_review()
    if said is not None:
        return await export_reviewed(settings, pause, said)
    told = await make_candidates(collection, accept)
    if other := another_waits(settings):
        message = f"what was missing is made; the run {other.name} ({other.id}) waits for the review already"
        return Completed(message=message, data=told)
    why = f"{_candidates(settings)} candidates of {settings.name} can be reviewed; then finish the review."
    said = await suspend(pause + 1, why)
    return await export_reviewed(settings, pause + 1, said)


async def make_candidates(collection: str, accept: str) -> dict[str, Any]:
    """Every stage before the review; see `make_collection`."""
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


async def export_reviewed(settings: Settings, pause: int, said: Finished) -> State[Any]:
    """Export what people accepted. Where they have to do something first, the run says so and waits again."""
    say(f"{said.curator} finished the review{f': {said.note}' if said.note else ''}")
    try:
        tokens = await export(str(settings.file))
    except (NothingLeft, BadRelease, Frozen) as error:  # people can put it right
        again = await suspend(pause + 1, f"{said.curator} finished the review, but {error}. Then finish it again.")
        return await export_reviewed(settings, pause + 1, again)
    data = {"tokens": tokens, "finished_by": said.curator, "note": said.note}
    message = f"{said.curator} finished the review: {tokens} tokens in {settings.release_folder}"
    return Completed(message=f"{message} ({said.note})" if said.note else message, data=data)


def _candidates(settings: Settings) -> int:
    table = Table.open(settings.database_url)
    count = table.counts()["candidates"]
    table.close()
    return count
