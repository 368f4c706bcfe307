"""Fingerprints: of candidates, as the table keeps them, and of pictures that candidates are compared with."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from collection_db import AssetFolder, Table
from collection_db.rows import pieces
from errors import BadSource
from flows.progress import Meter, meter, say
from flows.settings import Settings
from glide.prepare import prepare
from similarity.hashes import Hashing, fingerprints, mirrored_bits
from similarity.prints import Prints
from similarity.scores import edge_correlation
from styles.recipes import Recipe

BATCH = 256


def hash_candidates(collection: str) -> None:
    """Give a fingerprint to every candidate that has none, or one made in another way than collection.toml says."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    unhashed = table.to_hash(str(settings.hashing), settings["look_alikes"]["mirrored"])
    table.close()
    with meter("hash", len(unhashed)) as shown:
        for piece in pieces(unhashed, BATCH):
            hash_batch(collection, piece, shown)


@task(name="hash batch", cache_policy=NO_CACHE)
def hash_batch(collection: str, rows: Sequence[Any], shown: Meter) -> None:
    """Fingerprint and structure of these candidates, rows of `Table.to_hash`: edge correlation with the prepared
    source, and in how many bits the hash differs from the source's."""
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    images = [np.asarray(Image.open(io.BytesIO(assets.read(row.image_sha256))).convert("RGB")) for row in rows]
    prints = fingerprints(images, settings.hashing)
    turned = mirrored_bits(images, settings.hashing) if settings["look_alikes"]["mirrored"] else None
    sources: dict[tuple[Any, ...], NDArray[np.uint8]] = {}
    keys = []
    for row, image in zip(rows, images, strict=True):
        recipe = Recipe.from_json(row.recipe_json)
        keys.append((row.source_image_sha256, recipe.prepare, recipe.backdrop, image.shape[1]))
        if keys[-1] not in sources:
            sources[keys[-1]] = prepared(assets, *keys[-1])
    own = dict(zip(sources, fingerprints(list(sources.values()), settings.hashing).bits, strict=True))
    hashed = []
    for number, (row, image, key) in enumerate(zip(rows, images, keys, strict=True)):
        hashed.append(
            {
                "id": row.id,
                "hashed_with": str(settings.hashing),
                "hash_bits": prints.bits[number].tobytes(),
                "mirror_bits": None if turned is None else turned[number].tobytes(),
                "colours": prints.colours[number].tobytes(),
                "greys": prints.greys[number].tobytes(),
                "side": int(prints.sides[number]),
                "flat": bool(prints.flat[number]),
                "structure": edge_correlation(image, sources[key]),
                "source_bits": int(np.bitwise_count(prints.bits[number] ^ own[key]).sum()),
            }
        )
        shown.advance()
    table.set_fingerprints(hashed)
    table.close()


def prepared(assets: AssetFolder, source_sha256: str, way: str, backdrop: str, side: int) -> NDArray[np.uint8]:
    """What the model is given of a source: uint8 [side, side, 3]."""
    return prepare(Image.open(io.BytesIO(assets.read(source_sha256))), way, backdrop, side)


def hashed_rows(table: Table, settings: Settings) -> list[Any]:
    """Those rows of `Table.looks` that can be compared: another process may have added candidates since the others were
    hashed."""
    mirrored = settings["look_alikes"]["mirrored"]
    rows = [row for row in table.looks() if row.hashed_with == str(settings.hashing)]
    return [row for row in rows if row.has_mirror_bits] if mirrored else rows


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


@dataclass(frozen=True)
class Picture:
    """A picture that candidates are compared with: `stamp` says what it is now, `pixels` reads it (uint8 [H, W, 3])."""

    stamp: str
    pixels: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class Known:
    """M pictures that candidates are compared with, and their fingerprints; `digest` tells whether they are still the
    same ones."""

    labels: list[str]
    prints: Prints
    digest: str


def known(table: Table, kind: str, pictures: Mapping[str, Picture], hashing: Hashing) -> Known:
    """These pictures by label, hashed; what was hashed before, and is the same picture still, is not read again.

    One that cannot be read is told, and left out.
    """
    before = {row.label: row for row in table.known_pictures(kind) if row.hashed_with == str(hashing)}
    changed = [label for label, one in pictures.items() if label not in before or before[label].stamp != one.stamp]
    with meter(f"hash {kind}", len(changed)) as shown:
        for piece in pieces(changed, BATCH):
            table.set_known_pictures(kind, _hashed(piece, pictures, hashing))
            shown.advance(len(piece))
    rows = table.known_pictures(kind)
    table.set_known_pictures(kind, [], gone=[row.label for row in rows if row.label not in pictures])
    rows = [row for row in rows if row.label in pictures and row.stamp == pictures[row.label].stamp]
    told = "\n".join(f"{row.label}\t{row.stamp}" for row in rows)
    digest = hashlib.sha256(told.encode()).hexdigest()
    return Known([row.label for row in rows], prints_of(rows, hashing.size), digest)


def _hashed(labels: Sequence[str], pictures: Mapping[str, Picture], hashing: Hashing) -> list[dict[str, Any]]:
    """Rows of `schema.KnownPicture`."""
    read: dict[str, NDArray[np.uint8]] = {}
    for label in labels:
        try:
            read[label] = pictures[label].pixels()
        except BadSource as error:
            say(f"not compared with: {error}")
    prints = fingerprints(list(read.values()), hashing)
    return [
        {
            "label": label,
            "stamp": pictures[label].stamp,
            "hashed_with": str(hashing),
            "hash_bits": prints.bits[number].tobytes(),
            "colours": prints.colours[number].tobytes(),
            "greys": prints.greys[number].tobytes(),
            "side": int(prints.sides[number]),
        }
        for number, label in enumerate(read)
    ]
