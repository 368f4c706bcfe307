"""Opens the curation table's database, by default a SQLite file, and brings it to the newest schema."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from collection_db.schema import Base
from errors import GOES_ON, BadSetting, RunFailed

ALLOWED = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME"
DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
MIGRATIONS = Path(__file__).parent / "migrations"
# not Alembic's own name: a PostgreSQL database may be shared, with Prefect for one
VERSION_TABLE = "toadworks_version"
WAIT_S = 30  # how long a writer waits for another, in seconds
WRITER_LOCK = 0x70AD  # PostgreSQL's advisory lock that every writer takes

PRAGMAS = (
    f"busy_timeout = {WAIT_S * 1000}",
    "foreign_keys = ON",
    "synchronous = FULL",
    # a million candidates' indexes are written all over the file: pages that stay in memory are written once
    "cache_size = -65536",  # kB
    "wal_autocheckpoint = 8000",  # pages of 4 kB
)
AWAY_S = 120.0  # how long a server may be away, in seconds

P = ParamSpec("P")
Result = TypeVar("Result")

_opened: set[str] = set()  # by this process
_one_at_a_time = threading.Lock()  # Alembic's `context` is one for the whole process


def connect(url: str) -> Engine:
    """Open the database at `url`, making it (and a SQLite file's folder) where missing, and migrate it.

    Any number of processes may do so at once. SQLite runs with a write-ahead log and synchronous=FULL: what a
    transaction has written when it returns survives a power cut. Raises BadSetting, without the password,
    when the database cannot be opened or was made by a newer Toadworks. A server that was there before in this process,
    and is not now, is waited for; see `patient`.
    """
    engine = patient(_connect)(url) if url in _opened else _connect(url)
    _opened.add(url)
    return engine


def _connect(url: str) -> Engine:
    where = _parse(url)
    shown = shown_url(where)
    is_sqlite = where.get_backend_name() == "sqlite"
    if is_sqlite:
        _make_folder(where, shown)
    try:
        engine = _sqlite_engine(where) if is_sqlite else sa.create_engine(where, pool_pre_ping=True)
    except (SQLAlchemyError, ImportError, ValueError, TypeError) as error:
        raise BadSetting(shown, "database", f"cannot be opened: {_told(error, where)}", ALLOWED) from None
    try:
        if is_sqlite:
            _turn_on_wal(engine)
        _migrate(engine, shown)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        if url in _opened and isinstance(error, DBAPIError) and _is_away(error):
            raise Away(f"{shown}: the database cannot be opened: {_told(error, where)}") from None
        raise BadSetting(shown, "database", f"cannot be opened: {_told(error, where)}{_advice(error)}") from None
    except BadSetting:
        engine.dispose()
        raise
    return engine


def patient(method: Callable[P, Result]) -> Callable[P, Result]:
    """`method`, repeated from its beginning while the database's server is away, for `AWAY_S` at most: its transaction
    was undone, or, if only the answer was lost, doing it again changes nothing. An iterator among its arguments is
    read once, into a list."""

    @wraps(method)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> Result:
        args = tuple(list(given) if isinstance(given, Iterator) else given for given in args)  # type: ignore[assignment]
        kwargs = {key: list(given) if isinstance(given, Iterator) else given for key, given in kwargs.items()}  # type: ignore[assignment]
        deadline, wait = time.monotonic() + AWAY_S, 0.2
        while True:
            try:
                return method(*args, **kwargs)
            except Away as error:
                if time.monotonic() + wait > deadline:
                    raise RunFailed(f"{error}; {GOES_ON}") from None
                if wait < 0.4:
                    logging.getLogger("toadworks").warning("%s; trying again for %d s", error, AWAY_S)
                time.sleep(wait)
                wait = min(wait * 2, 5.0)

    return repeated


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes nothing. Raises Away, RunFailed."""
    with _told_plainly(engine, "read"), engine.begin() as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Like `reading`, and all that is read is of one moment (with SQLite it always is). Raises Away, RunFailed."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with reading(engine) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction; writers take turns, so that what it reads holds until it commits.

    Raises RunFailed where the database cannot be written (locked for over 30 s, read-only, disk full), Away where its
    server is not there.
    """
    with (
        _told_plainly(engine, "written"),
        engine.execution_options(toadworks_writes=True).begin() as connection,
    ):
        take_turn(connection)
        yield connection


def take_turn(connection: Connection) -> None:
    """Wait until no other writer is at it; SQLite's BEGIN IMMEDIATE did that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))


class Away(RunFailed):
    """The database's server does not answer, broke the connection, or broke the transaction off for another one."""


@contextmanager
def _told_plainly(engine: Engine, done: str) -> Iterator[None]:
    """The driver's errors in words of ours. They are not chained: the driver's own words may hold a password."""
    try:
        yield
    except DBAPIError as error:
        told = f"{shown_url(engine.url)}: the table cannot be {done}: {_told(error, engine.url)}"
        if _is_away(error):
            raise Away(told) from None
        if isinstance(error, OperationalError) or _is_damaged(error):
            raise RunFailed(told + _advice(error)) from None
        raise


def _is_away(error: DBAPIError) -> bool:
    """Did the server go, or break off one of two that waited for each other, and not the statement fail?"""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    # 08: connection exceptions; 57P0x: shutting down, starting up; 40: deadlocks and the like. psycopg tells no state
    # where nobody listens.
    passing = state.startswith(("08", "57P0", "40"))
    return passing or (isinstance(error, OperationalError) and not state and not isinstance(error.orig, sqlite3.Error))


def _is_damaged(error: DBAPIError) -> bool:
    """Does the engine say so of its own files?"""
    # XX: PostgreSQL's internal errors, among them damaged tables and indexes
    return type(error.orig) is sqlite3.DatabaseError or (getattr(error.orig, "sqlstate", None) or "").startswith("XX")


def _advice(error: Exception) -> str:
    text = str(getattr(error, "orig", error)).lower()
    if isinstance(error, DBAPIError) and _is_damaged(error):
        return "; the database's own files are damaged: restore a backup"
    if "disk is full" in text or "no space" in text or "disk i/o" in text:
        return f"; make room: {GOES_ON}"
    if "readonly" in text or "read-only" in text or "unable to open database file" in text:
        return "; the file and its folder must be writable"
    return ""


def shown_url(url: URL) -> str:
    """The URL as it may be printed: no password, and no query, as that may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def head_revision() -> str:
    """The revision that this Toadworks brings every table to."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if head is None:
        raise RunFailed(f"{MIGRATIONS}: no migrations found; is Toadworks installed whole?")
    return head


def _parse(url: str) -> URL:
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        # not shown: where it cannot be read, nobody knows which part of it is the password
        raise BadSetting("database", "url", "is not a database URL", ALLOWED) from None
    if "@" in (given.host or ""):
        raise BadSetting("database", "url", "has two @; write an @ of the password as %40", ALLOWED)
    if given.drivername not in DRIVERS:
        raise BadSetting(shown_url(given), "database", f"driver {given.drivername!r} is not known", ALLOWED)
    given = given.set(drivername=DRIVERS[given.drivername])
    if given.get_backend_name() == "sqlite" and given.database in (None, "", ":memory:"):
        raise BadSetting(shown_url(given), "database", "names no file, so nothing would be kept", ALLOWED)
    return given


def _told(error: BaseException, url: URL) -> str:
    """The driver's own sentence on one line, without SQL, advice links or any secret of the URL."""
    text = " ".join(str(getattr(error, "orig", None) or error).split("\n(Background")[0].split())
    secrets = [url.password, *(value for key, value in url.query.items() if "pass" in key.lower())]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return text


def _make_folder(url: URL, shown: str) -> None:
    if url.database is None or url.database.startswith("file:"):
        return
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(shown, "database", f"its folder cannot be made: {error}") from None


class _WithHints(SQLiteCompiler):
    """SQLite knows INDEXED BY, and SQLAlchemy's words for it do not."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


def _sqlite_engine(url: URL) -> Engine:
    engine = sa.create_engine(url, connect_args={"timeout": WAIT_S})
    engine.dialect.statement_compiler = _WithHints

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # pysqlite would begin late, and never for a SELECT or for DDL
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a writer takes its lock first: a reader that turns writer is refused if another wrote meanwhile
        writes = connection.get_execution_options().get("toadworks_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _turn_on_wal(engine: Engine) -> None:
    """The file remembers the mode, so this is done once; SQLite does not wait for others while switching."""
    deadline = time.monotonic() + WAIT_S
    while True:
        raw = None
        try:
            raw = engine.raw_connection()
            cursor = raw.cursor()
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except (sqlite3.OperationalError, DBAPIError) as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            if raw is not None:
                raw.close()


def _migrate(engine: Engine, shown: str) -> None:
    head = head_revision()
    with engine.begin() as connection:  # most openings end here, and wait for no writer
        if _revision(connection) == head:
            return
    with _one_at_a_time, engine.execution_options(toadworks_writes=True).begin() as connection:
        take_turn(connection)
        revision = _revision(connection)  # again: another process may have been first
        if revision == head:
            return
        if revision is None:
            _refuse_foreign_tables(connection, shown)
        elif revision not in _known_revisions():
            problem = f"was made by a newer Toadworks (revision {revision}); upgrade Toadworks to open it"
            raise BadSetting(shown, "database", problem)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, "head")


def _known_revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _refuse_foreign_tables(connection: Connection, shown: str) -> None:
    taken = sorted(set(sa.inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if taken:
        problem = f"holds another program's tables ({', '.join(taken)}); give Toadworks its own database"
        raise BadSetting(shown, "database", problem)
