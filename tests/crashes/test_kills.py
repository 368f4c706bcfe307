"""SIGKILL at 200 random moments an engine, while four workers ingest, plan, stylize, group and decide: what was
acknowledged is there, nothing is there twice, and the pictures are those of an undisturbed run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collection_db import PlannedRecipe, Table
from collection_db.schema import candidates, decisions, recipes
from flows.group import group_candidates
from flows.ingest import chosen_sources, ingest_batch
from flows.pair import plan_recipes
from flows.settings import Settings
from flows.stylize import make_missing
from styles.recipes import Recipe
from tests.crashes.killing import HITS_A_STAGE
from tests.crashes.workers import STAGES, Acknowledged, acknowledgements

ROOT = Path(__file__).parents[2]
KILLS = 200
SEED = 1

Rows = list[Any]


def all_rows(table: Table, of: sa.Table) -> Rows:
    with table.engine.begin() as connection:
        return list(connection.execute(sa.select(of)).all())


def acknowledged(folder: Path, key: str) -> list[Any]:
    return [told for file in sorted(acknowledgements(folder).iterdir()) for told in Acknowledged(file).all(key)]


def ingest_all(settings: Settings) -> list[str]:
    files, _ = chosen_sources(settings)
    taken, _ = ingest_batch.fn(str(settings.file), [(id, str(file)) for id, file in files.items()], 0)
    return taken


def kill_workers(plans: list[Path], kills: int) -> Counter[str]:
    """Kill at random while the plans are worked on; return how many kills hit each stage."""
    command = [sys.executable, "-m", "tests.crashes.killing", str(SEED), str(kills), *map(str, plans)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    told = json.loads(ended.stdout)
    assert acknowledged(plans[0].parent, "error") == [] and told["ended"] == []
    return Counter(told["killed"])


def assert_nothing_is_lost(folder: Path, table: Table) -> None:
    """All that a call had returned is in the table."""
    image_of = {row.id: row.image_sha256 for row in all_rows(table, candidates)}
    stored = {id: sha256 for told in acknowledged(folder, "stored") for id, sha256 in told.items()}
    assert len(stored) > 100 and stored.items() <= image_of.items()
    entries = all_rows(table, decisions)
    added = Counter(row.request for row in entries)
    requests = {told["request"]: told["added"] for told in acknowledged(folder, "entries")}
    assert len(requests) > 50
    # one that was said again added nothing the second time
    assert all(added[request] >= count for request, count in requests.items())
    undone = Counter(row.undoes for row in entries)
    numbers = [number for told in acknowledged(folder, "undone") for number in told]
    assert len(numbers) > 20 and all(undone[number] == 1 for number in numbers)
    known = {row.id for row in table.sources()}
    assert known and {id for told in acknowledged(folder, "sources") for id in told} <= known
    assert 0 < sum(acknowledged(folder, "planned")) <= len(all_rows(table, recipes))


def assert_nothing_is_twice(table: Table) -> None:
    rows = all_rows(table, candidates)
    assert len({row.id for row in rows}) == len({row.number for row in rows}) == len(rows)
    entries = [row for row in all_rows(table, decisions) if row.undoes is None]
    said = Counter((row.request, row.candidate_id, row.action, row.value) for row in entries)
    assert set(said.values()) == {1}
    undone = Counter(row.undoes for row in all_rows(table, decisions) if row.undoes is not None)
    assert set(undone.values()) == {1}


def undisturbed(plans: list[Path], like: Table) -> dict[str, str]:
    """{recipe's id: SHA-256 of its picture} of all candidates of `like`, made by one process that nothing disturbs."""
    settings = Settings.read(plans[0])
    table = Table.open(settings.database_url)
    made = {row.id for row in all_rows(like, candidates)}
    wanted = [row for row in all_rows(like, recipes) if row.id in made]
    for version in ("first", "second"):
        shutil.copytree(settings.folder / version, settings.images, dirs_exist_ok=True)
        ingest_all(settings)
        pixels = {row.pixels_sha256 for row in table.sources()}
        given = [(row, Recipe.from_json(row.json)) for row in wanted]
        table.plan(
            PlannedRecipe(recipe, row.source_id, row.style, row.model)
            for row, recipe in given
            if recipe.source_sha256 in pixels
        )
        assert make_missing(settings)[1] == []
    return {row.id: row.image_sha256 for row in all_rows(table, candidates)}


@pytest.mark.slow
def test_kills_lose_and_repeat_nothing(
    write_plans: Callable[..., list[Path]], database: str, one_thread: None, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = write_plans("killed", database)
    settings = Settings.read(plans[0])
    table = Table.open(settings.database_url)
    ingest_all(settings)
    table.close()  # nothing is open when workers are forked

    killed = kill_workers(plans, KILLS)
    print(f"seed {SEED}; kills by stage: {dict(killed)}")
    assert killed.total() == KILLS and min(killed[stage] for stage in STAGES) >= HITS_A_STAGE

    assert set(acknowledged(settings.folder, "said_again")) == {0}
    assert_nothing_is_lost(settings.folder, table)
    assert_nothing_is_twice(table)
    assert table.faults() == []

    table.set_present(ingest_all(settings))
    plan_recipes.fn(str(plans[0]))
    assert make_missing(settings)[1] == [] and group_candidates(settings) > 0
    assert table.count_missing() == 0 and table.faults() == []
    assert_nothing_is_lost(settings.folder, table)
    assert_nothing_is_twice(table)
    kept = {row.id: row.image_sha256 for row in all_rows(table, candidates)}
    assets = settings.open_assets()
    for sha256 in kept.values():
        assets.read(sha256)  # verified
    assert not list(settings.assets.rglob("*.tmp-*"))
    assert kept == undisturbed(write_plans("undisturbed"), table)
