"""Is the table what it should be? What is written twice, for speed, is held against where it comes from, and can be
worked out anew; the database's own consistency is asked for, too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.bulk import update_rows
from collection_db.engine import snapshot
from collection_db.ledger import Standing, Word, fold
from collection_db.making import OF_RECIPE
from collection_db.planning import PLACE, needless, queue_missing, unqueued
from collection_db.rows import Rows, among, pieces
from collection_db.schema import (
    candidates,
    decisions,
    fingerprints,
    grouped_sources,
    mints,
    opinions,
    recipes,
    tagged,
    tokens,
    work,
)
from collection_db.standing import STANDING, group_entries, write_standing
from styles.recipes import Recipe

AT_ONCE = 5_000  # candidates, or recipes
UNFOLDED = ("prompt", "guidance_scale", "insertion_step", "mode", "seed", "sampler", "steps", "weights_sha256")


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be: of which candidate or recipe ("" where it is of none), and what.
    `mended` is whether `Table.rebuild` can put it right."""

    id: str
    told: str
    mended: bool = True


class CheckRows(Rows):
    def faults(self, progress: Callable[[int], object] = lambda count: None) -> list[Fault]:
        """Everything that is not as it should be, of one moment; empty if all is well. Writers may go on meanwhile.
        `progress` gets the number of candidates looked at, some thousand at a time."""
        with snapshot(self.engine) as connection:
            if found := list(_of_file(connection)):
                return found  # nothing else of it can be believed
            found = [*_of_keys(connection), *_of_work(connection), *_of_recipes(connection)]
            found += [*_of_references(connection), *_of_entries(connection)]
            for page in _pages(connection):
                found += [fault for fault, _ in _of_candidates(connection, page)]
                progress(len(page))
        return found

    def rebuild(self) -> int:
        """Work out anew, from ledger, recipes and candidates, all that is kept beside them; return how many rows were
        wrong. What needs pictures (fingerprints, groups, twins) is left to the next run to find."""
        wrong = 0
        with self._write() as connection:
            for page in _pages(connection):
                bad = {row.id: standing for _, (row, standing) in _of_candidates(connection, page)}
                if not bad:
                    continue
                wrong += len(bad)
                write_standing(connection, bad, dict.fromkeys(bad))
                recipe_of = sa.select(recipes.c.id, *(recipes.c[name] for name in OF_RECIPE), recipes.c.planned)
                rows = connection.execute(recipe_of.where(_of_page(page), recipes.c.id == candidates.c.id)).all()
                copies = [
                    {
                        "id": row.id,
                        "shown": row.planned or bad[row.id].entries > 0,
                        **{name: row._mapping[name] for name in OF_RECIPE},
                    }
                    for row in rows
                    if row.id in bad
                ]
                update_rows(connection, candidates, copies)
            wrong += queue_missing(connection)
            misplaced = connection.execute(_misplaced()).all()
            wrong += len(misplaced)
            update_rows(connection, work, [dict(row._mapping) for row in misplaced], key="recipe_id")
            wrong += _forget_lost(connection)
        return wrong


def _forget_lost(connection: Connection) -> int:
    """Let what points to nothing be found anew by the next run; return how many rows that are."""
    led = list(connection.execute(sa.select(candidates.c.source_id).where(_astray("leader_id"))).scalars())
    for piece in pieces(list(set(led))):
        these = among(connection, grouped_sources.c.source_id, piece)
        connection.execute(sa.delete(grouped_sources).where(these))
    connection.execute(sa.update(candidates).where(_astray("leader_id")).values(leader_id=None))
    twins = sa.update(candidates).where(_astray("twin_id")).values(twin_id=None, crossed_as=None)
    unhashed = sa.update(candidates).where(_without_fingerprint()).values(hashed_with=None)
    return len(led) + connection.execute(twins).rowcount + connection.execute(unhashed).rowcount


def _of_file(connection: Connection) -> Iterator[Fault]:
    """SQLite's own examination of its file. PostgreSQL has none that a client may ask for."""
    if connection.dialect.name != "sqlite":
        return
    try:
        for (told,) in connection.exec_driver_sql("PRAGMA quick_check(20)"):
            if told != "ok":
                yield Fault("", f"the database file is damaged: {told}", mended=False)
    except sa.exc.DatabaseError as error:  # so much that it cannot be examined
        yield Fault("", f"the database file is damaged: {error.orig}", mended=False)


def _of_keys(connection: Connection) -> Iterator[Fault]:
    """What SQLite lets a program write that does not ask for its foreign keys to be watched; PostgreSQL never does."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20):
        yield Fault("", f"a row of {row[0]} points to one of {row[2]} that is not there", mended=False)


def _of_work(connection: Connection) -> Iterator[Fault]:
    for (id,) in connection.execute(sa.select(work.c.recipe_id).where(needless())):
        yield Fault(id, "is to be made, but is made already or not planned")
    for (id,) in connection.execute(sa.select(recipes.c.id).where(unqueued())):
        yield Fault(id, "is planned and not made, but not among what is to be made")
    for row in connection.execute(_misplaced()):
        yield Fault(row.recipe_id, "is to be made in another place than its recipe says")


def _of_recipes(connection: Connection) -> Iterator[Fault]:
    """A recipe's id is the SHA-256 of its JSON, whose values stand in columns, too."""
    defaults = {field.name: field.default for field in fields(Recipe)}
    columns = [recipes.c[name] for name in ("id", "json", *UNFOLDED)]
    for row in connection.execution_options(yield_per=AT_ONCE).execute(sa.select(*columns)):
        if hashlib.sha256(row.json.encode()).hexdigest() != row.id:
            yield Fault(row.id, "its recipe's JSON is not that of its id", mended=False)
            continue
        said = defaults | json.loads(row.json)
        if wrong := [name for name in UNFOLDED if getattr(row, name) != said[name]]:
            yield Fault(row.id, f"its recipe's row and JSON differ in {', '.join(wrong)}", mended=False)


def _of_references(connection: Connection) -> Iterator[Fault]:
    """What no foreign key watches over."""
    for name in ("leader_id", "twin_id"):
        for (id,) in connection.execute(sa.select(candidates.c.id).where(_astray(name))):
            yield Fault(id, f"its {name} names no candidate")
    apart = sa.select(tokens.c.candidate_id, tokens.c.number).join(candidates, candidates.c.id == tokens.c.candidate_id)
    for row in connection.execute(apart.where(tokens.c.image_sha256 != candidates.c.image_sha256)):
        yield Fault(row.candidate_id, f"token {row.number} was exported with another image", mended=False)
    strange = ~sa.exists().where(tokens.c.number == mints.c.number)
    order = (mints.c.contract, mints.c.number)
    for row in connection.execute(sa.select(mints).where(strange).order_by(*order).limit(20)):
        told = f"token {row.number} was minted by {row.contract}, and there is no such token"
        yield Fault("", told, mended=False)
    for (id,) in connection.execute(sa.select(candidates.c.id).where(_without_fingerprint())):
        yield Fault(id, "has lost its fingerprint")


def _of_entries(connection: Connection) -> Iterator[Fault]:
    """Of the ledger, which nobody can mend."""
    entry = sa.select(decisions.c.candidate_id, decisions.c.number)
    undoing, undo = decisions.c.undoes.is_not(None), decisions.c.action == "undo"
    for row in connection.execute(entry.where(undo, ~undoing)):
        yield Fault(row.candidate_id, f"its entry {row.number} undoes nothing", mended=False)
    for row in connection.execute(entry.where(undoing, ~undo)):
        yield Fault(row.candidate_id, f"its entry {row.number} undoes something, but is no undo", mended=False)
    target = decisions.alias("target")
    same = sa.and_(
        target.c.number == decisions.c.undoes,
        target.c.candidate_id == decisions.c.candidate_id,
        target.c.number < decisions.c.number,
    )
    for row in connection.execute(entry.where(undoing, ~sa.exists().where(same))):
        yield Fault(row.candidate_id, f"its entry {row.number} undoes one that is not its own", mended=False)


def _of_candidates(connection: Connection, page: Sequence[int]) -> Iterator[tuple[Fault, tuple[Row[Any], Standing]]]:
    """Those on this page whose row is not what ledger and recipe say, and what stands."""
    spoken = sa.select(decisions).join(candidates, candidates.c.id == decisions.c.candidate_id).where(_of_page(page))
    entries = group_entries(connection.execute(spoken.order_by(decisions.c.candidate_id, decisions.c.number)))
    tags: dict[str, set[str]] = {}
    for row in _apart(connection, tagged, page):
        tags.setdefault(row.candidate_id, set()).add(row.tag)
    words: dict[str, set[Word]] = {}
    for row in _apart(connection, opinions, page):
        words.setdefault(row.candidate_id, set()).add(Word(row.curator, row.verdict, row.unseen, row.starred))
    copied = [recipes.c[name].label(f"its_{name}") for name in OF_RECIPE]
    names = ("id", "shown", *OF_RECIPE, *STANDING)
    both = sa.select(*(candidates.c[name] for name in names), *copied, recipes.c.planned)
    for row in connection.execute(both.join(recipes, recipes.c.id == candidates.c.id).where(_of_page(page))):
        standing = fold(entries.get(row.id, ()))
        wrong = [name for name in STANDING if getattr(row, name) != getattr(standing, name)]
        wrong += [name for name in OF_RECIPE if getattr(row, name) != getattr(row, f"its_{name}")]
        if tags.get(row.id, set()) != standing.tags:
            wrong.append("tags")
        if words.get(row.id, set()) != standing.words:
            wrong.append("opinions")
        if row.shown != (row.planned or standing.entries > 0):
            wrong.append("shown")
        if wrong:
            yield Fault(row.id, f"its row and its ledger or recipe differ in {', '.join(wrong)}"), (row, standing)


def _apart(connection: Connection, table: sa.Table, page: Sequence[int]) -> sa.CursorResult[Any]:
    """What stands of the page's candidates in a table of its own."""
    return connection.execute(
        sa.select(table).join(candidates, candidates.c.id == table.c.candidate_id).where(_of_page(page))
    )


def _pages(connection: Connection) -> Iterator[Sequence[int]]:
    """The numbers of all candidates, whatever they are, some thousand at a time."""
    numbers = sa.select(candidates.c.number).order_by(candidates.c.number).limit(AT_ONCE)
    page = connection.execute(numbers).scalars().all()
    while page:
        yield page
        page = connection.execute(numbers.where(candidates.c.number > page[-1])).scalars().all()


def _of_page(page: Sequence[int]) -> sa.ColumnElement[bool]:
    return candidates.c.number.between(page[0], page[-1])


def _astray(name: str) -> sa.ColumnElement[bool]:
    other = candidates.alias("other")
    return sa.and_(candidates.c[name].is_not(None), ~sa.exists().where(other.c.id == candidates.c[name]))


def _without_fingerprint() -> sa.ColumnElement[bool]:
    hashed = sa.exists().where(fingerprints.c.candidate_id == candidates.c.id)
    return sa.and_(candidates.c.hashed_with.is_not(None), ~hashed)


def _misplaced() -> sa.Select[Any]:
    """Work and the place that its recipe gives it, where that is another one."""
    other = sa.or_(*(work.c[name] != recipes.c[name] for name in PLACE))
    made = sa.exists().where(candidates.c.id == work.c.recipe_id)
    both = sa.select(work.c.recipe_id, *(recipes.c[name] for name in PLACE))
    return both.join(recipes, recipes.c.id == work.c.recipe_id).where(other, recipes.c.planned, ~made)
