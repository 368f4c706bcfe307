"""What a person meets on the review page now and then, in a real browser: other people, lost pictures, a server that is
away, long words, addresses that are none."""

from __future__ import annotations

import re

import pytest

from collection_db import Table, open_assets
from collection_db.filtering import Eyes
from curation.accounts import Accounts
from tests.curation.browsing import (
    PASSWORD,
    Served,
    log_in,
    open_page,
    wait_for_pictures,
    wait_until_saved,
    write_collection,
)
from tests.curation.crowd import Crowd

LONG = "w" * 64
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of this file: each speaks of a style of its own."""
    folder = tmp_path_factory.mktemp("more") / "pond"
    write_collection(folder, 400, supply=50)
    server = Served(folder)
    yield server
    server.stop()


@pytest.fixture
def opened(chromium, served):
    pages = []

    def open_at(query="", **context):
        page, _ = open_page(chromium, served.url + "/" + query, **context)
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.context.close()


def choose(page, menu, entry):
    page.locator(f"[data-action={menu}]").click()
    page.locator(f"[data-action={entry}]").click()
    return page.locator("dialog[open]")


def test_bulk_dialog_speaks_plainly(opened):
    page = opened("?style=ink")
    dialog = choose(page, "menu", "accept-all")
    assert "only the 40 that still need your decision" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog = choose(opened("?style=ink&insertion_step=2&guidance_scale=3&source=toad-0001"), "menu", "accept-all")
    assert "only the one that still needs your decision" in dialog.inner_text()


def test_progress_waits_for_the_first_screen(chromium, served):
    page = chromium.new_context().new_page()
    told = []
    page.on("request", lambda request: told.append(("asked", request.url.split("?")[0].rsplit("/", 1)[1])))
    page.on("requestfinished", lambda request: told.append(("came", request.url.split("?")[0].rsplit("/", 1)[1])))
    page.goto(served.url)
    page.locator("#progress strong").first.wait_for()
    assert told.index(("asked", "progress")) > told.index(("came", "list"))
    assert told.index(("asked", "progress")) > told.index(("came", "rows"))
    page.context.close()


def test_address_that_is_none_is_said_to_be(opened, served):
    page = opened()
    assert page.goto(served.url + "/nowhere").status == 404
    page.get_by_text("There is no such page").wait_for()
    page.get_by_role("link", name="the review page").click()
    wait_for_pictures(page)
    page.goto(served.url + "/?colour=red")
    page.get_by_text("Column 'colour' cannot be used").wait_for()
    assert page.locator("#nothing").inner_text().endswith(". Take the filter away to go on.")
    page.get_by_role("button", name="Remove colour").click()
    wait_for_pictures(page)


def test_filter_editor_keeps_what_it_was_given(opened):
    page = opened("?made_at=2020-01-01..2100-12-31&guidance_scale=1.5&guidance_scale=6")
    page.locator("[data-filter=made_at] [data-action=edit-filter]").click()
    dialog = page.locator("dialog[open]")
    assert [field.input_value() for field in dialog.locator("input").all()] == ["2020-01-01", "2100-12-31"]
    assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth")
    dialog.locator("button.strong").click()
    page.locator("[data-filter=guidance_scale] [data-action=edit-filter]").click()
    page.locator("dialog[open] button.strong").click()
    assert "made_at=2020-01-01..2100-12-31" in page.url
    assert "guidance_scale=1.5&guidance_scale=6" in page.url


def test_new_tag_can_be_filtered_by_at_once(opened):
    page = opened("?style=neon")
    page.keyboard.press("t")
    page.locator("dialog[open] input").fill("moss")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    assert "moss" in choose(page, "add-filter", "filter-tag").inner_text()


def test_picture_that_is_not_there_is_said_to_be_missing(opened):
    page = opened("?style=stained+glass&sort=position")
    cell = page.locator("#grid .cell.at")
    number, picture = int(cell.get_attribute("data-number")), cell.locator("img").get_attribute("src").split("/")[-1]
    page.context.route(f"**/{picture}", lambda route: route.fulfill(status=404))
    page.reload()
    page.locator(f'[data-number="{number}"] img.lost').wait_for(state="attached")
    said = "it => getComputedStyle(it, '::before').content"
    assert page.locator(f'[data-number="{number}"] .frame').evaluate(said) == '"picture missing"'
    page.keyboard.press(" ")
    page.locator("#zoom .over.lost").wait_for(state="attached")
    assert page.locator("#zoom .candidate").evaluate(said) == '"picture missing"'


def test_source_has_its_name_below_it(opened):
    for size in (PHONE, {"viewport": {"width": 720, "height": 450}}):
        page = opened("?style=crayon", **size)
        page.keyboard.press("c")
        page.locator("#zoom .source img").wait_for()
        picture, name = (page.locator(f"#zoom .source {tag}").bounding_box() for tag in ("img", "figcaption"))
        assert picture["y"] + picture["height"] <= name["y"]


def test_there_may_be_nothing_to_undo(chromium, tmp_path):
    folder = tmp_path / "pond"
    write_collection(folder, 0)
    server = Served(folder)
    page = chromium.new_context().new_page()
    page.goto(server.url)
    page.get_by_text("There are no candidates yet").wait_for()
    page.keyboard.press("z")
    page.get_by_text("There is nothing left to undo").wait_for()
    table = Table.open(f"sqlite:///{folder}/toadworks.db")
    Crowd(20).fill(table, open_assets(folder / "assets"))
    table.close()
    wait_for_pictures(page)  # they come by themselves
    page.context.close()
    server.stop()


def test_view_that_was_chosen_while_the_server_was_away_comes_later(opened, served):
    page = opened("?style=woodcut&sort=position")
    number = int(page.locator("#grid .cell.at").get_attribute("data-number"))
    served.kill()
    page.get_by_role("link", name="Disagreements").click()
    page.get_by_text("The server does not answer").wait_for()
    page.keyboard.press("a")  # in the list that is still shown: it settles nothing there
    served.start()
    page.get_by_text("No candidate fits this view").wait_for()
    wait_until_saved(page)
    assert "wrong" not in (page.locator("#announce").get_attribute("class") or "")
    table = Table.open(f"sqlite:///{served.folder}/toadworks.db")
    (entry,) = table.decisions(table.ids_by_number([number])[number])
    assert (entry.action, entry.settles) == ("accept", False)
    table.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A server that ann, bob and somebody with a long name log in to."""
    folder = tmp_path_factory.mktemp("three") / "pond"
    write_collection(folder, 200)
    accounts = Accounts(folder / "curators.json")
    for name in ("ann", "bob", LONG):
        accounts.add(name, PASSWORD)
    server = Served(folder)
    yield server
    server.stop()


def test_page_says_that_somebody_else_logged_in(chromium, three):
    context = chromium.new_context()
    page, other = context.new_page(), context.new_page()
    page.goto(three.url + "/?style=oil&sort=position")
    log_in(page, "ann")
    wait_for_pictures(page)
    said, asked = [], []  # the questions would tell the page of bob before ann has said anything

    def held(question):
        if said:
            question.continue_()
        else:
            asked.append(question)

    page.route("**/api/**", held)
    other.goto(three.url)
    other.locator("[data-action=menu]").click()
    other.locator("[data-action=log-out]").click()
    log_in(other, "bob")
    page.keyboard.press("a")
    said.append("a")
    for question in asked:
        question.continue_()
    dialog = page.locator("#elsewhere[open]")
    dialog.get_by_text("bob logged in in another tab. This page is ann’s.").wait_for()
    dialog.get_by_text("1 decision of ann is not saved yet").wait_for()
    assert "away" not in page.locator("#status").inner_text()
    dialog.get_by_role("button", name="Go on as bob").click()
    wait_for_pictures(page)
    page.locator(".who").get_by_text("bob").wait_for()
    table = Table.open(f"sqlite:///{three.folder}/toadworks.db")
    assert table.newest()[0] == 0  # nothing was said in bob's name
    page.locator("[data-action=menu]").click()
    page.locator("[data-action=log-out]").click()
    log_in(page, "ann")
    wait_until_saved(page)
    assert [(of.curator, of.action) for of in entries(table)] == [("ann", "accept")]
    table.close()
    context.close()


def entries(table):
    return [told.entry for told in table.ledger(Eyes("ann"), None, 100, None)]


def test_long_words_stay_in_their_places(chromium, three):
    page = chromium.new_context(**PHONE).new_page()
    page.goto(three.url + "/?style=comic&sort=position")
    log_in(page, LONG)
    page.keyboard.press("t")
    page.locator("dialog[open] input").fill("t" * 64)
    page.keyboard.press("Enter")
    for title, text in (("note", "n" * 4000), ("rename", "a long name " * 16)):
        page.locator("[data-action=explain]").first.click()
        page.locator(f"[data-action={title}]").click()
        page.locator("dialog[open] :is(input, textarea)").fill(text)
        page.locator("dialog[open] button.strong").click()
        page.locator("[data-action=close-panel]").click()
    page.keyboard.press("a")
    wait_until_saved(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.keyboard.press("Home")
    page.keyboard.press("e")
    page.keyboard.press(" ")
    inside = "(it, width) => it.getBoundingClientRect().right <= width && it.scrollWidth <= it.clientWidth + 1"
    assert page.locator("#panel").evaluate(inside, 1280)
    panel = page.locator("#panel").bounding_box()
    bar = page.locator("#zoom .bar [data-action=next]").bounding_box()
    assert bar["x"] + bar["width"] <= panel["x"]
    page.goto(three.url + "/ledger")
    page.set_viewport_size(PHONE["viewport"])
    page.get_by_text("note written").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    what = page.locator("#ledger .what", has_text=re.compile("^accepted$"))
    assert what.bounding_box()["height"] < 30  # in one line
    page.context.close()
