"""Looking at the chain: audit."""

from __future__ import annotations

import json
from pathlib import Path

import click

from commands.shared import in_collection, settings_of


@click.command()
@in_collection
@click.option("--network", required=True, metavar="NAME", help="The network, by its name in collection.toml.")
@click.option("--block", default="finalized", show_default=True, help="finalized, safe, latest, or a block's number.")
@click.option("--gateway", default="", metavar="URL", help="Fetch every file from this IPFS gateway, too.")
@click.option("--contract", default="", metavar="ADDRESS", help="Another contract than the one deployed from here.")
@click.option("--from-block", type=click.IntRange(min=0), default=0, help="Where the contract's first mint may be.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--forget", is_flag=True, help="Ask no chain: only take the contract's marks out of the table.")
def audit(
    collection: Path,
    network: str,
    block: str,
    gateway: str,
    contract: str,
    from_block: int,
    as_json: bool,
    forget: bool,
) -> None:
    """Read a drop's contract back from its chain, and compare it with the release and the settings.

    Tokens that it minted are marked in the table with their transactions. Changes nothing on the chain, and needs no
    key.
    """
    settings = settings_of(collection)
    from flows import auditing

    if forget:
        count = auditing.forget(settings, network, contract)
        click.echo(f"{count} marks taken away; the next audit sets them again")
        return
    report = auditing.audit_collection(
        settings, network, block=block, gateway=gateway, contract=contract, from_block=from_block
    )
    if as_json:
        click.echo(json.dumps(report.json(), indent=2, ensure_ascii=False))
    else:
        for line in auditing.told(report):
            click.echo(line)
    if not report.clean:
        raise SystemExit(1)
