"""What the review page's server answers, over a real table."""

import io
import time
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image

from collection_db.listing import ACCEPTED, HIDDEN, LEADS, NEEDS
from curation.pictures import Kept, thumbnail
from tests.curation.crowd import GROUP, STYLES, drawing
from tests.curation.visiting import House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.table.close()


@pytest.fixture
def ann(house):
    return house.visit("ann")


def test_list_is_what_the_page_unpacks(ann, house):
    header, numbers, groups, flags = ann.list("leads=1&sort=score&descending=1")
    assert header["count"] == 200 // GROUP and header["rows"] is None and header["newest"]["candidate"] == 200
    assert numbers == groups and set(flags) == {LEADS | NEEDS}
    scores = [row["score"] for row in ann.get(f"/api/rows?numbers={','.join(map(str, numbers))}")["rows"]]
    assert scores == sorted(scores, reverse=True)
    header, numbers, _, _ = ann.list("layout=matrix")
    assert (header["rows"], header["columns"]) == (["toad-0000"], sorted(STYLES)) and len(numbers) == len(STYLES)
    for query in ("sort=score&descending=1", "sort=score", "sort=decided_at", "leads=1&sort=position"):
        assert ann.list(f"{query}&limit=7")[1] == ann.list(query)[1][:7]
    assert ann.get("/api/count?style=ink&style=oil") == {"count": 40, "needing": 40}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/list?colour=red", "colour"),
        ("/api/list?sort=tag", "sort"),
        ("/api/list?layout=xy&style=ink", "source"),
        ("/api/list?layout=spiral", "spiral"),
        ("/api/count?score=high", "high"),
        ("/api/rows?numbers=one", "numbers"),
        (f"/api/rows?numbers={','.join(map(str, range(300)))}", "200"),
        ("/api/changes?entry=-1&candidate=0", "entry"),
    ],
)
def test_bad_question_is_told_why(ann, path, told):
    assert told in ann.get(path)["error"] and 400 <= ann.status < 500


def test_decision_is_in_the_ledger_and_in_the_answer(ann, house):
    told = ann.say((7, "accept"), {"number": 7, "action": "tag", "value": "<script>alert(1)</script>"})
    assert told["done"][0]["added"] == 2 and told["done"][0]["numbers"] == [7]
    (row,) = told["rows"]
    assert row["verdict"] == "accept" and row["tags"] == ["<script>alert(1)</script>"] and row["flags"] & ACCEPTED
    assert told["newest"]["entry"] == 2 and told["progress"]["mine"]["accept"] == 1
    entries = house.table.decisions(row["id"])
    assert [(entry.curator, entry.action) for entry in entries] == [("ann", "accept"), ("ann", "tag")]
    assert [entry["action"] for entry in ann.get("/api/history/7")["entries"]] == ["accept", "tag"]


def test_step_sent_twice_is_said_once(ann, house):
    first = ann.say((3, "accept"), request="the same step")
    assert ann.say((3, "accept"), request="the same step")["done"][0]["added"] == 0
    undone = ann.undo("the same step", request="and its undo")
    assert undone["done"][0]["numbers"] == [3] and undone["rows"][0]["verdict"] == "undecided"
    again = ann.undo("the same step", request="and its undo")
    assert again["done"][0]["numbers"] == [3] and "error" not in again["done"][0]
    assert len(house.table.decisions(first["rows"][0]["id"])) == 2


def test_undo_without_a_name_goes_back_and_back(ann):
    for number in (5, 6):
        ann.say((number, "reject"))
    assert [ann.undo()["done"][0]["numbers"] for _ in range(2)] == [[6], [5]]
    (done,) = ann.undo()["done"]  # nothing is left: that is no error
    assert (done["added"], done["numbers"], "error" in done) == (0, [], False)


def test_refused_step_does_not_hold_up_the_others(ann):
    steps = [
        {"request": "no such action", "said": [{"number": 1, "action": "adore"}]},
        {"request": "no such number", "said": [{"number": 999_999, "action": "accept"}]},
        {"request": "empty tag, too", "said": [{"number": 1, "action": "tag", "value": "  "}]},
        {"request": "a good one now", "said": [{"number": 2, "action": "accept"}]},
    ]
    done = ann.post("/api/say", {"steps": steps})["done"]
    assert ["error" in step for step in done] == [True, True, True, False]
    assert "adore" in done[0]["error"] and "999999" in done[1]["error"] and done[3]["added"] == 1


@pytest.mark.parametrize(
    "step", [{}, {"said": None}, {"said": []}, {"said": [{"number": 1, "action": "star"}], "undo": None}]
)
def test_step_that_says_nothing_takes_nothing_back(ann, house, step):
    ann.say((6, "accept"))
    told = ann.post("/api/say", {"steps": [{"request": "something was lost"} | step]})
    assert ann.status in (400, 422) and "error" in told and ann.row(6)["verdict"] == "accept"


def test_nobody_decides_or_undoes_in_anothers_name(house):
    ann, bob = house.visit("ann"), house.visit("bob")
    ann.say((4, "accept"), request="what ann said")
    told = bob.post("/api/say", {"steps": [{"request": "bob's undo", "undo": "what ann said"}]})
    assert "own" in told["done"][0]["error"] and ann.row(4)["verdict"] == "accept"
    bob.post(
        "/api/say",
        {
            "curator": "ann",
            "steps": [{"request": "as if ann", "said": [{"number": 9, "action": "accept", "curator": "ann"}]}],
        },
    )
    assert [entry["curator"] for entry in bob.get("/api/history/9")["entries"]] == ["bob"]


def test_blind_page_gives_nothing_away(house):
    ann, bob = house.visit("ann"), house.visit("bob")
    secret = "the best of all"
    ann.say(
        (8, "accept"),
        {"number": 8, "action": "note", "note": secret},
        {"number": 8, "action": "tag", "value": secret},
        (8, "star"),
    )
    row = bob.row(8)
    assert row["hidden"] and row["flags"] & HIDDEN and row["opinions"] == {} and row["verdict"] == "undecided"
    seen = [
        bob.client.get(path).text
        for path in ("/api/rows?numbers=8", "/api/history/8", "/api/ledger", "/export.csv", "/api/becoming?number=8")
    ]
    assert not any(secret in text for text in seen)
    assert bob.list("verdict=accept")[1] == bob.list("starred=1")[1] == bob.list("tag=the+best+of+all")[1] == []
    assert bob.get("/api/progress")["accepted"] == 0 and bob.get("/api/becoming")["accepted"] == 0
    bob.say((8, "reject"))
    assert bob.row(8)["opinions"] == {"ann": "accept", "bob": "reject"} and secret in bob.client.get("/api/ledger").text
    assert bob.list("disagreed=1")[1] == [8] and bob.get("/api/agreement")["disagreements"] == 1
    bob.say({"number": 8, "action": "accept", "settles": True})
    (settled,) = ann.get("/api/agreement")["settled"]
    assert (settled["curator"], settled["verdict"], settled["opinions"]["bob"]) == ("bob", "accept", "reject")


def test_bulk_decision_says_its_number_first(ann, house):
    count = ann.get("/api/count?style=neon")
    body = {"request": "all that is neon", "view": "style=neon", "action": "reject", "only_needing": True, "count": 3}
    told = ann.post("/api/say_all", body)
    assert ann.status == 409 and told["count"] == count["count"] == 20 and "20" in told["error"]
    told = ann.post("/api/say_all", body | {"count": 20})
    assert told["added"] == 20 and ann.get("/api/count?style=neon&verdict=reject")["count"] == 20
    assert ann.post("/api/say_all", body | {"count": 20})["added"] == 20  # the same again: said once
    assert len(house.table.said_in("all that is neon")) == 20
    assert len(ann.undo("all that is neon")["done"][0]["numbers"]) == 20
    assert ann.get("/api/count?verdict=reject")["count"] == 0


def test_what_the_collection_becomes(ann):
    for number in (1, 2, 60):
        ann.say((number, "accept"))
    told = ann.get("/api/becoming?number=1")
    assert (told["accepted"], told["supply"], told["sources"]) == (3, 20, {"used": 1, "of": 1})
    (style,) = [trait for trait in told["this"]["traits"] if trait["trait"] == "Style"]
    assert told["this"]["accepted"] and (style["now"], style["then"]) == (2, 1)
    assert (style["share_now"], style["share_then"]) == (pytest.approx(2 / 3), pytest.approx(1 / 2))
    assert ann.get("/api/becoming?number=3")["this"]["traits"][0]["then"] == 3
    assert ann.get("/api/becoming?number=999")["this"] is None


def test_news_is_told(house):
    ann, bob = house.visit("ann"), house.visit("bob")
    newest = ann.get("/api/setup")["newest"]
    query = f"/api/changes?entry={newest['entry']}&candidate={newest['candidate'] - 5}"
    assert ann.get(query) == {"newest": newest, "changed": [], "all": False, "candidates": 5}
    bob.say((11, "accept"), (12, "reject"))
    changed = dict(ann.get(query)["changed"])
    assert sorted(changed) == [11, 12] and all(flags & HIDDEN for flags in changed.values())


def test_pictures_are_kept_for_ever(ann, house):
    row = ann.row(1)
    answer = ann.client.get(f"/thumb/{row['image']}")
    assert answer.headers["content-type"] == "image/png" and "immutable" in answer.headers["cache-control"]
    assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    again = ann.client.get(f"/image/{row['image']}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert ann.client.get(f"/image/{'0' * 64}").status_code == 404


@pytest.mark.parametrize(
    "name", ["../toadworks.db", "..%2ftoadworks.db", "%2e%2e/curators.json", "/etc/passwd", "A" * 64, "0" * 63, "ab%00"]
)
def test_no_file_outside_the_assets_is_read(ann, house, name):
    for route in ("image", "thumb", "static"):
        answer = ann.client.get(f"/{route}/{name}")
        assert 400 <= answer.status_code < 500 and b"SQLite" not in answer.content and b"root:" not in answer.content


def test_asset_that_is_no_picture_is_not_shown(ann, house):
    name = house.assets.put(b"<script>alert(1)</script>", ".html")
    assert ann.client.get(f"/image/{name}").status_code == 415


def test_large_pictures_get_small_ones():
    small = thumbnail(drawing(1, 1024))
    image = Image.open(io.BytesIO(small))
    assert (image.format, image.size) == ("WEBP", (256, 256))
    assert thumbnail(drawing(1)) == drawing(1)


def test_thumbnails_in_memory_have_a_limit():
    kept = Kept(25)
    made = []
    for name in ("a", "b", "a", "c", "b"):
        kept.get(name, lambda name=name: made.append(name) or b"0123456789")
    assert made == ["a", "b", "c", "b"] and kept.size == 20


def test_view_is_taken_home(ann, house):
    ann.say((1, "accept"))
    csv = pd.read_csv(io.BytesIO(ann.client.get("/export.csv?style=crayon&sort=score&descending=1").content))
    assert len(csv) == 20 and csv["score"].is_monotonic_decreasing and set(csv["style"]) == {"crayon"}
    assert set(csv[csv["verdict"] == "accept"]["id"]) == {ann.row(1)["id"]}
    parquet = pd.read_parquet(io.BytesIO(ann.client.get("/export.parquet").content))
    assert len(parquet) == 200 and parquet["decided_at"].notna().sum() == 1


def test_end_of_the_review_is_said_once_and_by_whom(ann, house):
    assert ann.get("/api/finish")["state"] == "open" and ann.get("/api/finish")["needing"] == 200
    told = ann.post("/api/finish", {"note": "good ones"})
    assert told["state"] == "done" and house.ended.said == [("ann", "good ones")]


def test_pages_are_whole(ann):
    for path in ("/", "/ledger", "/agreement"):
        answer = ann.client.get(path)
        assert (
            answer.status_code == 200
            and "Pond" in answer.text
            and "unsafe" not in answer.headers["content-security-policy"]
        )
        for address in (part.split('"')[0] for part in answer.text.split('="/static/')[1:]):
            assert ann.client.get(f"/static/{address}").status_code == 200, address


def test_only_those_who_logged_in_decide(house):
    ann = house.visit("ann", logged_in=True)
    assert ann.get("/api/setup")["curator"] == "ann" and ann.get("/api/setup")["can_log_out"]
    ann.say((1, "accept"))
    stranger = type(ann).__new__(type(ann))
    stranger.client, stranger.csrf, stranger.status = ann.client, "0" * 64, 0
    assert "error" in stranger.post("/api/say", {"steps": []}) and stranger.status == 403
    ann.client.cookies.clear()
    ann.get("/api/setup")
    assert ann.status == 401
    assert ann.client.get("/", follow_redirects=False).headers["location"].startswith("/login")


def test_postgresql_tells_the_same(tmp_path, postgres_url):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    houses = [House(tmp_path / "one"), House(tmp_path / "other", url=postgres_url)]
    told = []
    for house in houses:
        ann, bob = house.visit("ann"), house.visit("bob")
        for place, number in enumerate(range(1, 30)):
            ann.say((number, ("accept", "reject")[place % 2]), (number, "star"))
        bob.say(*((number, "accept") for number in range(10, 20)))
        bob.undo()
        bob.say(*((number, "accept") for number in range(12, 25)))
        queries = [
            *(f"sort={name}&descending={down}" for name in ("score", "position", "style") for down in "01"),
            *("verdict=accept", "disagreed=1", "starred=1", "needs=1", "prompt=INK", "seed=1&score=0.3..0.6"),
            *("layout=groups", "layout=matrix", "layout=xy&source=toad-0000&style=ink", "curator=bob", "group=1"),
        ]
        lists = [visitor.list(query) for visitor in (ann, bob) for query in queries]
        pages = [visitor.get(path) for visitor in (ann, bob) for path in ("/api/agreement", "/api/becoming?number=3")]
        told.append((lists, [page.pop("settled", None) or page for page in pages]))
        time.sleep(0.5)  # in which progress is not counted anew
        progress = [visitor.get("/api/progress") for visitor in (ann, bob)]
        told[-1] += ([(of["needing"], of["mine"], of["accepted"]) for of in progress],)
        house.table.close()
    assert told[0] == told[1]


def test_answer_says_for_whom_it_is(house):
    ann = house.visit("Änne 🐸", logged_in=True)
    told = ann.client.get("/api/setup").headers["Toadworks-Curator"]
    assert unquote(told) == "Änne 🐸" and told.isascii()
    refused = ann.client.post("/api/say", json={"steps": []}, headers={"X-CSRF-Token": "another's"})
    assert refused.status_code == 403 and unquote(refused.headers["Toadworks-Curator"]) == "Änne 🐸"
    assert "Toadworks-Curator" not in ann.client.get("/").headers


def test_address_that_is_none_is_a_page_for_people_and_data_for_the_page(ann):
    page = ann.client.get("/nowhere", headers={"Accept": "text/html"})
    assert page.status_code == 404 and "There is no such page" in page.text
    assert ann.get("/api/nowhere") == {"error": "Not Found"} and ann.status == 404
