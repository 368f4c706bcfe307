"""Looking at candidates, and saying what is thought of them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from commands.shared import (
    in_collection,
    settings_of,
    table_of,
    tell_notes,
    write_file,
)

deciding: list[click.Command] = []


@click.command()
@in_collection
@click.option("--style", help="Only of this style.")
@click.option("--source", help="Only of this source id.")
@click.option(
    "--verdict", type=click.Choice(["accept", "reject", "none"]), help="Only those so decided, or not at all."
)
@click.option("--limit", type=click.IntRange(min=0), default=40, show_default=True, help="Rows to print; 0 prints all.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write them all to this CSV file.")
@click.option("--parquet", type=click.Path(path_type=Path), help="Write them all to this Parquet file.")
def candidates(
    collection: Path,
    style: str | None,
    source: str | None,
    verdict: str | None,
    limit: int,
    csv_file: Path | None,
    parquet: Path | None,
) -> None:
    """Print the candidates, or write them as CSV or Parquet for pandas."""
    settings = settings_of(collection)
    from flows.candidates import chosen, show_candidates

    frame = chosen(table_of(settings).frame(), style, source, verdict)
    for file, write in ((csv_file, lambda to: frame.to_csv(to, index=False)), (parquet, frame.to_parquet)):
        if file is not None:
            write_file(file, write)
            click.echo(f"wrote {len(frame)} candidates to {file}")
    if csv_file is None and parquet is None:
        show_candidates(frame, limit)


def _deciding(verdict: str) -> Callable[..., None]:
    def decide(collection: Path, ids: Sequence[str], curator: str, note: str) -> None:
        settings = settings_of(collection)
        table = table_of(settings)
        full = [table.find(id) for id in ids]
        added = table.decide(full, verdict, curator, note)
        if verdict == "accept":
            tell_notes(full, settings)
        counts = table.counts()
        again = f", {len(full) - added} decided so before" if added < len(full) else ""
        done = f"{verdict.removesuffix('e')}ed {added}{again}"
        click.echo(f"{done}; now {counts['accepted']} accepted, {counts['undecided']} undecided")

    told = {"accept": "Accept candidates", "reject": "Reject candidates", "undecide": "Take decisions back"}
    decide.__doc__ = f"""{told[verdict]}, each named by its id or the first digits of it.

    Four digits are enough where no other id begins so.
    """
    return decide


for _verdict in ("accept", "reject", "undecide"):
    _command = click.command(_verdict)(_deciding(_verdict))
    for _parameter in (
        in_collection,
        click.argument("ids", nargs=-1, required=True, metavar="ID..."),
        click.option("--curator", default=getpass.getuser, show_default="your user name", help="Who decides."),
        click.option("--note", default="", help="Why."),
    ):
        _command = _parameter(_command)
    deciding.append(_command)


@click.command()
@in_collection
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--undo", is_flag=True, help="Take the choice back: let the score decide again.")
@click.option("--curator", default=getpass.getuser, show_default="your user name", help="Who chooses.")
@click.option("--note", default="", help="Why.")
def lead(collection: Path, ids: Sequence[str], undo: bool, curator: str, note: str) -> None:
    """Let candidates lead their groups of look-alikes, whatever their scores are; kept when groups change.

    Of two that look alike the later choice counts. Accepted candidates lead in any case.
    """
    settings = settings_of(collection)
    from flows.group import group_candidates

    table = table_of(settings)
    full = [table.find(id) for id in ids]
    added = table.choose_leaders(full, not undo, curator, note)
    groups = group_candidates(settings)
    click.echo(f"{'taken back' if undo else 'chosen'}: {added}; now {groups} groups")
    for row in table.looks(full):
        if not undo and row.leader_id != row.id and row.leader_id is not None:
            told = "is accepted, or was chosen after it"
            click.echo(f"note: {row.id[:8]} follows {row.leader_id[:8]}, which looks like it and {told}", err=True)
