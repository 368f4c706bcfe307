"""Decisions that come back in: a CSV that `toadworks candidates --csv` wrote and somebody edited."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from collection_db import Table
from collection_db.deciding import Said, checked
from collection_db.ledger import VERDICT_OF
from collection_db.schema import VERDICTS
from errors import BadRows, BadSource, BadValue, ToadworksError

ACTION_OF = {verdict: action for action, verdict in VERDICT_OF.items()}
EDITABLE = ("verdict", "tags", "note", "name")
DELIMITERS = ",;\t"  # spreadsheets of some countries write the second


@dataclass(frozen=True)
class Row:
    """One line of the file: its number, and its cells by column."""

    line: int
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"line {self.line} ({self.cells.get('id', '')[:12] or 'no id'})"


def said_in(file: Path, table: Table, anyway: bool = False) -> list[Said]:
    """What the file says that the table does not have yet, after every row was looked at.

    It needs a column `id` and one of `EDITABLE`; others are ignored, and a column that is not there changes nothing.
    Where `curator` and `decided_at` are there, a row that changes something is refused if somebody decided since they
    were written, unless `anyway`. Raises BadSource for what is no such file, BadRows that names every bad row.
    """
    rows = _read(file)
    ids = [row.cells["id"] for row in rows]
    known = {row.id: row for row in table.candidates(ids)}
    tags = table.tags(ids)
    problems: list[str] = []
    said: list[Said] = []
    seen: dict[str, int] = {}
    for row in rows:
        id = row.cells["id"]
        if id not in known:
            problems.append(
                f"{row}: no candidate has this id; ids are 64 hex digits, as `candidates --csv` writes them"
            )
            continue
        if id in seen:
            problems.append(f"{row}: the same candidate as in line {seen[id]}; each only once")
            continue
        seen[id] = row.line
        try:
            changes = [checked(one) for one in _changes(row.cells, known[id], tags.get(id, []))]
            if changes and not anyway:
                _refuse_stale(row.cells, known[id])
        except ToadworksError as error:
            problems.append(f"{row}: {error}")
            continue
        said += changes
    if problems:
        raise BadRows(file, problems)
    return said


def _read(file: Path) -> list[Row]:
    try:
        text = file.read_text(encoding="utf-8-sig")  # spreadsheets put a mark before it
    except FileNotFoundError:
        raise BadSource(file, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(file, f"cannot be read as text in UTF-8 ({error})") from error
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True)
        columns = [name.strip() for name in lines.fieldnames or ()]
        lines.fieldnames = columns
        if "id" not in columns or not set(columns) & set(EDITABLE):
            needed = f"a column id and one of {', '.join(EDITABLE)}"
            raise BadSource(file, f"has the columns {', '.join(columns) or '(none)'}; it needs {needed}")
        rows, problems = [], []
        for cells in lines:
            row = Row(lines.line_num, {name: (cells[name] or "").strip() for name in columns})
            if None in cells.values() or "" in cells:
                problems.append(f"{row}: has {'more' if '' in cells else 'fewer'} cells than the first line")
            rows.append(row)
    except csv.Error as error:
        raise BadSource(file, f"is no CSV ({error})") from error
    if problems:
        raise BadRows(file, problems)
    return rows


def _changes(cells: Mapping[str, str], now: Any, tags: list[str]) -> Iterator[Said]:
    id, verdict = cells["id"], cells.get("verdict") or "undecided"
    note = cells.get("note", now.note)
    if "verdict" in cells and verdict not in VERDICTS:
        raise BadValue("verdict", verdict, ", ".join(VERDICTS))
    decided = "verdict" in cells and verdict != now.verdict
    if decided:
        yield Said(id, ACTION_OF[verdict], note=note if note != now.note else "")
    elif note and note != now.note:
        yield Said(id, "note", note=note)
    if "name" in cells and cells["name"] != now.name:
        yield Said(id, "rename", value=cells["name"])
    if "tags" in cells:
        wanted = _tags(cells["tags"])
        yield from (Said(id, "tag", value=tag) for tag in wanted if tag not in tags)
        yield from (Said(id, "untag", value=tag) for tag in tags if tag not in wanted)


def _tags(text: str) -> list[str]:
    """As `candidates --csv` writes them, ["warm", "best of all"], or as people do: warm, best of all."""
    if not text.startswith("["):
        return [tag.strip() for tag in text.split(",") if tag.strip()]
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
        raise BadValue("tags", text, '["one", "another"], or: one, another')
    return given


def _refuse_stale(cells: Mapping[str, str], now: Any) -> None:
    if "curator" not in cells or "decided_at" not in cells:
        return
    told = cells["decided_at"]
    try:
        then = datetime.fromisoformat(told) if told else None
    except ValueError:
        raise BadValue("decided_at", told, "the time that was exported, such as 2026-11-21 18:00:00+00:00") from None
    if then != now.decided_at or cells["curator"] != (now.curator or ""):
        who = f"{now.curator} said {now.verdict} on {now.decided_at:%Y-%m-%d %H:%M:%S} UTC" if now.curator else "undone"
        raise BadValue("row", "out of date", f"what stands ({who}); export again, or take it --anyway")
