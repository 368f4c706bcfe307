"""Masks that a user draws: found beside the collection, kept among the assets, named in recipes by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collection_db import Assets
from errors import BadSource
from flows.settings import Settings
from flows.sources import SUFFIXES, find_sources
from glide.masks import MASKS, mask_bytes, mask_from_bytes, read_mask
from styles.recipes import Recipe

ASSET_SUFFIX = ".pbm"


Masks = dict[str, str | bytes]


def masks_of(settings: Settings, source_ids: list[str]) -> tuple[Masks, list[tuple[str, str]]]:
    """The mask of every source that takes part: a word ("" where nothing is masked), or the bytes of a drawn one's
    asset. And (file, reason) of those that cannot be used: their sources are left out, rather than masked otherwise."""
    given, others = settings["inpainting"]["mask"], settings["inpainting"]["others"]
    if given in ("", *MASKS):
        return dict.fromkeys(source_ids, given), []
    place = settings.folder / given
    if not place.is_dir():  # one for all; a bad one is no source's fault
        return dict.fromkeys(source_ids, mask_bytes(read_mask(place))), []
    files, refused = find_sources(place)
    wanted = set(source_ids)
    skipped = [(name, why) for name, why in refused if Path(name).stem in wanted and _is_image(name)]
    twice = {Path(name).stem for name, _ in skipped}
    masks: Masks = {}
    for id in source_ids:
        try:
            if id in files:
                masks[id] = mask_bytes(read_mask(files[id]))
            elif others and id not in twice:
                masks[id] = others
            elif id not in twice:
                raise BadSource(place / f"{id}.png", "there is no mask of this source")
        except BadSource as error:
            skipped.append((Path(error.file).name, error.problem))
    return masks, skipped


def _is_image(name: str) -> bool:
    """A drawing program's own files may lie beside the masks."""
    return Path(name).suffix.lower() in SUFFIXES


def mask_name(mask: str | bytes) -> str:
    """What recipes call a mask: its word, or the SHA-256 of its asset."""
    return mask if isinstance(mask, str) else hashlib.sha256(mask).hexdigest()


def own_mask(recipe: Recipe, assets: Assets) -> NDArray[np.bool_] | None:
    """The drawn mask that a recipe names; None where it names none. Raises RunFailed where the asset is not there."""
    if not recipe.mask or recipe.mask in MASKS:
        return None
    return mask_from_bytes(assets.read(recipe.mask))
