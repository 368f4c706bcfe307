"""What a curator may ask of the candidates: conditions on any column, given as text (an address has nothing else), and
what stands of them in that curator's eyes.

In blind review, what others said of a candidate is hidden from a curator until they have given a verdict of their own,
or two others have; see `collection_db.ledger.seen_by`. A condition on what is hidden finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from collection_db.rows import equals, shown
from collection_db.schema import UtcDateTime, candidates, opinions, recipes, tagged, tokens
from errors import BadValue

MOST_VALUES = 100  # of one column, in one question
CHOICES = {"verdict": ("accept", "reject", "undecided")}
own = opinions.alias("own")  # what the curator who looks says
leader = candidates.alias("leader")


@dataclass(frozen=True)
class Eyes:
    """Who looks, and whether what others said is hidden until they have spoken."""

    curator: str
    blind: bool = False

    @property
    def sees(self) -> sa.ColumnElement[bool]:
        """All that was said of a candidate."""
        return sa.or_(candidates.c.people != 1, own.c.verdict.is_not(None)) if self.blind else sa.true()

    @property
    def verdict(self) -> sa.ColumnElement[str]:
        return sa.case((self.sees, candidates.c.verdict), else_="undecided") if self.blind else candidates.c.verdict

    @property
    def needs(self) -> sa.ColumnElement[bool]:
        """It still waits for this curator: nobody gave a verdict, or, in blind review, neither they nor two others."""
        if self.blind:
            return sa.and_(candidates.c.people < 2, own.c.verdict.is_(None))
        return candidates.c.people == 0

    def seen(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A column of what stands, NULL where it is hidden."""
        return sa.case((self.sees, column), else_=None) if self.blind else column


@dataclass(frozen=True)
class Column:
    """A column that can be asked for. `kind`: "text" and "choice" equal one of the values, "words" contain it, "number"
    and "time" may be ranges, "flag" is 1 or 0."""

    label: str
    kind: str
    of: Callable[[Eyes], sa.ColumnElement[Any]]
    sorts: bool = True
    joins: tuple[str, ...] = ()


def _own(name: str, label: str, kind: str) -> Column:
    return Column(label, kind, lambda eyes: candidates.c[name])


def _seen(name: str, label: str, kind: str) -> Column:
    return Column(label, kind, lambda eyes: eyes.seen(candidates.c[name]))


def _recipe(name: str, label: str, kind: str) -> Column:
    return Column(label, kind, lambda eyes: recipes.c[name], joins=("recipes",))


def _plain(name: str) -> sa.ColumnElement[bool]:
    """A column in the words of the index of those few that have it, by which SQLite knows that index."""
    return sa.literal_column(f"candidates.{name}")


def _has(name: str, label: str) -> Column:
    return Column(label, "flag", lambda eyes: candidates.c[name].is_not(None), sorts=False)


COLUMNS: dict[str, Column] = {
    "verdict": Column("Verdict", "choice", lambda eyes: eyes.verdict, sorts=False),
    "needs": Column("Needs your decision", "flag", lambda eyes: eyes.needs, sorts=False),
    "style": _own("style", "Style", "text"),
    "source": _own("source_id", "Source", "text"),
    "guidance_scale": _own("guidance_scale", "Guidance scale", "number"),
    "insertion_step": _own("insertion_step", "Insertion step", "number"),
    "score": _own("score", "Score", "number"),
    "structure": _own("structure", "Structure kept", "number"),
    "clip_score": _own("clip_score", "CLIP score", "number"),
    "seed": _recipe("seed", "Seed", "number"),
    "steps": _recipe("steps", "Steps", "number"),
    "mode": _recipe("mode", "Mode", "text"),
    "sampler": _recipe("sampler", "Sampler", "text"),
    "model": _recipe("model", "Model", "text"),
    "prompt": _recipe("prompt", "Prompt", "words"),
    "leads": Column("Leads its group", "flag", lambda eyes: candidates.c.leader_id == candidates.c.id, sorts=False),
    "group": Column("Group", "number", lambda eyes: leader.c.number, joins=("leader",)),
    "flat": _own("flat", "Flat", "flag"),
    "unchanged": _own("unchanged", "Unchanged", "flag"),
    "copy": _has("copy_of", "Copy of another source"),
    "earlier": _has("earlier", "Like an earlier token"),
    "twin": _has("twin_id", "Like a better one"),
    "tag": Column("Tag", "text", lambda eyes: tagged.c.tag, sorts=False),
    "disagreed": Column("Disagreed", "flag", lambda eyes: sa.and_(_plain("disagreed"), eyes.sees), sorts=False),
    "starred": Column(
        "Starred",
        "flag",
        lambda eyes: sa.or_(sa.and_(candidates.c.stars > 0, eyes.sees), sa.func.coalesce(own.c.starred, sa.false())),
        sorts=False,
    ),
    "mine_starred": Column(
        "Starred by you", "flag", lambda eyes: sa.func.coalesce(own.c.starred, sa.false()), sorts=False
    ),
    "more": Column("More like it asked for", "flag", lambda eyes: _plain("more")),
    "curator": _seen("curator", "Decided by", "text"),
    "decided_at": _seen("decided_at", "Decided", "time"),
    "note": _seen("note", "Note", "words"),
    "name": _seen("name", "Name", "words"),
    "token": Column(
        "In the release", "flag", lambda eyes: tokens.c.number.is_not(None), sorts=False, joins=("tokens",)
    ),
    "made_at": _own("made_at", "Made", "time"),
    "worker": _own("worker", "Made by", "text"),
    "position": _own("position", "Order of the plan", "number"),
}
SORTABLE = tuple(name for name, column in COLUMNS.items() if column.sorts)


@dataclass(frozen=True)
class Listing:
    """Which candidates, in which order. `filters`: values by column of `COLUMNS`; one of a column's values is enough.
    `sort`: a column of `SORTABLE`; what has none there comes last.

    Raises BadValue for a column or a value that cannot be.
    """

    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sort: str = "position"
    descending: bool = False

    def __post_init__(self) -> None:
        if self.sort not in SORTABLE:
            raise BadValue("sort", self.sort, ", ".join(SORTABLE))
        for name, values in self.filters.items():
            if name not in COLUMNS:
                raise BadValue("column", name, ", ".join(COLUMNS))
            if len(values) > MOST_VALUES:
                raise BadValue(f"values of {name}", len(values), f"{MOST_VALUES} at most")
        self.where(Eyes(""))  # every value is looked at

    @property
    def joins(self) -> set[str]:
        """What else has to be joined."""
        return {table for name in (*self.filters, self.sort) for table in COLUMNS[name].joins}

    def where(self, eyes: Eyes) -> list[sa.ColumnElement[bool] | sa.TextClause]:
        conditions: list[sa.ColumnElement[bool] | sa.TextClause] = [shown()]
        for name, values in self.filters.items():
            if values:
                conditions.append(sa.or_(*(_condition(name, value, eyes) for value in values)))
        return conditions

    def order(self, eyes: Eyes) -> list[sa.ColumnElement[Any]]:
        by = COLUMNS[self.sort].of(eyes)
        both = (by, candidates.c.number)
        first, second = (column.desc() if self.descending else column.asc() for column in both)
        return [first.nulls_last(), second]


def joined(statement: sa.Select[Any], eyes: Eyes, tables: set[str]) -> sa.Select[Any]:
    """`statement` from the candidates, with the curator's own opinions and these tables joined."""
    mine = sa.and_(own.c.curator == eyes.curator, own.c.candidate_id == candidates.c.id)
    source = candidates.outerjoin(own, mine)
    if "recipes" in tables:
        source = source.join(recipes, recipes.c.id == candidates.c.id)
    if "leader" in tables:
        source = source.outerjoin(leader, leader.c.id == candidates.c.leader_id)
    if "tokens" in tables:
        source = source.outerjoin(tokens, tokens.c.candidate_id == candidates.c.id)
    return statement.select_from(source)


def _condition(name: str, value: str, eyes: Eyes) -> sa.ColumnElement[bool]:
    column = COLUMNS[name]
    of = column.of(eyes)
    if name == "tag":
        tags = sa.select(tagged.c.candidate_id).where(equals(tagged.c.tag, value))
        return sa.and_(candidates.c.id.in_(tags), eyes.sees)
    if column.kind == "choice" and value not in CHOICES[name]:
        raise BadValue(name, value, ", ".join(CHOICES[name]))
    if column.kind == "flag":
        if value not in ("0", "1"):
            raise BadValue(name, value, "1 or 0")
        return of if value == "1" else sa.not_(sa.func.coalesce(of, sa.false()))
    if column.kind == "words":
        if equals(of, value).compare(sa.false()):
            return sa.false()
        return sa.func.lower(of).contains(value.lower(), autoescape=True)
    if column.kind in ("number", "time"):
        return _within(of, value, name, _number if column.kind == "number" else _moment)
    return equals(of, value)


def _within(
    of: sa.ColumnElement[Any], value: str, name: str, read: Callable[[str, str], Any]
) -> sa.ColumnElement[bool]:
    """ "a..b" with both ends, "a..", "..b", or one value; of a time: the day that begins with it."""
    least, dots, most = value.partition("..")
    kind = UtcDateTime() if read is _moment else sa.Double()
    if not dots:
        least, most = value, value
        if read is _number:
            return of == sa.literal(read(name, value), kind)
    conditions: list[sa.ColumnElement[bool]] = [of.is_not(None)]
    if least.strip():
        conditions.append(of >= sa.literal(read(name, least), kind))
    if most.strip():
        end = read(name, most)
        if isinstance(end, datetime) and len(most.strip()) <= len("2026-11-21"):
            end = end.replace(hour=23, minute=59, second=59, microsecond=999_999)
        conditions.append(of <= sa.literal(end, kind))
    return sa.and_(*conditions)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
        if number == number:  # not NaN, which equals nothing
            return number
    except ValueError:
        pass
    raise BadValue(name, text, 'a number, or a range such as "2..4.5", "..3" or "5.."')


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadValue(name, text, 'a day such as 2026-11-21, or a range such as "2026-11-01.."') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
