"""Candidates: adding, hashing, grouping, finding."""

from datetime import UTC, datetime

import pytest

from errors import BadValue, UnknownCandidate


def test_adding_twice_keeps_the_first(table, given):
    (id,) = given.candidates(table, 1)
    before = table.candidates([id])
    other = given.candidate(id) | {"image_sha256": given.sha256("other"), "seconds": 9}
    assert table.add_candidates([other, other]) == 0
    assert table.candidates([id]) == before
    assert (before[0].made_with, before[0].seconds) == ({"torch": "2"}, 1.5)


def test_unplanned_candidate_adds_none(table, given):
    table.add_sources([given.source(1)])
    table.plan([given.planned(1)])
    with pytest.raises(UnknownCandidate, match="no recipe has this id"):
        table.add_candidates([given.candidate(given.planned(1).recipe.id), given.candidate("0" * 64)])
    assert table.counts()["candidates"] == 0


def test_hashes_and_groups_are_kept(table, given):
    first, second = given.candidates(table, 2)
    phash, colours = bytes(range(32)), b"\x01" * 768
    table.set_hashes([(first, phash, colours, 0.25), (second, phash, colours, float("nan"))])
    table.set_groups([(first, 0.5, False, first), (second, None, True, first)])
    one, two = table.candidates([first, second])
    assert (one.phash, one.colours, one.structure, one.score) == (phash, colours, 0.25, 0.5)
    assert (one.near_source, one.leader_id) == (False, first)
    assert (two.structure, two.score, two.near_source, two.leader_id) == (None, None, True, first)


@pytest.mark.parametrize("phash, colours", [(b"\0" * 8, b"\0" * 768), (b"\0" * 32, b"\0" * 192)])
def test_hash_of_wrong_length_is_refused(table, given, phash, colours):
    (id,) = given.candidates(table, 1)
    with pytest.raises(BadValue, match="length of"):
        table.set_hashes([(id, phash, colours, 0.0)])
    assert table.candidates([id])[0].phash is None


def test_unknown_leader_groups_none(table, given):
    first, second = given.candidates(table, 2)
    with pytest.raises(UnknownCandidate, match=r"f{64}"):
        table.set_groups([(first, 1.0, False, first), (second, 1.0, False, "f" * 64)])
    assert table.candidates([first])[0].leader_id is None


def test_grouping_sees_earliest_first(table, given):
    table.add_sources([given.source(1)])
    plan = [given.planned(seed) for seed in range(4)]
    table.plan(plan)
    ids = [item.recipe.id for item in plan]
    days = (3, 1, 2, 4)
    rows = [
        given.candidate(id) | {"made_at": datetime(2026, 1, day, tzinfo=UTC)} for id, day in zip(ids, days, strict=True)
    ]
    table.add_candidates(rows)
    table.decide([ids[0]], "reject", "ann")
    table.plan(plan[1:3])  # the first is decided, the last is neither
    found = table.candidates_for_grouping()
    assert [row.id for row in found] == [ids[1], ids[2], ids[0]]
    assert found[0].made_at == datetime(2026, 1, 1, tzinfo=UTC) and found[0].source_id == "toad1"


def test_leaders_are_open_and_planned(table, given):
    ids = given.candidates(table, 6)
    near, follower, decided, unplanned = 1, 2, 3, 4
    table.set_groups([(id, 1.0, n == near, ids[0] if n == follower else id) for n, id in enumerate(ids)])
    table.decide([ids[decided]], "accept", "ann")
    table.plan([given.planned(n) for n in range(6) if n != unplanned])
    assert table.leaders() == [ids[0], ids[5]]
    assert table.leaders(undecided_only=False) == [ids[0], ids[decided], ids[5]]
    table.decide([ids[decided]], "undecide", "ann")
    assert table.leaders() == [ids[0], ids[5]]


def test_prefix_finds_its_candidate(table, given):
    ids = given.candidates(table, 300)
    assert table.find(ids[7]) == table.find(ids[7][:12]) == table.find(f" {ids[7][:12].upper()} ") == ids[7]


def test_prefix_that_finds_none_tells_why(table, given):
    ids = given.candidates(table, 2)
    unused = next(f"{n:04x}" for n in range(3) if f"{n:04x}" not in {id[:4] for id in ids})
    wrong = {ids[0][:3]: "at least 4", "": "hex", "toad1": "hex", "%%%%": "hex", unused: "begins so"}
    wrong[ids[0] + "0"] = "begins so"
    for prefix, told in wrong.items():
        with pytest.raises(UnknownCandidate, match=told) as caught:
            table.find(prefix)
        assert caught.value.given == prefix


def test_ambiguous_prefix_lists_five(table, given, monkeypatch):
    import hashlib

    from styles.recipes import Recipe

    def crowded(self):  # real ids rarely share four digits
        return "abcd" + hashlib.sha256(self.canonical_json().encode()).hexdigest()[4:]

    monkeypatch.setattr(Recipe, "id", property(crowded))
    ids = sorted(given.candidates(table, 6))
    with pytest.raises(UnknownCandidate, match="ambiguous") as caught:
        table.find("ABCD")
    assert [id for id in ids if id[:12] in str(caught.value)] == ids[:5]
    assert str(caught.value).endswith("and more")
    assert table.find(ids[5][:12]) == ids[5]
