"""Several people, several tabs, and a server that is killed, in a real browser: nothing is lost, said twice or given
away."""

from __future__ import annotations

import pytest

from collection_db import Table
from curation.accounts import Accounts
from tests.curation.browsing import (
    PASSWORD,
    Served,
    at,
    explain,
    log_in,
    open_page,
    press,
    verdicts,
    wait_for_pictures,
    wait_until_saved,
    write_collection,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A server that ann and bob log in to."""
    folder = tmp_path_factory.mktemp("two") / "pond"
    write_collection(folder, 200)
    accounts = Accounts(folder / "curators.json")
    for name in ("ann", "bob"):
        accounts.add(name, PASSWORD)
    server = Served(folder)
    yield server
    server.stop()


def visit(chromium, served, name, query):
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(f"{served.url}/{query}")
    log_in(page, name)
    return page


def test_two_curators_do_not_see_each_other_until_both_have_decided(chromium, two):
    ann, bob = (visit(chromium, two, name, "?sort=position") for name in ("ann", "bob"))
    press(ann, "a", "a")
    wait_until_saved(ann)
    bob.reload()
    wait_for_pictures(bob)
    first = at(bob)
    cell = bob.locator(f'#grid [data-number="{first}"]')
    assert "accepted" not in cell.get_attribute("class") and "hidden until you decide" in cell.get_attribute(
        "aria-label"
    )
    press(bob, "r", "a")
    wait_until_saved(bob)
    bob.goto(two.url + "/?disagreed=1")
    wait_for_pictures(bob)
    assert at(bob) == first
    explain(bob)
    bob.locator("#panel").get_by_text("ann").first.wait_for()
    press(bob, "a")  # settles it
    wait_until_saved(bob)
    table = Table.open(f"sqlite:///{two.folder}/toadworks.db")
    assert table.disagreements() == []
    ((entry, _),) = table.settled()
    assert (entry.curator, entry.action, entry.settles) == ("bob", "accept", True)
    table.close()
    ann.goto(two.url + "/agreement")
    ann.get_by_text("bob").first.wait_for()
    for page in (ann, bob):
        page.context.close()


def test_two_tabs_lose_nothing_and_say_nothing_twice(chromium, two):
    context = chromium.new_context()
    tabs = [context.new_page() for _ in range(2)]
    for tab, query in zip(tabs, ("?style=ink&sort=position", "?style=oil&sort=position"), strict=True):
        tab.goto(f"{two.url}/{query}")
        if tab.locator("input[name=name]").count():
            log_in(tab, "ann")
        wait_for_pictures(tab)
    table = Table.open(f"sqlite:///{two.folder}/toadworks.db")
    before = table.newest()[0]
    two.kill()
    for key in "arararar":
        for tab in tabs:
            tab.keyboard.press(key)
    two.start()
    for tab in tabs:
        wait_until_saved(tab)
    assert table.newest()[0] == before + 16 and table.faults() == []
    table.close()
    context.close()


def test_decisions_outlive_a_server_that_is_killed(chromium, tmp_path):
    folder = tmp_path / "pond"
    write_collection(folder, 200)
    server = Served(folder)
    page, _ = open_page(chromium, server.url + "/?sort=position")
    for key in "arar":
        page.keyboard.press(key)
    wait_until_saved(page)
    server.kill()
    for key in "rara":
        page.keyboard.press(key)
    page.wait_for_function("() => document.querySelector('#unsaved').dataset.count === '4'")
    assert page.locator("#unsaved").is_visible()
    server.start()
    page.reload()  # what was not acknowledged is kept in the browser
    wait_for_pictures(page)
    wait_until_saved(page)
    page.locator("#progress").get_by_text("8 / 200 decided").wait_for()
    table = Table.open(f"sqlite:///{folder}/toadworks.db")
    assert verdicts(table, *range(1, 10)) == [*["accept", "reject"] * 2, *["reject", "accept"] * 2, "undecided"]
    assert table.newest()[0] == 8 and table.faults() == []
    table.close()
    page.context.close()
    server.stop()
