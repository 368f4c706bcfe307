"""More like a candidate: the next plan, and what a run makes of it."""

from __future__ import annotations

import pytest

from collection_db import Table
from collection_db.deciding import Said
from flows import pair
from flows.estimate import estimate
from flows.settings import Settings
from flows.stylize import make_missing
from tests.flows.made import copied, made


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return made(tmp_path_factory.mktemp("more") / "pond")


def test_more_like_it_is_planned_estimated_and_made(pond: Settings, tmp_path) -> None:
    settings = copied(pond, tmp_path / "copy")
    table = Table.open(settings.database_url)
    before = table.counts()["planned"]
    liked = table.frame()["id"][0]
    table.record([Said(liked, "more")], "ann")
    told = estimate(settings)
    assert told.missing > 0 and told.recipes == before + told.missing
    new, known, _ = pair.plan_recipes.fn(str(settings.file))
    assert (new, known) == (told.missing, before)
    assert pair.plan_recipes.fn(str(settings.file))[:2] == (0, before + new)  # planning again changes nothing
    count, failed = make_missing(settings)
    assert (count, failed) == (new, [])
    frame = table.frame().set_index("id")
    of = [(row.source, row.style) == tuple(frame.loc[liked, ["source", "style"]]) for row in frame.itertuples()]
    assert sum(of) == 1 + new and table.counts()["missing"] == 0
    table.undo(table.last_step("ann"), "ann")  # nobody asks any more: what was made is kept, and not shown
    assert pair.plan_recipes.fn(str(settings.file))[:2] == (0, before)
    assert table.counts()["candidates"] == before and len(table.frame(everything=True)) == before + new
    table.close()


def test_no_more_of_a_source_that_is_gone(pond: Settings, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = copied(pond, tmp_path / "copy")
    table = Table.open(settings.database_url)
    table.record([Said(table.frame()["id"][0], "more")], "ann")
    with table.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sources SET present = false WHERE id = '1'")
        connection.exec_driver_sql("UPDATE sources SET present = false WHERE id = '2'")
    assert pair.more_like(table, settings) == []
    assert "no more like" in capsys.readouterr().err
    table.close()
