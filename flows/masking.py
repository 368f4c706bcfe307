"""Masks that a user draws: found beside the collection, kept among the assets, named in recipes by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collection_db import AssetFolder
from errors import BadSource
from flows.settings import Settings
from flows.sources import SUFFIXES, find_sources
from glide.masks import MASKS, mask_bytes, mask_from_bytes, read_mask
from styles.recipes import Recipe

ASSET_SUFFIX = ".pbm"


def drawn_masks(settings: Settings, source_ids: list[str]) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """The mask of every source that has one of its own, as the bytes of its asset; and (file, reason) of those that
    should have one but have none that can be used (`inpainting.others` says what is done with sources without)."""
    given, others = settings["inpainting"]["mask"], settings["inpainting"]["others"]
    if not given or given in MASKS:
        return {}, []
    place = settings.folder / given
    if not place.is_dir():  # one for all; a bad one is no source's fault
        return dict.fromkeys(source_ids, mask_bytes(read_mask(place))), []
    files, refused = find_sources(place)
    masks: dict[str, bytes] = {}
    skipped = [(file, why) for file, why in refused if Path(file).stem in source_ids and Path(file).suffix in SUFFIXES]
    twice = {Path(file).stem for file, _ in skipped}
    for id in source_ids:
        try:
            if id in files:
                masks[id] = mask_bytes(read_mask(files[id]))
            elif not others and id not in twice:
                raise BadSource(place / f"{id}.png", "there is no mask of this source")
        except BadSource as error:
            skipped.append((Path(error.file).name, error.problem))
    return masks, skipped


def mask_of_others(settings: Settings) -> str:
    """What recipes say of sources without a mask of their own; "" where a mask is asked for: they are left out."""
    given = settings["inpainting"]["mask"]
    return str(given if given in ("", *MASKS) else settings["inpainting"]["others"])


def mask_name(data: bytes) -> str:
    """What recipes call the mask: the SHA-256 of its asset."""
    return hashlib.sha256(data).hexdigest()


def own_mask(recipe: Recipe, assets: AssetFolder) -> NDArray[np.bool_] | None:
    """The drawn mask that a recipe names; None where it names none. Raises RunFailed where the asset is not there."""
    if not recipe.mask or recipe.mask in MASKS:
        return None
    return mask_from_bytes(assets.read(recipe.mask))
