"""Saves the whole table, as it is at one moment, to a SQLite file, and fills an empty table from such a file; each on
either engine, so that this is also the way from one engine to the other."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from collection_db.bulk import insert_rows
from collection_db.engine import VERSION_TABLE, connect, head_revision, shown_url, writing
from collection_db.schema import Base
from durable import sync_folder
from errors import BadSetting, RunFailed

PAGES = 1024  # of a SQLite file that are copied between two steps of the progress: 4 MB
ROWS = 5000  # in memory at once


class Progress(Protocol):
    def advance(self, count: int = 1) -> None: ...


Watch = Callable[[str, int], AbstractContextManager[Progress]]  # (stage, total): see `flows.progress.meter`


class _Unseen:
    def advance(self, count: int = 1) -> None:
        pass


@contextmanager
def unseen(stage: str, total: int) -> Iterator[Progress]:
    """Progress that nobody watches."""
    yield _Unseen()


@dataclass(frozen=True)
class Saved:
    """What a saved table is: the revision of its schema, and the rows of each of its tables."""

    revision: str
    rows: dict[str, int]


def save_table(engine: Engine, file: Path, watch: Watch = unseen) -> Saved:
    """Write the whole table, as it is at one moment, to a new SQLite file; a half-written one of this name is replaced.

    Writers go on meanwhile, on either engine, and none of what they write comes in. Once this returns, the file is
    complete, checked and survives a power cut. Raises RunFailed, and leaves no file.
    """
    try:
        _remove(file)
        rows = (_save_pages if engine.dialect.name == "sqlite" else _save_rows)(engine, file, watch)
        _check(file, rows)
        with open(file, "rb") as written:
            os.fsync(written.fileno())
        sync_folder(file.parent)
        return saved_as(file)
    except (SQLAlchemyError, sqlite3.Error) as error:
        _remove(file)
        raise RunFailed(f"{file}: {shown_url(engine.url)} cannot be saved: {_sentence(error)}") from error
    except BaseException:
        _remove(file)
        raise


def saved_as(file: Path) -> Saved:
    """Raises RunFailed for a file that holds no table or is damaged."""
    try:
        with closing(_opened(file)) as connection:
            (revision,) = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
            every = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
            names = sorted({name for (name,) in connection.execute(every)} - {VERSION_TABLE})
            count = 'SELECT count(*) FROM "{}"'
            return Saved(revision, {name: connection.execute(count.format(name)).fetchone()[0] for name in names})
    except (sqlite3.Error, TypeError) as error:
        raise RunFailed(f"{file}: is no whole table: {error}") from error


@contextmanager
def saved_table(file: Path) -> Iterator[Engine]:
    """A saved table to read from, at the newest schema: an older one is migrated in a copy, the file never changes.

    Raises RunFailed for a damaged file, BadSetting for one that a newer Toadworks wrote.
    """
    if saved_as(file).revision == head_revision():
        engine = sa.create_engine("sqlite://", creator=lambda: _opened(file), poolclass=NullPool)
        yield engine
        engine.dispose()
        return
    with tempfile.TemporaryDirectory(prefix="toadworks-") as folder:
        copy = Path(folder) / "table.db"
        shutil.copyfile(file, copy)
        try:
            engine = connect(_url(copy))
        except BadSetting as error:
            raise BadSetting(file, "table", error.problem) from None
        yield engine
        engine.dispose()


def load_table(file: Path, engine: Engine, watch: Watch = unseen) -> dict[str, int]:
    """Fill the empty table at `engine` from a saved one, all in one transaction; return the rows of each table.

    What is added later gets numbers behind those of the saved ledgers. Raises BadSetting where the table holds any row
    and what `saved_table` raises, RunFailed where the rows cannot be taken; the table is then as it was.
    """
    with saved_table(file) as saved, saved.connect() as source:
        rows = _counts(source)
        try:
            with writing(engine) as target:
                _refuse_rows(target)
                with _indexed_afterwards(target):
                    _copy(source, target, rows, watch)
                if (arrived := _counts(target)) != rows:
                    raise RunFailed(f"{file}: {rows} rows were read and {arrived} arrived; nothing was kept")
                if target.dialect.name == "postgresql":
                    _set_sequences(target)
        except SQLAlchemyError as error:
            raise RunFailed(f"{file}: cannot be put into {shown_url(engine.url)}: {_sentence(error)}") from error
    return rows


def require_empty(engine: Engine) -> None:
    """Raises BadSetting where the table holds any row."""
    with engine.begin() as connection:
        _refuse_rows(connection)


def _save_pages(engine: Engine, file: Path, watch: Watch) -> dict[str, int]:
    """SQLite's own online copy. It begins anew whenever another process writes, except inside a read transaction: that
    keeps one moment, and with a write-ahead log no writer waits for it."""
    with engine.begin() as connection, closing(sqlite3.connect(file)) as copy:
        rows = _counts(connection)  # this read begins the moment
        left = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        raw: Any = connection.connection.driver_connection
        with watch("table", left) as shown:

            def copied(status: int, remaining: int, total: int) -> None:
                nonlocal left
                shown.advance(left - remaining)
                left = remaining

            raw.backup(copy, pages=PAGES, progress=copied)
    return rows


def _save_rows(engine: Engine, file: Path, watch: Watch) -> dict[str, int]:
    copy = connect(_url(file))
    try:
        # the moment of the first read, for all reads, and no lock that a writer would wait for
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with reading.begin() as source, copy.begin() as target:
            rows = _counts(source)
            _copy(source, target, rows, watch)
    finally:
        copy.dispose()
    return rows


def _copy(source: Connection, target: Connection, rows: dict[str, int], watch: Watch) -> None:
    """All rows, through the columns' types, so that both engines mean the same by them."""
    with watch("table", sum(rows.values())) as shown:
        for table in Base.metadata.sorted_tables:
            # in order, so that a ledger's later rows may name earlier ones
            every = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS)
            for part in source.execute(every).mappings().partitions():
                insert_rows(target, table, [dict(row) for row in part])
                shown.advance(len(part))


@contextmanager
def _indexed_afterwards(target: Connection) -> Iterator[None]:
    """Drop the indexes of the (empty) tables and make them again at the end, which takes a fraction of the time that
    adding every row to each of them does. Those of constraints stay: they refuse wrong rows."""
    names = ", ".join(f"'{table.name}'" for table in Base.metadata.sorted_tables)
    if target.dialect.name == "postgresql":
        of_constraint = "SELECT conindid::regclass::text FROM pg_constraint WHERE conindid <> 0"
        every = f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({names})"
        every += f" AND schemaname = current_schema() AND indexname NOT IN ({of_constraint})"
    else:
        every = (
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
        )
    indexes = target.exec_driver_sql(every).all()
    for name, _ in indexes:
        target.exec_driver_sql(f'DROP INDEX "{name}"')
    yield
    for _, statement in indexes:
        target.exec_driver_sql(statement)


def _set_sequences(connection: Connection) -> None:
    """Every column of PostgreSQL that counts by itself goes on behind its highest number."""
    quoted = connection.dialect.identifier_preparer.quote
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            sequence = sa.func.pg_get_serial_sequence(quoted(table.name), column.name)
            if isinstance(column.type, sa.Integer) and connection.execute(sa.select(sequence)).scalar() is not None:
                highest = sa.func.max(column)
                after = sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))
                connection.execute(sa.select(after))


def _counts(connection: Connection) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    count = sa.select(sa.func.count())
    return {table.name: connection.execute(count.select_from(table)).scalar_one() for table in tables}


def _refuse_rows(connection: Connection) -> None:
    held = ", ".join(f"{count} {name}" for name, count in _counts(connection).items() if count)
    if held:
        shown = shown_url(connection.engine.url)
        raise BadSetting(shown, "database", f"holds rows ({held}), and none is ever overwritten", "an empty table")


def _check(file: Path, rows: dict[str, int]) -> None:
    """Make the file one that needs no other beside it, and raise RunFailed unless it is whole."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        told = [text for (text,) in connection.execute("PRAGMA quick_check(3)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(3)
    if told != ["ok"]:
        raise RunFailed(f"{file}: the saved table is damaged, as the table itself may be: {'; '.join(told)}")
    if orphans:
        listed = ", ".join(f"{table} row {row} of {parent}" for table, row, parent, _ in orphans)
        raise RunFailed(f"{file}: the saved table names rows that are not there: {listed}")
    arrived = saved_as(file).rows
    if any(arrived.get(name) != count for name, count in rows.items()):
        raise RunFailed(f"{file}: {rows} rows were read and {arrived} arrived")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def _url(file: Path) -> str:
    # as a URI, since a ? in a plain path would begin the URL's query
    return f"sqlite:///{file.resolve().as_uri()}?uri=true"


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _sentence(error: BaseException) -> str:
    """The driver's own words, without SQL and values."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
