"""The candidates for a person: choosing some of the table's, and printing them."""

from __future__ import annotations

import click
import pandas as pd

from errors import BadValue

SHORT_ID = 10


def chosen(frame: pd.DataFrame, style: str | None, source: str | None, verdict: str | None) -> pd.DataFrame:
    """The candidates of this style, source and verdict ("none": undecided); None lets all through.

    Raises BadValue, with the known ones, for a style or source that no candidate has.
    """
    for column, wanted in (("style", style), ("source", source)):
        if wanted is not None:
            known = set(frame[column])
            if wanted not in known:
                raise BadValue(column, wanted, ", ".join(sorted(known)[:40]) or "none: there are no candidates")
            frame = frame[frame[column] == wanted]
    if verdict is not None:
        given = frame["verdict"].fillna("undecide")
        frame = frame[given == ("undecide" if verdict == "none" else verdict)]
    return frame


def show_candidates(frame: pd.DataFrame, limit: int) -> None:
    """Print the first `limit` candidates (0: all of them) as a table for a person."""
    if frame.empty:
        click.echo("no candidates; `toadworks run` makes them")
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
        "group": leads.map({True: "leads", False: ""}).where(leads, shown["leader"].str[:SHORT_ID]),
        "near source": shown["near_source"].map({True: "near"}).fillna(""),
        "verdict": shown["verdict"].fillna(""),
    }
    click.echo(shown.assign(**columns)[list(columns)].to_string(index=False))
    if len(shown) < len(frame):
        click.echo(f"... and {len(frame) - len(shown)} more (--limit 0 prints all)", err=True)
