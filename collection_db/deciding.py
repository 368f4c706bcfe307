"""The table's decisions: entries are added to the ledger, and what then stands is written beside them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows, update_rows
from collection_db.comparing import leaders_statement
from collection_db.engine import patient
from collection_db.ledger import VERDICT_OF, Standing, fold, in_force, opinions
from collection_db.rows import Rows, pieces, require_candidates, rows_where
from collection_db.schema import ACTIONS, candidates, decisions, recipes, sources, tagged, utc_now
from errors import BadValue, UnknownEntry

AT_ONCE = 5_000  # candidates whose entries are in memory at a time
LONGEST = {"tag": 64, "name": 200, "curator": 64, "note": 4_000}  # characters
PLAIN: dict[str, Any] = {"value": "", "note": "", "settles": False, "undoes": None}
STANDING = tuple(name for name in Standing.__dataclass_fields__ if name != "tags")


@dataclass(frozen=True)
class Said:
    """Something to be said of a candidate: an action of `schema.ACTIONS` but "undo". `value`: the tag, or the name;
    `settles`: a verdict that ends a disagreement."""

    candidate_id: str
    action: str
    value: str = ""
    note: str = ""
    settles: bool = False


class DecisionRows(Rows):
    def record(self, said: Iterable[Said], curator: str, request: str | None = None) -> int:
        """Record in one step what `curator` says; return how many entries were added, all or none.

        What stands already is not added again: a verdict that equals the candidate's last one (curator and note too), a
        star of one's own, a tag, a name or a note that it has. `request` names the step, so that saying it twice says
        it once (default: a new one). Raises BadValue for what cannot be said or no curator, UnknownCandidate.
        """
        curator = checked_text("curator", curator)
        given = [checked(one) for one in said]
        return self._say(given, curator, request or new_request(), named=request is not None)

    def decide(
        self,
        ids: Iterable[str],
        verdict: str,
        curator: str,
        note: str = "",
        *,
        settles: bool = False,
        request: str | None = None,
    ) -> int:
        """`record` one verdict of several candidates: "accept", "reject" or "undecide"."""
        if verdict not in VERDICT_OF:
            raise BadValue("verdict", verdict, ", ".join(VERDICT_OF))
        return self.record((Said(id, verdict, note=note, settles=settles) for id in ids), curator, request)

    def choose_leaders(self, ids: Iterable[str], leads: bool, curator: str, note: str = "") -> int:
        """`record` that these candidates shall lead their groups, or (`leads` False) no longer."""
        return self.record((Said(id, "lead" if leads else "unlead", note=note) for id in ids), curator)

    def accept_leaders(self, curator: str) -> int:
        """Accept all of `LookRows.leaders` of which nobody gave a verdict, as they are at this moment; return how
        many."""
        with self._write() as connection:
            wanted = list(connection.execute(leaders_statement(undecided_only=True)).scalars())
            return _record(connection, [Said(id, "accept") for id in wanted], curator, new_request())

    def undo(self, numbers: Iterable[int], curator: str, note: str = "") -> int:
        """Take these entries back, all or none; return how many were. An undoing entry may be taken back, too: then
        what it undid stands again. Raises UnknownEntry for a number that the ledger has not, or that is taken back
        already; BadValue for no curator."""
        return self._undo(list(dict.fromkeys(numbers)), checked_text("curator", curator), note, new_request())

    @patient
    def _say(self, said: Sequence[Said], curator: str, request: str, named: bool) -> int:
        """Done again under the same request, as only the answer may have been lost. `named`: by the caller, who may
        have asked before."""
        with self._write() as connection:
            if done := _count_of(connection, request):
                return 0 if named else done
            return _record(connection, said, curator, request)

    @patient
    def _undo(self, wanted: Sequence[int], curator: str, note: str, request: str) -> int:
        with self._write() as connection:
            if done := _count_of(connection, request):
                return done
            found = rows_where(connection, sa.select(decisions), decisions.c.number, wanted)
            by_number = {row.number: row for row in found}
            for number in wanted:
                if number not in by_number:
                    raise UnknownEntry(number, "there is no such entry; `toadworks history ID` shows a candidate's")
            undone = _undone(entries_of(connection, {row.candidate_id for row in found}))
            for number in wanted:
                if number in undone:
                    raise UnknownEntry(number, f"was taken back already, by entry {undone[number]}")
            entries: dict[str, list[dict[str, Any]]] = {}
            for number in wanted:
                id = by_number[number].candidate_id
                entries.setdefault(id, []).append({"action": "undo", "undoes": number, "note": note})
            before = group_entries(entries_of(connection, entries))
            return _append(connection, entries, before, curator, request)

    def last_step(self, curator: str) -> list[int]:
        """The numbers of the entries that `curator` added last in one step and that stand; empty where there are none.
        Undoing ones are passed over, so that undoing again and again goes further and further back."""
        mine = (
            sa.select(decisions)
            .where(decisions.c.curator == curator, decisions.c.action != "undo")
            .order_by(decisions.c.number.desc())
        )
        with self._read() as connection:
            found = connection.execution_options(yield_per=200).execute(mine)
            for row in found:
                if row.number not in _undone(entries_of(connection, [row.candidate_id])):
                    return self._step_of(connection, row)
        return []

    def _step_of(self, connection: Connection, row: Row[Any]) -> list[int]:
        if not row.request:
            return [row.number]
        of_step = sa.select(decisions).where(decisions.c.request == row.request, decisions.c.action != "undo")
        entries = connection.execute(of_step.order_by(decisions.c.number)).all()
        undone = _undone(entries_of(connection, {entry.candidate_id for entry in entries}))
        return [entry.number for entry in entries if entry.number not in undone]

    def decisions(self, candidate_id: str) -> list[Row[Any]]:
        """All that was said of a candidate, the oldest first; rows as in `schema.Decision`."""
        statement = sa.select(decisions).where(decisions.c.candidate_id == candidate_id)
        with self._read() as connection:
            return list(connection.execute(statement.order_by(decisions.c.number)).all())

    def disagreements(self) -> list[tuple[str, dict[str, str]]]:
        """(candidate id, {curator: verdict}) of those of which some accept and some reject, and nobody settled it; in
        order of position."""
        statement = sa.select(candidates.c.id).where(sa.text("candidates.disagreed"))
        with self._read() as connection:
            ids = connection.execute(statement.order_by(candidates.c.position, candidates.c.number)).scalars().all()
            entries = group_entries(entries_of(connection, ids))
        return [(id, opinions(in_force(entries[id]))) for id in ids]

    def accepted(self) -> list[Row[Any]]:
        """Candidates whose verdict is "accept", by the time since which it is, then id: what is accepted later comes
        later, so that numbers given in this order stay.

        Rows: the candidate's columns; the recipe's, with its JSON as `recipe_json`; the source's as `source_file`,
        `source_attributes` and so on.
        """
        statement = (
            sa.select(
                candidates,
                recipes.c.json.label("recipe_json"),
                *(column for column in recipes.c if column.name not in {*candidates.c.keys(), "json", "added_at"}),
                *(column.label(f"source_{column.name}") for column in sources.c if column.name != "id"),
            )
            .join(recipes, recipes.c.id == candidates.c.id)
            .join(sources, sources.c.id == recipes.c.source_id)
            .where(sa.text("candidates.shown"), candidates.c.verdict == "accept")
            .order_by(candidates.c.accepted_at, candidates.c.id)
        )
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def tags(self, ids: Sequence[str] | None = None) -> dict[str, list[str]]:
        """The tags of these candidates (default: of all) that have any, by id, in order of the alphabet."""
        statement = sa.select(tagged)
        with self._read() as connection:
            found: Iterable[Any]
            if ids is None:
                found = connection.execute(statement)
            else:
                found = rows_where(connection, statement, tagged.c.candidate_id, ids)
            tags: dict[str, list[str]] = {}
            for row in found:
                tags.setdefault(row.candidate_id, []).append(row.tag)
        return {id: sorted(of) for id, of in tags.items()}


def _record(connection: Connection, said: Sequence[Said], curator: str, request: str) -> int:
    of: dict[str, list[Said]] = {}
    for one in said:
        of.setdefault(one.candidate_id, []).append(one)
    require_candidates(connection, list(of))
    added = 0
    for ids in pieces(list(of), AT_ONCE):
        before = group_entries(entries_of(connection, ids))
        new: dict[str, list[dict[str, Any]]] = {}
        for id in ids:
            so_far = list(before.get(id, ()))
            for one in of[id]:
                if not _stands(one, curator, in_force(so_far)):
                    entry = {"action": one.action, "value": one.value, "note": one.note, "settles": one.settles}
                    so_far.append(_Entry(PLAIN | entry | {"curator": curator, "number": 0, "decided_at": utc_now()}))
                    new.setdefault(id, []).append(entry)
        added += _append(connection, new, before, curator, request)
    return added


def _stands(said: Said, curator: str, standing: Sequence[Any]) -> bool:
    """Would saying this change nothing? `standing`: the candidate's entries in force."""
    action = said.action
    if action in VERDICT_OF:
        last = next((one for one in reversed(standing) if one.action in VERDICT_OF), None)
        told = (action, curator, said.note, said.settles)
        return last is not None and (last.action, last.curator, last.note, last.settles) == told
    if action in ("star", "unstar"):
        mine = [one.action for one in standing if one.curator == curator and one.action in ("star", "unstar")]
        return (bool(mine) and mine[-1] == "star") == (action == "star")
    before = fold(standing)
    if action in ("tag", "untag"):
        return (said.value in before.tags) == (action == "tag")
    if action in ("lead", "unlead"):
        return (before.chosen is not None) == (action == "lead")
    return before.name == said.value if action == "rename" else before.note == said.note


def _append(
    connection: Connection,
    new: Mapping[str, Sequence[dict[str, Any]]],
    before: Mapping[str, Sequence[Any]],
    curator: str,
    request: str,
) -> int:
    """Append entries, by candidate, to the ledger and write what then stands. `before`: all entries of each of these
    candidates so far."""
    newest = sa.select(decisions.c.number, decisions.c.decided_at).order_by(decisions.c.number.desc()).limit(1)
    last = connection.execute(newest).first()
    # later entries get later times, even if the clock was set back: tokens are numbered by them
    now = utc_now() if last is None else max(utc_now(), last.decided_at + timedelta(microseconds=1))
    number = 0 if last is None else last.number
    rows: list[dict[str, Any]] = []
    standing, stood = {}, {}
    for id, entries in new.items():
        said = list(before.get(id, ()))
        stood[id] = fold(said)
        for entry in entries:
            number += 1
            row = PLAIN | entry | {"candidate_id": id, "curator": curator, "request": request}
            rows.append(row | {"number": number, "decided_at": now})
            said.append(_Entry(rows[-1]))
        standing[id] = fold(said)
    insert_rows(connection, decisions, rows)
    write_standing(connection, standing, stood)
    return len(rows)


class _Entry:
    """A new entry, read like a row."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values


def write_standing(
    connection: Connection, standing: Mapping[str, Standing], before: Mapping[str, Standing | None]
) -> None:
    """Write what stands of these candidates into their rows, and their tags. `before`: what is written there now, or
    None where that is not known. Only what differs is written: each column is part of indexes, which are written anew
    with it."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for id, now in standing.items():
        then = before[id]
        differing = [name for name in STANDING if then is None or getattr(now, name) != getattr(then, name)]
        row = {"id": id, **{name: getattr(now, name) for name in differing}}
        if then is None or (then.entries == 0) != (now.entries == 0):
            row["shown"] = True  # somebody spoke of it
        alike.setdefault(tuple(row), []).append(row)
    for rows in alike.values():
        update_rows(connection, candidates, rows)
    retagged = [id for id, now in standing.items() if before[id] is None or before[id].tags != now.tags]  # type: ignore[union-attr]
    had: dict[str, set[str]] = {}
    for tag in rows_where(connection, sa.select(tagged), tagged.c.candidate_id, retagged):
        had.setdefault(tag.candidate_id, set()).add(tag.tag)
    gone = [{"b_tag": tag, "b_id": id} for id, tags in had.items() for tag in tags - standing[id].tags]
    new = [{"tag": tag, "candidate_id": id} for id in retagged for tag in standing[id].tags - had.get(id, set())]
    if gone:
        this = sa.and_(tagged.c.tag == sa.bindparam("b_tag"), tagged.c.candidate_id == sa.bindparam("b_id"))
        connection.execute(sa.delete(tagged).where(this), gone)
    insert_rows(connection, tagged, new)


def entries_of(connection: Connection, ids: Iterable[str]) -> list[Row[Any]]:
    """All entries of these candidates; each one's by number."""
    found = rows_where(connection, sa.select(decisions), decisions.c.candidate_id, ids)
    return sorted(found, key=lambda row: (row.candidate_id, row.number))


def group_entries(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """Entries that come candidate by candidate, by candidate."""
    return {id: list(of) for id, of in groupby(entries, key=lambda row: row.candidate_id)}


def _count_of(connection: Connection, request: str) -> int:
    """How many entries were added in this step."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(decisions).where(decisions.c.request == request)
    ).scalar_one()


def new_request() -> str:
    return secrets.token_hex(8)


def _undone(entries: Iterable[Any]) -> dict[int, int]:
    """Which entries are taken back, each by which other one."""
    undone: dict[int, int] = {}
    for entry in sorted(entries, key=lambda row: -row.number):
        if entry.undoes is not None and entry.number not in undone:
            undone[entry.undoes] = entry.number
    return undone


def checked(said: Said) -> Said:
    """The same without blanks around its texts. Raises BadValue for an unknown action, or for text that is missing, too
    long, or of no use to the action."""
    action = said.action
    if action not in ACTIONS or action == "undo":
        raise BadValue("action", action, ", ".join(one for one in ACTIONS if one != "undo"))
    if said.settles and action not in VERDICT_OF:
        raise BadValue("settles", action, f"with {', '.join(VERDICT_OF)}")
    note = checked_text("note", said.note, empty=action != "note")
    if action in ("tag", "untag"):
        value = checked_text("tag", said.value)
    elif action == "rename":
        value = checked_text("name", said.value, empty=True)
    else:
        value = said.value.strip()
        if value:
            raise BadValue(f"value of {action}", value, "none: only tags and names have one")
    return said if (note, value) == (said.note, said.value) else replace(said, note=note, value=value)


def checked_text(what: str, given: str, empty: bool = False) -> str:
    """The text without blanks around it. Raises BadValue for one that is too long, of more than one line (but a note),
    or blank where it must not be."""
    text = given.strip()
    if not text and not empty:
        raise BadValue(what, given, {"curator": "a name", "tag": "a word or a few", "note": "text"}[what])
    if len(text) > LONGEST[what]:
        raise BadValue(what, f"{text[:20]}...", f"{LONGEST[what]} characters at most")
    if what != "note" and not text.isprintable():
        raise BadValue(what, text, "letters, digits and signs on one line")
    if "\0" in text:
        raise BadValue(what, text, "text without a NUL character")
    return text
