"""The table's decisions: entries are added to the ledger, and what then stands is written beside them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.comparing import leaders_statement
from collection_db.ledger import VERDICT_OF, Standing, fold, in_force, opinions
from collection_db.rows import Rows, pieces, require_candidates, rows_where, update_rows
from collection_db.schema import candidates, decisions, recipes, sources, tagged, utc_now
from errors import BadValue, UnknownEntry

VERDICT_ACTIONS = tuple(VERDICT_OF)
MARKS = ("star", "unstar", "tag", "untag", "note", "rename")
AT_ONCE = 5_000  # candidates whose entries are in memory at a time
LONGEST = {"tag": 64, "name": 200, "curator": 64, "note": 4_000}  # characters
Again = Callable[[Sequence[Any]], bool]
STANDING = tuple(name for name in Standing.__dataclass_fields__ if name != "tags")


class DecisionRows(Rows):
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
        """Record what `curator` says of these candidates; return how many entries were added, all or none.

        `verdict` is "accept", "reject" or "undecide". One that equals the candidate's last (verdict, curator and note)
        is not added again. `settles`: it ends a disagreement of others. `request` names this step, so that saying it
        twice says it once (default: a new one). Raises BadValue for another verdict or no curator, UnknownCandidate.
        """
        if verdict not in VERDICT_ACTIONS:
            raise BadValue("verdict", verdict, ", ".join(VERDICT_ACTIONS))

        def again(standing: Sequence[Any]) -> bool:
            last = next((one for one in reversed(standing) if one.action in VERDICT_OF), None)
            return last is not None and (last.action, last.curator, last.note, last.settles) == said

        said = (verdict, _text("curator", curator), _text("note", note, empty=True), settles)
        return self._say(ids, {"action": verdict, "settles": settles}, curator, note, again, request)

    def mark(
        self, ids: Iterable[str], action: str, curator: str, value: str = "", note: str = "", request: str | None = None
    ) -> int:
        """Record something that is no verdict: "star", "unstar", "tag" and "untag" (`value` is the tag), "note" (`note`
        is it), "rename" (`value` is the name of the token to be; empty takes it back). Return how many entries were
        added, all or none: what stands already is not added again. Raises BadValue, UnknownCandidate."""
        if action not in MARKS:
            raise BadValue("mark", action, ", ".join(MARKS))
        value = _text("name" if action == "rename" else "tag", value, empty=action not in ("tag", "untag"))
        curator, note = _text("curator", curator), _text("note", note, empty=action != "note")

        def again(standing: Sequence[Any]) -> bool:
            before = fold(standing)
            if action in ("star", "unstar"):
                mine = [one.action for one in standing if one.curator == curator and one.action in ("star", "unstar")]
                return (bool(mine) and mine[-1] == "star") == (action == "star")
            if action in ("tag", "untag"):
                return (value in before.tags) == (action == "tag")
            return before.name == value if action == "rename" else before.note == note

        return self._say(ids, {"action": action, "value": value}, curator, note, again, request)

    def choose_leaders(
        self, ids: Iterable[str], leads: bool, curator: str, note: str = "", request: str | None = None
    ) -> int:
        """Record that `curator` wants these candidates to lead their groups, or (`leads` False) takes that back; return
        how many entries were added, all or none: what stands already is not added again. Raises BadValue for no
        curator, UnknownCandidate."""

        def again(standing: Sequence[Any]) -> bool:
            return (fold(standing).chosen is not None) == leads

        action = "lead" if leads else "unlead"
        return self._say(ids, {"action": action}, _text("curator", curator), note, again, request)

    def accept_leaders(self, curator: str) -> int:
        """Accept all of `LookRows.leaders` of which nobody gave a verdict, as they are at this moment; return how
        many."""
        with self._write() as connection:
            wanted = list(connection.execute(leaders_statement(undecided_only=True)).scalars())
            entries = [_entry(id, curator, action="accept") for id in wanted]
            return self._add(connection, entries)

    def undo(self, numbers: Iterable[int], curator: str, note: str = "", request: str | None = None) -> int:
        """Take these entries back, all or none; return how many were. An undoing entry may be taken back, too: then
        what it undid stands again. Raises UnknownEntry for a number that the ledger has not, or that is taken back
        already; BadValue for no curator."""
        wanted = list(dict.fromkeys(numbers))
        curator = _text("curator", curator)
        with self._write() as connection:
            if self._known(connection, request):
                return 0
            found = rows_where(connection, sa.select(decisions), decisions.c.number, wanted)
            by_number = {row.number: row for row in found}
            for number in wanted:
                if number not in by_number:
                    raise UnknownEntry(number, "there is no such entry; `toadworks history ID` shows a candidate's")
            undone = _undone(entries_of(connection, {row.candidate_id for row in found}))
            for number in wanted:
                if number in undone:
                    raise UnknownEntry(number, f"was taken back already, by entry {undone[number]}")
            step = request or new_request()
            entries = [
                _entry(by_number[n].candidate_id, curator, action="undo", undoes=n, note=note, request=step)
                for n in wanted
            ]
            return self._add(connection, entries)

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

    def _say(
        self, ids: Iterable[str], what: Mapping[str, Any], curator: str, note: str, again: Again, request: str | None
    ) -> int:
        """Add the same entry to each of these candidates of which `again(entries in force)` does not hold."""
        wanted = list(dict.fromkeys(ids))
        step = request or new_request()
        with self._write() as connection:
            if self._known(connection, request):
                return 0
            require_candidates(connection, wanted)
            added = 0
            for piece in pieces(wanted, AT_ONCE):
                before = group_entries(entries_of(connection, piece))
                entries = [
                    _entry(id, curator, note=note, request=step, **what)
                    for id in piece
                    if not again(in_force(before.get(id, [])))
                ]
                added += self._add(connection, entries, before)
        return added

    @staticmethod
    def _known(connection: Connection, request: str | None) -> bool:
        if request is None:
            return False
        found = sa.select(decisions.c.number).where(decisions.c.request == request).limit(1)
        return connection.execute(found).first() is not None

    def _add(
        self,
        connection: Connection,
        entries: Sequence[dict[str, Any]],
        before: Mapping[str, list[Any]] | None = None,
    ) -> int:
        """Append to the ledger and write what then stands. `before`: the entries of these candidates so far."""
        if not entries:
            return 0
        newest = sa.select(decisions.c.number, decisions.c.decided_at).order_by(decisions.c.number.desc()).limit(1)
        last = connection.execute(newest).first()
        # later entries get later times, even if the clock was set back: tokens are numbered by them
        now = utc_now() if last is None else max(utc_now(), last.decided_at + timedelta(microseconds=1))
        number = 0 if last is None else last.number
        whole = [entry | {"number": number + n, "decided_at": now} for n, entry in enumerate(entries, start=1)]
        connection.execute(sa.insert(decisions), whole)
        for piece in pieces(whole, AT_ONCE):
            ids = {entry["candidate_id"] for entry in piece}
            if before is None:
                of = group_entries(entries_of(connection, ids))
            else:
                of = {id: list(before.get(id, ())) for id in ids}
                for entry in piece:
                    of[entry["candidate_id"]].append(_Entry(entry))
            write_standing(connection, {id: fold(said) for id, said in of.items()})
        return len(entries)


class _Entry:
    """A new entry, read like a row."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)


def write_standing(connection: Connection, standing: Mapping[str, Standing]) -> None:
    """Write what stands into these candidates' rows, and their tags. Somebody spoke of them, so they are shown."""
    update_rows(
        connection,
        candidates,
        [
            {"id": id, "shown": True, **{name: getattr(what, name) for name in STANDING}}
            for id, what in standing.items()
        ],
    )
    had: dict[str, set[str]] = {}
    for row in rows_where(connection, sa.select(tagged), tagged.c.candidate_id, standing):
        had.setdefault(row.candidate_id, set()).add(row.tag)
    gone = [{"b_tag": tag, "b_id": id} for id, tags in had.items() for tag in tags - standing[id].tags]
    new = [{"tag": tag, "candidate_id": id} for id, what in standing.items() for tag in what.tags - had.get(id, set())]
    if gone:
        this = sa.and_(tagged.c.tag == sa.bindparam("b_tag"), tagged.c.candidate_id == sa.bindparam("b_id"))
        connection.execute(sa.delete(tagged).where(this), gone)
    if new:
        connection.execute(sa.insert(tagged), new)


def entries_of(connection: Connection, ids: Iterable[str]) -> list[Row[Any]]:
    """All entries of these candidates; each one's by number."""
    found = rows_where(connection, sa.select(decisions), decisions.c.candidate_id, ids)
    return sorted(found, key=lambda row: (row.candidate_id, row.number))


def group_entries(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """Entries that come candidate by candidate, by candidate."""
    return {id: list(of) for id, of in groupby(entries, key=lambda row: row.candidate_id)}


def new_request() -> str:
    return secrets.token_hex(16)


def _entry(candidate_id: str, curator: str, **what: Any) -> dict[str, Any]:
    plain = {"value": "", "note": "", "settles": False, "undoes": None, "request": ""}
    return {"candidate_id": candidate_id, "curator": curator, **plain, **what}


def _undone(entries: Iterable[Any]) -> dict[int, int]:
    """Which entries are taken back, each by which other one."""
    undone: dict[int, int] = {}
    for entry in sorted(entries, key=lambda row: -row.number):
        if entry.undoes is not None and entry.number not in undone:
            undone[entry.undoes] = entry.number
    return undone


def _text(what: str, given: str, empty: bool = False) -> str:
    """Raises BadValue for text that is too long, or blank where it must not be."""
    text = given.strip()
    if not text and not empty:
        raise BadValue(what, given, f"a {what}" if what in ("tag", "note") else "a name")
    if len(text) > LONGEST[what]:
        raise BadValue(what, f"{text[:20]}...", f"{LONGEST[what]} characters at most")
    return text
