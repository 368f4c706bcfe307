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


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
@click.option("--network", required=True, metavar="NAME", help="Whose contract it is for: a [networks.NAME].")
@click.option(
    "--per-token", type=click.IntRange(min=1), default=None, metavar="N", help="So many for each token that is held."
)
@click.option(
    "--at-most", type=click.IntRange(min=1), default=None, metavar="N", help="But so many at most, of --per-token."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 2**32 - 1),
    metavar="N",
    help="Of a wallet of which nothing else is said, instead of drop.presale_limit.",
)
@click.option("--price", metavar="COINS", help="Of each token, instead of drop.presale_price.")
@click.option(
    "--exclude",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Leave out the wallets in this list. May be given several times.",
)
@click.option("--contract", default="", metavar="ADDRESS", help="Instead of the one that was deployed on the network.")
@in_collection
def allowlist(
    files: tuple[Path, ...],
    network: str,
    per_token: int | None,
    at_most: int | None,
    limit: int | None,
    price: str | None,
    exclude: tuple[Path, ...],
    contract: str,
    collection: Path,
) -> None:
    """Make the allowlist of a presale from snapshots and lists of wallets, and a proof for each wallet.

    Without FILE, those of drop.allowlist. A list is a CSV file: an address on each line, and perhaps a limit and a
    price behind it.
    """
    settings = settings_of(collection)
    from flows.allowlisting import make, supply_of

    chosen = settings.network(network)
    file, made = make(
        settings,
        chosen,
        files,
        per_token=per_token or 0,
        at_most=at_most or 0,
        limit=limit,
        price=price,
        exclude=exclude,
        contract=contract,
    )
    click.echo(f"{len(made.entries)} wallets may mint {made.tokens} tokens at most, for {chosen.money(made.income)}")
    click.echo(f"of {made.contract} on chain {made.chain_id}")
    supply = supply_of(settings)
    if supply and made.tokens > supply:
        click.echo(f"note: there are {supply} tokens: whoever comes too late gets none", err=True)
    click.echo(f"root: {made.root}")
    click.echo(f"{file}; the proofs, for a web page, are in proofs.json beside it")
