"""What a review page tells of candidates, people and the collection, as one curator may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from collection_db.filtering import Eyes, joined, leader, own
from collection_db.ledger import AUTO, VERDICT_OF, Standing, fold, in_force, opinions, seen_by, undone_by, words
from collection_db.rows import Rows, rows_where, shown
from collection_db.schema import candidates, decisions, recipes, sources, tagged, tokens
from collection_db.schema import opinions as opinion_rows
from collection_db.standing import entries_of, group_entries

PACE_ENTRIES = 120  # newest verdicts by which a curator's pace is told
PAUSE_S = 90.0  # longer between two decisions is a pause, and tells nothing of the pace
FEWEST = 5  # gaps that tell a pace


@dataclass(frozen=True)
class Seen:
    """A candidate as a curator sees it: its row, what stands of it, what each person says, and whether somebody spoke
    whom they do not hear."""

    row: Row[Any]
    standing: Standing
    opinions: dict[str, str]
    starred: bool
    hidden: bool


@dataclass(frozen=True)
class Told:
    """An entry of the ledger. `hidden`: said by another of a candidate that this curator has still to judge."""

    entry: Row[Any]
    undone: bool
    hidden: bool


@dataclass(frozen=True)
class Agreement:
    """Of the candidates that two curators judged before they could see the other's verdict: `counts[a][b]` of those of
    which the first said a and the second b."""

    curators: tuple[str, str]
    counts: dict[str, dict[str, int]]

    @property
    def both(self) -> int:
        return sum(sum(of.values()) for of in self.counts.values())

    @property
    def agree(self) -> int:
        return sum(self.counts[verdict][verdict] for verdict in self.counts)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (Cohen 1960): agreement beyond what chance gives to two who say "accept" as often as these do,
        -1..1; None where chance alone would agree always, or nothing was judged by both."""
        if not self.both:
            return None
        by_chance = sum(
            sum(self.counts[verdict].values()) * sum(of[verdict] for of in self.counts.values())
            for verdict in self.counts
        )
        chance = by_chance / self.both**2
        return None if chance == 1 else (self.agree / self.both - chance) / (1 - chance)


@dataclass(frozen=True)
class Progress:
    """How far a curator is. `needing`: candidates that wait for them; `mine`: how many they accept and reject; `pace`:
    seconds a decision, None where too few tell it; `accepted`: of all, in their eyes."""

    shown: int
    needing: int
    mine: dict[str, int]
    accepted: int
    pace: float | None


class ReviewRows(Rows):
    def seen(self, numbers: Sequence[int], eyes: Eyes) -> list[Seen]:
        """Candidates by their numbers, in this order; unknown ones are left out.

        Rows: the columns of `schema.Candidate`; the recipe's prompt, mode, seed, sampler, steps, model, json and
        planned; `source_image`, `leader` and `twin` (numbers), `group_size`, `token`.
        """
        twin, member = candidates.alias("twin"), candidates.alias("member")
        size = sa.select(sa.func.count()).where(member.c.leader_id == candidates.c.leader_id, sa.text("member.shown"))
        statement = joined(
            sa.select(
                candidates,
                *(
                    recipes.c[name]
                    for name in ("prompt", "mode", "seed", "sampler", "steps", "model", "json", "planned")
                ),
                sa.select(sources.c.image_sha256)
                .where(sources.c.id == candidates.c.source_id)
                .scalar_subquery()
                .label("source_image"),
                leader.c.number.label("leader"),
                sa.select(twin.c.number).where(twin.c.id == candidates.c.twin_id).scalar_subquery().label("twin"),
                size.scalar_subquery().label("group_size"),
                tokens.c.number.label("token"),
            ),
            eyes,
            {"recipes", "leader", "tokens"},
        )
        with self._read() as connection:
            found = {row.number: row for row in rows_where(connection, statement, candidates.c.number, numbers)}
            entries = group_entries(entries_of(connection, [row.id for row in found.values()]))
        return [_seen(found[number], entries.get(found[number].id, []), eyes) for number in numbers if number in found]

    def numbers_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The number of each of these candidates, by id."""
        with self._read() as connection:
            found = rows_where(connection, sa.select(candidates.c.id, candidates.c.number), candidates.c.id, ids)
        return {row.id: row.number for row in found}

    def ids_by_number(self, numbers: Sequence[int]) -> dict[int, str]:
        """The id of each of these candidates, by number."""
        with self._read() as connection:
            found = rows_where(
                connection, sa.select(candidates.c.id, candidates.c.number), candidates.c.number, numbers
            )
        return {row.number: row.id for row in found}

    def told_of(self, id: str, eyes: Eyes) -> list[Told]:
        """A candidate's entries that the curator may see, the oldest first."""
        with self._read() as connection:
            entries = entries_of(connection, [id])
        undone = undone_by(entries)
        seen = seen_by(eyes.curator, entries) if eyes.blind else entries
        return [Told(entry, entry.number in undone, False) for entry in seen]

    def ledger(self, eyes: Eyes, before: int | None = None, limit: int = 100, curator: str | None = None) -> list[Told]:
        """Entries of the ledger, the newest first; those before entry `before`, and of one curator, if they are given.

        Rows: the columns of `schema.Decision`; `candidate` (its number) and `image_sha256`.
        """
        statement = sa.select(decisions, candidates.c.number.label("candidate"), candidates.c.image_sha256).join(
            candidates, candidates.c.id == decisions.c.candidate_id
        )
        if before is not None:
            statement = statement.where(decisions.c.number < before)
        if curator is not None:
            statement = statement.where(decisions.c.curator == curator)
        with self._read() as connection:
            rows = connection.execute(statement.order_by(decisions.c.number.desc()).limit(limit)).all()
            all_entries = entries_of(connection, {row.candidate_id for row in rows})
        undone = undone_by(all_entries)
        seen = {
            entry.number
            for of in group_entries(all_entries).values()
            for entry in (seen_by(eyes.curator, of) if eyes.blind else of)
        }
        return [Told(row, row.number in undone, row.number not in seen) for row in rows]

    def curators(self) -> list[str]:
        """Everybody in the ledger, "auto" left out, by the alphabet."""
        with self._read() as connection:
            names = connection.execute(sa.select(decisions.c.curator).distinct()).scalars()
            return sorted(set(names) - {AUTO})

    def all_tags(self) -> list[str]:
        """Every tag that stands, the most used first."""
        count = sa.select(tagged.c.tag).group_by(tagged.c.tag).order_by(sa.func.count().desc(), tagged.c.tag)
        with self._read() as connection:
            return list(connection.execute(count).scalars())

    def styles_shown(self) -> list[str]:
        """The styles of the candidates, by the alphabet."""
        with self._read() as connection:
            return sorted(connection.execute(sa.select(candidates.c.style).where(shown()).distinct()).scalars())

    def progress(self, eyes: Eyes) -> Progress:
        """How far the curator is."""

        def counted(*conditions: sa.ColumnElement[bool] | sa.TextClause) -> sa.ScalarSelect[int]:
            return sa.select(sa.func.count()).select_from(candidates).where(*conditions).scalar_subquery()

        both = candidates.join(own, sa.and_(own.c.candidate_id == candidates.c.id, own.c.curator == eyes.curator))
        mine = sa.select(own.c.verdict, sa.func.count(), sa.func.sum(sa.case((candidates.c.people < 2, 1), else_=0)))
        mine = mine.select_from(both).where(own.c.verdict.is_not(None)).group_by(own.c.verdict)
        several = sa.text("shown AND people > 1")  # in the words of its index
        everything = sa.select(
            counted() - counted(sa.text("NOT shown")),
            counted(several),
            counted(shown(), candidates.c.verdict == "accept"),
            counted(several, candidates.c.verdict == "accept"),
            counted(shown(), candidates.c.verdict == "accept", candidates.c.people == 0),
        )
        with self._read() as connection:
            total, judged, accepted, accepted_by_several, accepted_by_auto = connection.execute(everything).one()
            found = connection.execute(mine).all()
            pace = _pace(connection, eyes.curator)
        verdicts = {verdict: count for verdict, count, _ in found}
        alone = {verdict: int(count) for verdict, _, count in found}
        if eyes.blind:
            needing = total - judged - sum(alone.values())
            accepted = accepted_by_several + accepted_by_auto + alone.get("accept", 0)
        else:
            with self._read() as connection:
                needing = connection.execute(sa.select(counted(shown(), candidates.c.people == 0))).scalar_one()
        given = {"accept": verdicts.get("accept", 0), "reject": verdicts.get("reject", 0)}
        return Progress(total, needing, given, accepted, pace)

    def agreements(self) -> list[Agreement]:
        """Of every two curators who judged the same candidates unseen by each other."""
        first, second = opinion_rows.alias("first"), opinion_rows.alias("second")
        both = sa.and_(second.c.candidate_id == first.c.candidate_id, first.c.curator < second.c.curator)
        keys = (first.c.curator, second.c.curator, first.c.unseen, second.c.unseen)
        statement = (
            sa.select(*keys, sa.func.count())
            .select_from(first.join(second, both))
            .where(first.c.unseen.is_not(None), second.c.unseen.is_not(None))
            .group_by(*keys)
        )
        found: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
        with self._read() as connection:
            for one, other, said, replied, count in connection.execute(statement):
                nothing = {verdict: {"accept": 0, "reject": 0} for verdict in ("accept", "reject")}
                found.setdefault((one, other), nothing)[said][replied] = count
        return [Agreement(pair, counts) for pair, counts in sorted(found.items())]

    def settled(self) -> list[tuple[Row[Any], dict[str, str]]]:
        """(the settling entry, {curator: verdict} before it) of every disagreement that somebody ended, the newest
        first. Rows as in `schema.Decision`."""
        settling = sa.select(decisions.c.candidate_id).where(sa.text("settles")).distinct()
        with self._read() as connection:
            ids = connection.execute(settling).scalars().all()
            entries = group_entries(entries_of(connection, ids))
        ended = []
        for id in ids:
            standing = in_force(entries[id])
            last = [place for place, entry in enumerate(standing) if entry.settles and entry.action in VERDICT_OF]
            if last:
                ended.append((standing[last[-1]], opinions(standing[: last[-1]])))
        return sorted(ended, key=lambda one: one[0].number, reverse=True)

    def traits_of_accepted(self, eyes: Eyes) -> list[tuple[str, str, float, int, int]]:
        """(source id, style, guidance scale, insertion step, how many) of what is accepted in the curator's eyes."""
        keys = [candidates.c[name] for name in ("source_id", "style", "guidance_scale", "insertion_step")]
        # the verdict's own index finds them; what is hidden is sorted out after that
        where = (shown(), candidates.c.verdict == "accept", eyes.sees)
        statement = joined(sa.select(*keys, sa.func.count()), eyes, set()).where(*where).group_by(*keys)
        with self._read() as connection:
            return [tuple(row) for row in connection.execute(statement)]


def _seen(row: Row[Any], entries: Sequence[Any], eyes: Eyes) -> Seen:
    seen = seen_by(eyes.curator, entries) if eyes.blind else list(entries)
    standing = fold(seen)
    own_words = {word.curator: word for word in words(in_force(seen))}
    mine = own_words.get(eyes.curator)
    hidden = bool(eyes.blind and row.people == 1 and (mine is None or mine.verdict is None))
    said = {word.curator: word.verdict for word in own_words.values() if word.verdict}
    return Seen(row, standing, said, bool(mine and mine.starred), hidden)


def _pace(connection: Connection, curator: str) -> float | None:
    """Seconds a decision, by the newest ones of this curator; what was said in one step counts once."""
    newest = (
        sa.select(decisions.c.request, decisions.c.decided_at)
        .where(decisions.c.curator == curator, decisions.c.action.in_(["accept", "reject"]))
        .order_by(decisions.c.number.desc())
        .limit(PACE_ENTRIES)
    )
    steps: dict[str, datetime] = {}
    for request, at in connection.execute(newest):
        steps.setdefault(request or str(at), at)
    times = sorted(steps.values())
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    gaps = [gap for gap in gaps if gap < PAUSE_S]
    return sum(gaps) / len(gaps) if len(gaps) >= FEWEST else None
