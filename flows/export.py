"""Stage 6: accepted candidates become numbered tokens with their files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Assets, Table
from errors import NothingLeft
from flows.allowlisting import lists_told
from flows.freeing import keep_again
from flows.linting import alike, private_paths
from flows.numbering import numbers_of
from flows.previews import write_previews
from flows.progress import meter, say, shown
from flows.publish import FOLDER, alone
from flows.published import give_up
from flows.settings import Settings
from minting.attributes import unused
from minting.manifest import FILE, read_manifest
from minting.metadata import Token, given_attributes, token_name
from minting.placeholder import write_placeholder
from minting.release import write_release
from minting.shuffling import read as read_shuffle

SHORT = 8  # digits of an id


@flow(name="export", flow_run_name="export {collection}", validate_parameters=False, persist_result=False)
async def export(collection: str, renumber: bool = False, placeholder: bool = False) -> int:
    """Write the release; return the number of tokens. `renumber`: published tokens give up their numbers;
    `placeholder`: write the pre-reveal release beside it, too. Raises NothingLeft with nothing accepted."""
    return write_tokens(collection, renumber, placeholder)


@task(name="write release", cache_policy=NO_CACHE)
def write_tokens(collection: str, renumber: bool = False, placeholder: bool = False) -> int:
    settings = Settings.read(collection)
    with alone(settings) if (settings.folder / FOLDER).is_dir() else nullcontext():
        return _written(settings, renumber, placeholder)


def _written(settings: Settings, renumber: bool, placeholder: bool) -> int:
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
    shuffle = read_shuffle(settings.folder)
    published = {} if renumber else {row.candidate_id: row.number for row in table.tokens() if row.published_at}
    numbers = numbers_of([row.id for row in accepted], published, shuffle)
    accepted.sort(key=lambda row: numbers[row.id])
    tokens = [token_of(numbers[row.id], row, assets) for row in accepted]
    release = replace(settings.release, lists=lists_told(settings))
    if release.previews:
        tokens = with_previews(tokens, settings)
    write_release(
        settings.release_folder,
        tokens,
        release,
        alike=alike(numbers, settings, table),
        shuffle=shuffle.record if shuffle else None,
        private=private_paths(settings),
        meter=shown,
    )
    table.set_tokens(
        (
            {
                "number": token.number,
                "candidate_id": row.id,
                "name": token_name(token, release),
                "image_sha256": row.image_sha256,
            }
            for token, row in zip(tokens, accepted, strict=True)
        ),
        renumber=renumber,
    )
    table.close()
    if renumber:
        give_up(settings)
    tell_unused(settings, tokens)
    if placeholder:
        write_placeholder(settings.placeholder_folder, read_manifest(settings.release_folder / FILE), release, shown)
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


def with_previews(tokens: Sequence[Token], settings: Settings) -> list[Token]:
    """The tokens with their previews, and why some have none said."""
    with meter("previews", len(tokens)) as bar:
        made = write_previews(settings, tokens, bar.advance)
    for note in made.notes:
        say(note)
    return [replace(token, preview=made.files.get(token.number)) for token in tokens]


def tell_unused(settings: Settings, tokens: Sequence[Token]) -> None:
    """Say which rules on attributes no token was touched by."""
    rules = settings.release.rules
    if rules.traits:
        seen = {str(one.get("trait_type")) for token in tokens for one in given_attributes(token)}
        for name in unused(rules, seen):
            say(f"{settings.file}: attributes: no token has a trait called {name!r}")
