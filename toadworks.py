"""The front door: every command that a person types, each handed to the room that does it.

Bad use ends in one sentence and exit status 2. Heavy libraries are imported by the commands that need them, so that
`toadworks --help` answers at once.
"""

from __future__ import annotations

import getpass
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from errors import BadValue, NothingLeft, RunFailed, ToadworksError
from flows.server import run_flow

if TYPE_CHECKING:
    from flows.backup import Report
    from flows.settings import Settings

INTERRUPTED = 130
MOST_NOTES = 20

in_collection = click.option(
    "-c",
    "--collection",
    type=click.Path(path_type=Path),
    default=Path(),
    envvar="TOADWORKS_COLLECTION",
    show_envvar=True,
    help="The collection's folder, or its collection.toml (default: this folder).",
)


@click.group(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="toadworks")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn a collection of source tokens into a new NFT collection: restyle, choose, release.

    \b
    toadworks new pond --sources DIR   writes pond/collection.toml
    cd pond
    toadworks plan                     what it comes to, before anything is spent
    toadworks run                      make the candidates; run it again to go on
    toadworks candidates               what came out; look at sheets/ too
    toadworks accept ID...             choose
    toadworks export                   images and metadata of the accepted ones
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option("--sources", required=True, type=click.Path(path_type=Path), help="Folder of the source images.")
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="Folder of ID.json files (default: `metadata` beside the images).",
)
@click.option("--licence", default="", help='Of the sources, such as "CC0-1.0".')
def new(name: Path, sources: Path, metadata: Path | None, licence: str) -> None:
    """Write NAME/collection.toml, commented, for the images in a folder."""
    from flows.new import write_collection

    settings = write_collection(name, sources, metadata, licence=licence)
    click.echo(f"wrote {settings.file}")
    limit = settings["sources"]["limit"]
    if limit:
        click.echo(f"it takes the first {limit} sources to begin with; set limit = 0 in it for all of them")
    click.echo(f"next: look into it, then\n  cd {name}\n  toadworks plan")


@cli.command()
@in_collection
def plan(collection: Path) -> None:
    """Show the grid, its size, and about how long and how much disk it will take here."""
    settings = _settings(collection)
    from flows.estimate import estimate

    found = estimate(settings)
    for what, count in found.grid:
        click.echo(f"{count:>8}  {what}")
    click.echo(f"{found.recipes:>8}  recipes in the plan, {found.missing} still to make ({found.steps} sampling steps)")
    click.echo(f"    time  about {_duration(found.seconds)} on this machine")
    click.echo(f"    disk  about {found.disk_bytes / 1e6:.1f} MB")
    for warning in found.warnings:
        click.echo(f"    note  {warning}")
    click.echo("next: toadworks run" if found.missing else "nothing is missing; next: toadworks candidates")


@cli.command()
@in_collection
@click.option("--accept", type=click.Choice(["leaders"]), help='Let "auto" accept the best of every group.')
def run(collection: Path, accept: str | None) -> None:
    """Make every candidate that is missing, group look-alikes, draw contact sheets.

    It can be stopped at any time and started again: it makes only what is missing.
    """
    settings = _settings(collection)
    _run(settings, accept or "")
    click.echo("next: look at the sheets, then `toadworks candidates` and `toadworks accept ID...`")


@cli.command()
@in_collection
def status(collection: Path) -> None:
    """Show how far the collection is, and which source files were skipped."""
    settings = _settings(collection)
    table = _table(settings)
    for name, count in table.counts().items():
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
    for file, reason in table.skipped():
        click.echo(f"skipped {file}: {reason}")
    click.echo(f"table: {settings.shown_database}\nsheets: {settings.sheets}\nrelease: {settings.release_folder}")


@cli.command()
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
    settings = _settings(collection)
    from flows.candidates import chosen, show_candidates

    frame = chosen(_table(settings).frame(), style, source, verdict)
    for file, write in ((csv_file, lambda to: frame.to_csv(to, index=False)), (parquet, frame.to_parquet)):
        if file is not None:
            _write(file, write)
            click.echo(f"wrote {len(frame)} candidates to {file}")
    if csv_file is None and parquet is None:
        show_candidates(frame, limit)


def _deciding(verdict: str) -> Callable[..., None]:
    def decide(collection: Path, ids: Sequence[str], curator: str, note: str) -> None:
        settings = _settings(collection)
        table = _table(settings)
        full = [table.find(id) for id in ids]
        added = table.decide(full, verdict, curator, note)
        if verdict == "accept":
            _notes(full, settings)
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
    cli.add_command(_command)


@cli.command()
@in_collection
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--undo", is_flag=True, help="Take the choice back: let the score decide again.")
@click.option("--curator", default=getpass.getuser, show_default="your user name", help="Who chooses.")
@click.option("--note", default="", help="Why.")
def lead(collection: Path, ids: Sequence[str], undo: bool, curator: str, note: str) -> None:
    """Let candidates lead their groups of look-alikes, whatever their scores are; kept when groups change.

    Of two that look alike the later choice counts. Accepted candidates lead in any case.
    """
    settings = _settings(collection)
    from flows.group import group_candidates

    table = _table(settings)
    full = [table.find(id) for id in ids]
    added = table.choose_leaders(full, not undo, curator, note)
    groups = group_candidates(settings)
    click.echo(f"{'taken back' if undo else 'chosen'}: {added}; now {groups} groups")
    for row in table.looks(full):
        if not undo and row.leader_id != row.id and row.leader_id is not None:
            told = "is accepted, or was chosen after it"
            click.echo(f"note: {row.id[:8]} follows {row.leader_id[:8]}, which looks like it and {told}", err=True)


@cli.command()
@in_collection
def export(collection: Path) -> None:
    """Write the accepted candidates as numbered tokens: images, metadata, a table and a gallery page."""
    settings = _settings(collection)
    if not _table(settings).accepted():
        raise NothingLeft(
            "nothing is accepted yet: choose with `toadworks accept ID...` (ids are in `toadworks candidates`), "
            "or let `toadworks run --accept leaders` choose"
        )
    _export(settings)


@cli.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--again", is_flag=True, help="Make the picture again and compare.")
@click.option(
    "--source", type=click.Path(path_type=Path), help="With --again: the source's file (default: the table's)."
)
@click.option(
    "--to", type=click.Path(path_type=Path), help="With --again: where to write it (default: IMAGE.again.png)."
)
@in_collection
def show(image: Path, again: bool, source: Path | None, to: Path | None, collection: Path) -> None:
    """Print the recipe that a picture carries; with --again, make the picture again from it."""
    import dataclasses
    import json

    from flows.show import carried, make_again

    if not again and (source or to):
        raise click.UsageError("--source and --to go with --again")
    given = carried(image)
    click.echo(f"id: {given.recipe.id}")
    for key, value in (dataclasses.asdict(given.recipe) | given.about).items():
        click.echo(f"{key}: {value if isinstance(value, str | int | float) else json.dumps(value)}")
    if again:
        here = _settings(collection) if (collection / "collection.toml").exists() or collection.is_file() else None
        data, same, told = make_again(given, source, here)
        file = to or image.with_name(f"{image.stem}.again.png")
        _write(file, lambda to: to.write_bytes(data))
        click.echo(f"made again: {file}: {told}")
        if not same:
            raise SystemExit(1)


@cli.group(invoke_without_command=True)
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


@cli.group(invoke_without_command=True)
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

    told, proposal, picture = calibrate(_settings(collection))
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

    settings = _settings(collection)
    group_candidates(settings)
    for line in listed(settings, limit):
        click.echo(line)
    for file in draw_look_alikes(settings):
        click.echo(f"picture: {file}")


@cli.command()
@in_collection
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--assets",
    type=click.Choice(["needed", "all", "none"]),
    default="needed",
    show_default=True,
    help="needed: pictures that cannot be made again; all: every candidate's too; none: only the table.",
)
def backup(collection: Path, folder: Path, assets: str) -> None:
    """Save the table and its pictures to FOLDER, also while a run goes on; again to bring it up to date."""
    from flows.backup import back_up

    _carried("saved to", folder, back_up(_settings(collection), folder, assets))


@cli.command()
@in_collection
@click.argument("folder", type=click.Path(path_type=Path))
def restore(collection: Path, folder: Path) -> None:
    """Fill this collection's empty table, and its assets, from the backup in FOLDER.

    A table that holds anything is left as it is.
    """
    from flows.backup import restore

    _carried("restored from", folder, restore(_settings(collection), folder))


@cli.command()
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


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo"))
def demo(folder: Path) -> None:
    """Run the whole job in FOLDER (default: demo) on a dozen toads that Toadworks draws itself."""
    from flows.new import paint_sources, write_collection
    from flows.settings import Settings

    pond = folder / "pond"
    if (pond / "collection.toml").exists():
        settings = Settings.read(pond)
    elif folder.exists() and any(folder.iterdir()):
        raise BadValue("demo folder", str(folder), "a new or empty one, or one that holds a demo")
    else:
        images = paint_sources(folder / "toads", count=12, seed=7)
        settings = write_collection(pond, images, licence="CC0-1.0")
    _run(settings, "leaders")
    _export(settings)
    click.echo(f"next: open {settings.release_folder / 'index.html'}, or look at the candidates:")
    click.echo(f"  cd {pond} && toadworks candidates")
    click.echo("and on your own art:\n  toadworks new NAME --sources DIR")


def _run(settings: Settings, accept: str) -> None:
    """Run the flow and say what came of it."""
    told = run_flow("flows.collection", "make_collection", str(settings.file), accept)
    if told["skipped"]:
        click.echo(f"{len(told['skipped'])} source files were skipped:")
        for file, reason in told["skipped"]:
            click.echo(f"  {file}: {reason}")
    click.echo(f"{told['made']} candidates made, {told['new'] + told['known']} in the plan, {told['groups']} groups")
    for sentence in dict.fromkeys(told["failed"]):
        click.echo(f"not made: {sentence}")
    if accept:
        click.echo(f"{told['accepted']} leaders accepted by auto")
    click.echo(f"contact sheets:  {settings.sheets} ({len(told['sheets'])})")
    click.echo(f"candidate table: {settings.shown_database} (`toadworks candidates` prints it)")
    if told["failed"]:
        raise RunFailed(f"{len(told['failed'])} candidates could not be made (above); `toadworks run` tries them again")


def _export(settings: Settings) -> None:
    count = run_flow("flows.export", "export", str(settings.file))
    _notes([row.id for row in _table(settings).accepted()], settings)
    click.echo(f"collection:      {settings.release_folder} ({count} tokens; index.html shows them)")


def _notes(ids: Sequence[str], settings: Settings) -> None:
    """Say what accepted candidates look like."""
    from flows.look_alikes import notes_on

    notes = notes_on(ids, settings, _table(settings))
    for sentence in notes[:MOST_NOTES]:
        click.echo(f"note: {sentence}", err=True)
    if len(notes) > MOST_NOTES:
        click.echo(f"note: ... and {len(notes) - MOST_NOTES} more like these; `toadworks similarity show`", err=True)


def _carried(done: str, folder: Path, told: Report) -> None:
    """Say what a backup or restore carried over. Raises RunFailed if it could not carry all."""
    for name, count in told.rows.items():
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
    click.echo(f"{told.assets:>8}  assets, {told.new} of them new\n{done} {folder}")
    if told.left_out:
        click.echo(f"note: {told.left_out} pictures that the table names are not in this backup", err=True)
    for sentence in told.problems[:MOST_NOTES]:
        click.echo(f"left out: {sentence}", err=True)
    if told.problems:
        raise RunFailed(
            f"{len(told.problems)} assets are missing or damaged and were left out; the rest is {done} {folder}"
        )


def _settings(collection: Path) -> Settings:
    from flows.settings import Settings

    return Settings.read(collection)


def _table(settings: Settings) -> Any:
    from collection_db import Table

    return Table.open(settings.database_url)


def _write(file: Path, write: Callable[[Path], object]) -> None:
    try:
        write(file)
    except OSError as error:
        raise BadValue("file", str(file), f"one that can be written ({error.strerror})") from error


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _stop(signum: int, frame: object) -> NoReturn:
    """Ctrl-C: leave through the flow, so that Prefect notes it; by force if that hangs. Either loses nothing: what the
    table has is whole."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
    click.echo("\ntoadworks: stopped; what was made is kept, and the same command goes on from there", err=True)
    deadline = threading.Timer(5, os._exit, (INTERRUPTED,))
    deadline.daemon = True
    deadline.start()
    raise KeyboardInterrupt


def main() -> None:
    """Run a command; turn every foreseen error into one sentence."""
    signal.signal(signal.SIGINT, _stop)
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="toadworks"))
    except click.ClickException as error:
        where = f" (see `{error.ctx.command_path} --help`)" if isinstance(error, click.UsageError) and error.ctx else ""
        _fail(error.format_message().rstrip(".") + where, 2)
    except ToadworksError as error:
        _fail(str(error), error.exit_status)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)


def _fail(sentence: str, status: int) -> NoReturn:
    click.echo(f"toadworks: {sentence}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
