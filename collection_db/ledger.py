"""The ledger: what curators said of a candidate, entry by entry, and what stands of it. Pure functions; the table
writes what they find beside every entry, in the same transaction, and `collection_db.checking` compares.

An entry is only ever added. "undo" takes an earlier entry back, another "undo" among them; what is taken back counts as
if it had never been said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

AUTO = "auto"  # the curator of unattended runs: nobody disagrees with a machine
VERDICT_OF = {"accept": "accept", "reject": "reject", "undecide": "undecided"}
TURNS = {
    "star": True,
    "unstar": False,
    "tag": True,
    "untag": False,
    "lead": True,
    "unlead": False,
    "more": True,
    "unmore": False,
}


class Word(NamedTuple):
    """What stands of one person's entries for a candidate: their own last "accept" or "reject", or None; the one that
    they gave before they could see another's (see `words`), or None; and whether they starred it."""

    curator: str
    verdict: str | None
    unseen: str | None
    starred: bool


@dataclass(frozen=True)
class Standing:
    """What stands of a candidate's entries.

    `verdict` is the last one, whoever gave it, by `curator` at `decided_at`; `accepted_at` is when it became "accept".
    `disagreed`: of the people whose last word it is, some accept it and some reject it, and nobody settled that.
    `stars`: how many people starred it. `chosen`: the number of the entry by which it was made a leader, if that
    stands. `note`: the last one of a verdict or by itself; `name`: the last one. `judged`: somebody gave a verdict,
    even if it was taken back since. `people`: how many accept or reject it; `words`: what each of them says. `more`:
    more like it are asked for.
    """

    verdict: str = "undecided"
    curator: str | None = None
    decided_at: datetime | None = None
    accepted_at: datetime | None = None
    note: str = ""
    name: str = ""
    disagreed: bool = False
    stars: int = 0
    chosen: int | None = None
    entries: int = 0
    judged: bool = False
    people: int = 0
    more: bool = False
    tags: frozenset[str] = frozenset()
    words: frozenset[Word] = frozenset()


NOTHING_SAID = Standing()


def in_force(entries: Sequence[Any]) -> list[Any]:
    """Those of a candidate's entries that were not taken back, the oldest first, without the undoing ones.

    `entries`: all of one candidate by number; rows of `schema.Decision`.
    """
    for entry in entries:
        if entry.undoes is not None:
            break
    else:  # as with nearly every candidate
        return list(entries)
    undone = undone_by(entries)
    return [entry for entry in entries if entry.undoes is None and entry.number not in undone]


def undone_by(entries: Sequence[Any]) -> dict[int, int]:
    """The numbers of those entries that are taken back, undoing ones among them, each with that of who takes it back.

    `entries`: all of some candidates, each one's by number.
    """
    undone: dict[int, int] = {}
    for entry in reversed(entries):  # what undoes comes after what it undoes
        if entry.undoes is not None and entry.number not in undone:
            undone[entry.undoes] = entry.number
    return undone


def fold(entries: Sequence[Any]) -> Standing:
    """What stands of all entries of one candidate, rows of `schema.Decision` by number."""
    if not entries:
        return NOTHING_SAID
    verdict, note, name, chosen, more = None, "", "", None, False
    tags: set[str] = set()
    standing = in_force(entries)
    for entry in standing:
        action = entry.action
        if action in VERDICT_OF:
            verdict = entry
        elif action in ("tag", "untag"):
            (tags.add if TURNS[action] else tags.discard)(entry.value)
        elif action in ("lead", "unlead"):
            chosen = entry.number if TURNS[action] else None
        elif action in ("more", "unmore"):
            more = TURNS[action]
        elif action == "rename":
            name = entry.value
        if entry.note and (action in VERDICT_OF or action == "note"):
            note = entry.note
    said = set() if len(standing) < 2 else {word for who, word in opinions(standing).items() if who != AUTO}
    each = words(standing)
    return Standing(
        verdict="undecided" if verdict is None else VERDICT_OF[verdict.action],
        curator=None if verdict is None else verdict.curator,
        decided_at=None if verdict is None else verdict.decided_at,
        accepted_at=_accepted_at(entries) if verdict is not None and verdict.action == "accept" else None,
        note=note,
        name=name,
        disagreed={"accept", "reject"} <= said,
        stars=sum(word.starred for word in each),
        chosen=chosen,
        entries=len(entries),
        judged=any(entry.action in VERDICT_OF for entry in entries),
        people=sum(word.verdict is not None for word in each),
        more=more,
        tags=frozenset(tags),
        words=frozenset(word for word in each if word.curator != AUTO),
    )


def opinions(standing: Sequence[Any]) -> dict[str, str]:
    """Each curator's own last verdict, of entries in force; what came before one that settles counts no more."""
    last: dict[str, str] = {}
    for entry in standing:
        if entry.action in VERDICT_OF:
            if entry.settles:
                last.clear()
            last[entry.curator] = VERDICT_OF[entry.action]
    return last


def words(standing: Sequence[Any]) -> list[Word]:
    """What each curator says, of entries in force, and "auto" only of stars: those of whom anything stands.

    In blind review people see each other's verdicts as soon as they have given their own. So a verdict is `unseen`
    where nobody else had given one yet, however often it is changed until then, or where it is this person's first.
    """
    verdicts: dict[str, str | None] = {}
    unseen: dict[str, str | None] = {}
    starred: dict[str, bool] = {}
    for entry in standing:
        who, action = entry.curator, entry.action
        if action in ("star", "unstar"):
            starred[who] = TURNS[action]
        elif action in VERDICT_OF and who != AUTO:
            verdict = None if action == "undecide" else VERDICT_OF[action]
            alone = all(word is None or other == who for other, word in verdicts.items())
            if not entry.settles and (alone or unseen.get(who) is None):
                unseen[who] = verdict
            verdicts[who] = verdict
    each = (
        Word(who, verdicts.get(who), unseen.get(who), starred.get(who, False))
        for who in dict.fromkeys([*verdicts, *starred])
    )
    return [word for word in each if word.verdict or word.unseen or word.starred]


def seen_by(curator: str, entries: Sequence[Any]) -> list[Any]:
    """Those of a candidate's entries that a curator may see in blind review: where one other person gave a verdict,
    and they did not, only their own; else all.

    `entries`: all of one candidate by number; rows of `schema.Decision`.
    """
    judges = {word.curator for word in words(in_force(entries)) if word.verdict}
    if curator in judges or len(judges) != 1:
        return list(entries)
    own = {entry.number for entry in entries if entry.curator == curator}
    # others may have taken back what is one's own
    return [entry for entry in entries if entry.number in own or entry.undoes in own]


def _accepted_at(entries: Sequence[Any]) -> datetime:
    """When an accepted candidate became so: by its first acceptance after anything else, or by the entry that took that
    other thing back. So who comes later is numbered later, also where an undo brings an old acceptance back."""
    if any(entry.undoes is not None for entry in entries):
        began = None
        for count, entry in enumerate(entries, start=1):
            verdicts = [one.action for one in in_force(entries[:count]) if one.action in VERDICT_OF]
            accepted = bool(verdicts) and verdicts[-1] == "accept"
            began = (began or entry.decided_at) if accepted else None
    else:
        began = None
        for entry in entries:
            if entry.action in VERDICT_OF:
                began = (began or entry.decided_at) if entry.action == "accept" else None
    assert began is not None, "the last verdict is an acceptance"  # the caller's condition, not input
    return began
