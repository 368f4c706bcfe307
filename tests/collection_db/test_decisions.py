"""Decisions, which are only ever added, and the tokens that come of them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from collection_db import deciding, numbering
from collection_db.deciding import Said
from errors import BadValue, Frozen, UnknownCandidate


def said(table, id):
    return [(row.action, row.curator, row.note) for row in table.decisions(id)]


def accepted_ids(table):
    return [row.id for row in table.accepted()]


def test_equal_decision_is_added_once(table, given):
    first, second = given.candidates(table, 2)
    assert table.decide([first, first], "accept", "ann") == 1
    assert table.decide([first, second], "accept", "ann") == 1
    assert table.decide([first], "accept", "bob") == 1
    assert table.decide([first], "accept", "bob", "lovely eyes") == 1
    assert table.decide([], "accept", "ann") == 0
    assert said(table, first) == [
        ("accept", "ann", ""),
        ("accept", "bob", ""),
        ("accept", "bob", "lovely eyes"),
    ]
    assert said(table, second) == [("accept", "ann", "")]


def test_verdict_and_tag_in_one_step(table, given):
    [id] = given.candidates(table, 1)
    step = [Said(id, "accept"), Said(id, "tag", "best"), Said(id, "lead"), Said(id, "rename", "Lily")]
    assert table.record(step, "ann") == 4
    assert said(table, id) == [(one.action, "ann", "") for one in step]
    assert table.record(step, "ann") == 0 and table.tags() == {id: ["best"]}


def test_unknown_id_decides_nothing(table, given):
    ids = given.candidates(table, 2)
    with pytest.raises(UnknownCandidate, match="nor are 1 others"):
        table.decide([ids[0], "0" * 64, "1" * 64], "accept", "ann")
    with pytest.raises(BadValue, match="accept, reject, undecide"):
        table.decide(ids, "maybe", "ann")
    with pytest.raises(BadValue, match="curator"):
        table.decide(ids, "accept", " ")
    assert said(table, ids[0]) == said(table, ids[1]) == []


REPLACE = """INSERT OR REPLACE INTO decisions
    SELECT number, candidate_id, 'reject', value, curator, note, settles, undoes, request, decided_at FROM decisions"""


def test_decisions_cannot_be_changed(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann")
    own = {"sqlite": REPLACE, "postgresql": "TRUNCATE decisions"}[table.engine.dialect.name]
    for change in ("UPDATE decisions SET note = 'x' WHERE number = 1", "DELETE FROM decisions", own):
        with (
            pytest.raises(DBAPIError, match="decisions are only ever added"),
            table.engine.begin() as connection,
        ):
            connection.exec_driver_sql(change)
        assert said(table, id) == [("accept", "ann", "")]
    assert table.decide([id], "reject", "ann") == 1


def test_last_decision_stands(table, given):
    (id,) = given.candidates(table, 1)
    for verdict, kept in [("accept", [id]), ("reject", []), ("accept", [id]), ("undecide", [])]:
        table.decide([id], verdict, "ann")
        assert accepted_ids(table) == kept


def test_later_acceptance_comes_later(table, given, monkeypatch):
    ids = sorted(given.candidates(table, 4), reverse=True)
    clock = [datetime(2026, 11, 1, tzinfo=UTC)]
    monkeypatch.setattr(deciding, "utc_now", lambda: clock[0])
    table.decide([ids[2]], "accept", "ann")
    clock[0] -= timedelta(days=1)  # set back
    table.decide([ids[0], ids[1]], "accept", "ann")
    assert accepted_ids(table) == [ids[2], ids[1], ids[0]]  # within one call by id
    table.decide([ids[2]], "accept", "bob", "me too")  # as accepted as before
    table.decide([ids[3]], "accept", "ann")
    assert accepted_ids(table) == [ids[2], ids[1], ids[0], ids[3]]
    table.decide([ids[2]], "undecide", "bob")
    table.decide([ids[2]], "accept", "ann")
    assert accepted_ids(table) == [ids[1], ids[0], ids[3], ids[2]]


def test_accepted_brings_recipe_and_source(table, given):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann", "yes")
    table.plan([])  # switched off, but decided on
    (row,) = table.accepted()
    assert (row.id, row.recipe_json) == (id, given.planned(0).recipe.canonical_json())
    assert (row.image_sha256, row.source_image_sha256) == (
        given.sha256(f"made {id}"),
        given.sha256("image 1"),
    )
    assert (row.source_id, row.source_attributes, row.style) == ("toad1", {"Body": "blue"}, "crayon")
    assert (row.curator, row.note, row.accepted_at) == ("ann", "yes", table.decisions(id)[0].decided_at)


def token(number, id):
    return {"number": number, "candidate_id": id, "name": f"Toad #{number}", "image_sha256": "f" * 64}


def test_tokens_are_replaced_whole(table, given):
    ids = given.candidates(table, 3)
    table.set_tokens([token(2, ids[1]), token(1, ids[0])])
    before = table.tokens()
    assert [(row.number, row.candidate_id) for row in before] == [(1, ids[0]), (2, ids[1])]
    table.set_tokens([token(1, ids[0]), token(2, ids[1])])
    assert table.tokens() == before
    table.set_tokens([token(1, ids[1]), token(2, ids[2])])
    assert [row.candidate_id for row in table.tokens()] == ids[1:]


def test_changed_token_is_exported_anew(table, given, monkeypatch):
    ids = given.candidates(table, 2)
    clock = [datetime(2026, 11, 1, tzinfo=UTC)]
    monkeypatch.setattr(numbering, "utc_now", lambda: clock[0])
    table.set_tokens([token(1, ids[0]), token(2, ids[1])])
    clock[0] += timedelta(days=1)
    table.set_tokens([token(1, ids[0]) | {"name": "Bo"}, token(2, ids[1])])
    assert [row.exported_at == clock[0] for row in table.tokens()] == [True, False]


def test_bad_tokens_leave_the_old(table, given):
    ids = given.candidates(table, 2)
    table.set_tokens([token(1, ids[0])])
    before = table.tokens()
    bad = [[token(1, ids[0]), token(1, ids[1])], [token(1, ids[0]), token(2, ids[0])]]
    for rows in bad:
        with pytest.raises(BadValue, match="each only once"):
            table.set_tokens(rows)
    with pytest.raises(UnknownCandidate):
        table.set_tokens([token(1, "0" * 64)])
    assert table.tokens() == before


def test_published_tokens_keep_their_numbers(table, given):
    ids = given.candidates(table, 3)
    table.set_tokens([token(1, ids[0]), token(2, ids[1])])
    assert [row.published_at for row in table.tokens()] == [None, None]
    assert (table.publish_tokens(), table.publish_tokens()) == (2, 0)
    before = table.tokens()
    for rows in ([token(1, ids[1]), token(2, ids[0])], [token(1, ids[0])], [token(1, ids[2]), token(2, ids[1])]):
        with pytest.raises(Frozen, match="is published"):
            table.set_tokens(rows)
        assert table.tokens() == before
    renamed = token(1, ids[0]) | {"name": "Bo"}
    table.set_tokens([renamed, token(2, ids[1]), token(3, ids[2])])
    after = table.tokens()
    assert [row.published_at for row in after] == [before[0].published_at, before[1].published_at, None]
    assert (after[0].name, after[1]) == ("Bo", before[1])
    table.set_tokens([token(1, ids[1])], renumber=True)
    assert [(row.candidate_id, row.published_at) for row in table.tokens()] == [(ids[1], None)]


def test_a_group_with_an_accepted_candidate_offers_no_leader(table, given):
    first, second = given.candidates(table, 2)
    table.set_looks([{"id": first, "leader_id": first}, {"id": second, "leader_id": first}])
    assert table.leaders() == [first]
    table.decide([second], "accept", "ada")
    assert table.leaders() == []
    table.decide([second], "reject", "ada")
    assert table.leaders() == [first]
