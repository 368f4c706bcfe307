"""`toadworks history`: every kind of event, in order of time, and what was taken back is marked."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from collection_db import PlannedRecipe
from collection_db.deciding import Said
from flows.freeing import free, freeable
from flows.group import group_candidates
from flows.history import history
from tests.flows.ponds import Pond, drawing

BOTH = pytest.mark.parametrize("storage", ["folder", "postgresql"], indirect=True)


def events(pond: Pond, id: str) -> list[str]:
    """The dated lines without their dates, which are in order."""
    lines = list(history(pond.settings, id))
    dated = lines[lines.index("") + 1 :]
    matches = [re.fullmatch(r"(20\d\d-\d\d-\d\d \d\d:\d\d:\d\d) UTC  (.+)", line) for line in dated]
    assert all(matches), dated
    times = [match[1] for match in matches if match]
    assert times == sorted(times)
    return [re.sub(r"^made in .*", "made", match[2]) for match in matches if match]


def head(pond: Pond, id: str) -> dict[str, str]:
    """The lines above the dated ones, by their first word."""
    lines = list(history(pond.settings, id))
    return {line.split()[0]: line.partition(" ")[2].strip() for line in lines[: lines.index("")]}


@BOTH
def test_every_kind_of_event_is_told_in_order(lake: Pond) -> None:
    id = lake.ids[2]
    said = [("accept", "", "fine"), ("star", "", ""), ("tag", "warm", ""), ("rename", "Bo", ""), ("note", "", "hm")]
    said += [("lead", "", ""), ("unlead", "", ""), ("untag", "warm", ""), ("unstar", "", ""), ("undecide", "", "")]
    said += [("rename", "", "")]
    for action, value, note in said:
        assert lake.table.record([Said(id, action, value, note)], "bea") == 1
    lake.table.decide([id], "reject", "ann")
    lake.table.decide([id], "accept", "cat", "enough", settles=True)
    image = lake.image_of(id)
    lake.table.set_tokens([{"number": 7, "candidate_id": id, "name": "Toad #7", "image_sha256": image}])
    assert events(lake, id) == [
        "planned",
        "made",
        "entry 3, bea: accept: fine",
        "entry 4, bea: star",
        "entry 5, bea: tag 'warm'",
        "entry 6, bea: named it 'Bo'",
        "entry 7, bea: noted: hm",
        "entry 8, bea: lead",
        "entry 9, bea: unlead",
        "entry 10, bea: untag 'warm'",
        "entry 11, bea: unstar",
        "entry 12, bea: undecide",
        "entry 13, bea: took its name back",
        "entry 14, ann: reject",
        "entry 15, cat: accept, to settle it: enough",
        "token 7 in the release, 'Toad #7'",
    ]


@BOTH
def test_what_was_taken_back_is_marked(lake: Pond) -> None:
    id = lake.ids[0]
    lake.table.undo([1], "ann", "not yet")
    assert events(lake, id)[2:] == ["entry 1, ann: accept   (taken back)", "entry 3, ann: took back entry 1: not yet"]
    lake.table.undo([3], "ann")
    assert events(lake, id)[2:] == [
        "entry 1, ann: accept",
        "entry 3, ann: took back entry 1: not yet   (taken back)",
        "entry 4, ann: took back entry 3",
    ]


def test_token_is_told_between_what_was_said(lake: Pond) -> None:
    id = lake.ids[0]
    image = lake.image_of(id)
    lake.table.set_tokens([{"number": 1, "candidate_id": id, "name": "Toad #1", "image_sha256": image}])
    lake.table.decide([id], "reject", "bea")
    assert events(lake, id)[2:] == [
        "entry 1, ann: accept",
        "token 1 in the release, 'Toad #1'",
        "entry 3, bea: reject",
    ]


def test_freeing_is_told_until_the_image_is_there_again(lake: Pond) -> None:
    id = lake.ids[1]
    free(lake.settings, freeable(lake.settings))
    assert events(lake, id)[-1] == "image freed"
    assert "(freed; `toadworks check --repair` makes it again" in head(lake, id)["image"]
    lake.table.set_kept([id])
    assert "image freed" not in events(lake, id) and head(lake, id)["image"] == lake.image_of(id)


def test_head_says_what_it_is_and_how_it_stands(lake: Pond) -> None:
    id = lake.ids[0]
    lake.table.record([Said(id, "star"), Said(id, "tag", "warm"), Said(id, "rename", "Bo")], "bea")
    lake.table.decide([id], "reject", "bea")
    group_candidates(lake.settings)
    told = head(lake, id)
    assert told["candidate"] == id and told["source"] == "0 (0.png), ink: 'a toad'"
    assert told["recipe"] == "scale 3, insertion step 4 of 15 (clean), seed 0, ddpm, tadpole 0000000000"
    assert told["stands"] == "reject by bea; curators disagree; 1 star; tags warm; name 'Bo'"
    assert told["looks"].startswith("leads its group, score ")


def test_look_alike_and_former_plan_are_told(lake: Pond) -> None:
    lake.table.decide(lake.ids, "undecide", "ann")
    [id] = lake.add([(0, drawing(5, 1))])
    group_candidates(lake.settings)
    leader = lake.look(id).leader_id
    follower = id if leader != id else lake.ids[0]
    assert head(lake, follower)["looks"].startswith(f"follows {lake.look(follower).leader_id[:10]}, score ")
    lake.table.plan(lake.planned[1:])
    assert head(lake, lake.ids[0])["recipe"].endswith("; not in the present plan")


def test_made_line_says_by_whom_and_with_what(lake: Pond) -> None:
    item = lake.planned[0]
    new = PlannedRecipe(replace(item.recipe, seed=99), item.source_id, item.style, item.model)
    lake.table.plan([*lake.planned, new])
    row = {"id": new.recipe.id, "image_sha256": "a" * 64, "seconds": 2.5, "worker": "host/1/ab"}
    lake.table.add_candidates([row | {"made_with": {"batch": 4, "torch": "2"}}])
    lines = list(history(lake.settings, new.recipe.id))
    assert lines[-1].endswith("UTC  made in 2.50 s by host/1/ab: batch 4, torch 2")
    assert head(lake, new.recipe.id)["looks"] == "not compared with anything yet"
    assert head(lake, new.recipe.id)["stands"] == "undecided"
    assert list(history(lake.settings, lake.ids[0]))[-2].endswith("made in 1.00 s: nothing is known of the machine")
