"""Reviewing: what people do between a run and its export."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from commands.choosing import by_curator
from commands.shared import in_collection, settings_of


@click.command("finish-review")
@in_collection
@by_curator
@click.option("--note", default="", help="Kept with the run.")
def finish_review(collection: Path, curator: str, note: str) -> None:
    """Finish the review: let the run that waits for it go on.

    Where none waits on the Prefect server that PREFECT_API_URL names, what is accepted is exported here.
    """
    settings = settings_of(collection)
    from flows.finishing import finish

    click.echo(finish(settings, curator, note, heard=partial(click.echo, err=True)))
