"""Keeping what was made: check, gc, backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import (
    MOST_NOTES,
    in_collection,
    settings_of,
)
from errors import NothingLeft, RunFailed

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


@click.command()
@in_collection
@click.option("--quick", is_flag=True, help="Do not read the assets, only see whether they are there.")
@click.option("--repair", "mend", is_flag=True, help="Mend what can be mended; make lost pictures again.")
def check(collection: Path, quick: bool, mend: bool) -> None:
    """Hold the table against its ledger, and the assets against the table; a run may go on meanwhile.

    Exit status 1 if something is wrong, or with --repair if something stays so. An accepted picture is never replaced
    by another.
    """
    settings = settings_of(collection)
    from flows.check import check as look
    from flows.check import told
    from flows.repair import repair

    found = look(settings, quick)
    for line in told(found):
        click.echo(line)
    if not mend:
        if found.clean:
            click.echo("all is well")
            return
        raise RunFailed("something is wrong (above); `toadworks check --repair` mends what can be mended")
    done = repair(settings, found)
    click.echo(f"mended: {done.rows} rows, {done.restored} assets as they were, {done.replaced} candidates made anew")
    young = f"; {done.young} younger than an hour stay, as a run may be about to name them" if done.young else ""
    click.echo(f"removed: {done.removed} files that nothing names{young}")
    for sentence in done.problems:
        click.echo(f"not mended: {sentence}", err=True)
    if done.problems:
        raise RunFailed(f"{len(done.problems)} things could not be mended (above)")


@click.command()
@in_collection
@click.option("--yes", is_flag=True, help="Do it, where nobody is there to be asked.")
def gc(collection: Path, yes: bool) -> None:
    """Free the images of rejected candidates. Recipes, decisions and fingerprints stay.

    Images on which curators disagree are kept. Take a rejection back, and `toadworks check --repair` makes the image
    again.
    """
    settings = settings_of(collection)
    from flows.freeing import free, freeable

    found = freeable(settings)
    click.echo(f"{len(found.rows)} rejected candidates have images, {found.size / 1e6:.1f} MB")
    if not found.rows:
        return
    if not yes and not sys.stdin.isatty():
        raise NothingLeft("nobody is there to be asked whether to remove them; --yes does it unasked")
    if yes or click.confirm("remove them?"):
        click.echo(f"removed {free(settings, found)} files")
