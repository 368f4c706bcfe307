"""Stage 1: the user's files become sources in the table, and what cannot be taken is listed with its reason."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Assets, Table
from collection_db.rows import pieces
from errors import BadSource, NothingLeft
from flows.progress import meter, say
from flows.settings import Settings
from flows.sources import SourceImage, find_sources, read_attributes, read_image

BATCH = 256
Skipped = list[tuple[str, str]]


@flow(name="ingest", flow_run_name="ingest {collection}", validate_parameters=False, persist_result=False)
async def ingest(collection: str) -> Skipped:
    """Read every source; return (file, reason) of those skipped. Raises NothingLeft if none could be taken."""
    settings = Settings.read(collection)
    files, skipped = chosen_sources(settings)
    with meter("ingest", len(files)) as shown:
        taken: list[str] = []
        for piece in pieces(list(files.items()), BATCH):
            good, bad = ingest_batch(collection, [(id, str(file)) for id, file in piece], first=len(taken))
            taken += good
            skipped += bad
            shown.advance(len(piece))
    table = Table.open(settings.database_url)
    table.set_present(taken)
    table.set_skipped(skipped)
    for file, reason in skipped:
        say(f"skipped {file}: {reason}")
    if not taken:
        raise NothingLeft(f"{settings.images}: no source could be taken ({len(skipped)} skipped, named above)")
    return skipped


def chosen_sources(settings: Settings) -> tuple[dict[str, Path], Skipped]:
    """The files that `sources.only` and `sources.limit` let in, and those that cannot be sources."""
    files, skipped = find_sources(settings.images)
    only, limit = settings["sources"]["only"], settings["sources"]["limit"]
    if only:
        wanted = [str(id) for id in only]
        absent = [id for id in wanted if id not in files]
        skipped = [(file, why) for file, why in skipped if Path(file).stem in wanted]
        refused = {Path(file).stem for file, _ in skipped}
        skipped += [(id, "named in sources.only, but not there") for id in absent if id not in refused]
        files = {id: files[id] for id in wanted if id in files}
    if limit:
        files = dict(list(files.items())[:limit])
    return files, skipped


@task(name="ingest batch", cache_policy=NO_CACHE)
def ingest_batch(collection: str, files: list[tuple[str, str]], first: int) -> tuple[list[str], Skipped]:
    """Take (id, file) sources: the ids taken, and (file, reason) of the others."""
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), settings.open_assets()
    taken: list[str] = []
    skipped: Skipped = []
    for id, file in files:
        try:
            row = source_row(id, Path(file), settings, assets) | {"position": first + len(taken)}
            table.add_sources([row])
            taken.append(id)
        except BadSource as error:
            skipped.append((Path(error.file).name, error.problem))
    table.close()
    return taken, skipped


def source_row(id: str, file: Path, settings: Settings, assets: Assets) -> dict[str, Any]:
    """The table's row of one source, its picture (and mask) put among the assets. Raises BadSource."""
    source = read_image(file, settings["sources"]["frame"])
    metadata = settings.metadata / f"{id}.json" if settings.metadata else None
    attributes = read_attributes(metadata) if metadata and metadata.exists() else []
    return {
        "id": id,
        "file": str(file),
        "pixels_sha256": source.pixels_sha256,
        **put_source(source, assets),
        "width": source.image.width,
        "height": source.image.height,
        "frames": source.frames,
        "attributes": attributes,
        "licence": settings["sources"]["licence"],
    }


def put_source(source: SourceImage, assets: Assets) -> dict[str, str | None]:
    """Put its picture, and its mask if it has one, among the assets; return the columns that name them."""
    mask = assets.put(png(source.mask)) if source.mask else None
    return {"image_sha256": assets.put(png(source.image)), "mask_sha256": mask}


def png(image: Image.Image) -> bytes:
    """Pixels alone, without text or profile, at the fast compression level."""
    packed = io.BytesIO()
    image.save(packed, "PNG", compress_level=1)
    return packed.getvalue()
