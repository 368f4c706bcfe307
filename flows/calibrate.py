"""Thresholds for look-alikes that suit this collection, from its own pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collection_db import AssetFolder, Table
from errors import NothingLeft
from flows.group import hashes
from flows.progress import meter
from flows.settings import Settings
from glide.prepare import prepare
from similarity.calibrate import APART, FEWEST, WIDEST, Distances, Proposal, edit_distances, propose
from similarity.hashes import fingerprints
from similarity.pairs import pairs_within
from similarity.pictures import roc
from styles.recipes import Recipe

COPIED = 300  # pictures that copies are made of
FILE = "calibration.png"


def calibrate(settings: Settings) -> tuple[str, Proposal, Path]:
    """What was looked at in words, the proposal, and a picture of it among the sheets.

    Of the candidates, one a source and style: they all should be told apart. Where there are too few of them, the
    sources as the model is given them. Raises NothingLeft where there are too few of those, too.
    """
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    told, bits, colours, images = _candidates(table, assets)
    if len(images) < FEWEST:
        told, bits, colours, images = _sources(table, assets, settings)
    table.close()
    if len(images) < FEWEST:
        raise NothingLeft(
            f"calibration takes {FEWEST} pictures or more, and there are {len(images)}; "
            "`toadworks run` with more sources makes them"
        )
    near = pairs_within(bits, colours, WIDEST)
    some = np.sort(np.random.default_rng(1).permutation(len(images))[:COPIED])
    with meter("copies", len(some)) as shown:

        def opened() -> Iterable[Image.Image]:
            for number in some:
                yield images[number]()
                shown.advance()

        copies = edit_distances(opened())
    proposal = propose(copies, Distances(near.bits, near.colour), len(images) * (len(images) - 1) // 2)
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
    ]
    return lines


class _Picture:
    """An image that is read when it is needed: a collection may be larger than memory."""

    def __init__(self, assets: AssetFolder, sha256: str, prepared: tuple[str, str, int] | None = None) -> None:
        self.assets, self.sha256, self.prepared = assets, sha256, prepared

    def __call__(self) -> Image.Image:
        image = Image.open(io.BytesIO(self.assets.read(self.sha256)))
        return Image.fromarray(prepare(image, *self.prepared)) if self.prepared else image.convert("RGB")


Found = tuple[str, NDArray[np.uint8], NDArray[np.float32], list[_Picture]]


def _candidates(table: Table, assets: AssetFolder) -> Found:
    chosen: dict[tuple[str, str], Any] = {}
    for row in table.candidates_for_grouping():
        if row.phash is not None:
            chosen.setdefault((row.source_id, Recipe.from_json(row.recipe_json).prompt), row)
    rows = list(chosen.values())
    if not rows:
        return "", np.empty((0, 32), np.uint8), np.empty((0, 8, 8, 3), np.float32), []
    pictures = [_Picture(assets, row.image_sha256) for row in rows]
    return "{} candidates, one a source and style", *hashes(rows), pictures


def _sources(table: Table, assets: AssetFolder, settings: Settings) -> Found:
    way = (settings["sources"]["prepare"], settings["sources"]["backdrop"], settings.model.size)
    pictures = [_Picture(assets, row.image_sha256, way) for row in table.present_sources()]
    bits, colours = fingerprints([np.asarray(picture()) for picture in pictures])
    return "{} sources, as the model is given them", bits, colours, pictures
