"""Stage 6: accepted candidates become numbered tokens with their files."""

from __future__ import annotations

import json
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Assets, Table
from errors import NothingLeft
from flows.freeing import keep_again
from flows.progress import meter
from flows.settings import Settings
from minting.metadata import Token, token_metadata
from minting.release import write_release

SHORT = 8  # digits of an id


@flow(name="export", flow_run_name="export {collection}", validate_parameters=False, persist_result=False)
async def export(collection: str) -> int:
    """Write the release; return the number of tokens. Raises NothingLeft with nothing accepted."""
    return write_tokens(collection)


@task(name="write release", cache_policy=NO_CACHE)
def write_tokens(collection: str) -> int:
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), settings.open_assets()
    keep_again(table, assets)
    accepted = table.accepted()
    if not accepted:
        raise NothingLeft(
            "nothing is accepted yet, so there is nothing to export: choose in the browser with `toadworks review`, or"
            " by `toadworks accept ID...` (ids are in `toadworks candidates`), or `toadworks run --accept leaders`"
        )
    if freed := [row.id[:SHORT] for row in accepted if row.freed_at]:
        told = f"the images of {len(freed)} accepted candidates were freed ({', '.join(freed[:3])}"
        raise NothingLeft(f"{told}{', ...' if len(freed) > 3 else ''}); `toadworks check --repair` makes them again")
    tokens = [token_of(number, row, assets) for number, row in enumerate(accepted, start=1)]
    with meter("export", len(tokens)) as shown:
        write_release(settings.release_folder, tokens, settings.release, lambda _: shown.advance())
    table.set_tokens(
        {
            "number": token.number,
            "candidate_id": row.id,
            "name": token_metadata(token, settings.release)["name"],
            "image_sha256": row.image_sha256,
        }
        for token, row in zip(tokens, accepted, strict=True)
    )
    table.close()
    return len(tokens)


def token_of(number: int, row: Any, assets: Assets) -> Token:
    """A token from a row of `Table.accepted`."""
    return Token(
        number=number,
        source=row.source_id,
        source_attributes=row.source_attributes,
        source_licence=row.source_licence,
        style=row.style,
        prompt=row.prompt,
        guidance_scale=row.guidance_scale,
        insertion_step=row.insertion_step,
        steps=row.steps,
        mode=row.mode,
        seed=row.seed,
        recipe_id=row.id,
        recipe=json.loads(row.recipe_json),
        model=row.model,
        weights_sha256=row.weights_sha256,
        image=assets.local(row.image_sha256),  # verified: a damaged picture must not leave the house
        name=row.name,
    )
