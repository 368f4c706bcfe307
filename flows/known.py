"""What candidates are compared with besides each other: the sources, and the tokens of earlier collections. Their
fingerprints are kept, and made again only where a picture has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import make_url

from collection_db import Assets, Table
from collection_db.rows import pieces
from errors import BadSetting, BadSource, DamagedAsset, MissingAsset
from flows.hashing import BATCH, prepared, print_row, prints_of
from flows.progress import meter, say
from flows.settings import FILE, Settings
from flows.settings_checks import AGAINST
from flows.sources import UNREADABLE, asset_picture, find_sources, read_image
from similarity.hashes import Hashing, fingerprints, on_white
from similarity.prints import Prints


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
    # one that can no longer be read may still be there as it was, or hashed in another way
    rows = [row for row in rows if row.label in pictures and row.stamp == pictures[row.label].stamp]
    rows = [row for row in rows if row.hashed_with == str(hashing)]
    told = "\n".join(f"{row.label}\t{row.stamp}" for row in rows)
    digest = hashlib.sha256(told.encode()).hexdigest()
    return Known([row.label for row in rows], prints_of(rows, hashing.size), digest)


def _hashed(labels: Sequence[str], pictures: Mapping[str, Picture], hashing: Hashing) -> list[dict[str, Any]]:
    """Rows of `schema.KnownPicture`."""
    read: dict[str, NDArray[np.uint8]] = {}
    for label in labels:
        try:
            read[label] = pictures[label].pixels()
        except (BadSource, MissingAsset, DamagedAsset, *UNREADABLE) as error:
            say(f"candidates are not compared with {label}: {error}")
    prints = fingerprints(list(read.values()), hashing)
    return [
        {"label": label, "stamp": pictures[label].stamp, **print_row(prints, number, hashing)}
        for number, label in enumerate(read)
    ]


def known_sources(settings: Settings, table: Table) -> Known:
    """All present sources by id, as the model is given them."""
    assets = settings.open_assets()
    way = settings.way
    pictures = {
        row.id: Picture(
            f"{row.image_sha256} {' '.join(map(str, way))}", partial(prepared, assets, row.image_sha256, *way)
        )
        for row in table.present_sources()
    }
    return known(table, "source", pictures, settings.hashing)


def earlier_tokens(settings: Settings, table: Table) -> Known:
    """The tokens of all collections that `look_alikes.against` names, as "NAME #NUMBER"."""
    pictures: dict[str, Picture] = {}
    for name in settings["look_alikes"]["against"]:
        folder = settings.folder / name
        of_ours = folder.suffix == ".toml" or (folder / FILE).is_file()
        pictures |= _of_collection(name, folder, settings) if of_ours else _of_folder(name, folder, settings)
    return known(table, "earlier", pictures, settings.hashing)


def _of_collection(name: str, folder: Path, settings: Settings) -> dict[str, Picture]:
    """Its tokens, and what is accepted and has no number yet."""
    other = Settings.read(folder)
    if other.database_url == settings.database_url:
        raise BadSetting(settings.file, "look_alikes.against", f"{name} is this collection itself", AGAINST)
    url = make_url(other.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise BadSetting(settings.file, "look_alikes.against", f"{name}: nothing was made in it yet", AGAINST)
    table, assets = Table.open(other.database_url), other.open_assets()
    images = {f"{name} #{row.number}": row.image_sha256 for row in table.tokens()}
    numbered = {row.candidate_id for row in table.tokens()}
    images |= {f"{name} {row.id[:10]}": row.image_sha256 for row in table.accepted() if row.id not in numbered}
    table.close()
    return {label: Picture(sha256, partial(_asset, assets, sha256)) for label, sha256 in images.items()}


def _asset(assets: Assets, sha256: str) -> NDArray[np.uint8]:
    return np.asarray(on_white(asset_picture(assets, sha256)))


def _of_folder(name: str, folder: Path, settings: Settings) -> dict[str, Picture]:
    """Every image in it, or in its folder `images`, as a release has one."""
    images = folder / "images" if (folder / "images").is_dir() else folder
    files, refused = find_sources(images)
    for left_out, reason in refused:
        say(f"candidates are not compared with {images / left_out}: {reason}")
    if not files:
        raise BadSetting(settings.file, "look_alikes.against", f"{name}: there are no images in {images}", AGAINST)
    pictures = {}
    for id, file in files.items():
        about = file.stat()
        pictures[f"{name} #{id}"] = Picture(f"{about.st_size} {about.st_mtime_ns}", partial(_file, file))
    return pictures


def _file(file: Path) -> NDArray[np.uint8]:
    return np.asarray(on_white(read_image(file).image))
