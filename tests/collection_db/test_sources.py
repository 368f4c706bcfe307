"""Sources, and the files that were skipped."""

import pytest

from errors import BadSource, BadValue


def test_adding_twice_adds_once(table, given):
    rows = [given.source(2), given.source(1)]
    assert table.add_sources(rows) == 2
    before = table.sources()
    assert table.add_sources(rows) == 0
    assert table.sources() == before
    assert [row.id for row in before] == ["toad1", "toad2"]
    assert before[0].attributes == {"Body": "blue"}
    assert before[0].added_at.utcoffset().total_seconds() == 0


def test_changed_file_updates_its_row(table, given):
    table.add_sources([given.source(1), given.source(2)])
    before = table.sources()
    changed = given.source(1, pixels_sha256=given.sha256("new"), mask_sha256=given.sha256("mask"), attributes={"A": 1})
    assert table.add_sources([changed]) == 0
    first, second = table.sources()
    assert first._asdict() == changed | {"added_at": before[0].added_at, "present": True}
    assert second == before[1]


def test_swapped_pixels_swap(table, given):
    one, two = given.source(1), given.source(2)
    table.add_sources([one, two])
    swapped = [one | {"pixels_sha256": two["pixels_sha256"]}, two | {"pixels_sha256": one["pixels_sha256"]}]
    assert table.add_sources(swapped) == 0
    assert [row.pixels_sha256 for row in table.sources()] == [two["pixels_sha256"], one["pixels_sha256"]]


def test_same_picture_is_refused_whole(table, given):
    table.add_sources([given.source(1)])
    twin = given.source(3, pixels_sha256=given.sha256("pixels 1"))
    with pytest.raises(BadSource, match=r"toad3.png: is the same picture as source 'toad1' \(toad1.png\)"):
        table.add_sources([given.source(2), twin])
    with pytest.raises(BadSource, match="'toad4'"):
        table.add_sources([given.source(4), given.source(5, pixels_sha256=given.sha256("pixels 4"))])
    assert [row.id for row in table.sources()] == ["toad1"]


@pytest.mark.parametrize("row, told", [({"id": "a"}, "position"), ({"colour": "blue"}, "colour")])
def test_wrong_keys_are_named(table, row, told):
    with pytest.raises(BadValue, match=told):
        table.add_sources([row])


def test_some_sources_by_id(table, given):
    table.add_sources(given.source(number) for number in range(1500))
    assert [row.id for row in table.sources(["toad7", "toad3", "frog"])] == ["toad3", "toad7"]
    assert len(table.sources([f"toad{number}" for number in range(1500)])) == 1500
    assert table.sources([]) == []


def test_skipped_are_the_last_ones(table):
    table.set_skipped([("b.png", "too small"), ("a.png", "not a picture")])
    assert table.skipped() == [("a.png", "not a picture"), ("b.png", "too small")]
    table.set_skipped([("b.png", "still too small")])
    assert table.skipped() == [("b.png", "still too small")]
    table.set_skipped([])
    assert table.skipped() == []


def test_sources_that_left_stay_in_the_table(table, given):
    table.add_sources([given.source(1), given.source(2)])
    table.set_present(["toad2"])
    assert [row.id for row in table.present_sources()] == ["toad2"]
    assert [row.id for row in table.sources()] == ["toad1", "toad2"]
    assert table.counts()["sources"] == 1
    table.set_present(["toad1", "toad2"])
    assert [row.id for row in table.present_sources()] == ["toad1", "toad2"]
