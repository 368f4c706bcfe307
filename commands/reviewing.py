"""Reviewing: what people do between a run and its export."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from commands.choosing import by_curator
from commands.shared import in_collection, settings_of


@click.command()
@in_collection
@by_curator
@click.option("--host", default="127.0.0.1", show_default=True, help="Another needs curators who can log in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0 takes a free one.")
@click.option("--name", "names", multiple=True, help="A further host name by which browsers reach it, a proxy's say.")
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM file, to serve by https.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM file of the certificate's key.")
def review(
    collection: Path,
    curator: str,
    host: str,
    port: int,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Open the page on which candidates are reviewed: a grid, keys to decide, views, progress.

    Until somebody is set up with `toadworks curators add`, everything said there is said by --curator.
    """
    settings = settings_of(collection)
    from flows.reviewing import serve

    serve(settings, curator, host, port, names, certificate, key)


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
