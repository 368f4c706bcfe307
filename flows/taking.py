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
NEEDED = f"a column id and one of {', '.join(EDITABLE)}"
DELIMITERS = ",;\t"  # spreadsheets of some countries write the second
OTHERS = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a spreadsheet's own file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True, eq=False)
class Row:
    """One row of the file: the number of the line in which it begins, and its cells by column."""

    line: int
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"line {self.line} ({self.cells.get('id', '')[:12] or 'no id'})"


def said_in(file: Path, table: Table, anyway: bool = False) -> list[Said]:
    """What the file says that the table does not have yet, after every row was looked at.

    It needs a column `id` and one of `EDITABLE`; others are ignored, and a column that is not there changes nothing.
    Where `entries` is there (or `curator` and `decided_at`), a row that changes something is refused if somebody spoke
    of the candidate since it was written, unless `anyway`. Raises BadSource for what is no such file, BadRows that
    names every bad row.
    """
    rows, bad = _read(file)
    ids = [row.cells["id"] for row in rows]
    known = {row.id: row for row in table.candidates(ids)}
    tags = table.tags(ids)
    said: list[Said] = []
    seen: dict[str, int] = {}
    for row in rows:
        id = row.cells["id"]
        if id not in known:
            bad[row] = "no candidate has this id; ids are 64 hex digits, as `candidates --csv` writes them"
            continue
        if id in seen:
            bad[row] = f"the same candidate as in line {seen[id]}; each only once"
            continue
        seen[id] = row.line
        try:
            changes = [checked(one) for one in _changes(row.cells, known[id], tags.get(id, []))]
            if changes and not anyway and _is_stale(row.cells, known[id]):
                bad[row] = f"{_told(known[id])} since the file was written; export again, or take it --anyway"
        except ToadworksError as error:
            bad[row] = str(error)
            continue
        said += changes
    if bad:
        raise BadRows(file, [f"{row}: {bad[row]}" for row in sorted(bad, key=lambda row: row.line)])
    return said


def _read(file: Path) -> tuple[list[Row], dict[Row, str]]:
    """The rows that are whole, and what is wrong with the others."""
    columns: list[str] = []
    rows, bad, line = list[Row](), dict[Row, str](), 1
    text = _text(file)
    first = text.lstrip("\n").partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        for given in lines:
            row, line = Row(line, {}), lines.line_num + 1
            cells = [cell.strip() for cell in given]
            if not any(cells):
                continue  # spreadsheets write such lines below the last one
            if not columns:
                columns = _checked_columns(file, cells)
                continue
            row.cells.update(zip(columns, cells, strict=False))
            if len(cells) == len(columns):
                rows.append(row)
            else:
                row.cells.setdefault("id", "")
                bad[row] = f"has {len(cells)} cells, the first line {len(columns)}"
    except csv.Error as error:
        raise BadSource(file, f"is no CSV: line {line}: {error}") from error
    if not columns:
        raise BadSource(file, f"is empty; it needs {NEEDED}")
    return rows, bad


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise BadSource(file, "there is no such file") from None
    except OSError as error:
        raise BadSource(file, f"cannot be read ({error.strerror or error})") from error
    for start, kind in OTHERS.items():
        if data.startswith(start):
            raise BadSource(file, f"is {kind}; taken is a CSV, as `toadworks candidates --csv` writes it")
    try:
        text = data.decode("utf-8-sig")  # spreadsheets put a mark before it
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadSource(file, f"is no text in UTF-8: line {line}: {error.reason}; save it as CSV in UTF-8") from error
    return _plain(text)


def _plain(text: str) -> str:
    """Lines end as they do in Unix, also those of a note: programs that save a file change them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _checked_columns(file: Path, columns: list[str]) -> list[str]:
    if "id" not in columns or not set(columns) & set(EDITABLE):
        raise BadSource(file, f"has the columns {', '.join(columns) or '(none)'}; it needs {NEEDED}")
    for name in ("id", *EDITABLE):
        if columns.count(name) > 1:
            raise BadSource(file, f"has {columns.count(name)} columns {name}; keep the one that counts")
    return columns


def _changes(cells: Mapping[str, str], now: Any, tags: list[str]) -> Iterator[Said]:
    id, verdict = cells["id"], cells.get("verdict") or "undecided"
    before = _plain(now.note).strip()
    note = cells.get("note", before)
    if "verdict" in cells and verdict not in VERDICTS:
        raise BadValue("verdict", verdict, ", ".join(VERDICTS))
    decided = "verdict" in cells and verdict != now.verdict
    if decided:
        yield Said(id, ACTION_OF[verdict], note=note if note != before else "")
    elif note and note != before:
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
    return [tag.strip() for tag in given]


def _is_stale(cells: Mapping[str, str], now: Any) -> bool:
    """Has the candidate other entries than when the file was written?"""
    if "entries" in cells:
        try:
            return float(cells["entries"]) != now.entries  # a frame with gaps writes 3.0
        except ValueError:
            raise BadValue("entries", cells["entries"], "the number that was exported") from None
    if "curator" not in cells or "decided_at" not in cells:
        return False
    told = cells["decided_at"]
    try:
        then = datetime.fromisoformat(told) if told else None
    except ValueError:
        raise BadValue("decided_at", told, "the time that was exported, such as 2026-11-21 18:00:00+00:00") from None
    return then != now.decided_at or cells["curator"] != (now.curator or "")


def _told(now: Any) -> str:
    if now.curator is None:
        return "somebody spoke of it, or took a verdict back,"
    when = f"{now.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"somebody spoke of it (the last verdict: {now.verdict} by {now.curator} on {when})"
