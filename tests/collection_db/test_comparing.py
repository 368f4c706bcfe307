"""Fingerprints, groups, leaders, and what else looks like what."""

from __future__ import annotations

import pytest

from errors import BadValue, UnknownCandidate

HOW = "phash 16x16, imagehash 4.3.2, prints 1"


def print_of(id, **changes):
    row = {"id": id, "hashed_with": HOW, "hash_bits": bytes(range(32)), "colours": b"\1" * 768, "greys": b"\2" * 256}
    return row | {"side": 64, "flat": False, "structure": 0.25, "source_bits": 9} | changes


def looks_of(table, id):
    return next(row for row in table.looks() if row.id == id)


def test_fingerprints_are_kept(table, given):
    first, second = given.candidates(table, 2)
    table.set_fingerprints(
        [print_of(first), print_of(second, structure=float("nan"), flat=True, mirror_bits=b"3" * 32)]
    )
    one, two = table.fingerprints([second, first])
    assert [row.id for row in (one, two)] == [second, first]
    assert (two.hash_bits, two.mirror_bits, two.colours, two.greys) == (
        bytes(range(32)),
        None,
        b"\1" * 768,
        b"\2" * 256,
    )
    assert one.mirror_bits == b"3" * 32
    seen, flat = looks_of(table, first), looks_of(table, second)
    assert (seen.hashed_with, seen.structure, seen.source_bits, seen.flat, seen.has_mirror_bits) == (
        HOW,
        0.25,
        9,
        False,
        False,
    )
    assert (flat.structure, flat.flat, flat.has_mirror_bits) == (None, True, True)


@pytest.mark.parametrize(
    "wrong", [{"hash_bits": b"0" * 31}, {"colours": b"0" * 192}, {"greys": b""}, {"mirror_bits": b"1"}]
)
def test_fingerprint_of_wrong_length_is_refused(table, given, wrong):
    first, second = given.candidates(table, 2)
    with pytest.raises(BadValue, match="length of"):
        table.set_fingerprints([print_of(first), print_of(second, **wrong)])
    assert table.fingerprints([first, second]) == []


@pytest.mark.parametrize("length", [8, 32, 128])
def test_hashes_have_three_lengths(table, given, length):
    (id,) = given.candidates(table, 1)
    table.set_fingerprints([print_of(id, hash_bits=b"7" * length)])
    assert len(table.fingerprints([id])[0].hash_bits) == length


def test_what_is_hashed_otherwise_is_hashed_again(table, given):
    first, second, third = given.candidates(table, 3)
    table.set_fingerprints([print_of(first), print_of(second, hashed_with="ahash 8x8, imagehash 4.3.2, prints 1")])
    assert {row.id for row in table.to_hash(HOW, mirrored=False)} == {second, third}
    assert {row.id for row in table.to_hash(HOW, mirrored=True)} == {first, second, third}
    table.set_fingerprints([print_of(first, mirror_bits=b"0" * 32)])
    assert {row.id for row in table.to_hash(HOW, mirrored=True)} == {second, third}
    table.plan([given.planned(0)])
    assert table.to_hash(HOW, mirrored=False) == []


def test_hashing_again_forgets_what_was_compared(table, given):
    (id,) = given.candidates(table, 1)
    table.set_fingerprints([print_of(id)])
    table.set_looks([{"id": id, "compared_as": "so", "crossed_as": "so"}])
    assert table.crossed() == {id: "so"}
    table.set_fingerprints([print_of(id)])
    assert looks_of(table, id).compared_as is None and table.crossed() == {}


def test_looks_are_kept_and_others_stay(table, given):
    first, second = given.candidates(table, 2)
    table.set_looks(
        [{"id": first, "score": 0.5, "leader_id": first}, {"id": second, "score": None, "leader_id": first}]
    )
    table.set_looks([{"id": second, "unchanged": True, "copy_of": "toad7", "earlier": "old #3"}])
    one, two = looks_of(table, first), looks_of(table, second)
    assert (one.score, one.leader_id, one.unchanged) == (0.5, first, None)
    assert (two.score, two.leader_id, two.unchanged, two.copy_of, two.earlier) == (None, first, True, "toad7", "old #3")
    assert [row.id for row in table.looks()] == sorted([first, second])


@pytest.mark.parametrize("key", ["leader_id", "twin_id", "id"])
def test_unknown_candidate_stores_no_looks(table, given, key):
    first, second = given.candidates(table, 2)
    wrong = {"id": second, "leader_id": first, "twin_id": first} | {key: "f" * 64}
    with pytest.raises(UnknownCandidate, match=r"f{64}"):
        table.set_looks([{"id": first, "leader_id": first, "twin_id": None}, wrong])
    assert looks_of(table, first).leader_id is None


def test_unknown_look_is_refused(table, given):
    (id,) = given.candidates(table, 1)
    with pytest.raises(BadValue, match="copy_of"):
        table.set_looks([{"id": id, "beauty": 1}])


def test_leaders_are_open_and_nothing_speaks_against_them(table, given):
    ids = given.candidates(table, 11)
    unchanged, follower, decided, unplanned, copied, earlier, twin, flat = range(1, 9)
    rows = []
    for n, id in enumerate(ids):
        row = {"id": id, "leader_id": ids[0] if n == follower else id, "unchanged": n == unchanged}
        row |= {"copy_of": "toad9" if n == copied else None, "earlier": "old #1" if n == earlier else None}
        rows.append(row | {"twin_id": ids[0] if n == twin else None})
    table.set_fingerprints([print_of(ids[flat], flat=True)])
    table.set_looks(rows)
    table.decide([ids[decided]], "accept", "ann")
    table.plan([given.planned(n) for n in range(11) if n != unplanned])
    assert table.leaders() == [ids[0], ids[9], ids[10]]
    assert table.leaders(undecided_only=False) == [ids[0], ids[decided], ids[9], ids[10]]
    table.decide([ids[decided]], "undecide", "ann")
    assert table.leaders() == [ids[0], ids[9], ids[10]]


def test_accepted_and_tokens_are_told(table, given):
    ids = given.candidates(table, 4)
    table.decide(ids[:2], "accept", "ann")
    table.decide(ids[1:2], "reject", "bob")
    table.set_tokens([{"number": 1, "candidate_id": ids[2], "name": "Toad", "image_sha256": "f" * 64}])
    table.decide(ids[2:3], "reject", "bob")  # sold is sold
    assert [looks_of(table, id).accepted for id in ids] == [True, False, True, False]
    assert {row.id for row in table.looks(accepted_only=True)} == {ids[0], ids[2]}
    assert [row.id for row in table.looks(ids[1:3])] == sorted(ids[1:3])


def test_leaders_are_accepted_as_they_are(table, given):
    ids = given.candidates(table, 4)
    table.set_looks([{"id": id, "leader_id": ids[min(n, 2)]} for n, id in enumerate(ids)])
    table.decide([ids[1]], "reject", "ann")
    assert table.accept_leaders("auto") == 2
    assert {row.id for row in table.looks(accepted_only=True)} == {ids[0], ids[2]}
    assert table.accept_leaders("auto") == 0


def test_choice_of_a_leader_stands_until_taken_back(table, given):
    first, second = given.candidates(table, 2)
    assert table.choose_leaders([first, first], True, "ann") == 1
    assert table.choose_leaders([first, second], True, "bob") == 1
    assert 0 < looks_of(table, first).chosen < looks_of(table, second).chosen
    assert table.choose_leaders([first], False, "bob", "no") == 1
    assert table.choose_leaders([first], False, "bob") == 0
    assert looks_of(table, first).chosen is None and looks_of(table, second).chosen
    assert table.choose_leaders([first], True, "ann") == 1
    assert looks_of(table, first).chosen > looks_of(table, second).chosen


def test_bad_choice_chooses_none(table, given):
    (id,) = given.candidates(table, 1)
    with pytest.raises(UnknownCandidate):
        table.choose_leaders([id, "0" * 64], True, "ann")
    with pytest.raises(BadValue, match="curator"):
        table.choose_leaders([id], True, " ")
    assert not looks_of(table, id).chosen


def test_twins_are_added_once_and_cleared(table, given):
    first, second, third = sorted(given.candidates(table, 3))
    pair = {"left_id": first, "right_id": second, "bits": 3, "colour": 0.5, "chroma": 1.25, "grey": 7}
    table.add_twins([pair, pair])
    table.add_twins([pair | {"bits": 9}, pair | {"right_id": third}])
    assert [(row.right_id, row.bits, row.chroma) for row in table.twins()] == [(second, 3, 1.25), (third, 3, 1.25)]
    table.set_looks([{"id": first, "crossed_as": "so"}])
    table.clear_twins()
    assert table.twins() == [] and table.crossed() == {}


def test_known_pictures_are_replaced_and_forgotten(table):
    about = {"stamp": "1", "hashed_with": HOW, "hash_bits": b"1" * 32, "colours": b"2", "greys": b"3", "side": 36}
    table.set_known_pictures("source", [{"label": label, **about} for label in "abc"])
    table.set_known_pictures("earlier", [{"label": "a", **about}])
    table.set_known_pictures("source", [{"label": "b", **about, "stamp": "2"}], gone=["c"])
    assert [(row.label, row.stamp) for row in table.known_pictures("source")] == [("a", "1"), ("b", "2")]
    assert [row.label for row in table.known_pictures("earlier")] == ["a"]
    with pytest.raises(BadValue, match="source, earlier"):
        table.set_known_pictures("dream", [])


def test_groups_are_stored_with_their_signatures(table, given):
    first, second = given.candidates(table, 2)
    table.add_sources([given.source(2)])
    table.set_groups([{"id": first, "score": 1.0, "leader_id": second}], {"toad1": "x", "toad2": "y"})
    table.set_groups([], {"toad1": "z"})
    table.set_groups([], {})
    assert table.grouped_sources() == {"toad1": "z", "toad2": "y"}
    assert looks_of(table, first).leader_id == second
    with pytest.raises(UnknownCandidate):
        table.set_groups([{"id": first, "score": 2.0, "leader_id": "f" * 64}], {"toad1": "new"})
    assert table.grouped_sources()["toad1"] == "z" and looks_of(table, first).leader_id == second


def test_sources_of_candidates_are_told(table, given):
    ids = given.candidates(table, 3)
    assert table.source_ids([*ids, "0" * 64]) == dict.fromkeys(ids, "toad1")
