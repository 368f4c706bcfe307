"""What commands share: the collection they work on, and how they tell what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from errors import BadValue, NothingLeft, RunFailed
from flows.server import run_flow

if TYPE_CHECKING:
    from collection_db import Table
    from flows.settings import Settings

MOST_NOTES = 20
PASSWORD = "TOADWORKS_KEYSTORE_PASSWORD"

in_collection = click.option(
    "-c",
    "--collection",
    type=click.Path(path_type=Path),
    default=Path(),
    envvar="TOADWORKS_COLLECTION",
    show_envvar=True,
    help="The collection's folder, or its collection.toml (default: this folder).",
)


def settings_of(collection: Path) -> Settings:
    from flows.settings import Settings

    return Settings.read(collection)


def table_of(settings: Settings) -> Table:
    from collection_db import Table

    return Table.open(settings.database_url)


def run_collection(settings: Settings, accept: str) -> None:
    """Run the flow and say what came of it."""
    told = run_flow("flows.collection", "make_collection", str(settings.file), accept)
    if told["skipped"]:
        click.echo(f"{len(told['skipped'])} source files were skipped:")
        for file, reason in told["skipped"]:
            click.echo(f"  {file}: {reason}")
    click.echo(f"{told['made']} candidates made, {told['new'] + told['known']} in the plan, {told['groups']} groups")
    for sentence in dict.fromkeys(told["failed"]):
        click.echo(f"not made: {sentence}")
    if accept:
        click.echo(f"{told['accepted']} leaders accepted by auto")
    click.echo(f"contact sheets:  {settings.sheets} ({len(told['sheets'])})")
    click.echo(f"candidate table: {settings.shown_database} (`toadworks candidates` prints it)")
    if told["failed"]:
        raise RunFailed(f"{len(told['failed'])} candidates could not be made (above); `toadworks run` tries them again")


def export_collection(settings: Settings, renumber: bool = False, placeholder: bool = False) -> None:
    """Write the release and say what came of it."""
    count = run_flow("flows.export", "export", str(settings.file), renumber, placeholder)
    from flows.published import read_release  # not before: it brings Prefect, which run_flow has to quiet first

    tell_notes([row.id for row in table_of(settings).accepted()], settings)
    manifest = read_release(settings)  # the line on the collection comes after it: the review page shows the last one
    click.echo(f"for a contract:  base URI {manifest.base_uri}\n                 contractURI {manifest.contract_uri}")
    click.echo(f"collection:      {settings.release_folder} ({count} tokens; index.html shows them)")
    if placeholder:
        click.echo(f"placeholder:     {settings.placeholder_folder} (publish it first, and the release at the reveal)")


def tell_notes(ids: Sequence[str], settings: Settings) -> None:
    """Say what accepted candidates look like."""
    from flows.look_alikes import notes_on

    notes = notes_on(ids, settings, table_of(settings))
    for sentence in notes[:MOST_NOTES]:
        click.echo(f"note: {sentence}", err=True)
    if len(notes) > MOST_NOTES:
        click.echo(f"note: ... and {len(notes) - MOST_NOTES} more like these; `toadworks similarity show`", err=True)


def keystore_password(file: Path) -> str:
    """Asked for, or out of the environment: never an argument, which every user of the machine may see."""
    given = os.environ.get(PASSWORD)
    if given is None and not sys.stdin.isatty():
        raise NothingLeft(f"nobody is there to be asked for the password of {file}; put it into {PASSWORD}")
    return given if given is not None else click.prompt(f"password of {file}", hide_input=True, err=True)


def write_file(file: Path, write: Callable[[Path], object]) -> None:
    try:
        write(file)
    except OSError as error:
        raise BadValue("file", str(file), f"one that can be written ({error.strerror})") from error


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
