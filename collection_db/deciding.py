"""The table's decisions: entries are added to the ledger, and what then stands is written beside them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import insert_rows
from collection_db.comparing import leaders_statement
from collection_db.engine import patient
from collection_db.ledger import VERDICT_OF, fold, in_force, opinions, undone_by
from collection_db.rows import Rows, equals, pieces, require_candidates, rows_where
from collection_db.schema import ACTIONS, candidates, decisions, recipes, sources, tagged, utc_now
from collection_db.standing import entries_of, group_entries, write_standing
from errors import BadValue, UnknownEntry

AT_ONCE = 5_000  # candidates whose entries are in memory at a time
LONGEST = {"tag": 64, "name": 200, "curator": 64, "note": 4_000, "request": 200}  # characters
WORDS = {"curator": "a name", "tag": "a word or a few", "note": "text", "request": "a name of the step"}


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
        if request is not None:  # a blank one would be every step of a table from before there were any
            request = checked_text("request", request)
        given = [checked(one) for one in said]
        return self._once(lambda connection, step: _record(connection, given, curator, step), request)

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
        many. Raises BadValue for no curator."""
        curator = checked_text("curator", curator)

        def accept(connection: Connection, step: str) -> int:
            wanted = list(connection.execute(leaders_statement(undecided_only=True)).scalars())
            return _record(connection, [Said(id, "accept") for id in wanted], curator, step)

        return self._once(accept)

    def undo(self, numbers: Iterable[int], curator: str, note: str = "", request: str | None = None) -> int:
        """Take these entries back, all or none; return how many were. An undoing entry may be taken back, too: then
        what it undid stands again. `request` names the step, as with `record`. Raises UnknownEntry for a number that
        the ledger has not, or that is taken back already; BadValue for no curator, or a note that cannot be kept."""
        wanted = list(dict.fromkeys(numbers))
        curator, note = checked_text("curator", curator), checked_text("note", note, empty=True)

        def take_back(connection: Connection, step: str) -> int:
            found = rows_where(connection, sa.select(decisions), decisions.c.number, wanted)
            by_number = {row.number: row for row in found}
            for number in wanted:
                if number not in by_number:
                    raise UnknownEntry(number, "there is no such entry; `toadworks history ID` shows a candidate's")
            undone = undone_by(entries_of(connection, {row.candidate_id for row in found}))
            for number in wanted:
                if number in undone:
                    raise UnknownEntry(number, f"was taken back already, by entry {undone[number]}")
            entries: dict[str, list[dict[str, Any]]] = {}
            for number in wanted:
                id = by_number[number].candidate_id
                undoing = {"action": "undo", "value": "", "note": note, "settles": False, "undoes": number}
                entries.setdefault(id, []).append(undoing)
            before = group_entries(entries_of(connection, entries))
            return _append(connection, entries, before, curator, step)

        return self._once(take_back, request)

    def _once(self, say: Callable[[Connection, str], int], request: str | None = None) -> int:
        """`say` something in a step of this name (default: a new one), in one transaction, and return how many entries
        that added: none where the step was said before. While the server is away it is repeated under the same name: if
        only the answer was lost, it is not said again."""
        step, tries = request or new_request(), 0

        @patient
        def attempt() -> int:
            nonlocal tries
            tries += 1
            with self._write() as connection:
                known = sa.select(sa.func.count()).select_from(decisions).where(decisions.c.request == step)
                if said := connection.execute(known).scalar_one():
                    return said if tries > 1 else 0
                return say(connection, step)

        return attempt()

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
            for rows in found.partitions():  # a long evening may have been undone
                undone = undone_by(entries_of(connection, {row.candidate_id for row in rows}))
                for row in rows:
                    if row.number not in undone:
                        return self._step_of(connection, row)
        return []

    def said_in(self, request: str) -> list[Row[Any]]:
        """All entries of a step, undoing ones and those that were taken back since; rows as in `schema.Decision`."""
        statement = sa.select(decisions).where(equals(decisions.c.request, request)).order_by(decisions.c.number)
        with self._read() as connection:
            return list(connection.execute(statement).all())

    def step(self, request: str) -> list[tuple[int, str]]:
        """(number, curator) of the entries of a step that stand, without undoing ones."""
        with self._read() as connection:
            return [(entry.number, entry.curator) for entry in _standing_of_step(connection, request)]

    def _step_of(self, connection: Connection, row: Row[Any]) -> list[int]:
        return [entry.number for entry in _standing_of_step(connection, row.request)] if row.request else [row.number]

    def decisions(self, candidate_id: str) -> list[Row[Any]]:
        """All that was said of a candidate, the oldest first; rows as in `schema.Decision`."""
        statement = sa.select(decisions).where(equals(decisions.c.candidate_id, candidate_id))
        with self._read() as connection:
            return list(connection.execute(statement.order_by(decisions.c.number)).all())

    def entries(self, numbers: Sequence[int]) -> list[tuple[int, str, str, str]]:
        """(number, action, candidate id, curator) of these entries of the ledger, in order."""
        columns = (decisions.c.number, decisions.c.action, decisions.c.candidate_id, decisions.c.curator)
        with self._read() as connection:
            found = rows_where(connection, sa.select(*columns), decisions.c.number, numbers)
        return sorted((row.number, row.action, row.candidate_id, row.curator) for row in found)

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


def _standing_of_step(connection: Connection, request: str) -> list[Row[Any]]:
    of_step = sa.select(decisions).where(equals(decisions.c.request, request), decisions.c.action != "undo")
    entries = connection.execute(of_step.order_by(decisions.c.number)).all()
    undone = undone_by(entries_of(connection, {entry.candidate_id for entry in entries}))
    return [entry for entry in entries if entry.number not in undone]


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
            so_far = before.get(id, [])
            for one in of[id]:
                if not _stands(one, curator, in_force(so_far)):
                    entry = {"action": one.action, "value": one.value, "note": one.note, "settles": one.settles}
                    new.setdefault(id, []).append(entry | {"undoes": None})
                    if len(of[id]) > 1:  # what comes next is held against this, too
                        told = {"curator": curator, "undoes": None, "number": 0, "decided_at": utc_now()}
                        so_far = [*so_far, _Entry(entry | told)]
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
    if action in ("more", "unmore"):
        return before.more == (action == "more")
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
            step = {"number": number, "candidate_id": id, "curator": curator, "request": request, "decided_at": now}
            rows.append(entry | step)
            said.append(_Entry(rows[-1]))
        standing[id] = fold(said)
    insert_rows(connection, decisions, rows)
    write_standing(connection, standing, stood)
    return len(rows)


class _Entry:
    """A new entry, read like a row."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values


def new_request() -> str:
    return secrets.token_hex(8)


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
        raise BadValue(what, given, WORDS[what])
    if len(text) > LONGEST[what]:
        raise BadValue(what, f"{text[:20]}...", f"{LONGEST[what]} characters at most")
    if what != "note" and not text.isprintable():
        raise BadValue(what, text, "letters, digits and signs on one line")
    if "\0" in text:
        raise BadValue(what, text, "text without a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:  # what a terminal of another encoding typed
        raise BadValue(what, text, "text in Unicode") from None
    return text
