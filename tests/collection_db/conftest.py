"""Tables to test on, SQLite and PostgreSQL, and the rows that go in."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from collection_db import PlannedRecipe, Table
from collection_db.buckets import AssetBucket
from styles.recipes import Recipe
from tests.collection_db.breaking import Breaking
from tests.collection_db.serving import Service


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Given:
    """Rows for the table, told apart by a number."""

    sha256 = staticmethod(sha256)

    @staticmethod
    def source(number: int, **changes: Any) -> dict[str, Any]:
        row = {
            "id": f"toad{number}",
            "position": number,
            "file": f"toad{number}.png",
            "pixels_sha256": sha256(f"pixels {number}"),
            "image_sha256": sha256(f"image {number}"),
            "mask_sha256": None,
            "width": 36,
            "height": 36,
            "frames": 1,
            "attributes": {"Body": "blue"},
            "licence": "CC0-1.0",
        }
        return row | changes

    @staticmethod
    def planned(number: int, source: int = 1, **changes: Any) -> PlannedRecipe:
        names = {"source_id": f"toad{source}", "style": "crayon", "model": "tadpole"}
        names |= {key: changes.pop(key) for key in list(changes) if key in names}
        inputs: dict[str, Any] = {
            "source_sha256": sha256(f"pixels {source}"),
            "prompt": "a crayon doodle of a toad",
            "guidance_scale": 3.0,
            "insertion_step": 10,
            "steps": 27,
            "seed": number,
            "weights_sha256": sha256("weights"),
        }
        return PlannedRecipe(Recipe(**(inputs | changes)), **names)

    @classmethod
    def mixed(cls, chance: random.Random, count: int, styles: Sequence[str]) -> list[PlannedRecipe]:
        """Recipes of sources 1 to 3, these styles, two scales and two steps, at random."""
        return [
            cls.planned(
                number,
                source=chance.choice((1, 2, 3)),
                style=chance.choice(styles),
                guidance_scale=chance.choice((3.0, 4.5)),
                insertion_step=chance.choice((10, 5)),
            )
            for number in range(count)
        ]

    @staticmethod
    def candidate(id: str) -> dict[str, Any]:
        return {"id": id, "image_sha256": sha256(f"made {id}"), "seconds": 1.5, "made_with": {"torch": "2"}}

    @classmethod
    def candidates(cls, table: Table, count: int) -> list[str]:
        """`count` planned and made candidates of one source; their ids in order of position."""
        planned = [cls.planned(number) for number in range(count)]
        ids = [item.recipe.id for item in planned]
        table.add_sources([cls.source(1)])
        table.plan(planned)
        table.add_candidates([cls.candidate(id) for id in ids])
        return ids


@pytest.fixture
def given() -> type[Given]:
    return Given


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'new' / 'table.db'}"


@pytest.fixture
def table(url: str) -> Iterator[Table]:
    opened = Table.open(url)
    yield opened
    opened.close()


@pytest.fixture
def broken(bucket: Path, proxy: Breaking, tmp_path: Path) -> AssetBucket:
    """Assets in the bucket, through the proxy."""
    return AssetBucket(bucket.name, "toads", proxy.url, cache=tmp_path / "cache", read_s=1.5, patience_s=100)


@pytest.fixture
def direct(bucket: Path, s3: Service, tmp_path: Path) -> AssetBucket:
    """The same, without the proxy."""
    return AssetBucket(bucket.name, "toads", s3.url, cache=tmp_path / "direct")
