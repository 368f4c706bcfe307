"""Stage 4: candidates get their hashes and scores, look-alikes are grouped, and what is still practically its source is
marked."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import AssetFolder, Table
from collection_db.rows import pieces
from flows.progress import Meter, meter
from flows.settings import Settings
from glide.prepare import prepare
from similarity.groups import alike
from similarity.groups import group as group_alike
from similarity.hashes import fingerprint
from similarity.scores import edge_correlation
from styles.recipes import Recipe

BATCH = 256
NEAR_SOURCE_LAST = 3.0  # scores lie in -1..1


@flow(name="group", flow_run_name="group {collection}", validate_parameters=False)
async def group(collection: str) -> int:
    """Hash what is not hashed yet, then group everything; return the number of groups."""
    settings = Settings.read(collection)
    table = Table.open(settings.database_url)
    unhashed = [row for row in table.candidates_for_grouping() if row.phash is None]
    table.close()
    with meter("hash", len(unhashed)) as shown:
        for piece in pieces(unhashed, BATCH):
            hash_batch(collection, piece, shown)
    return group_all(collection)


@task(name="hash batch", cache_policy=NO_CACHE)
def hash_batch(collection: str, rows: Sequence[Any], shown: Meter) -> None:
    """Perceptual hash, colours and structure (edge correlation with the prepared source) of these candidates, rows of
    `Table.candidates_for_grouping`."""
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    hashed = []
    for row in rows:
        image = Image.open(io.BytesIO(assets.read(row.image_sha256))).convert("RGB")
        seen = fingerprint(image)
        structure = edge_correlation(np.asarray(image), prepared_source(row, assets, image.width))
        hashed.append((row.id, seen.bits.tobytes(), seen.colours.tobytes(), structure))
        shown.advance()
    table.set_hashes(hashed)
    table.close()


def prepared_source(row: Any, assets: AssetFolder, size: int) -> NDArray[np.uint8]:
    """What the model was given of the row's source: uint8 [size, size, 3]."""
    recipe = Recipe.from_json(row.recipe_json)
    source = Image.open(io.BytesIO(assets.read(row.source_image_sha256)))
    return prepare(source, recipe.prepare, recipe.backdrop, size)


@task(name="group look-alikes", cache_policy=NO_CACHE)
def group_all(collection: str) -> int:
    """Group all candidates by hash and colour; the best score (structure) leads, then the earliest, and what is still
    practically its source only where nothing else is in the group."""
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    rows = table.candidates_for_grouping()
    if not rows:
        return 0
    bits, colours = hashes(rows)
    scores = np.array([row.structure for row in rows])
    near = near_source(rows, bits, colours, assets, settings)
    # what is practically its source scores best of all: it may lead only where nothing else can
    leaders = group_alike(bits, colours, scores - NEAR_SOURCE_LAST * near, settings.thresholds)
    table.set_groups(
        (row.id, float(score), bool(is_near), rows[leader].id)
        for row, score, is_near, leader in zip(rows, scores, near, leaders, strict=True)
    )
    table.close()
    return len(set(leaders.tolist()))


def hashes(rows: list[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The stored hashes of N rows: bits [N, 32], colours [N, 8, 8, 3]."""
    bits = np.frombuffer(b"".join(row.phash for row in rows), np.uint8).reshape(-1, 32)
    colours = np.frombuffer(b"".join(row.colours for row in rows), np.float32).reshape(-1, 8, 8, 3)
    return bits, colours


def near_source(
    rows: list[Any],
    bits: NDArray[np.uint8],
    colours: NDArray[np.float32],
    assets: AssetFolder,
    settings: Settings,
) -> NDArray[np.bool_]:
    """bool [N]: is the candidate, by the same thresholds, a look-alike of its own source?"""
    near = np.zeros(len(rows), bool)
    by_source: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_source[row.source_image_sha256].append(number)
    for numbers in by_source.values():
        picture = prepared_source(rows[numbers[0]], assets, settings.side)
        own = fingerprint(Image.fromarray(picture))
        found = alike(bits[numbers], colours[numbers], own.bits[None], own.colours[None], settings.thresholds)
        near[numbers] = found[:, 0]
    return near
