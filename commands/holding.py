"""Who holds tokens, and who may mint before all others: snapshot, allowlist."""

from __future__ import annotations

from pathlib import Path

import click

from commands.shared import in_collection, settings_of


@click.command()
@click.argument("source", metavar="CHAIN:CONTRACT")
@click.option(
    "--block",
    default="finalized",
    metavar="BLOCK",
    help="A block's number, latest, safe or finalized (the default).",
)
@click.option(
    "--from-block",
    "first",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read from this block on, instead of the one in which the contract was deployed.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The CSV file (default: drop/CHAIN/holders-CONTRACT.csv).",
)
@in_collection
def snapshot(source: str, block: str, first: int | None, output: Path | None, collection: Path) -> None:
    """Write down who holds the tokens of an ERC-721 contract, at the end of a block.

    CHAIN is the NAME of a [networks.NAME]. It can be stopped at any time and started again.
    """
    settings = settings_of(collection)
    from flows.holding import snapshot as take

    file, told = take(settings, source, block, first, output)
    click.echo(f"{told.holders} wallets hold {told.tokens} tokens of {told.contract}; {told.burned} were burned")
    click.echo(f"at the end of block {told.block} of chain {told.chain_id} ({told.hash}, {told.time})")
    click.echo(f"{told.transfers} transfers from block {told.first_block} on, asked of {told.rpc}")
    if told.balances_checked:
        total = "" if told.total_supply is None else f", and totalSupply is {told.total_supply}"
        click.echo(f"checked: balanceOf of all {told.balances_checked} wallets at that block{total}")
    if told.unchecked:
        click.echo(f"note: not checked: {told.unchecked}", err=True)
    click.echo(f"{file}: SHA-256 {told.sha256}")
