"""What is here and how it compares: weights, similarity, doctor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from commands.shared import (
    in_collection,
    settings_of,
)


@click.group(invoke_without_command=True)
@click.pass_context
def weights(context: click.Context) -> None:
    """Fetch the weights that OpenAI released for GLIDE, and see which are here."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@weights.command("list")
def list_weights() -> None:
    """Show which released files are here and whole, and whether the model's limits were confirmed."""
    from flows.weights import show_list

    if not show_list():
        raise SystemExit(1)


@weights.command("fetch")
@click.argument("name")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Take the files from this folder instead.")
@click.option("--only", multiple=True, metavar="KEY", help="Only this checkpoint, such as base; may be repeated.")
@click.option("--url", "mirror", default="", metavar="BASE", help="A mirror: the URL below which the files lie.")
@click.option("--yes", is_flag=True, help="Confirm the model's limits, where nobody is there to be asked.")
def fetch_weights(name: str, source: Path | None, only: Sequence[str], mirror: str, yes: bool) -> None:
    """Fetch the weights called NAME: glide. What is here and whole is not fetched again.

    A download that is broken off or stopped goes on from there when the command is given again.
    """
    from flows.weights import fetch_released

    if source is not None and mirror:
        raise click.UsageError("--from and --url do not go together")
    fetch_released(name, only, source, mirror, yes)


@click.group(invoke_without_command=True)
@click.pass_context
def similarity(context: click.Context) -> None:
    """Find out when two pictures should count as look-alikes."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@similarity.command()
@in_collection
def calibrate(collection: Path) -> None:
    """Propose look-alike thresholds for this collection, from copies of its own pictures; nothing is changed."""
    from flows.calibrate import calibrate, report

    told, proposal, picture = calibrate(settings_of(collection))
    for line in report(told, proposal):
        click.echo(line)
    click.echo(f"\npicture: {picture}")


@similarity.command("show")
@in_collection
@click.option(
    "--limit", type=click.IntRange(min=0), default=10, show_default=True, help="Lines of a kind; 0 prints all."
)
def show_look_alikes(collection: Path, limit: int) -> None:
    """Group anew by the present thresholds; list and draw what looks alike. No picture is made."""
    from flows.group import group_candidates
    from flows.look_alike_sheets import draw_look_alikes
    from flows.look_alikes import listed

    settings = settings_of(collection)
    group_candidates(settings)
    for line in listed(settings, limit):
        click.echo(line)
    for file in draw_look_alikes(settings):
        click.echo(f"picture: {file}")


@click.command()
@in_collection
def doctor(collection: Path) -> None:
    """Say what is installed, which model, device and database are used, and what is missing."""
    from flows.doctor import examine

    findings = list(examine(collection))
    for finding in findings:
        click.echo(f"{'ok ' if finding.good else 'BAD'}  {finding.what:<16} {finding.told}")
    bad = sum(not finding.good for finding in findings)
    click.echo("all is well" if not bad else f"{bad} to mend, marked BAD")
    if bad:
        raise SystemExit(1)
