"""Fingerprints of candidates: making them, and reading them from the table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from collection_db import Assets, Table
from collection_db.rows import pieces
from errors import DamagedAsset, MissingAsset
from flows.progress import meter, say
from flows.settings import Settings
from flows.sources import UNREADABLE, asset_picture
from glide.prepare import prepare
from similarity.hashes import Hashing, fingerprints, mirrored_bits
from similarity.prints import Prints
from similarity.scores import edge_correlation
from styles.recipes import Recipe

BATCH = 256


def hash_missing(settings: Settings, table: Table, hash_some: Callable[[Sequence[Any]], object]) -> int:
    """Have `hash_some` called with rows of `Table.to_hash`, some at a time: candidates without a fingerprint, or with
    one made in another way than collection.toml says. Return how many there were."""
    rows = table.to_hash(str(settings.hashing), settings["look_alikes"]["mirrored"])
    with meter("hash", len(rows)) as shown:
        for piece in pieces(rows, BATCH):
            hash_some(piece)
            shown.advance(len(piece))
    return len(rows)


@task(name="hash batch", cache_policy=NO_CACHE)
def hash_batch(collection: str, rows: Sequence[Any]) -> None:
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    hash_rows(settings, table, rows)
    table.close()


@dataclass(frozen=True, eq=False)
class Drawn:
    """A candidate's pixels and its source's as the model was given it, both uint8 [side, side, 3]. Without a source
    `structure` and `source_bits` stay what they were."""

    id: str
    pixels: NDArray[np.uint8]
    source: NDArray[np.uint8] | None
    structure: float | None = None
    source_bits: int | None = None


def hash_rows(settings: Settings, table: Table, rows: Sequence[Any]) -> None:
    """Fingerprints of these candidates, rows of `Table.to_hash`, from their assets.

    A candidate whose picture, or whose source's, is missing or damaged is told and left out.
    """
    assets = settings.open_assets()
    source_of = lru_cache(maxsize=64)(partial(prepared, assets))  # a source's candidates come together
    drawn = []
    for row in rows:
        recipe = Recipe.from_json(row.recipe_json)
        try:
            pixels = np.asarray(asset_picture(assets, row.image_sha256).convert("RGB"))
            source = None
            if recipe.source_sha256 == row.source_pixels_sha256:  # else the id has another picture by now
                source = source_of(row.source_image_sha256, recipe.prepare, recipe.backdrop, pixels.shape[1])
        except (MissingAsset, DamagedAsset, *UNREADABLE) as error:
            say(f"candidate {row.id[:12]} is left out of look-alikes: {error}")
            continue
        drawn.append(Drawn(row.id, pixels, source, row.structure, row.source_bits))
    hash_drawn(settings, table, drawn)


def hash_drawn(settings: Settings, table: Table, drawn: Sequence[Drawn]) -> None:
    """Store fingerprint and structure of these candidates: edge correlation with the source, and in how many bits the
    hash differs from the source's."""
    images = [one.pixels for one in drawn]
    prints = fingerprints(images, settings.hashing)
    mirrored = settings["look_alikes"]["mirrored"]
    turned = mirrored_bits(images, settings.hashing) if mirrored else None
    sources = {id(one.source): one.source for one in drawn if one.source is not None}  # each once
    own = dict(zip(sources, fingerprints(list(sources.values()), settings.hashing).bits, strict=True))
    hashed = []
    for number, one in enumerate(drawn):
        structure, source_bits = one.structure, one.source_bits
        if one.source is not None:
            structure = edge_correlation(one.pixels, one.source)
            source_bits = int(np.bitwise_count(prints.bits[number] ^ own[id(one.source)]).sum())
        hashed.append(
            {
                "id": one.id,
                **print_row(prints, number, settings.hashing),
                "mirror_bits": None if turned is None else turned[number].tobytes(),
                "flat": bool(prints.flat[number]),
                "structure": structure,
                "source_bits": source_bits,
            }
        )
    table.set_fingerprints(hashed)


def print_row(prints: Prints, number: int, hashing: Hashing) -> dict[str, Any]:
    """One of the fingerprints as the table keeps it."""
    return {
        "hashed_with": str(hashing),
        "hash_bits": prints.bits[number].tobytes(),
        "colours": prints.colours[number].tobytes(),
        "greys": prints.greys[number].tobytes(),
        "side": int(prints.sides[number]),
    }


def prepared(assets: Assets, source_sha256: str, way: str, backdrop: str, side: int) -> NDArray[np.uint8]:
    """What the model is given of a source: uint8 [side, side, 3]."""
    return prepare(asset_picture(assets, source_sha256), way, backdrop, side)


def hashed_rows(table: Table, settings: Settings) -> list[Any]:
    """Those rows of `Table.looks` that can be compared: another process may have added candidates since the others were
    hashed."""
    return hashed_only(table.looks(), settings)


def hashed_only(rows: Sequence[Any], settings: Settings) -> list[Any]:
    mirrored, how = settings["look_alikes"]["mirrored"], str(settings.hashing)
    return [row for row in rows if row.hashed_with == how and (row.has_mirror_bits or not mirrored)]


def stored_prints(table: Table, ids: Sequence[str], settings: Settings) -> tuple[Prints, Prints | None]:
    """The fingerprints of hashed candidates, and of their mirror images where those are compared."""
    rows = table.fingerprints(ids)
    prints = prints_of(rows, settings.hashing.size)
    return prints, turned_of(rows, prints) if settings["look_alikes"]["mirrored"] else None


def alike_stamp(settings: Settings) -> str:
    """What decides whether two candidates look alike: with another stamp, what was found does not hold."""
    return short(f"{settings.hashing} {settings.thresholds} {settings['look_alikes']['mirrored']}")


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prints_of(rows: Sequence[Any], size: int = 16) -> Prints:
    """The stored fingerprints of N rows, of size x size bits."""
    return Prints(
        np.frombuffer(b"".join(row.hash_bits for row in rows), np.uint8).reshape(len(rows), size**2 // 8),
        np.frombuffer(b"".join(row.colours for row in rows), np.float32).reshape(len(rows), 8, 8, 3),
        np.frombuffer(b"".join(row.greys for row in rows), np.uint8).reshape(len(rows), 16, 16),
        np.array([row.side for row in rows], np.uint8),
    )


def turned_of(rows: Sequence[Any], prints: Prints) -> Prints:
    """The fingerprints of the mirror images of the same rows."""
    bits = np.frombuffer(b"".join(row.mirror_bits for row in rows), np.uint8)
    return prints.turned(bits.reshape(prints.bits.shape))
