"""The review page over a hundred thousand candidates: it shows them all, and no decision of a long evening is lost."""

from __future__ import annotations

import pytest

from collection_db import Table
from collection_db.filtering import Eyes, Listing
from tests.curation.browsing import (
    REJECTED,
    Served,
    open_page,
    seen_on,
    wait_for_pictures,
    wait_until_saved,
    write_collection,
)

pytestmark = pytest.mark.slow
COUNT, DECISIONS = 100_000, 300
MOST_CELLS = 250  # in the document, however many candidates there are


@pytest.fixture(scope="module")
def pond(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many") / "pond"
    write_collection(folder, COUNT, supply=1_000)
    server = Served(folder)
    yield server, chromium
    server.stop()


@pytest.fixture
def table(pond):
    table = Table.open(f"sqlite:///{pond[0].folder}/toadworks.db")
    yield table
    table.close()


def test_first_and_last_are_shown(pond, table):
    server, browser = pond
    page, wrong = open_page(browser, server.url + "/?sort=position")
    in_order = table.listed(Listing(), Eyes("ann", True)).numbers.tolist()
    assert in_order[0] in seen_on(page)
    page.keyboard.press("End")
    page.locator(f'#grid .cell.at[data-number="{in_order[-1]}"]').wait_for()
    wait_for_pictures(page)
    assert "100,000" in page.locator("#place").inner_text()
    assert page.locator("#grid .cell").count() < MOST_CELLS
    page.locator("#grid").evaluate("grid => { grid.scrollTop = grid.scrollHeight / 2 }")
    wait_for_pictures(page)
    middle = [in_order.index(number) for number in seen_on(page)]
    assert COUNT * 0.45 < min(middle) <= max(middle) < COUNT * 0.55
    assert wrong == []
    page.context.close()


def test_every_decision_is_kept_while_the_server_is_killed_twice(pond, table):
    server, browser = pond
    page, _ = open_page(browser, server.url + "/?sort=position")
    in_order = table.listed(Listing(), Eyes("ann", True)).numbers.tolist()[:DECISIONS]
    assert not any(table.decisions(id) for id in table.ids_by_number(in_order).values())
    for place in range(DECISIONS):
        page.keyboard.press("ar"[place % 2])
        if place in (60, 200):
            server.kill()
        if place in (120, 260):
            server.start()
    wait_until_saved(page)
    ids = table.ids_by_number(in_order)
    said = [[entry.action for entry in table.decisions(ids[number])] for number in in_order]
    assert said == [["accept"], ["reject"]] * (DECISIONS // 2)  # each once, and in the order of the keys
    assert table.newest()[0] == DECISIONS and table.faults() == []
    page.context.close()


def test_bulk_decision_of_thousands_is_one_step(pond, table):
    server, browser = pond
    page, _ = open_page(browser, server.url + "/?style=neon&leads=1")
    before = table.newest()[0]
    needing = table.count_listed(Listing({"style": ["neon"], "leads": ["1"]}), Eyes("ann", True))[1]
    page.locator("[data-action=menu], [data-action=more-tools]").first.click()
    page.get_by_role("menuitem", name="Reject all of this view").click()
    dialog = page.locator("dialog[open]")
    assert f"{needing:,} candidates" in dialog.inner_text() and needing > 1_900
    dialog.locator("button.strong").click()
    page.wait_for_function(f"() => {REJECTED} > 10", timeout=60_000)
    assert table.newest()[0] == before + needing
    page.keyboard.press("z")
    page.wait_for_function(f"() => {REJECTED} === 0", timeout=60_000)
    wait_until_saved(page)
    assert table.newest()[0] == before + 2 * needing
    page.context.close()
