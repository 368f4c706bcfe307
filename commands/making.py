"""From sources to candidates: plan, run, status, show; and the whole job as a demo."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from commands.shared import (
    MOST_NOTES,
    duration,
    export_collection,
    in_collection,
    run_collection,
    settings_of,
    table_of,
    write_file,
)
from errors import BadValue, RunFailed


@click.command()
@in_collection
def plan(collection: Path) -> None:
    """Show the grid, its size, and about how long and how much disk it will take here."""
    settings = settings_of(collection)
    from flows.estimate import estimate

    found = estimate(settings)
    for what, count in found.grid:
        click.echo(f"{count:>8}  {what}")
    click.echo(f"{found.recipes:>8}  recipes in the plan, {found.missing} still to make ({found.steps} sampling steps)")
    click.echo(f"    time  about {duration(found.seconds)} on this machine")
    click.echo(f"    disk  about {found.disk_bytes / 1e6:.1f} MB")
    for warning in found.warnings:
        click.echo(f"    note  {warning}")
    click.echo("next: toadworks run" if found.missing else "nothing is missing; next: toadworks candidates")


@click.command()
@in_collection
@click.option("--accept", type=click.Choice(["leaders"]), help='Let "auto" accept the best of every group.')
def run(collection: Path, accept: str | None) -> None:
    """Make every candidate that is missing, group look-alikes, draw contact sheets.

    It can be stopped at any time and started again: it makes only what is missing.
    """
    settings = settings_of(collection)
    run_collection(settings, accept or "")
    click.echo("next: `toadworks review`, to choose in the browser (the sheets are a first look)")


@click.command()
@in_collection
def work(collection: Path) -> None:
    """Only make what is missing, beside other workers on this machine or others; then end.

    Each draws some recipes at a time. Give all of them the same database and assets.
    """
    settings = settings_of(collection)
    from flows.stylize import make_missing

    made, failed = make_missing(settings)
    click.echo(f"{made} candidates made here")
    if failed:
        raise RunFailed(f"{len(failed)} candidates could not be made (above); `toadworks run` tries them again")


@click.command()
@in_collection
def status(collection: Path) -> None:
    """Show how far the collection is, and which source files were skipped."""
    settings = settings_of(collection)
    table = table_of(settings)
    for name, count in table.counts().items():
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
    for contract, count in Counter(row.contract for row in table.mints()).items():
        click.echo(f"{count:>8}  minted by {contract}")
    for file, reason in table.skipped():
        click.echo(f"skipped {file}: {reason}")
    failed = table.problems()
    for row in failed[:MOST_NOTES]:
        click.echo(f"failed {row.id[:8]} ({row.source_id}, {row.style}): {row.problem}")
    if len(failed) > MOST_NOTES:
        click.echo(f"... and {len(failed) - MOST_NOTES} more failed")
    for worker in table.workers():
        left = f"{worker.seconds_left:.0f} s of its lease left" if worker.seconds_left > 0 else "its lease ran out"
        click.echo(f"worker {worker.worker} makes {worker.held}, {left}")
    click.echo(f"table: {settings.shown_database}\nsheets: {settings.sheets}\nrelease: {settings.release_folder}")


@click.command()
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
        here = settings_of(collection) if (collection / "collection.toml").exists() or collection.is_file() else None
        data, same, told = make_again(given, source, here)
        file = to or image.with_name(f"{image.stem}.again.png")
        write_file(file, lambda to: to.write_bytes(data))
        click.echo(f"made again: {file}: {told}")
        if not same:
            raise SystemExit(1)


@click.command()
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
    run_collection(settings, "leaders")
    export_collection(settings)
    click.echo(f"next: open {settings.release_folder / 'index.html'}, or choose for yourself in the browser:")
    click.echo(f"  cd {pond} && toadworks review")
    click.echo("and on your own art:\n  toadworks new NAME --sources DIR")
