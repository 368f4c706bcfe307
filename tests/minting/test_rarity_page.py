"""The rarity page: its order, its counts, nothing unescaped, nothing from elsewhere; and how it stands in a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest

from errors import BadValue
from minting.metadata import Release
from minting.rarity import rarity_table
from minting.rarity_page import AT_ONCE, rarity_page
from tests.conftest import missing
from tests.curation.browsing import chromium, lacking

RELEASE = Release(collection="Crayon Toads")


def tokens(count: int = 4) -> list[dict[str, Any]]:
    """The last has a hat of its own."""
    hats = ["cap"] * (count - 1) + ["crown"]
    level = {"trait_type": "Level", "value": 3, "display_type": "number"}
    return [
        {"name": f"Toad #{n}", "attributes": [{"trait_type": "Hat", "value": hat}, level]}
        for n, hat in enumerate(hats, start=1)
    ]


def page_of(given: list[dict[str, Any]], release: Release = RELEASE) -> str:
    return rarity_page(release, rarity_table(given), [f"images/{n}.png" for n in range(1, len(given) + 1)])


def test_rarest_token_is_first() -> None:
    page = page_of(tokens())
    assert re.findall(r'<article id="(\d+)">\n<img src="images/(\d+)\.png"', page) == [(n, n) for n in "4123"]
    assert re.findall(r"<b>Rank (\d+)</b>", page) == ["1", "2", "2", "2"]


def test_traits_have_bars_of_their_shares() -> None:
    page = page_of(tokens())
    assert '<li style="--share: 75.00%"><span>cap</span><span class="often">3 · 75.0 %</span></li>' in page
    assert "Level <small>1 value, not in the score</small>" in page
    assert "Numbers have no part in it: Level." in page


def test_rare_value_is_not_said_to_be_nothing() -> None:
    assert "1 · &lt; 0.1 %" in page_of(tokens(2000))


def test_many_values_fold_away() -> None:
    given = [{"name": "T", "attributes": [{"trait_type": "Hat", "value": f"hat {n}"}]} for n in range(AT_ONCE + 5)]
    assert page_of(given).count("<summary>5 more</summary>") == 1


def test_text_of_users_is_escaped() -> None:
    bad = "<script>alert('1')</script>\"&"
    given = [{"name": bad, "attributes": [{"trait_type": bad, "value": bad}, {"trait_type": "N", "value": 1}]}]
    page = rarity_page(Release(collection=bad), rarity_table(given), [f"images/{bad}.png"])
    assert "<script" not in page and "'1'" not in page
    # title and heading; the picture, its text and the token's name; trait and value in the list and on the card
    assert page.count("&lt;script&gt;") == 2 + 3 + 4


def test_page_loads_nothing_from_elsewhere() -> None:
    page = page_of(tokens())
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert page.count('loading="lazy"') == 4 and 'class="pixels"' in page


def test_pictures_must_be_as_many_as_tokens() -> None:
    with pytest.raises(BadValue, match="one a token, 4 in all"):
        rarity_page(RELEASE, rarity_table(tokens()), ["images/1.png"])


@pytest.mark.slow
def test_ten_thousand_tokens_scroll_in_a_browser(tmp_path: Path) -> None:
    if told := lacking():
        missing(told)
    (tmp_path / "rarity.html").write_text(page_of(tokens(10_000)), encoding="utf-8")
    with chromium() as browser:
        for width in (1440, 360):
            view = browser.new_page(viewport={"width": width, "height": 800})
            view.goto(f"file://{tmp_path}/rarity.html")
            assert view.evaluate("document.documentElement.scrollWidth") == width
            assert view.locator("article").count() == 10_000
            last = view.locator("article").last
            last.scroll_into_view_if_needed()
            assert last.get_by_role("heading", name="Toad #9999", exact=True).bounding_box()
            view.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    if told := lacking():
        missing(told)
    from axe_playwright_python.sync_playwright import Axe

    (tmp_path / "rarity.html").write_text(page_of(tokens(30)), encoding="utf-8")
    with chromium() as browser:
        view = browser.new_page(color_scheme=scheme)
        view.goto(f"file://{tmp_path}/rarity.html")
        view.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        found = Axe().run(view).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
