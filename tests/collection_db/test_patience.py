"""A database server that goes away meanwhile: what was asked is done once, or told, and never with a password."""

import logging
import sqlite3
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from collection_db import Table
from collection_db import engine as engine_module
from collection_db.deciding import Said
from collection_db.engine import Away, patient
from errors import RunFailed, UnknownEntry

SECRET = "hunter2"


@pytest.fixture
def table(postgres_url):
    """A PostgreSQL table, opened with a password."""
    opened = Table.open(sa.make_url(postgres_url).set(password=SECRET).render_as_string(hide_password=False))
    yield opened
    opened.close()


@pytest.fixture
def admin(postgres_server):
    server = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def kill_backend(admin, connection):
    pid = connection.connection.dbapi_connection.info.backend_pid
    admin.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


@contextmanager
def breaking_before(table, admin, beginning, times=1):
    """End the connection's server process just before a statement that begins so; the statements that it met."""
    met = []

    def notice(connection, cursor, statement, *rest):
        if statement.startswith(beginning):
            met.append(statement)
            if len(met) <= times:
                kill_backend(admin, connection)

    sa.event.listen(table.engine, "before_cursor_execute", notice)
    yield met
    sa.event.remove(table.engine, "before_cursor_execute", notice)


@contextmanager
def losing_an_answer(table, admin, monkeypatch):
    """Once: what was written is there, but the connection breaks before its client hears so."""
    dialect, lost = table.engine.dialect, []
    commit = dialect.do_commit

    def commit_and_break(raw):
        commit(raw)
        if not lost:
            lost.append(raw.dbapi_connection.info.backend_pid)
            admin.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost[0]})
            raw.dbapi_connection.execute("SELECT 1")  # which tells that the server is gone

    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_commit", commit_and_break)
        yield lost
    assert lost


def test_broken_decision_is_made_once(table, admin, given):
    ids = given.candidates(table, 3)
    with breaking_before(table, admin, "INSERT INTO decisions", times=2) as met:
        assert table.decide((id for id in ids), "accept", "ann") == 3
    assert len(met) == 3
    assert [len(table.decisions(id)) for id in ids] == [1, 1, 1] and table.faults() == []


def test_broken_reading_is_read_again(table, admin, given):
    ids = given.candidates(table, 3)
    with breaking_before(table, admin, "SELECT") as met:
        assert [row.id for row in table.candidates(iter(ids))] == ids
    assert len(met) == 2
    with breaking_before(table, admin, "SELECT candidates.id") as met:
        assert len(table.frame()) == 3
    assert len(met) == 2


def test_broken_plan_loses_no_recipe(table, admin, given):
    table.add_sources([given.source(1)])
    with breaking_before(table, admin, "INSERT INTO work") as met:
        assert table.plan(given.planned(n) for n in range(20)) == (20, 0)
    assert len(met) == 2 and table.count_missing() == 20 and table.faults() == []


def test_broken_making_loses_no_candidate(table, admin, given):
    given.candidates(table, 5)
    table.plan([given.planned(n) for n in range(10)])
    with breaking_before(table, admin, "UPDATE work"):
        claim, rows = table.claim("w", 10, 60)
    assert len(rows) == 5 and table.workers()[0].held == 5
    with breaking_before(table, admin, "DELETE FROM work"):
        assert len(table.finish(claim, (given.candidate(row.id) for row in rows))) == 5
    assert table.count_missing() == 0 and table.counts()["candidates"] == 10 and table.faults() == []


def test_lost_answer_says_nothing_twice(table, admin, given, monkeypatch):
    (id,) = given.candidates(table, 1)
    step = [Said(id, "accept"), Said(id, "reject"), Said(id, "star"), Said(id, "unstar")]
    with losing_an_answer(table, admin, monkeypatch):
        assert table.record(step, "ann") == 4
    assert [row.action for row in table.decisions(id)] == [one.action for one in step]
    with losing_an_answer(table, admin, monkeypatch):
        assert table.record(step, "ann", "a step") == 4
    assert table.record(step, "ann", "a step") == 0 and len(table.decisions(id)) == 8


def test_lost_answer_takes_nothing_back_twice(table, admin, given, monkeypatch):
    (id,) = given.candidates(table, 1)
    table.decide([id], "accept", "ann")
    with losing_an_answer(table, admin, monkeypatch):
        assert table.undo(table.last_step("ann"), "ann") == 1
    assert [row.action for row in table.decisions(id)] == ["accept", "undo"]
    with pytest.raises(UnknownEntry, match="by entry 2"):
        table.undo([1], "ann")


def test_lost_answer_finishes_what_was_finished(table, admin, given, monkeypatch):
    table.add_sources([given.source(1)])
    with losing_an_answer(table, admin, monkeypatch):
        assert table.plan(given.planned(n) for n in range(3))[0] + table.count_missing() in (3, 6)
    claim, rows = table.claim("w", 10, 60)
    with losing_an_answer(table, admin, monkeypatch):
        assert table.finish(claim, [given.candidate(row.id) for row in rows]) == {row.id for row in rows}
    assert table.faults() == [] and table.count_missing() == 0


def shut(admin, table, allowed):
    """Let nobody in, or all again."""
    name = table.engine.url.database
    admin.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}")
    if not allowed:
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
        admin.execute(sa.text(ended), {"name": name})


def test_server_that_comes_back_is_waited_for(table, admin, given, caplog):
    ids = given.candidates(table, 2)
    shut(admin, table, allowed=False)
    opened = threading.Timer(1.0, shut, (admin, table, True))
    opened.start()
    with caplog.at_level(logging.WARNING, "toadworks"):
        assert table.decide(ids, "accept", "ann") == 2
    opened.join()
    (told,) = caplog.messages
    assert "trying again for 120 s" in told and SECRET not in caplog.text
    assert table.counts()["accepted"] == 2


def test_server_that_stays_away_is_told(table, admin, given, monkeypatch, caplog):
    ids = given.candidates(table, 2)
    monkeypatch.setattr(engine_module, "AWAY_S", 0.5)
    shut(admin, table, allowed=False)
    with pytest.raises(RunFailed, match="nothing is lost, and the same command goes on from here") as caught:
        table.decide(ids, "accept", "ann")
    shut(admin, table, allowed=True)
    assert type(caught.value) is RunFailed and caught.value.exit_status == 1
    seen, error = [caplog.text], caught.value
    while error is not None:
        seen.append(f"{error} {error.args} {vars(error)}")
        error = None if error.__suppress_context__ else error.__context__
    assert SECRET not in " ".join(seen) and "***" in " ".join(seen)
    assert table.counts()["accepted"] == 0


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only while one sleeps; the sleeps."""
    slept = []
    fake = SimpleNamespace(sleep=slept.append, monotonic=lambda: 1000.0 + sum(slept))
    monkeypatch.setattr(engine_module, "time", fake)
    return slept


def test_waits_grow_and_are_told_once(clock, caplog):
    tries = []

    @patient
    def method(rows, *, more=()):
        tries.append((list(rows), list(more)))
        if len(tries) < 9:
            raise Away("the pond is dry")
        return "done"

    with caplog.at_level(logging.WARNING, "toadworks"):
        assert method(iter("abc"), more=(n for n in (1, 2))) == "done"
    assert tries == [(["a", "b", "c"], [1, 2])] * 9
    assert caplog.messages == ["the pond is dry; trying again for 120 s"]
    assert clock == sorted(clock) and clock[0] < 1 and max(clock) <= 5


def test_patience_ends_in_time(clock):
    @patient
    def method():
        raise Away("the pond is dry")

    with pytest.raises(RunFailed, match="the pond is dry; nothing is lost") as caught:
        method()
    assert not isinstance(caught.value, Away) and 100 < sum(clock) <= 120


def test_other_errors_are_not_repeated(clock):
    for error in (RunFailed("full"), ValueError("wrong"), KeyboardInterrupt()):
        tries = []

        @patient
        def method(error=error, tries=tries):
            tries.append(1)
            raise error

        with pytest.raises(type(error)):
            method()
        assert len(tries) == 1 and clock == []


def test_sqlite_is_never_away(tmp_path, given, clock):
    file = tmp_path / "table.db"
    table = Table.open(f"sqlite:///{file}")
    (id,) = given.candidates(table, 1)
    with table.engine.connect() as mine:
        mine.exec_driver_sql("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunFailed, match="locked") as caught:
        table.decide([id], "accept", "ann")
    other.execute("ROLLBACK")
    other.close()
    assert not isinstance(caught.value, Away) and clock == []
    assert table.decide([id], "accept", "ann") == 1
    table.close()


def test_wrong_values_are_not_repeated(table, given, clock):
    given.candidates(table, 1)
    tries = []
    sa.event.listen(table.engine, "begin", lambda connection: tries.append(1))
    with pytest.raises(sa.exc.DBAPIError) as caught, engine_module.reading(table.engine) as connection:
        connection.exec_driver_sql("SELECT 1 / 0")
    assert isinstance(caught.value.orig, psycopg.errors.DivisionByZero) and clock == [] and len(tries) == 1
