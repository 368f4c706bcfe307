"""Thresholds for look-alikes that suit this collection, from its own pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from collection_db import Assets, Table
from errors import NothingLeft
from flows.hashing import hashed_rows, prepared, stored_prints
from flows.known import known_sources
from flows.look_alike_sheets import save_sheet
from flows.progress import meter
from flows.settings import Settings
from flows.sources import asset_picture
from similarity.calibrate import APART, FEWEST, Proposal, edit_distances, propose, widest
from similarity.distances import Distances
from similarity.pairs import pairs_within
from similarity.pictures import roc
from similarity.prints import Prints

COPIED = 300  # pictures that copies are made of
MOST_COMPARED = 20_000  # with each other: 200 million pairs, which bound the rate of mistakes to 1.5e-8
FILE = "calibration.png"


def calibrate(settings: Settings) -> tuple[str, Proposal, Path]:
    """What was looked at in words, the proposal, and a picture of it among the sheets.

    Of the candidates, one a source and style: they all should be told apart. Where there are too few of them, the
    sources as the model is given them. Raises NothingLeft where there are too few of those, too.
    """
    table = Table.open(settings.database_url)
    told, prints, images = _candidates(table, settings)
    candidates = len(images)
    if candidates < FEWEST:
        told, prints, images = _sources(table, settings)
    table.close()
    if len(images) < FEWEST:
        raise NothingLeft(
            f"calibration takes {FEWEST} candidates of different sources and styles, or {FEWEST} sources; there are "
            f"{candidates} and {len(images)}; `toadworks run` with more sources makes more"
        )
    near = pairs_within(prints, widest(settings.hashing))
    some = np.sort(np.random.default_rng(1).permutation(len(images))[:COPIED])
    with meter("copies", len(some)) as shown:

        def opened() -> Iterable[Image.Image]:
            for number in some:
                yield images[number]()
                shown.advance()

        copies = edit_distances(opened(), settings.hashing)
    pairs = len(images) * (len(images) - 1) // 2
    proposal = propose(copies, Distances(near.bits, near.colour, near.chroma, near.grey), pairs, settings.hashing)
    settings.sheets.mkdir(parents=True, exist_ok=True)
    return told.format(len(images)), proposal, save_sheet(roc(proposal), settings.sheets / FILE)


def report(told: str, proposal: Proposal) -> list[str]:
    """The proposal for a person."""
    limits = proposal.thresholds
    lines = [f"looked at {told}: {proposal.pairs:,} pairs of different pictures", "", "copies found:"]
    for edit, share in proposal.found_by_edit.items():
        lines.append(f"  {edit:<16} {share:7.1%}{'  (not counted)' if edit in APART else ''}")
    lines += [
        f"  {'all':<16} {proposal.found:7.2%}",
        "",
        f"different pictures called alike: {proposal.false} of {proposal.pairs:,} pairs "
        f"(in a larger collection of this kind at most {proposal.false_rate_most:.1e} of them)",
        ""
        if proposal.separates
        else "no thresholds tell all copies from all different pictures here; these come nearest",
        "for collection.toml:",
        "[look_alikes]",
        f"bits = {limits.bits}",
        f"colour = {limits.colour}",
        f"chroma = {limits.chroma}",
        f"grey = {limits.grey}",
    ]
    return lines


Opener = Callable[[], Image.Image]  # a collection may be larger than memory: a picture is read when it is needed


def _candidates(table: Table, settings: Settings) -> tuple[str, Prints, list[Opener]]:
    """One candidate a source and style, of those that are pictures of their own and not freed: all these are to be told
    apart."""
    assets, frame = settings.open_assets(), table.frame()
    rows = [
        row for row in hashed_rows(table, settings) if not (row.flat or row.unchanged or row.copy_of or row.freed_at)
    ]
    hashed = {row.id: row.image_sha256 for row in rows}
    ids = list(frame[frame["id"].isin(list(hashed))].drop_duplicates(["source", "style"])["id"])
    if len(ids) > MOST_COMPARED:
        ids = sorted(np.random.default_rng(1).permutation(ids)[:MOST_COMPARED].tolist())
    prints, _ = stored_prints(table, ids, settings)
    return "{} candidates, one a source and style", prints, [partial(_opened, assets, hashed[id]) for id in ids]


def _opened(assets: Assets, sha256: str) -> Image.Image:
    return asset_picture(assets, sha256).convert("RGB")


def _sources(table: Table, settings: Settings) -> tuple[str, Prints, list[Opener]]:
    known = known_sources(settings, table)
    image_of = {row.id: row.image_sha256 for row in table.present_sources()}
    pictures: list[Opener] = [
        partial(_prepared, settings.open_assets(), image_of[id], *settings.way) for id in known.labels
    ]
    return "{} sources, as the model is given them", known.prints, pictures


def _prepared(assets: Assets, sha256: str, *way: Any) -> Image.Image:
    return Image.fromarray(prepared(assets, sha256, *way))
