"""A collection whose sources come and go, in SQLite or PostgreSQL, for workers that are killed or cut off."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.new import paint_sources
from flows.settings import Settings
from tests.crashes.workers import acknowledgements
from tests.end_to_end.conftest import Run, environment, small_collection, start, toadworks

__all__ = ["Run", "environment", "small_collection", "start", "toadworks"]

SOURCES = 12
PLANS = 60
PLAN = """
[sources]
images = "toads"
[grid]
styles = ["crayon", "neon"]
guidance_scales = [1]
insertion_steps = [1]
seeds = {seeds}
[model]
steps = 2
batch = 4
[storage]
lease = 10
database = "{database}"
"""


@pytest.fixture
def write_plans(tmp_path: Path) -> Callable[..., list[Path]]:
    """write_plans(name, url): the files of many plans of one collection, all with the first half of its sources. In
    `first` and `second` beside them is every source in two versions."""

    def write(name: str, database: str = "toadworks.db") -> list[Path]:
        folder = tmp_path / name
        for version, seed in (("first", 7), ("second", 8)):
            paint_sources(folder / "painted" / version, SOURCES, seed).rename(folder / version)
        (folder / "toads").mkdir()
        for file in sorted((folder / "first").glob("*.png"))[: SOURCES // 2]:
            shutil.copy(file, folder / "toads")
        acknowledgements(folder).mkdir()
        plans = [folder / f"plan{number}.toml" for number in range(PLANS)]
        for number, file in enumerate(plans):
            file.write_text(PLAN.format(seeds=[number, number + 1], database=database))
        return plans

    return write


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """What collection.toml names: SQLite's usual file, or a new database of PostgreSQL."""
    return "toadworks.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def all_versions(settings: Settings) -> list[Path]:
    return [settings.folder / version for version in ("first", "second")]
