"""Masks that a user draws: found beside the collection, kept among the assets, named in recipes by their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collection_db import AssetFolder
from errors import BadSource
from flows.settings import Settings
from glide.masks import MASKS, mask_bytes, mask_from_bytes, read_mask
from styles.recipes import Recipe

SUFFIX = ".pbm"


def drawn_masks(settings: Settings, source_ids: list[str]) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """The mask of every source that has one of its own, as the bytes of its asset; and (file, reason) of those that
    should have one but have none that can be used."""
    given = settings["inpainting"]["mask"]
    if not given or given in MASKS:
        return {}, []
    place = settings.folder / given
    masks: dict[str, bytes] = {}
    if not place.is_dir():  # one for all; a bad one is no source's fault
        return dict.fromkeys(source_ids, mask_bytes(read_mask(place))), []
    skipped = []
    files: dict[str, Path] = {file.stem: file for file in sorted(place.iterdir(), reverse=True) if file.is_file()}
    for id in source_ids:
        try:
            if id not in files:
                raise BadSource(place / f"{id}.png", "there is no mask of this source")
            masks[id] = mask_bytes(read_mask(files[id]))
        except BadSource as error:
            skipped.append((Path(error.file).name, error.problem))
    return masks, skipped


def mask_name(data: bytes) -> str:
    """What recipes call the mask: the SHA-256 of its asset."""
    return hashlib.sha256(data).hexdigest()


def own_mask(recipe: Recipe, assets: AssetFolder) -> NDArray[np.bool_] | None:
    """The drawn mask that a recipe names; None where it names none. Raises RunFailed where the asset is not there."""
    if not recipe.mask or recipe.mask in MASKS:
        return None
    return mask_from_bytes(assets.read(recipe.mask))
