"""`toadworks import`: an edited CSV comes in whole or not at all, however spreadsheets and pandas wrote it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from collection_db import Table
from collection_db.deciding import Said
from errors import BadRows, BadSource
from flows.taking import said_in
from tests.flows.ponds import Pond

BOTH = pytest.mark.parametrize("storage", ["folder", "postgresql"], indirect=True)
NOTES = ['two\nlines, "quoted"; with a tab\t蛙', "ends\r\nas in Windows"]
Edit = Callable[[pd.DataFrame], Any]


@pytest.fixture
def spoken(lake: Pond) -> Pond:
    """The lake, with all that can be said of its candidates."""
    first, second, third, _ = lake.ids
    said = [Said(first, "note", note=NOTES[0]), Said(first, "star"), Said(third, "note", note=NOTES[1])]
    said += [Said(first, "rename", "Kröte, \u201eErste\u201c"), Said(third, "rename", "007")]
    said += [Said(id, "tag", tag) for id in (first, third) for tag in ("warm", "best, of all", "[x]")]
    lake.table.record(said, "ann")
    lake.table.decide([second], "reject", "ann", "too dark")
    return lake


def exported(pond: Pond) -> Path:
    file = pond.settings.folder / "all.csv"
    pond.table.frame().to_csv(file, index=False)
    return file


def edited(pond: Pond, edit: Edit, **how: Any) -> Path:
    """The exported file, its cells changed by `edit` as text."""
    file = exported(pond)
    frame = pd.read_csv(file, dtype=str, keep_default_na=False).set_index("id", drop=False)
    edit(frame)
    frame.to_csv(file, index=False, **how)
    return file


def take(pond: Pond, file: Path, anyway: bool = False) -> list[tuple[str, str, str, str]]:
    """What came in, as (id, action, value, note)."""
    said = said_in(file, pond.table, anyway)
    assert pond.table.record(said, "bea") == len(said)
    return [(one.candidate_id, one.action, one.value, one.note) for one in said]


def written(pond: Pond, text: str) -> Path:
    file = pond.settings.folder / "given.csv"
    file.write_bytes(text.encode())
    return file


def refused(pond: Pond, file: Path) -> list[str]:
    """The problems of a file that is refused; nothing is taken."""
    with pytest.raises(BadRows) as raised:
        said_in(file, pond.table)
    assert f"{file}: {len(raised.value.problems)} rows cannot be taken, so none was" in str(raised.value)
    return raised.value.problems


@BOTH
def test_unchanged_file_adds_nothing(spoken: Pond) -> None:
    assert take(spoken, exported(spoken)) == []


@BOTH
def test_every_edit_comes_in(spoken: Pond) -> None:
    first, second, third, fourth = spoken.ids

    def edit(frame: pd.DataFrame) -> None:
        frame.loc[first, ["verdict", "note"]] = ["reject", "after all"]
        frame.loc[second, "verdict"] = ""
        frame.loc[third, ["name", "tags"]] = ["", '["cold", "warm"]']
        frame.loc[fourth, ["verdict", "tags", "note", "name"]] = ["accept", "one, two words", "蛙", "A \u201dB\u201c"]

    assert set(take(spoken, edited(spoken, edit))) == {
        (first, "reject", "", "after all"),
        (second, "undecide", "", ""),
        (third, "rename", "", ""),
        (third, "tag", "cold", ""),
        (third, "untag", "best, of all", ""),
        (third, "untag", "[x]", ""),
        (fourth, "accept", "", "蛙"),
        (fourth, "tag", "one", ""),
        (fourth, "tag", "two words", ""),
        (fourth, "rename", "A \u201dB\u201c", ""),
    }
    frame = spoken.table.frame().set_index("id")
    assert list(frame.loc[spoken.ids, "verdict"]) == ["reject", "undecided", "undecided", "accept"]
    assert take(spoken, exported(spoken)) == []


def test_note_alone_is_a_note(spoken: Pond) -> None:
    file = edited(spoken, lambda frame: frame.__setitem__("note", ["same for all"] * 4))
    assert take(spoken, file) == [(id, "note", "", "same for all") for id in spoken.table.frame()["id"]]


FORMS: dict[str, dict[str, Any]] = {
    "semicolons": {"sep": ";"},
    "tabs": {"sep": "\t"},
    "byte order mark": {"encoding": "utf-8-sig"},
    "Windows lines": {"lineterminator": "\r\n"},
    "old Mac lines": {"lineterminator": "\r"},
    "everything quoted": {"quoting": 1},
    "all at once": {"sep": ";", "encoding": "utf-8-sig", "lineterminator": "\r\n", "quoting": 1},
}


@pytest.mark.parametrize("form", FORMS)
def test_file_comes_in_however_it_is_written(spoken: Pond, form: str) -> None:
    fourth = spoken.ids[3]
    file = edited(spoken, lambda frame: frame.__setitem__("name", frame["name"].where(frame["id"] != fourth, "蛙; ,")))
    pd.read_csv(file, dtype=str, keep_default_na=False).to_csv(file, index=False, **FORMS[form])
    assert take(spoken, file) == [(fourth, "rename", "蛙; ,", "")]


def test_columns_may_come_in_any_order(spoken: Pond) -> None:
    fourth = spoken.ids[3]
    text = f"mine,tags, verdict ,id,,\nx,,accept,{fourth},,\n"
    assert take(spoken, written(spoken, text)) == [(fourth, "accept", "", "")]


def test_lines_without_anything_are_passed_over(spoken: Pond) -> None:
    text = f"\n\nid,verdict\n\n{spoken.ids[3]},accept\n,\n  \n , \n\n"
    assert take(spoken, written(spoken, text)) == [(spoken.ids[3], "accept", "", "")]


def test_column_that_is_not_there_changes_nothing(spoken: Pond) -> None:
    text = "id,name\n" + "".join(f"{id},Toad\n" for id in spoken.ids)
    assert take(spoken, written(spoken, text)) == [(id, "rename", "Toad", "") for id in spoken.ids]


def test_frame_of_pandas_comes_in(spoken: Pond) -> None:
    file = exported(spoken)
    frame = pd.read_csv(file)  # by its own guesses: numbers, booleans, NaN
    assert frame["planned"].dtype == bool and frame["curator"].isna().any()
    frame.loc[frame["id"] == spoken.ids[3], "verdict"] = "accept"
    frame.to_csv(file)  # with its index
    assert take(spoken, file) == [(spoken.ids[3], "accept", "", "")]


def test_parsed_dates_of_pandas_are_the_same_times(spoken: Pond) -> None:
    file = exported(spoken)
    frame = pd.read_csv(file, parse_dates=["decided_at", "made_at"]).drop(columns="entries")
    frame.loc[frame["id"] == spoken.ids[1], "verdict"] = "accept"
    frame.to_csv(file, index=False)
    assert take(spoken, file) == [(spoken.ids[1], "accept", "", "")]


def test_every_bad_row_is_named_by_its_line(spoken: Pond) -> None:
    first, second, third, fourth = spoken.ids
    rows = [
        "id,verdict,tags,name,note",
        f'{first},accept,,,"two',  # good, over two lines
        'lines"',
        f"{'f' * 64},accept,,,",
        f"{fourth[:10]},accept,,,",
        f"{second},perhaps,,,",
        f"{second},accept,,,",
        f'{third},,"[""a"", 3]",,',
        f"{fourth},accept,,",
        ",accept,,,",
    ]
    problems = refused(spoken, written(spoken, "\n".join(rows)))
    assert [problem.partition(":")[0] for problem in problems] == [
        f"line 4 ({'f' * 12})",
        f"line 5 ({fourth[:10]})",
        f"line 6 ({second[:12]})",
        f"line 7 ({second[:12]})",
        f"line 8 ({third[:12]})",
        f"line 9 ({fourth[:12]})",
        "line 10 (no id)",
    ]
    words = ["no candidate", "no candidate", "accept, reject, undecided", "the same candidate as in line 6", "tags"]
    words += ["has 4 cells, the first line 5", "no candidate"]
    assert all(word in problem for word, problem in zip(words, problems, strict=True)), problems
    assert spoken.table.frame()["entries"].sum() == 14


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("name", "x" * 201, "200 characters at most"),
        ("name", "two\nlines", "on one line"),
        ("note", "x" * 4001, "4000 characters at most"),
        ("tags", "x" * 65, "64 characters at most"),
        ("tags", '["a", ""]', "a word or a few"),
        ("tags", '["a"', 'allowed: ["one", "another"], or: one, another'),
        ("verdict", "Accept", "accept, reject, undecided"),
        ("entries", "many", "the number that was exported"),
    ],
)
def test_cell_that_cannot_be_is_told(spoken: Pond, column: str, cell: str, words: str) -> None:
    def edit(frame: pd.DataFrame) -> None:
        frame.loc[spoken.ids[3], "verdict"] = "accept"  # else nobody minds what `entries` says
        frame.loc[spoken.ids[3], column] = cell

    [problem] = refused(spoken, edited(spoken, edit))
    assert spoken.ids[3][:12] in problem and words in problem and column.removesuffix("s") in problem


PARQUET = pd.DataFrame({"id": ["1"]}).to_parquet()
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty; it needs a column id and one of verdict, tags, note, name"),
    "blank": (b"\n \n,,\n", "is empty"),
    "no id": (b"number,verdict\n1,accept\n", "has the columns number, verdict; it needs a column id"),
    "nothing to take": (b"id,style\n1,ink\n", "has the columns id, style; it needs"),
    "a column twice": (b"id,verdict,verdict\n", "has 2 columns verdict"),
    "another encoding": ("id,name\n1,Kr\u00f6te\n".encode("latin-1"), "is no text in UTF-8: line 2: "),
    "UTF-16": ("id,name\n".encode("utf-16"), "is text in UTF-16; taken is a CSV"),
    "Parquet": (PARQUET, "is a Parquet file; taken is a CSV"),
    "a spreadsheet": (b"PK\x03\x04\x14\0", "is a spreadsheet's own file"),
    "an open quote": (b'id,verdict\n"1,accept\n2,reject\n', "is no CSV: line 2: unexpected end"),
}


@pytest.mark.parametrize("what", FILES)
def test_file_of_another_kind_is_told(lake: Pond, what: str) -> None:
    content, words = FILES[what]
    file = lake.settings.folder / "given.csv"
    file.write_bytes(content)
    with pytest.raises(BadSource) as raised:
        said_in(file, lake.table)
    assert str(raised.value).startswith(f"{file}: {words}")


def test_file_that_is_not_there_is_told(lake: Pond) -> None:
    for file, words in ((Path("gone.csv"), "there is no such file"), (lake.settings.folder, "Is a directory")):
        with pytest.raises(BadSource, match=words):
            said_in(file, lake.table)


LATER = {
    "a verdict": Said("", "reject"),
    "a tag": Said("", "tag", "fresh"),
    "a name": Said("", "rename", "Fresh"),
    "a note": Said("", "note", note="fresh"),
}


@BOTH
@pytest.mark.parametrize("what", LATER)
def test_what_somebody_said_since_is_not_lost(spoken: Pond, what: str) -> None:
    third, fourth = spoken.ids[2:]
    one = LATER[what]
    file = edited(spoken, lambda frame: frame.__setitem__("verdict", ["accept"] * 4))
    spoken.table.record([Said(third, one.action, one.value, one.note)], "cat")
    [problem] = refused(spoken, file)
    assert third[:12] in problem and "since the file was written; export again, or take it --anyway" in problem
    assert spoken.table.frame().set_index("id").loc[fourth, "verdict"] == "undecided"
    take(spoken, file, anyway=True)
    assert set(spoken.table.frame()["verdict"]) == {"accept"}


@pytest.mark.parametrize("dropped", ["entries", "nothing"])
def test_later_verdict_is_told_with_its_curator(spoken: Pond, dropped: str) -> None:
    file = edited(spoken, lambda frame: frame.drop(columns=dropped, errors="ignore", inplace=True))
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame.loc[frame["id"] == spoken.ids[3], "verdict"] = "accept"
    frame.to_csv(file, index=False)
    spoken.table.decide(spoken.ids[3:], "reject", "cat")
    [problem] = refused(spoken, file)
    assert "the last verdict: reject by cat on 20" in problem


def test_row_that_changes_nothing_may_be_old(spoken: Pond) -> None:
    file = edited(spoken, lambda frame: frame.__setitem__("verdict", ["accept"] * 4))
    spoken.table.decide(spoken.ids, "accept", "cat")
    assert take(spoken, file) == []


def test_undo_takes_the_whole_file_back(spoken: Pond) -> None:
    def state(table: Table) -> str:
        return str(table.frame().drop(columns="entries").to_csv())

    before = state(spoken.table)

    def edit(frame: pd.DataFrame) -> None:
        frame["verdict"], frame["tags"], frame["name"] = "accept", "new", "Toad"

    assert len(take(spoken, edited(spoken, edit))) > 8
    assert state(spoken.table) != before
    spoken.table.undo(spoken.table.last_step("bea"), "bea")
    assert state(spoken.table) == before


def test_blanks_around_listed_tags_do_not_count(spoken: Pond) -> None:
    first = spoken.ids[0]
    file = edited(spoken, lambda frame: frame.__setitem__("tags", ['[" warm ", "best, of all", "[x]"]'] * 4))
    assert not [one for one in take(spoken, file) if one[0] == first]


def test_exported_file_reads_the_same_in_memory(spoken: Pond) -> None:
    text = io.StringIO(exported(spoken).read_text())
    assert list(pd.read_csv(text)["entries"]) == list(spoken.table.frame()["entries"])
