"""Keeping what was made: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import (
    MOST_NOTES,
    in_collection,
    settings_of,
)
from errors import RunFailed

if TYPE_CHECKING:
    from flows.backup import Report


@click.command()
@in_collection
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--assets",
    type=click.Choice(["needed", "all", "none"]),
    default="needed",
    show_default=True,
    help="needed: pictures that cannot be made again; all: every candidate's too; none: only the table.",
)
def backup(collection: Path, folder: Path, assets: str) -> None:
    """Save the table and its pictures to FOLDER, also while a run goes on; again to bring it up to date."""
    from flows.backup import back_up

    tell_carried("saved to", folder, back_up(settings_of(collection), folder, assets))


@click.command()
@in_collection
@click.argument("folder", type=click.Path(path_type=Path))
def restore(collection: Path, folder: Path) -> None:
    """Fill this collection's empty table, and its assets, from the backup in FOLDER.

    A table that holds anything is left as it is.
    """
    from flows.backup import restore

    tell_carried("restored from", folder, restore(settings_of(collection), folder))


def tell_carried(done: str, folder: Path, told: Report) -> None:
    """Say what a backup or restore carried over. Raises RunFailed if it could not carry all."""
    for name, count in told.rows.items():
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
    click.echo(f"{told.assets:>8}  assets, {told.new} of them new\n{done} {folder}")
    if told.left_out:
        click.echo(f"note: {told.left_out} pictures that the table names are not in this backup", err=True)
    for sentence in told.problems[:MOST_NOTES]:
        click.echo(f"left out: {sentence}", err=True)
    if told.problems:
        raise RunFailed(
            f"{len(told.problems)} assets are missing or damaged and were left out; the rest is {done} {folder}"
        )
