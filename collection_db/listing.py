"""Whole lists of candidates as a curator sees them, as arrays: a page shows the few of them that are in view, and asks
for their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from collection_db.filtering import Eyes, Listing, joined, own
from collection_db.rows import Rows, among, pieces
from collection_db.schema import candidates, decisions, recipes, sources
from errors import BadValue

# what a list says of each candidate
ACCEPTED, REJECTED, NEEDS, STARRED, DISAGREED, LEADS, HIDDEN, MORE = 1, 2, 4, 8, 16, 32, 64, 128
MOST_CHANGES = 2_000
NOBODY = 0  # the number of an empty place


@dataclass(frozen=True, eq=False)
class Listed:
    """Candidates in order: their numbers (uint32 [n]; 0 is an empty place), their groups (uint32 [n]: the leader's
    number, 0 where there is none) and what is to be said of them (uint8 [n], of the constants above).

    Where they are laid out row by row, `rows` and `columns` are the headings, and `titles` what they are.
    """

    numbers: NDArray[np.uint32]
    groups: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    titles: tuple[str, str] = ("", "")  # of both

    def __len__(self) -> int:
        return len(self.numbers)


class ListRows(Rows):
    def listed(self, listing: Listing, eyes: Eyes, layout: str = "grid", limit: int | None = None) -> Listed:
        """The candidates of a listing, laid out: "grid" in order, of which the first `limit` are soon found; "groups"
        with each group's members together, the leader first, where its first member is; "matrix" and "xy" see the
        functions here.

        Raises BadValue for another layout, or for "xy" of more than one source and style.
        """
        if layout not in LAYOUTS:
            raise BadValue("layout", layout, ", ".join(LAYOUTS))
        with self._read() as connection:
            if layout == "grid":
                return _in_order(connection, listing, eyes, limit)
            return LAYOUTS[layout](connection, listing, eyes)

    def ids_of(self, listing: Listing, eyes: Eyes, only_needing: bool = False) -> list[str]:
        """The ids of a listing's candidates, in order."""
        where = [*listing.where(eyes), *([eyes.needs] if only_needing else [])]
        statement = joined(sa.select(candidates.c.id), eyes, listing.joins).where(*where)
        with self._read() as connection:
            return list(connection.execute(statement.order_by(*listing.order(eyes))).scalars())

    def count_listed(self, listing: Listing, eyes: Eyes) -> tuple[int, int]:
        """How many a listing has, and how many of them need this curator's decision."""
        needing = sa.func.coalesce(sa.func.sum(sa.case((eyes.needs, 1), else_=0)), 0)
        statement = joined(sa.select(sa.func.count(), needing), eyes, listing.joins).where(*listing.where(eyes))
        with self._read() as connection:
            count, waiting = connection.execute(statement).one()
        return int(count), int(waiting)

    def hidden_ids(self, eyes: Eyes) -> set[str]:
        """The ids of those of which somebody said something that this curator does not see yet."""
        statement = joined(sa.select(candidates.c.id), eyes, set()).where(sa.not_(eyes.sees))
        with self._read() as connection:
            return set(connection.execute(statement).scalars())

    def newest(self) -> tuple[int, int]:
        """The numbers of the newest entry and of the newest candidate; 0 where there is none."""
        numbers = (sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0)) for table in (decisions, candidates))
        with self._read() as connection:
            entry, candidate = connection.execute(sa.select(*(one.scalar_subquery() for one in numbers))).one()
        return int(entry), int(candidate)

    def changed_since(self, entry: int, eyes: Eyes) -> list[tuple[int, int]] | None:
        """(number, flags) of the candidates of which something was said after that entry; None where they are more than
        `MOST_CHANGES`."""
        spoken = sa.select(decisions.c.candidate_id).where(decisions.c.number > entry).distinct()
        with self._read() as connection:
            ids = connection.execute(spoken.limit(MOST_CHANGES + 1)).scalars().all()
            if len(ids) > MOST_CHANGES:
                return None
            return _flags_where(connection, eyes, candidates.c.id, ids)

    def flags_of(self, numbers: Sequence[int], eyes: Eyes) -> dict[int, int]:
        """What a list says of these candidates."""
        with self._read() as connection:
            return dict(_flags_where(connection, eyes, candidates.c.number, numbers))


def _flags_where(
    connection: Connection, eyes: Eyes, column: sa.ColumnElement[Any], values: Sequence[Any]
) -> list[tuple[int, int]]:
    statement = joined(sa.select(candidates.c.number, _flags(eyes)), eyes, set())
    found: list[tuple[int, int]] = []
    for piece in pieces(values):
        found += [tuple(row) for row in connection.execute(statement.where(among(connection, column, piece)))]
    return found


def _flags(eyes: Eyes) -> sa.ColumnElement[int]:
    """The constants above, added up by the database: a hundred thousand rows are too many for a loop in Python."""
    verdict = sa.case((eyes.verdict == "accept", ACCEPTED), (eyes.verdict == "reject", REJECTED), else_=0)
    said = {
        NEEDS: eyes.needs,
        STARRED: own.c.starred,
        DISAGREED: sa.and_(candidates.c.disagreed, eyes.sees),
        LEADS: candidates.c.leader_id == candidates.c.id,
        HIDDEN: sa.not_(eyes.sees),
        MORE: candidates.c.more,
    }
    total: sa.ColumnElement[int] = verdict
    for flag, condition in said.items():
        total = total + sa.case((condition, flag), else_=0)
    return total.label("flags")


def _rows(
    connection: Connection,
    listing: Listing,
    eyes: Eyes,
    *columns: sa.ColumnElement[Any],
    tables: Iterable[str] = (),
    limit: int | None = None,
) -> tuple[Sequence[Any], ...]:
    """Columns of a listing: number, leader's number, flags, and these."""
    wanted = sa.select(candidates.c.number, candidates.c.leader_id, _flags(eyes), *columns)
    statement = joined(wanted, eyes, listing.joins | set(tables)).where(*listing.where(eyes))
    # plain tuples, as the driver gives them: making rows of a hundred thousand takes longer than finding them
    found = connection.execute(statement.order_by(*listing.order(eyes)).limit(limit)).cursor.fetchall()
    if not found:
        return tuple([] for _ in range(3 + len(columns)))
    numbers, leaders, *rest = zip(*found, strict=True)
    return numbers, _leaders(connection, numbers, leaders, rest[0]), *rest


def _leaders(
    connection: Connection, numbers: Sequence[int], ids: Sequence[str | None], flags: Sequence[int]
) -> list[int]:
    """The numbers of these leaders, most of which are in the list themselves: joining them takes longer."""
    known = {id: number for number, id, flag in zip(numbers, ids, flags, strict=True) if flag & LEADS}
    lacking = list({id for id in ids if id is not None and id not in known})
    for piece in pieces(lacking):
        these = sa.select(candidates.c.id, candidates.c.number).where(among(connection, candidates.c.id, piece))
        known.update((id, number) for id, number in connection.execute(these))
    return [known.get(id, 0) for id in ids]


def _in_order(connection: Connection, listing: Listing, eyes: Eyes, limit: int | None = None) -> Listed:
    return _arrays(*_rows(connection, listing, eyes, limit=limit))


def _by_group(connection: Connection, listing: Listing, eyes: Eyes) -> Listed:
    numbers, leaders, flags = _rows(connection, listing, eyes)
    members: dict[int, list[int]] = {}
    for place, (number, group) in enumerate(zip(numbers, leaders, strict=True)):
        members.setdefault(group or -number, []).append(place)
    order = [place for of in members.values() for place in sorted(of, key=lambda one: not flags[one] & LEADS)]
    whole = _arrays(numbers, leaders, flags)
    return Listed(whole.numbers[order], whole.groups[order], whole.flags[order])


def _by_source_and_style(connection: Connection, listing: Listing, eyes: Eyes) -> Listed:
    """A row a source, a column a style: of both the accepted one, or else the one with the best score."""
    found = _rows(connection, listing, eyes, candidates.c.source_id, candidates.c.style, candidates.c.score)
    best: dict[tuple[str, str], tuple[Any, ...]] = {}
    for number, group, flags, source, style, score in zip(*found, strict=True):
        rank = (flags & ACCEPTED, score is not None, score or 0.0)
        if (source, style) not in best or rank > best[source, style][0]:
            best[source, style] = (rank, number, group, flags)
    in_order = sa.select(sources.c.id).order_by(sources.c.position, sources.c.id)
    with_any = {source for source, _ in best}
    rows = [id for id in connection.execute(in_order).scalars() if id in with_any]
    styles = list(dict.fromkeys(found[4]))
    nothing = (None, NOBODY, 0, 0)
    places = [best.get((source, style), nothing)[1:] for source in rows for style in sorted(styles)]
    return _laid_out(places, rows, sorted(styles), ("Source", "Style"))


def _by_scale_and_step(connection: Connection, listing: Listing, eyes: Eyes) -> Listed:
    """Of one source and style: a row a guidance scale, a column an insertion step; where there are several seeds, a
    column for each."""
    for name in ("source", "style"):
        if len(listing.filters.get(name, ())) != 1:
            raise BadValue(name, " and ".join(listing.filters.get(name, ())) or None, f'one {name}: layout "xy"')
    of = (candidates.c.guidance_scale, candidates.c.insertion_step, recipes.c.seed)
    found = _rows(connection, listing, eyes, *of, tables=["recipes"])
    places: dict[tuple[float, int, int, int], tuple[int, int, int]] = {}
    for number, group, flags, scale, step, seed in zip(*found, strict=True):
        again = 0  # of other samplers or modes
        while (scale, step, seed, again) in places:
            again += 1
        places[scale, step, seed, again] = (number, group, flags)
    scales = sorted({scale for scale, *_ in places})
    columns = sorted({place[1:] for place in places})
    seeds = {seed for _, seed, _ in columns}
    labels = [f"{step}{f' · seed {seed}' if len(seeds) > 1 else ''}{' ·' * again}" for step, seed, again in columns]
    laid = [places.get((scale, *column), (NOBODY, 0, 0)) for scale in scales for column in columns]
    return _laid_out(laid, [f"{scale:g}" for scale in scales], labels, ("Guidance scale", "Insertion step"))


def _laid_out(
    places: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str], titles: tuple[str, str]
) -> Listed:
    """(number, group, flags) of every place, row by row."""
    numbers, groups, flags = np.asarray(places, np.int64).reshape(-1, 3).T
    return Listed(numbers.astype(np.uint32), groups.astype(np.uint32), flags.astype(np.uint8), rows, columns, titles)


def _arrays(numbers: Sequence[int], groups: Sequence[int], flags: Sequence[int]) -> Listed:
    return Listed(np.asarray(numbers, np.uint32), np.asarray(groups, np.uint32), np.asarray(flags, np.uint8))


LAYOUTS: dict[str, Callable[[Connection, Listing, Eyes], Listed]] = {
    "grid": _in_order,
    "groups": _by_group,
    "matrix": _by_source_and_style,
    "xy": _by_scale_and_step,
}
