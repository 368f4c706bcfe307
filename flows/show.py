"""What a PNG says of itself, and making it again."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collection_db import Table
from errors import BadSource, NothingLeft, RunFailed
from flows.defaults import LARGEST_BATCH
from flows.making import TEXT_CHUNK, Order, candidate_png, checked_parts, differing, maker, options_of
from flows.masking import own_mask
from flows.settings import Settings
from flows.sources import UNREADABLE, SourceImage, read_image
from glide.masks import MASKS
from styles.recipes import Recipe

SAME = "the same, pixel for pixel"


@dataclass(frozen=True)
class Carried:
    """What a picture's text chunk holds: its recipe, and `about` (source, style, model, made_with)."""

    file: Path
    recipe: Recipe
    about: dict[str, Any]


def carried(file: Path) -> Carried:
    """The recipe that a PNG carries. Raises BadSource where it carries none, or one that was changed."""
    try:
        with Image.open(file) as opened:
            opened.load()
            text = opened.info.get(TEXT_CHUNK)
    except FileNotFoundError as error:
        raise BadSource(file, "there is no such file") from error
    except (*UNREADABLE, Image.DecompressionBombError) as error:
        raise BadSource(file, f"does not decode as an image ({error})") from error
    if text is None:
        raise BadSource(file, "carries no recipe: it was not made by Toadworks, or was saved again by another program")
    try:
        about = json.loads(text)
        recipe = Recipe.from_json(json.dumps(about.pop("recipe")))
        told, id = str(about.pop("id")), recipe.id
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise BadSource(file, f"its recipe cannot be read ({error})") from error
    if told != id:
        raise BadSource(file, f"its recipe was changed: it says id {told[:12]}, but the recipe's is {id[:12]}")
    return Carried(file, recipe, about)


def make_again(given: Carried, source_file: Path | None, settings: Settings | None) -> tuple[bytes, bool, str]:
    """(PNG bytes, whether it is the same, a sentence on how it compares) of the candidate made once more.

    The source comes from `source_file`, else from the collection's table. Raises BadSource where it is not the recipe's
    source, NothingLeft where there is none to be had or the weights are others.
    """
    recipe = given.recipe
    spec, parts = checked_parts(str(given.about.get("model", "tadpole")), recipe)
    source = _source(given, source_file, settings)
    order = Order(recipe, source, _mask(given, settings))
    made_with = given.about.get("made_with", {})
    device = settings["model"]["device"] if settings else "auto"
    batch = made_with.get("batch", 8) if isinstance(made_with, dict) else 8
    if not isinstance(batch, int) or not 1 <= batch <= LARGEST_BATCH:
        raise BadSource(given.file, f"says it was made {batch!r} rows at once; that can be 1..{LARGEST_BATCH}")
    working = maker(spec, parts, device, batch)
    [outcome] = working.make([working.request(order)], options_of(recipe))
    if outcome.problem:
        raise RunFailed(f"{given.file}: made again, {outcome.problem}")
    data = candidate_png(outcome.pixels, recipe, given.about | {"made_with": working.made_with})
    told = _compared(given, outcome.pixels, working.made_with)
    return data, told == SAME, told


def _mask(given: Carried, settings: Settings | None) -> NDArray[np.bool_] | None:
    if settings is not None:
        return own_mask(given.recipe, settings.open_assets())
    if given.recipe.mask and given.recipe.mask not in MASKS:
        raise NothingLeft(
            f"the mask of {given.file} is not at hand: run this in its collection's folder (or name it with -c)"
        )
    return None


def _source(given: Carried, file: Path | None, settings: Settings | None) -> Image.Image:
    wanted = given.recipe.source_sha256
    if file is not None:
        frames = read_image(file).frames
        for frame in range(frames):
            source = read_image(file, frame)
            if source.pixels_sha256 == wanted:
                return source.image
        raise BadSource(file, f"is not the source of {given.file}: its pixels are others")
    if settings is not None:
        table = Table.open(settings.database_url)
        for row in table.sources():
            if row.pixels_sha256 == wanted:
                data = settings.open_assets().read(row.image_sha256)
                return SourceImage(Image.open(io.BytesIO(data)), 1).image
    raise NothingLeft(
        f"the source of {given.file} ({given.about.get('source', 'unknown id')}) is not at hand: "
        "run this in its collection's folder (or name it with -c), or give --source FILE"
    )


def _compared(given: Carried, pixels: NDArray[np.uint8], made_with: dict[str, Any]) -> str:
    with Image.open(given.file) as opened:
        before = np.asarray(opened.convert("RGB"))
    times = before.shape[0] // pixels.shape[0]
    if before.shape[0] == before.shape[1] == times * pixels.shape[0]:
        pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)  # a release's pictures are enlarged
    if before.shape != pixels.shape:
        return "the picture given has another size, so the two were not compared"
    apart = np.abs(before.astype(int) - pixels.astype(int))
    if not apart.any():
        return SAME
    first = given.about.get("made_with", {})
    why = differing(first, made_with) or "the picture was changed since"
    return f"not the same: {np.count_nonzero(apart.any(axis=-1))} pixels differ, by {apart.max()}/255 at most ({why})"
