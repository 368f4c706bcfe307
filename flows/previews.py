"""Animated previews of tokens: each recipe is made once more, and what the network foresaw after every step is kept.

They lie beside the collection under names that say what they were made from, so that the next export finds them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from collection_db import Assets, Table
from durable import write_whole
from flows.again import Again, made_again, width_of
from flows.making import chosen_device, differing, made_with
from flows.settings import Settings
from flows.sources import asset_picture
from flows.stylize import Outcome
from glide.prepare import prepare
from glide.request import Step
from glide.schedules import kept_steps
from minting.metadata import Token
from minting.preview import MOST_FRAMES, SETTINGS, Frame, animated, preview_size
from styles.recipes import Recipe

KEPT = ".previews"  # in the collection's folder
NAMED = 5  # tokens, in a note


@dataclass
class Previews:
    """`files`: of each token that has a preview, by number; `notes`: why others have none, a sentence each reason."""

    files: dict[int, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a candidate's preview lies, or else (`refusal`) why this machine could not make it."""

    file: Path
    refusal: Path


class Watched:
    """The steps of what is being made, by id: no more of each than a preview can show, since a batch may be of a
    thousand pictures, and each may take a thousand steps."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.steps: dict[str, list[Step]] = defaultdict(list)
        self._recipes = {row.id: row.json for row in rows}
        self._every = lru_cache(maxsize=None)(self._strides)

    def __call__(self, id: str, step: Step) -> None:
        base, upsampling = self._every(id)
        if step.i % (upsampling if step.upsampling else base) == 0:
            self.steps[id].append(step)

    def _strides(self, id: str) -> tuple[int, int]:
        """Which indices are kept, of the base network and of the upsampler: multiples of these."""
        recipe = Recipe.from_json(self._recipes[id])
        base = recipe.steps - recipe.insertion_step
        upsampling = len(kept_steps(recipe.upsampler_respacing)) if recipe.upsampler_sha256 else 0
        return max(1, math.ceil(base / MOST_FRAMES)), max(1, math.ceil(2 * upsampling / MOST_FRAMES))


def write_previews(
    settings: Settings, tokens: Sequence[Token], progress: Callable[[int], None] | None = None
) -> Previews:
    """Make the previews that are not there yet, and remove those of other tokens and settings; `progress` gets numbers
    of tokens done. One that was killed goes on from those that are written.

    A token whose weights are not here, or whose picture does not come out pixel for pixel as it was accepted (another
    machine or version), has none. Raises RunFailed where table, assets or the device are out of reach.
    """
    advance = progress or (lambda count: None)
    table, assets, folder = Table.open(settings.database_url), settings.open_assets(), settings.folder / KEPT
    rows = table.whole(token.recipe_id for token in tokens)
    table.close()
    folder.mkdir(exist_ok=True)
    places = {row.id: _place(row, settings, folder) for row in rows}
    _tidy(folder, places.values())
    why = {id: place.refusal.read_text("utf-8") for id, place in places.items() if place.refusal.exists()}
    missing = [row for row in rows if row.id not in why and not places[row.id].file.exists()]
    advance(len(tokens) - len(missing))

    watched = Watched(missing)
    for again in made_again(missing, settings, assets, watched):
        why |= again.failed
        for outcome in again.good:
            id = outcome.row.id
            if told := _difference(outcome, again, assets):
                write_whole(places[id].refusal, told.encode())
                why[id] = told
            else:
                write_whole(places[id].file, _preview(outcome, watched.steps[id], settings))
        watched.steps.clear()
        advance(len(again.rows))
    files = {token.number: places[token.recipe_id].file for token in tokens if token.recipe_id not in why}
    return Previews(files, _notes(tokens, why))


def frames_of(outcome: Outcome, steps: Sequence[Step]) -> list[Frame]:
    """The prepared source, what was foreseen of the base image that was kept and then by the upsampler, and the result.
    What was told twice, since a batch was begun anew, counts once."""
    recipe, restyled = outcome.recipe, outcome.restyled
    kept = {(step.upsampling, -step.i): step.image for step in steps if step.upsampling or step.sample == restyled.kept}
    foreseen = [image for _, image in sorted(kept.items(), key=lambda one: one[0])]
    side = len(foreseen[0]) if foreseen else len(restyled.pixels)
    return [prepare(outcome.source, recipe.prepare, recipe.backdrop, side), *foreseen, restyled.pixels]


def _preview(outcome: Outcome, steps: Sequence[Step], settings: Settings) -> bytes:
    frames, release = frames_of(outcome, steps), settings.release
    return animated(frames, preview_size(len(frames[-1]), release.image_size, release.resampling), release.resampling)


def _difference(outcome: Outcome, again: Again, assets: Assets) -> str:
    """In what way the picture made again is not the one that was accepted; "" where it is the same."""
    accepted = np.asarray(asset_picture(assets, outcome.row.image_sha256).convert("RGB"))
    if np.array_equal(accepted, outcome.restyled.pixels):
        return ""
    why = differing(outcome.row.made_with, again.made_with) or "another version made it"
    return f"made again it is not the same picture ({why})"


def _place(row: Any, settings: Settings, folder: Path) -> Place:
    """Named by the SHA-256 of all that the preview is made of."""
    release = settings.release
    made_of = [row.id, row.image_sha256, release.image_size, release.resampling, SETTINGS]
    name = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    device = torch.device(chosen_device(settings["model"]["device"]))
    machine = json.dumps(made_with(device, width_of(row, settings)))
    return Place(
        folder / f"{name}.webp", folder / f"{name}-{hashlib.sha256(machine.encode()).hexdigest()[:16]}.refused"
    )


def _tidy(folder: Path, places: Collection[Place]) -> None:
    """Without it, every change of size would leave a collection's worth of previews behind."""
    wanted = {file for place in places for file in (place.file, place.refusal)}
    for file in folder.iterdir():
        if file not in wanted:
            file.unlink()


def _notes(tokens: Sequence[Token], why: Mapping[str, str]) -> list[str]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for token in tokens:
        if token.recipe_id in why:
            numbers[why[token.recipe_id]].append(token.number)
    return [f"no preview of {_listed(which)}: {told}" for told, which in numbers.items()]


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:NAMED]))
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return f"token{'s' * (len(numbers) > 1)} {shown}{more}"
