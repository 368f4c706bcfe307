"""Tokens that a contract minted, marked with their transactions."""

from __future__ import annotations

import json

import pytest

from errors import BadValue, Minted

TEST, REAL = (f"eip155:{chain}/erc721:0x{'5F' * 20}" for chain in (11155111, 1))


def tx(number):
    return f"0x{number:064x}"


def marks(table, number=None):
    return [(row.contract, row.number, row.tx, row.block) for row in table.mints(number)]


def token(number, id):
    return {"number": number, "candidate_id": id, "name": f"Toad #{number}", "image_sha256": "f" * 64}


def test_marking_again_changes_nothing(table):
    minted = {2: (tx(7), 2**40), 1: (tx(7), 2**40)}
    assert table.mark_minted(REAL, minted) == 2
    before = table.mints()
    assert table.mark_minted(REAL, minted) == 0
    assert table.mints() == before and marks(table) == [(REAL, 1, tx(7), 2**40), (REAL, 2, tx(7), 2**40)]


def test_later_mark_wins(table):
    table.mark_minted(REAL, {1: (tx(1), 5), 2: (tx(1), 5)})
    assert table.mark_minted(REAL, {2: (tx(2), 6), 3: (tx(3), 7)}) == 2
    assert marks(table) == [(REAL, 1, tx(1), 5), (REAL, 2, tx(2), 6), (REAL, 3, tx(3), 7)]


def test_what_is_no_longer_minted_is_unmarked(table):
    table.mark_minted(REAL, {1: (tx(1), 5), 2: (tx(2), 5), 3: (tx(3), 5)})
    assert table.mark_minted(REAL, {1: (tx(1), 5), 2: (tx(9), 6)}, whole=True) == 2
    assert marks(table) == [(REAL, 1, tx(1), 5), (REAL, 2, tx(9), 6)]
    assert table.mark_minted(REAL, {}, whole=True) == 2 and table.mints() == []


def test_contracts_have_marks_of_their_own(table):
    table.mark_minted(TEST, {1: (tx(1), 5), 2: (tx(1), 5)})
    table.mark_minted(REAL, {1: (tx(4), 8)}, whole=True)
    assert marks(table, 1) == [(REAL, 1, tx(4), 8), (TEST, 1, tx(1), 5)]
    table.mark_minted(REAL, {}, whole=True)
    assert marks(table) == [(TEST, 1, tx(1), 5), (TEST, 2, tx(1), 5)]


def test_ten_thousand_are_marked_at_once(table):
    minted = {number: (tx(number), number) for number in range(1, 10_001)}
    assert table.mark_minted(REAL, minted, whole=True) == 10_000
    moved = {number: (tx(number + 1), number) for number in minted}
    assert table.mark_minted(REAL, moved, whole=True) == 10_000
    assert len(table.mints()) == 10_000 and marks(table, 10_000) == [(REAL, 10_000, tx(10_001), 10_000)]


BAD = [
    ("0x" + "5F" * 20, {}, "contract"),
    (REAL.replace("eip155:1", "eip155:01"), {}, "contract"),
    (REAL, {0: (tx(1), 1)}, "token's number"),
    (REAL, {2**31: (tx(1), 1)}, "token's number"),
    (REAL, {1: ("1" * 64, 1)}, "transaction"),
    (REAL, {1: (tx(1)[:-1], 1)}, "transaction"),
    (REAL, {1: (tx(1), -1)}, "block"),
    (REAL, {1: (tx(1), 1), 2: (tx(1), 2**63)}, "block"),
]


def test_bad_marks_leave_the_old(table):
    table.mark_minted(REAL, {1: (tx(1), 5)})
    before = table.mints()
    for contract, minted, told in BAD:
        with pytest.raises(BadValue, match=told):
            table.mark_minted(contract, minted, whole=True)
        assert table.mints() == before


def test_minted_tokens_are_not_renumbered(table, given):
    ids = given.candidates(table, 3)
    table.set_tokens([token(1, ids[0]), token(2, ids[1])])
    table.mark_minted(TEST, {1: (tx(1), 5)})
    table.set_tokens([token(1, ids[1]), token(2, ids[0])])  # nothing is published yet: the reveal is still to come
    table.publish_tokens()
    before = table.tokens()
    for rows in ([token(1, ids[0]), token(2, ids[1])], [token(2, ids[0])]):
        with pytest.raises(Minted, match=r"token 1 \(candidate .*\) was minted by eip155:11155111/erc721:.*--forget"):
            table.set_tokens(rows, renumber=True)
        assert table.tokens() == before
    table.set_tokens([token(1, ids[1]), token(2, ids[2])], renumber=True)  # the one that was not minted
    assert [row.published_at for row in table.tokens()] == [None, None]


def test_once_forgotten_they_may_be_renumbered(table, given):
    ids = given.candidates(table, 2)
    table.set_tokens([token(1, ids[0])])
    table.publish_tokens()
    table.mark_minted(TEST, {1: (tx(1), 5)})
    table.mark_minted(TEST, {}, whole=True)
    table.set_tokens([token(1, ids[1])], renumber=True)
    assert [row.candidate_id for row in table.tokens()] == ids[1:]


def test_frame_names_contracts_and_transactions(table, given):
    ids = given.candidates(table, 3)
    table.set_tokens([token(1, ids[0]), token(2, ids[1])])
    assert list(table.frame()["minted"]) == ["{}"] * 3
    table.mark_minted(TEST, {1: (tx(1), 5), 3: (tx(3), 5)})
    table.mark_minted(REAL, {1: (tx(2), 6)})
    frame = table.frame().set_index("id")
    assert json.loads(frame.loc[ids[0], "minted"]) == {REAL: tx(2), TEST: tx(1)}
    assert [frame.loc[id, "minted"] for id in ids[1:]] == ["{}", "{}"]


def test_marks_of_tokens_that_are_not_there_are_told(table, given):
    ids = given.candidates(table, 1)
    image = table.candidates(ids)[0].image_sha256
    table.set_tokens([token(1, ids[0]) | {"image_sha256": image}])
    table.mark_minted(TEST, {1: (tx(1), 5)})
    assert table.faults() == []
    table.mark_minted(TEST, {2: (tx(1), 5)})
    [fault] = table.faults()
    assert (fault.told, fault.mended) == (f"token 2 was minted by {TEST}, and there is no such token", False)
