"""Looking at candidates, and saying what is thought of them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from commands.shared import (
    MOST_NOTES,
    in_collection,
    settings_of,
    table_of,
    tell_notes,
    write_file,
)
from errors import NothingLeft

SHORT = 8  # digits of an id
VERDICTS = ("accept", "reject", "undecided")
deciding: list[click.Command] = []


by_curator = click.option("--curator", default=getpass.getuser, show_default="your user name", help="Who says it.")
ids_of = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.command()
@in_collection
@click.option("--style", help="Only of this style.")
@click.option("--source", help="Only of this source id.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only those that stand so.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--starred", is_flag=True, help="Only those that somebody starred.")
@click.option("--disagreed", is_flag=True, help="Only those that some accept and some reject, and nobody settled.")
@click.option("--limit", type=click.IntRange(min=0), default=40, show_default=True, help="Rows to print; 0 prints all.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write them all to this CSV file.")
@click.option("--parquet", type=click.Path(path_type=Path), help="Write them all to this Parquet file.")
def candidates(
    collection: Path,
    style: str | None,
    source: str | None,
    verdict: str | None,
    tag: str | None,
    starred: bool,
    disagreed: bool,
    limit: int,
    csv_file: Path | None,
    parquet: Path | None,
) -> None:
    """Print the candidates, or write them as CSV or Parquet for pandas."""
    settings = settings_of(collection)
    from flows.candidates import chosen, show_candidates, tell_disagreements

    table = table_of(settings)
    frame = chosen(table.frame(), style, source, verdict, tag)
    if starred:
        frame = frame[frame["stars"] > 0]
    if disagreed:
        frame = frame[frame["disagreed"]]
    for file, write in ((csv_file, lambda to: frame.to_csv(to, index=False)), (parquet, frame.to_parquet)):
        if file is not None:
            write_file(file, write)
            click.echo(f"wrote {len(frame)} candidates to {file}")
    if csv_file is None and parquet is None:
        show_candidates(frame, limit)
        if disagreed:
            tell_disagreements(table.disagreements(), set(frame["id"]))


def _deciding(verdict: str) -> Callable[..., None]:
    def decide(collection: Path, ids: Sequence[str], curator: str, note: str, settle: bool) -> None:
        settings = settings_of(collection)
        table = table_of(settings)
        full = [table.find(id) for id in ids]
        added = table.decide(full, verdict, curator, note, settles=settle)
        if verdict == "accept":
            tell_notes(full, settings)
        counts = table.counts()
        again = f", {len(full) - added} decided so before" if added < len(full) else ""
        done = f"{verdict.removesuffix('e')}ed {added}{again}"
        click.echo(f"{done}; now {counts['accepted']} accepted, {counts['undecided']} undecided")
        if not settle:
            disagreed = [row.id[:SHORT] for row in table.candidates(full) if row.disagreed]
            for id in disagreed:
                click.echo(
                    f"note: others see {id} otherwise; --settle ends that, `toadworks history {id}` tells", err=True
                )

    told = {"accept": "Accept candidates", "reject": "Reject candidates", "undecide": "Take decisions back"}
    decide.__doc__ = f"""{told[verdict]}, each named by its id or the first digits of it.

    Four digits are enough where no other id begins so.
    """
    return decide


for _verdict in ("accept", "reject", "undecide"):
    _command = click.command(_verdict)(_deciding(_verdict))
    for _parameter in (
        in_collection,
        ids_of,
        by_curator,
        click.option("--note", default="", help="Why."),
        click.option("--settle", is_flag=True, help="End a disagreement of others by this."),
    ):
        _command = _parameter(_command)
    deciding.append(_command)


@click.command()
@in_collection
@ids_of
@click.option("--undo", is_flag=True, help="Take your star back.")
@by_curator
def star(collection: Path, ids: Sequence[str], undo: bool, curator: str) -> None:
    """Star candidates: something to come back to."""
    _say(collection, ids, curator, "unstar" if undo else "star")


@click.command()
@in_collection
@ids_of
@click.option("--undo", is_flag=True, help="Ask no longer.")
@by_curator
def more(collection: Path, ids: Sequence[str], undo: bool, curator: str) -> None:
    """Ask for more like these: the next run makes recipes near theirs, of other seeds, steps and scales."""
    _say(collection, ids, curator, "unmore" if undo else "more")


@click.command()
@in_collection
@click.argument("tag")
@ids_of
@click.option("--undo", is_flag=True, help="Take the tag off.")
@by_curator
def tag(collection: Path, tag: str, ids: Sequence[str], undo: bool, curator: str) -> None:
    """Put the tag TAG, a word or a few, on candidates."""
    _say(collection, ids, curator, "untag" if undo else "tag", value=tag)


@click.command()
@in_collection
@click.argument("text")
@ids_of
@by_curator
def note(collection: Path, text: str, ids: Sequence[str], curator: str) -> None:
    """Write the note TEXT beside candidates, without deciding anything."""
    _say(collection, ids, curator, "note", note=text)


@click.command()
@in_collection
@click.argument("id")
@click.argument("name")
@by_curator
def rename(collection: Path, id: str, name: str, curator: str) -> None:
    """Name the token that the candidate ID may become; an empty NAME takes it back.

    Without a name of its own a token has the one of release.name_template.
    """
    _say(collection, [id], curator, "rename", value=name)


def _say(collection: Path, ids: Sequence[str], curator: str, action: str, value: str = "", note: str = "") -> None:
    from collection_db.deciding import Said

    table = table_of(settings_of(collection))
    full = [table.find(id) for id in ids]
    added = table.record((Said(id, action, value, note) for id in full), curator)
    again = f", {len(full) - added} stood so before" if added < len(full) else ""
    click.echo(f"{action}: {added}{again}")


@click.command()
@in_collection
@click.option("--entry", "entries", multiple=True, type=click.IntRange(min=1), help="This entry; may be repeated.")
@by_curator
@click.option("--note", default="", help="Why.")
def undo(collection: Path, entries: Sequence[int], curator: str, note: str) -> None:
    """Take back what you said last, all of that step; again, and what you said before it.

    Nothing is deleted: undoing is an entry of the ledger, too, and an undoing entry can be undone by its number.
    `toadworks history ID` shows the numbers.
    """
    table = table_of(settings_of(collection))
    wanted = list(entries) or table.last_step(curator)
    if not wanted:
        raise NothingLeft(f"there is nothing that {curator} said and that stands")
    table.undo(wanted, curator, note)
    for number, action, id, name in table.entries(wanted[:MOST_NOTES]):
        click.echo(f"took back entry {number}: {name}'s {action} of {id[:SHORT]}")
    if len(wanted) > MOST_NOTES:
        click.echo(f"... and {len(wanted) - MOST_NOTES} more of the same step")


@click.command()
@in_collection
@click.argument("id")
def history(collection: Path, id: str) -> None:
    """Tell the whole life of the candidate ID: recipe, making, look-alikes, everything that was said, token."""
    settings = settings_of(collection)
    from flows.history import history as told

    table = table_of(settings)
    for line in told(settings, table.find(id)):
        click.echo(line)


@click.command("import")
@in_collection
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--anyway", is_flag=True, help="Also where somebody decided since the file was written.")
@by_curator
def take(collection: Path, file: Path, anyway: bool, curator: str) -> None:
    """Take decisions in from FILE, a CSV of `toadworks candidates --csv` in which somebody edited the columns verdict,
    tags, note or name.

    Every row is looked at first; all of them are taken, or none. `toadworks undo` takes the whole file back.
    """
    from flows.taking import said_in

    table = table_of(settings_of(collection))
    said = said_in(file, table, anyway)
    added = table.record(said, curator)
    counts = table.counts()
    click.echo(f"{added} new entries; now {counts['accepted']} accepted, {counts['undecided']} undecided")


@click.command()
@in_collection
@ids_of
@click.option("--undo", is_flag=True, help="Take the choice back: let the score decide again.")
@by_curator
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
