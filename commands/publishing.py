"""Sending the release away: publish."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import in_collection, settings_of
from errors import NothingLeft

if TYPE_CHECKING:
    from flows.publish import Cost


@click.command()
@in_collection
@click.option("--to", default="", metavar="PLACE", help="Where to, instead of publish.to in collection.toml.")
@click.option("--yes", is_flag=True, help="Send it, where nobody is there to be asked.")
@click.option("--dry-run", is_flag=True, help="Check the release and say what it would cost; send nothing.")
@click.option("--placeholder", is_flag=True, help="Send what is shown until the reveal, instead of the release.")
@click.option("--recheck", is_flag=True, help="Read back what was verified before, too; send what is gone.")
def publish(collection: Path, to: str, yes: bool, dry_run: bool, placeholder: bool, recheck: bool) -> None:
    """Send the release to a folder, a bucket, an IPFS node or a pinning service, and read every byte back.

    It can be stopped at any time and started again: what was verified is not sent twice.
    """
    settings = settings_of(collection)
    from flows.published import publish_collection, unfrozen

    frozen = 0 if placeholder else unfrozen(settings)
    price = settings["publish"]["price_per_gb_month"]

    def agree(shown: str, cost: Cost) -> bool:
        tell_cost(shown, cost, price)
        if frozen and not cost.done:
            click.echo(f"{frozen:>8}  tokens keep their numbers from then on, for ever")
        if dry_run or cost.done:
            return not dry_run
        if not yes and not sys.stdin.isatty():
            raise NothingLeft("nobody is there to be asked whether to send it; --yes does it unasked")
        return yes or click.confirm("send it?", err=True)

    manifest, done = publish_collection(settings, to, agree=agree, recheck=recheck, placeholder=placeholder)
    if done is None:
        click.echo("nothing was sent")
        return
    for name, uri in done.uris.items():
        click.echo(f"{name}: {uri}")
    click.echo(f"for the contract: base URI {manifest.base_uri}, contractURI {manifest.contract_uri}")
    if manifest.base_uri.startswith("ipfs://") and not any(uri.startswith("ipfs://") for uri in done.uris.values()):
        click.echo(
            "note: these are addresses on IPFS, as the images' in the metadata are, and this place puts nothing there:"
            " publish to kubo, to pinata or to a bucket that pins, too; or set release.image_base_uri and"
            " release.metadata_base_uri",
            err=True,
        )
    before = done.cost.pieces - done.sent
    told = f"; {before} were verified earlier, and are looked at again with --recheck" if before and not recheck else ""
    click.echo(f"all of it went to {done.to}, every byte read back: {done.sent} of {done.cost.pieces} now{told}")


def tell_cost(shown: str, cost: Cost, price: float) -> None:
    """What it will take, before anything is sent. `price`: of a gigabyte and month, 0 where it is not known."""
    click.echo(f"to {shown}")
    click.echo(f"{cost.pieces:>8}  files or CARs, {_size(cost.bytes)}")
    click.echo(f"{cost.there:>8}  of them there already")
    click.echo(f"{cost.to_send:>8}  to send, {_size(cost.bytes_to_send)}")
    click.echo(f"{cost.to_verify:>8}  to read back, {_size(cost.bytes_to_verify)}")
    if cost.requests:
        click.echo(f"{cost.requests:>8}  requests in all, about")
    if cost.left_out:
        click.echo(f"{cost.left_out:>8}  other files stay here: only images, metadata and the like have a CID")
    if price:
        click.echo(f"{cost.bytes / 1e9 * price:>8.2f}  a month, at {price:g} for a gigabyte")


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"
