"""What curators said, in the frame."""

import json

import pandas as pd

from collection_db.deciding import Said
from collection_db.frames import COLUMNS

SPOKEN = ["disagreed", "stars", "tags", "note", "name"]


def spoken(frame):
    return [tuple(row) for row in frame[SPOKEN].itertuples(index=False)]


def test_frame_of_nothing_has_the_spoken_columns(table):
    frame = table.frame()
    assert {name: str(frame[name].dtype) for name in SPOKEN} == {name: COLUMNS[name] for name in SPOKEN}
    assert [COLUMNS[name] for name in SPOKEN] == ["bool", "int64", "str", "str", "str"] and len(frame) == 0


def test_one_silent_row_says_nothing(table, given):
    given.candidates(table, 1)
    frame = table.frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert spoken(frame) == [(False, 0, "[]", "", "")]


def test_what_was_said_is_in_its_row(table, given):
    first, second, third, fourth = given.candidates(table, 4)
    said = [Said(second, "tag", 'say "ribbit", 名'), Said(second, "tag", "Eyes"), Said(second, "star")]
    table.record([*said, Said(second, "rename", "Bert"), Said(second, "accept", note="line\nline")], "ann")
    table.record([Said(second, "star"), Said(second, "reject"), Said(third, "tag", "Eyes")], "bob")
    table.record([Said(fourth, "star"), Said(fourth, "note", note="hm")], "ann")
    table.undo([table.decisions(fourth)[0].number], "ann")
    frame = table.frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert list(frame["id"]) == [first, second, third, fourth]
    assert spoken(frame) == [
        (False, 0, "[]", "", ""),
        (True, 2, '["Eyes", "say \\"ribbit\\", 名"]', "line\nline", "Bert"),
        (False, 0, '["Eyes"]', "", ""),
        (False, 0, "[]", "hm", ""),
    ]
    assert json.loads(frame["tags"][1]) == table.tags([second])[second]


def test_many_rows_keep_the_types(table, given):
    ids = given.candidates(table, 500)
    table.record([Said(id, "tag", f"t{n % 7}") for n, id in enumerate(ids)], "ann")
    table.record([Said(id, "star") for id in ids[:100]], "bob")
    table.decide(ids[:50], "accept", "ann")
    table.decide(ids[:25], "reject", "bob")
    frame = table.frame()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == COLUMNS
    assert (frame["disagreed"].sum(), frame["stars"].sum()) == (25, 100)
    assert list(frame["tags"]) == [f'["t{n % 7}"]' for n in range(500)]


def test_spoken_of_former_plans_stay_in_the_frame(table, given):
    first, second = given.candidates(table, 2)
    table.record([Said(second, "tag", "hat")], "ann")
    table.plan([])
    assert spoken(table.frame()) == [(False, 0, '["hat"]', "", "")]
    assert list(table.frame(everything=True)["tags"]) == ["[]", '["hat"]']
    assert list(table.frame(everything=True)["id"]) == [first, second]


def test_frame_survives_a_csv(table, given, tmp_path):
    (id,) = given.candidates(table, 1)
    table.record([Said(id, "tag", 'a "b", c'), Said(id, "note", note="line\nline")], "ann")
    table.frame().to_csv(tmp_path / "frame.csv", index=False)
    again = pd.read_csv(tmp_path / "frame.csv", keep_default_na=False)
    assert json.loads(again["tags"][0]) == ['a "b", c'] and again["note"][0] == "line\nline"
