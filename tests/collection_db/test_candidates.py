"""Candidates: adding, finding."""

import pytest

from errors import UnknownCandidate


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
