"""The candidates for a person: choosing some of the table's, and printing them."""

from __future__ import annotations

import json
from typing import Any

import click
import pandas as pd

from errors import BadValue

SHORT_ID = 10


def chosen(
    frame: pd.DataFrame, style: str | None, source: str | None, verdict: str | None, tag: str | None = None
) -> pd.DataFrame:
    """The candidates of this style, source, verdict and tag; None lets all through.

    Raises BadValue, with the known ones, for a style, source or tag that no candidate has.
    """
    for column, wanted in (("style", style), ("source", source)):
        if wanted is not None:
            _require(column, wanted, set(frame[column]))
            frame = frame[frame[column] == wanted]
    if verdict is not None:
        frame = frame[frame["verdict"] == verdict]
    if tag is not None:
        tags = frame["tags"].map(json.loads)
        _require("tag", tag, {one for of in tags for one in of})
        frame = frame[tags.map(lambda of: tag in of).astype(bool)]
    return frame


def _require(what: str, wanted: str, known: set[str]) -> None:
    if wanted not in known:
        raise BadValue(what, wanted, ", ".join(sorted(known)[:40]) or "none: there are no such candidates")


def tell_disagreements(disagreements: list[tuple[str, dict[str, str]]], shown: set[str]) -> None:
    """Print who said what of those that are shown."""
    click.echo()
    for id, said in disagreements:
        if id in shown:
            click.echo(f"{id[:SHORT_ID]}  {', '.join(f'{curator} {verdict}' for curator, verdict in said.items())}")


def show_candidates(frame: pd.DataFrame, limit: int) -> None:
    """Print the first `limit` candidates (0: all of them) as a table for a person."""
    if frame.empty:
        click.echo("no such candidates; `toadworks status` tells how many there are, `toadworks run` makes them")
        return
    shown = frame.head(limit) if limit else frame
    leads = shown["leader"] == shown["id"]
    columns = {
        "id": shown["id"].str[:SHORT_ID],
        "source": shown["source"],
        "style": shown["style"],
        "scale": shown["guidance_scale"].map("{:g}".format),
        "step": shown["insertion_step"],
        "seed": shown["seed"],
        "score": shown["score"].map("{:.2f}".format).where(shown["score"].notna(), ""),
        "group": leads.map({True: "leads", False: ""}).where(leads, shown["leader"].str[:SHORT_ID].fillna("")),
        "looks like": [looks_like(row) for row in shown.itertuples()],
        "verdict": shown["verdict"].where(shown["verdict"] != "undecided", ""),
        "marks": [marks(row) for row in shown.itertuples()],
    }
    click.echo(shown.assign(**columns)[list(columns)].to_string(index=False))
    if len(shown) < len(frame):
        click.echo(f"... and {len(frame) - len(shown)} more (--limit 0 prints all)", err=True)


def marks(row: Any) -> str:
    """Stars, tags and disagreement of a row of the frame, in a few words."""
    told = ["disagreed"] if row.disagreed else []
    told += ["*" * row.stars] if row.stars else []
    return " ".join([*told, *json.loads(row.tags)])


def looks_like(row: Any) -> str:
    """What speaks against a row of the frame, in a few words; empty where nothing does."""
    if pd.notna(row.flat) and row.flat:
        return "nothing: flat"
    if pd.notna(row.unchanged) and row.unchanged:
        return "its source"
    if pd.notna(row.copy_of):
        return f"source {row.copy_of}"
    if pd.notna(row.earlier):
        return str(row.earlier)
    return str(row.twin)[:SHORT_ID] if pd.notna(row.twin) else ""
