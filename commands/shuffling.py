"""Shuffling the token numbers so that anyone can check it: shuffle commit, reveal, show."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import in_collection, settings_of


@click.group(invoke_without_command=True)
@click.pass_context
def shuffle(context: click.Context) -> None:
    """Shuffle the token numbers by commit and reveal, so that nobody can choose them and anyone can check."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@shuffle.command()
@in_collection
@click.option("--chain-id", type=int, required=True, help="The chain of the block: 1 is Ethereum.")
@click.option("--block", type=int, required=True, help="The number of a block that is still to come.")
def commit(collection: Path, chain_id: int, block: int) -> None:
    """Make a secret seed, and commit to it, to a future block and to the order of the exported release."""
    settings = settings_of(collection)
    from flows.shuffle import RECORD, SEED, commit

    made = commit(settings, chain_id, block)
    click.echo(f"committed to {made.record['count']} tokens and block {block} of chain {chain_id}")
    click.echo(f"commitment: {made.record['commitment']}")
    click.echo(f"publish {settings.folder / RECORD}, or at least the commitment, before that block is made")
    click.echo(f"keep {settings.folder / SEED} secret and out of git, and a copy of it in a safe place:")
    click.echo("nothing can be revealed without it")
    click.echo("next: once the block is there, `toadworks shuffle reveal --block-hash HASH`")


@shuffle.command()
@in_collection
@click.option("--block-hash", required=True, metavar="HASH", help="Of that block: 0x and 64 hexadecimal digits.")
def reveal(collection: Path, block_hash: str) -> None:
    """Mix the seed with the block's hash, and publish both with the order that they give."""
    settings = settings_of(collection)
    from flows.shuffle import RECORD, reveal

    made = reveal(settings, block_hash)
    click.echo(f"{made.record['count']} tokens have their numbers: {settings.folder / RECORD}")
    click.echo(f"provenance hash in the new order: {made.record['provenance_sha256']}")
    click.echo("next: `toadworks export`, then publish the release with shuffle.json")


@shuffle.command("show")
@in_collection
def show_shuffle(collection: Path) -> None:
    """Check the shuffle's record, and say how it stands."""
    settings = settings_of(collection)
    from flows.shuffle import told

    for line in told(settings):
        click.echo(line)
