"""What a curator does on the review page, in a real chromium, and what the table then holds."""

from __future__ import annotations

import re

import pytest

from collection_db import Table
from tests.curation.browsing import (
    REJECTED,
    Served,
    at,
    explain,
    eyes_of,
    open_page,
    press,
    seen_on,
    verdicts,
    wait_for_pictures,
    wait_until_saved,
    write_collection,
)
from tests.curation.crowd import GROUP

SIZE = 1_000
EVIL = '"><img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>'


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of this file: each speaks of candidates of its own."""
    folder = tmp_path_factory.mktemp("review") / "pond"
    write_collection(folder, SIZE, supply=50)
    server = Served(folder)
    yield server
    server.stop()


@pytest.fixture
def table(served):
    table = Table.open(f"sqlite:///{served.folder}/toadworks.db")
    yield table
    table.close()


@pytest.fixture
def opened(chromium, served):
    """Opens an address in a browser of its own; at the end nothing may have gone wrong on any page."""
    pages = []

    def open_at(query="", **context):
        page, wrong = open_page(chromium, served.url + "/" + query, **context)
        pages.append((page, wrong))
        return page

    yield open_at
    for page, wrong in pages:
        page.context.close()
        assert wrong == []


def test_keys_decide_and_the_cursor_goes_on(opened, table):
    page = opened("?style=crayon&sort=position")
    first = at(page)
    press(page, "a")
    second = at(page)
    press(page, "r")
    third = at(page)
    press(page, "s", "ArrowRight", "x")
    assert len({first, second, third}) == 3
    wait_until_saved(page)
    assert verdicts(table, first, second, third, third + 1) == ["accept", "reject", "undecided", "reject"]
    (seen,) = table.seen([third], eyes_of("ann"))
    assert seen.starred
    press(page, "Home", "d")
    assert at(page) == third  # the next that needs a decision
    accepted = page.locator(f'#grid [data-number="{first}"]')
    assert "accepted" in accepted.get_attribute("class") and "accept" in accepted.get_attribute("aria-label")


def test_undone_candidate_comes_back_into_view(opened, table):
    page = opened("?style=ink&sort=position")
    first = at(page)
    press(page, "a", "r")
    press(page, "End")
    wait_for_pictures(page)
    assert page.locator(f'#grid [data-number="{first}"]').count() == 0  # far away
    press(page, "z", "z")
    assert at(page) == first and page.locator(f'#grid [data-number="{first}"]').is_visible()
    wait_until_saved(page)
    assert verdicts(table, first, first + 1) == ["undecided", "undecided"]
    press(page, "a")
    wait_until_saved(page)
    page.goto(page.url.split("?")[0] + "?style=oil")  # a step of before this page was opened, and not in its list
    wait_for_pictures(page)
    press(page, "z")
    page.locator("#zoom[open]").wait_for()
    wait_until_saved(page)
    assert verdicts(table, first) == ["undecided"]


def test_address_holds_the_view(opened):
    page = opened("?style=neon&style=oil&score=0.5..&sort=score&descending=1")
    numbers = seen_on(page)
    other = opened(page.url[page.url.index("?") :])
    assert seen_on(other) == numbers and len(numbers) > 10
    page.get_by_role("link", name="Source × style").or_(page.get_by_role("button", name="Source × style")).first.click()
    page.wait_for_url(re.compile("layout=matrix"))
    page.locator("[role=columnheader]").nth(5).wait_for()  # until then the list before is shown
    wait_for_pictures(page)
    page.go_back()
    page.locator("[role=columnheader]").first.wait_for(state="hidden")  # until then the list before is shown
    wait_for_pictures(page)
    assert seen_on(page)[:10] == numbers[:10]


def test_text_is_text(opened, served, table):
    page = opened("?style=woodcut&sort=position")
    number = at(page)
    press(page, "t")
    page.locator("dialog[open] input").first.fill(EVIL[:60])
    press(page, "Enter")
    press(page, "o")
    page.locator("dialog[open] textarea").fill(EVIL)
    page.locator("dialog[open] button.strong").click()
    wait_until_saved(page)
    explain(page)
    page.locator("#panel").get_by_text("onerror").first.wait_for()
    for address in ("/ledger", f"/?tag={EVIL[:60]}", "/agreement"):
        page.goto(served.url + address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.hacked") is None
    (seen,) = table.seen([number], eyes_of("ann"))
    assert seen.standing.note == EVIL and seen.standing.tags == {EVIL[:60]}


def test_keys_do_not_fire_while_typing(opened, table):
    page = opened("?style=gouache&sort=position")
    number = at(page)
    press(page, "t")
    page.locator("dialog[open] input").first.type("arrasz")
    press(page, "Escape")
    assert at(page) == number and page.locator("dialog[open]").count() == 0
    assert table.decisions(table.ids_by_number([number])[number]) == []


def test_best_of_a_group_is_kept_in_one_step(opened, table):
    page = opened("?layout=groups&style=comic&sort=position")
    number = at(page)
    group = list(range(number, number + GROUP))
    press(page, "b")
    page.wait_for_function("() => document.querySelector('#grid .cell.accepted')")
    wait_until_saved(page)
    assert verdicts(table, *group) == ["accept"] + ["reject"] * (GROUP - 1)
    assert at(page) not in group
    press(page, "z")
    wait_until_saved(page)
    assert verdicts(table, *group) == ["undecided"] * GROUP
    press(page, "Home", "g")
    assert at(page) == number + GROUP


def test_all_of_a_view_are_decided_after_saying_how_many(opened, table):
    page = opened("?style=stained+glass&guidance_scale=6&sort=position")
    page.locator("[data-action=menu], [data-action=more-tools]").first.click()
    page.get_by_role("menuitem", name=re.compile("reject all", re.I)).click()
    dialog = page.locator("dialog[open]")
    assert "25" in dialog.inner_text()  # of five sources, at five steps
    dialog.locator("button.strong").click()
    page.wait_for_function(f"() => {REJECTED} > 10")
    assert sum(word == "reject" for word in verdicts(table, *range(1, SIZE + 1))) >= 25
    before = table.newest()[0]
    page.keyboard.press("z")
    page.wait_for_function(f"() => {REJECTED} === 0")
    assert table.newest()[0] == before + 25


def test_scales_and_steps_of_one_source_and_style(opened):
    page = opened("?layout=matrix")
    press(page, "ArrowRight", "Enter")
    page.get_by_text("Guidance scale × Insertion step").wait_for()
    wait_for_pictures(page)
    heads = page.locator("[role=columnheader]").all_inner_texts()
    assert [head for head in heads if head.isdigit()] == ["2", "5", "8", "11", "13"]
    assert len(seen_on(page)) == 20
    here = at(page)
    press(page, "ArrowDown")
    assert at(page) != here
    page.go_back()
    page.wait_for_url(re.compile("layout=matrix"))


def test_source_and_recipe_are_one_key_away(opened, table):
    page = opened("?style=paper+cut&sort=position")
    number = at(page)
    explain(page)
    page.locator("#panel").get_by_text("a toad in paper cut").first.wait_for()
    page.locator("#panel").get_by_text("With this one").wait_for()
    text = page.locator("#panel").inner_text()
    assert "ddpm" in text and "Hat" in text
    assert "[object" not in text
    press(page, " ")
    page.locator("#zoom[open]").wait_for()
    press(page, "c")
    (seen,) = table.seen([number], eyes_of("ann"))
    page.locator(f'#zoom img[src*="{seen.row.source_image}"]').first.wait_for()
    press(page, "a")  # decides in the large view, too, and goes on
    wait_until_saved(page)
    assert verdicts(table, number) == ["accept"]
    press(page, "Escape")
    assert page.locator("#zoom[open]").count() == 0


def test_help_lists_the_keys(opened):
    page = opened()
    press(page, "?")
    text = page.locator("#help").inner_text().lower()
    assert all(word in text for word in ("accept", "reject", "undo", "star", "next group", "large view"))
    press(page, "Escape")
    assert not page.locator("#help").is_visible()


def test_finish_writes_the_release(chromium, tmp_path):
    folder = tmp_path / "pond"
    write_collection(folder, 200)
    server = Served(folder)
    page, wrong = open_page(chromium, server.url + "/?sort=position")
    for key in "arrrrar":  # one of each of two groups: an export takes no two of one
        page.keyboard.press(key)
    page.wait_for_url("**#8")  # all seven were heard
    wait_until_saved(page)
    page.locator("[data-action=finish]").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("193").first.wait_for()  # still undecided
    dialog.locator("button.strong").click()
    dialog.get_by_text(re.compile("release|token", re.I)).first.wait_for()
    for _ in range(300):
        if (folder / "release" / "metadata" / "2").exists():
            break
        page.wait_for_timeout(200)
    names = sorted(file.name for file in (folder / "release" / "images").iterdir())
    assert names == ["1.png", "2.png"] and wrong == []
    page.context.close()
    server.stop()


def test_phone_decides_by_touch(chromium, served, table):
    page, wrong = open_page(
        chromium,
        served.url + "/?style=blueprint&sort=position",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    cell = page.locator("#grid .cell[data-number]:not(.empty)").first
    number = int(cell.get_attribute("data-number"))
    cell.tap()
    page.locator("#zoom[open]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#zoom [data-action=accept]").first.tap()
    wait_until_saved(page)
    assert verdicts(table, number) == ["accept"] and wrong == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_fault(opened, served, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened("?sort=position", color_scheme=scheme)
    faults = {}

    def look(where):
        found = Axe().run(page).response["violations"]
        faults[where] = [
            (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary", "")[:300])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    look("grid")
    explain(page)
    page.locator("#panel").get_by_text("a toad in").first.wait_for()
    look("panel")
    press(page, "?")
    look("help")
    press(page, "Escape", " ")
    page.locator("#zoom[open]").wait_for()
    look("zoom")
    press(page, "Escape", "w")
    page.wait_for_timeout(500)
    look("becoming")
    for address in ("/ledger", "/agreement", "/?layout=matrix"):
        page.goto(served.url + address)
        page.wait_for_load_state("networkidle")
        look(address)
    assert {where: of for where, of in faults.items() if of} == {}
