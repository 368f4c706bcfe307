"""Thresholds for look-alikes that suit this collection, from its own pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from collection_db import AssetFolder, Table
from errors import NothingLeft
from flows.hashing import hashed_rows, prepared, stored_prints
from flows.progress import meter
from flows.settings import Settings
from similarity.calibrate import APART, FEWEST, Distances, Proposal, edit_distances, propose, widest
from similarity.hashes import fingerprints
from similarity.pairs import pairs_within
from similarity.pictures import roc
from similarity.prints import Prints

COPIED = 300  # pictures that copies are made of
FILE = "calibration.png"


def calibrate(settings: Settings) -> tuple[str, Proposal, Path]:
    """What was looked at in words, the proposal, and a picture of it among the sheets.

    Of the candidates, one a source and style: they all should be told apart. Where there are too few of them, the
    sources as the model is given them. Raises NothingLeft where there are too few of those, too.
    """
    table = Table.open(settings.database_url)
    told, prints, images = _candidates(table, settings)
    if len(images) < FEWEST:
        told, prints, images = _sources(table, settings)
    table.close()
    if len(images) < FEWEST:
        raise NothingLeft(
            f"calibration takes {FEWEST} pictures or more, and there are {len(images)}; "
            "`toadworks run` with more sources makes them"
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
    roc(proposal).save(settings.sheets / FILE)
    return told.format(len(images)), proposal, settings.sheets / FILE


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
    """One candidate a source and style."""
    assets, frame = AssetFolder(settings.assets), table.frame()
    hashed = {row.id: row.image_sha256 for row in hashed_rows(table, settings)}
    chosen = frame[frame["id"].isin(list(hashed))].drop_duplicates(["source", "style"])
    ids = list(chosen["id"])
    prints, _ = stored_prints(table, ids, settings)
    return "{} candidates, one a source and style", prints, [partial(_opened, assets, hashed[id]) for id in ids]


def _opened(assets: AssetFolder, sha256: str) -> Image.Image:
    return Image.open(io.BytesIO(assets.read(sha256))).convert("RGB")


def _sources(table: Table, settings: Settings) -> tuple[str, Prints, list[Opener]]:
    assets = AssetFolder(settings.assets)
    way = (settings["sources"]["prepare"], settings["sources"]["backdrop"], settings.side)
    pictures = [partial(_prepared, assets, row.image_sha256, *way) for row in table.present_sources()]
    prints = fingerprints([np.asarray(picture()) for picture in pictures], settings.hashing)
    return "{} sources, as the model is given them", prints, list(pictures)


def _prepared(assets: AssetFolder, sha256: str, *way: Any) -> Image.Image:
    return Image.fromarray(prepared(assets, sha256, *way))
