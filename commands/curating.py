"""Who may curate on the review page."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import in_collection, settings_of
from errors import NothingLeft

if TYPE_CHECKING:
    from curation.accounts import Accounts

PASSWORD = "TOADWORKS_PASSWORD"
TOKEN_BYTES = 24


@click.group(invoke_without_command=True)
@click.pass_context
def curators(context: click.Context) -> None:
    """Say who may log in to the review page."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@curators.command()
@in_collection
@click.argument("name")
@click.option("--token", is_flag=True, help="Make a random password, and print it this once.")
def add(collection: Path, name: str, token: bool) -> None:
    """Let NAME log in to the review page; again to give NAME another password, which ends NAME's sessions.

    The password is asked for, or taken from the environment variable TOADWORKS_PASSWORD.
    """
    accounts = accounts_of(collection)
    from curation.accounts import checked_password

    name = accounts.check_new(name)  # before anything is asked
    password = secrets.token_urlsafe(TOKEN_BYTES) if token else checked_password(_asked(), name)
    first = not accounts.curators()
    new = accounts.add(name, password)
    click.echo(f"{name} can log in" if new else f"{name} has another password; sessions with the old one ended")
    if first:
        click.echo("from now on the review page opens only for who logs in")
    if token:
        click.echo(f"the password, shown only now:\n{password}")


@curators.command("list")
@in_collection
def list_curators(collection: Path) -> None:
    """Show who can log in, and since when they have their password."""
    found = accounts_of(collection).curators()
    for account in found:
        click.echo(f"{account.name}  since {account.since[:16].replace('T', ' ')} UTC")
    if not found:
        click.echo("nobody: the review page opens without a log-in, on this machine only")


@curators.command()
@in_collection
@click.argument("name")
def remove(collection: Path, name: str) -> None:
    """Let NAME log in no more, and end NAME's sessions. What NAME decided stays."""
    accounts = accounts_of(collection)
    accounts.remove(name)
    click.echo(f"{name} can log in no more; what {name} decided stays")
    if not accounts.curators():
        click.echo("nobody is left: when it is started again, the review page opens without a log-in, on this machine")


def accounts_of(collection: Path) -> Accounts:
    """The curators of a collection; their file lies beside its collection.toml."""
    folder = settings_of(collection).folder
    from curation.accounts import FILE, Accounts

    return Accounts(folder / FILE)


def _asked() -> str:
    if (given := os.environ.get(PASSWORD)) is not None:
        return given
    if not sys.stdin.isatty():
        raise NothingLeft(f"nobody is there to be asked for a password; set {PASSWORD}, or let --token make one")
    typed: str = click.prompt("password", hide_input=True, confirmation_prompt="again", err=True)
    return typed
