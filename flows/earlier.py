"""What candidates are compared with besides each other: the sources, and the tokens of earlier collections."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy.engine import make_url

from collection_db import AssetFolder, Table
from errors import BadSetting
from flows.hashing import Known, Picture, known, prepared
from flows.settings import FILE, Settings
from flows.sources import find_sources, read_image
from similarity.hashes import on_white


def known_sources(settings: Settings, table: Table) -> Known:
    """All present sources by id, as the model is given them."""
    assets = AssetFolder(settings.assets)
    way = (settings["sources"]["prepare"], settings["sources"]["backdrop"], settings.side)
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
        of_ours = folder.is_file() or (folder / FILE).is_file()
        pictures |= _of_collection(name, folder, settings) if of_ours else _of_folder(name, folder, settings)
    return known(table, "earlier", pictures, settings.hashing)


def _of_collection(name: str, folder: Path, settings: Settings) -> dict[str, Picture]:
    """Its tokens, and what is accepted and has no number yet."""
    other = Settings.read(folder)
    url = make_url(other.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise BadSetting(settings.file, "look_alikes.against", f"{name}: nothing was made in this collection yet")
    table, assets = Table.open(other.database_url), AssetFolder(other.assets)
    images = {f"{name} #{row.number}": row.image_sha256 for row in table.tokens()}
    numbered = {row.candidate_id for row in table.tokens()}
    images |= {f"{name} {row.id[:10]}": row.image_sha256 for row in table.accepted() if row.id not in numbered}
    table.close()
    return {label: Picture(sha256, partial(_asset, assets, sha256)) for label, sha256 in images.items()}


def _asset(assets: AssetFolder, sha256: str) -> NDArray[np.uint8]:
    return np.asarray(on_white(Image.open(io.BytesIO(assets.read(sha256)))))


def _of_folder(name: str, folder: Path, settings: Settings) -> dict[str, Picture]:
    """Every image in it, or in its folder `images`, as a release has one."""
    images = folder / "images" if (folder / "images").is_dir() else folder
    files = find_sources(images)[0]
    if not files:
        allowed = "a collection's folder, a release, or a folder of images"
        raise BadSetting(settings.file, "look_alikes.against", f"{name}: there are no images in {images}", allowed)
    pictures = {}
    for id, file in files.items():
        about = file.stat()
        pictures[f"{name} #{id}"] = Picture(f"{about.st_size} {about.st_mtime_ns}", partial(_file, file))
    return pictures


def _file(file: Path) -> NDArray[np.uint8]:
    return np.asarray(on_white(read_image(file).image))
