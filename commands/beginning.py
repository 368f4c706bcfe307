"""A new collection: from images in a folder, or from a contract on a chain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from errors import BadValue, RunFailed

if TYPE_CHECKING:
    from flows.settings import Settings

MOST_TOLD = 20  # tokens that were not taken


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option("--sources", type=click.Path(path_type=Path), help="Folder of the source images.")
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="Folder of ID.json files (default: `metadata` beside the images).",
)
@click.option("--licence", default="", help='Of the sources, such as "CC0-1.0".')
@click.option("--contract", metavar="CHAIN:ADDRESS", help="Take the sources from this contract instead of a folder.")
@click.option("--rpc", default="", help="With --contract: a node of the chain, a key in it as ${NAME}.")
@click.option(
    "-c",
    "--collection",
    type=click.Path(path_type=Path),
    help="With --contract: a collection whose [networks] has CHAIN.",
)
@click.option("--ids", default="", help='With --contract: these tokens, such as "1-500,777".')
@click.option("--limit", type=click.IntRange(min=1), help="With --contract: the first so many tokens.")
@click.option("--block", default="", help="With --contract: a number, latest (default), finalized or safe.")
@click.option("--from-block", type=click.IntRange(min=0), help="With --contract: where its logs begin.")
@click.option("--gateway", multiple=True, help="With --contract: of IPFS; several are asked in turn.")
@click.option(
    "--image-limit", type=click.FloatRange(0.001, 1000), help="With --contract: MB of an image (default: 50)."
)
@click.option("--parallel", type=click.IntRange(1, 32), help="With --contract: tokens at a time (default: 4).")
@click.option(
    "--per-second", type=click.FloatRange(0.01, 1000), help="With --contract: requests to a host (default: 8)."
)
@click.option("--allow-http", is_flag=True, help="With --contract: http: as well as https:.")
@click.option("--allow-private", is_flag=True, help="With --contract: private addresses, any port. Dangerous.")
def new(
    name: Path, sources: Path | None, metadata: Path | None, licence: str, contract: str | None, **more: Any
) -> None:
    """Write NAME/collection.toml, commented, for the images in a folder, or for a contract's tokens.

    With --contract the tokens are fetched into NAME/sources first; stopped or with some missing, the same command goes
    on.
    """
    given = {key: value for key, value in more.items() if value not in (None, "", ()) and value is not False}
    if sources is not None and contract is None:
        if given:
            raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} goes with --contract")
        from flows.new import write_collection

        _tell_next(write_collection(name, sources, metadata, licence=licence), name)
    elif contract is not None and sources is None:
        if metadata is not None:
            raise click.UsageError("--metadata goes with --sources; a contract's tokens bring their own")
        _from_contract(name, contract, licence, given)
    else:
        raise click.UsageError("either --sources or --contract is needed: where the source images come from")


def _from_contract(name: Path, contract: str, licence: str, given: dict[str, Any]) -> None:
    from flows.chains import holds_no_secret, network_of, node_of
    from flows.from_chain import (
        CHAIN,
        FOLDER,
        GATEWAYS,
        NOT_TAKEN,
        Asked,
        checked_address,
        checked_ids,
        take_from_chain,
    )
    from flows.new import write_collection
    from flows.settings import FILE, Settings

    chain, colon, address = contract.rpartition(":")
    if not colon or not chain:
        raise BadValue("--contract", contract[:80], "CHAIN:ADDRESS, such as 1:0x1CB1...49C6")
    network = network_of(chain, given.pop("rpc", ""), given.pop("collection", None))
    address = checked_address(address)
    begun = (name / FOLDER / CHAIN).exists()
    if (name / FILE).exists() and not begun:
        raise BadValue("collection", str(name), f"a new name: there is a {FILE} in it already")
    if not licence and not begun and sys.stdin.isatty():
        licence = click.prompt('The licence of the sources, such as "CC0-1.0" (take only what you may use)')
    asked = Asked(
        address=address,
        licence=licence,
        ids=tuple(checked_ids(given.pop("ids"))) if "ids" in given else (),
        gateways=given.pop("gateway", GATEWAYS),
        image_mb=given.pop("image_limit", 50.0),
        **given,
    )
    taken = take_from_chain(name, node_of(network), asked)
    click.echo(f"{taken.taken} of {taken.asked} tokens are in {name / FOLDER} ({taken.new} came now)")
    if taken.unverified:
        click.echo(
            f"note: {taken.unverified} files of IPFS could not be held against their CIDs: no gateway gives blocks"
        )
    if taken.taken and not (name / FILE).exists():
        known = network if holds_no_secret(network.rpc) else None
        images = name / FOLDER / "images"
        _tell_next(write_collection(name, images, licence=taken.licence, network=known), name)
    elif taken.taken:
        click.echo(f"{Settings.read(name).file} is as it was")
    for id, _, reason in taken.refused[:MOST_TOLD]:
        click.echo(f"not taken: {id}: {reason}", err=True)
    if taken.refused:
        raise RunFailed(
            f"{len(taken.refused)} of {taken.asked} tokens were not taken, each with its reason in "
            f"{name / FOLDER / NOT_TAKEN}; the same command tries them again"
        )


def _tell_next(settings: Settings, name: Path) -> None:
    click.echo(f"wrote {settings.file}")
    limit = settings["sources"]["limit"]
    if limit:
        click.echo(f"it takes the first {limit} sources to begin with; set limit = 0 in it for all of them")
    click.echo(f"next: look into it, then\n  cd {name}\n  toadworks plan")
