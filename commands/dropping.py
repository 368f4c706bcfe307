"""The drop on a network: rehearse, deploy, open, mint, reveal, freeze, withdraw."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.shared import PASSWORD, in_collection, keystore_password, settings_of
from errors import NothingLeft

if TYPE_CHECKING:
    from flows.dropping import Call, Network, Outcome, Priced

KEYSTORE = "TOADWORKS_KEYSTORE"
Option = Callable[[click.Command], click.Command]
say = partial(click.echo, err=True)


def _step(kind: str, help: str, *more: Option) -> click.Command:
    """A command that does what is still to be done of a kind. `more`: its own options."""

    @click.command(kind, help=help)
    @in_collection
    @click.option("--network", required=True, metavar="NAME", help="A [networks.NAME] of collection.toml.")
    @click.option(
        "--keystore",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar=KEYSTORE,
        show_envvar=True,
        help=f"The keystore file of whoever signs; its password is asked for, or in {PASSWORD}.",
    )
    @click.option("--yes", is_flag=True, help="Do it, where nobody is there to be asked.")
    @click.option("--dry-run", is_flag=True, help="Say what is still to be done, and what it would cost; send nothing.")
    @click.option("--unsigned", is_flag=True, help="Write the calls for a multisig to sign, instead of sending them.")
    def command(
        collection: Path,
        network: str,
        keystore: Path | None,
        yes: bool,
        dry_run: bool,
        unsigned: bool,
        stop: bool = False,
        adopt: str = "",
    ) -> None:
        settings = settings_of(collection)
        place = settings.network(network)
        from flows import dropping

        chosen = dropping.STOP if stop else kind
        if adopt:
            if dry_run or unsigned:
                raise click.UsageError("--adopt notes an address, and sends nothing: without --dry-run and --unsigned")
            click.echo(f"contract: {dropping.adopt(settings, place, adopt)}")
        elif unsigned:
            _tell_unsigned(dropping.write_unsigned(settings, place, chosen))
        elif keystore is None:
            raise NothingLeft(f"who signs? --keystore FILE, or {KEYSTORE}; or --unsigned, for a multisig")
        else:
            account = dropping.read_keystore(keystore, keystore_password(keystore))
            agree = _asking(yes, dry_run)
            _tell(dropping.do(settings, place, chosen, account, agree=agree, say=say, dry_run=dry_run), place)

    for option in more:
        command = option(command)
    return command


deploy = _step(
    "deploy",
    "Put the contract on a chain, with the terms that were rehearsed.",
    click.option("--adopt", default="", metavar="ADDRESS", help="Go on with a contract that a multisig deployed."),
)
open_ = _step(
    "open",
    "Set the phases' times, prices and allowlist, as collection.toml has them.",
    click.option("--stop", is_flag=True, help="Stop minting in every phase, instead; `open` lets it go on."),
)
mint = _step("mint", "Mint the team's tokens, those that it does not have yet.")
reveal = _step("reveal", "Point the tokens at the release's metadata instead of the placeholder's.")
freeze = _step("freeze", "Make the revealed metadata's address final, for ever.")
withdraw = _step("withdraw", "Pay every payee what is due to it.")


@click.command()
@in_collection
def rehearse(collection: Path) -> None:
    """Play the whole drop, deploy to withdraw, with the real release and allowlist, on a chain in this process.

    It needs no key and costs nothing. It says what each role will sign, what gas that takes, and what it would cost on
    each network of collection.toml. Only what was rehearsed is deployed.
    """
    settings = settings_of(collection)
    from flows import rehearsing

    head = [f"{'gas':>9}  who signs what"]

    def show(line: rehearsing.Line) -> None:
        if head:
            click.echo(head.pop())
        click.echo(f"{line.gas or '-':>9}  {line.role}: {line.what}{line.refused and f': refused ({line.refused})'}")

    told = rehearsing.rehearse_drop(settings, show)
    for note in told.notes:
        click.echo(f"note: {note}", err=True)
    networks = rehearsing.networks_of(settings)
    for network in networks:
        click.echo(f"on {network.name}, at {network.gas_price:g} gwei:")
        for role, what in ((rehearsing.OWNER, "the owner signs"), (rehearsing.PAYEE, "paying out takes")):
            click.echo(f"  {what} {told.gas(role)} gas, {rehearsing.cost(network, told.gas(role))}")
        for role in (rehearsing.WALLET, rehearsing.BUYER):
            if gas := next((line.gas for line in told.lines if line.role == role and line.gas), 0):
                click.echo(f"  a {role}'s first token takes {gas} gas, {rehearsing.cost(network, gas)}")
    if not networks:
        click.echo(
            f"{told.gas(rehearsing.OWNER)} gas in all for the owner; [networks.NAME] in {settings.file} prices it"
        )
    click.echo("all of it went as it has to; `toadworks deploy --network NAME` does it")


def _asking(yes: bool, dry_run: bool) -> Callable[[Network, list[Priced], str], bool]:
    def agree(network: Network, priced: list[Priced], signer: str) -> bool:
        where = f"on {network.name} (chain {network.chain_id}), signed by {signer}"
        click.echo(f"{where}:")
        if to := priced[0].call.to:
            click.echo(f"  contract {to}")
        for one in priced:
            click.echo("\n      ".join([f"  {one.call.what}", *one.call.details]))
            click.echo(f"      {one.gas} gas, about {network.money(one.likely)}, at most {network.money(one.most)}")
        if len(priced) > 1:
            likely, most = (network.money(sum(getattr(one, key) for one in priced)) for key in ("likely", "most"))
            click.echo(f"  in all about {likely}, at most {most}")
        if dry_run:
            return False
        if not yes and not sys.stdin.isatty():
            raise NothingLeft("nobody is there to be asked whether to do it; --yes does it unasked")
        return yes or click.confirm("sign and send?", err=True)

    return agree


def _tell(outcome: Outcome, network: Network) -> None:
    if not outcome.agreed:
        click.echo("nothing was sent")
        return
    for call, done in outcome.done:
        link = f"{network.explorer.rstrip('/')}/tx/{done.hash}" if network.explorer else done.hash
        click.echo(f"{call.what}: block {done.block}, {link}")
    if not outcome.done:
        click.echo("there is nothing left to do: the chain holds it already")
    click.echo(f"contract: {outcome.address}")


def _tell_unsigned(written: tuple[Path, list[Call]] | None) -> None:
    if written is None:
        click.echo("there is nothing left to do: the chain holds it already")
        return
    file, calls = written
    how = "Safe's Transaction Builder loads it" if calls[0].to else "then `toadworks deploy --adopt ADDRESS`"
    click.echo(f"{len(calls)} calls to be signed: {file} ({how})")


steps = (rehearse, deploy, open_, mint, reveal, freeze, withdraw)
