"""The table saved to a file and filled from one, on both engines, with writers that go on and real kills."""

import itertools
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.command import upgrade

from collection_db import Table, backup, connect
from collection_db import engine as engine_module
from collection_db.backup import load_table, require_empty, save_table, saved_as, saved_table
from collection_db.engine import VERSION_TABLE, head_revision, writing
from collection_db.schema import Base
from errors import BadSetting, RunFailed

ROOT = Path(__file__).parents[2]
TABLES = Base.metadata.sorted_tables
COUNT = 7  # rows of each table
VERDICTS = ("accept", "reject")
WRITE = """
import itertools, sys
from collection_db import Table
url, curator, *ids = sys.argv[1:]
table = Table.open(url)
print("ready", flush=True)
sys.stdin.readline()
for verdict, id in ((verdict, id) for verdict in itertools.cycle(("accept", "reject")) for id in ids):
    table.add_candidates([{"id": id, "image_sha256": id, "seconds": 1.0}])
    table.decide([id], verdict, curator)
    print(verdict, id, flush=True)
"""
STOP_WHILE_LOADING = """
import sys, time
from contextlib import contextmanager
from pathlib import Path
from collection_db import backup, connect
backup.ROWS = 10
class Shown:
    done = 0
    def advance(self, count=1):
        self.done += count
        if self.done > 60:
            print("copying", flush=True)
            time.sleep(600)
@contextmanager
def watch(stage, total):
    yield Shown()
backup.load_table(Path(sys.argv[1]), connect(sys.argv[2]), watch)
"""


def a_value(column, number, made):
    """Something that fits: another for each number, NULL where it may be for the first one, a row that is there for a
    foreign key."""
    if column.name in ("verdict", "action"):
        return VERDICTS[number % 2]
    if column.nullable and number == 0:
        return None
    for key in column.foreign_keys:
        return made[key.column.table.name][number][key.column.name]
    kind = column.type.impl if isinstance(column.type, sa.types.TypeDecorator) else column.type
    return {
        str: f"{column.name} {number} \N{FROG FACE}\n'\"",
        int: 10 * number + 3,
        float: number / 3,
        bool: number % 2 == 1,
        bytes: bytes([0, number, 255]),
        dict: {"b": [number, None, "ü"], "a": {}},
        datetime: datetime(2026, 1, 2, 3, 4, 5, number, tzinfo=UTC),
    }[kind.python_type]


def fill(engine):
    """Rows in every table of the schema, whatever tables it has."""
    made = {}
    with writing(engine) as connection:
        for table in TABLES:
            made[table.name] = [{c.name: a_value(c, number, made) for c in table.columns} for number in range(COUNT)]
            connection.execute(sa.insert(table), made[table.name])


def rows_of(engine):
    with engine.begin() as connection:
        every = ((table, sa.select(table).order_by(*table.primary_key.columns)) for table in TABLES)
        return {table.name: [tuple(row) for row in connection.execute(statement)] for table, statement in every}


def watched(advance):
    """A `Watch` that calls `advance` at every step."""
    return lambda stage, total: nullcontext(SimpleNamespace(advance=advance))


@pytest.fixture
def filled(table):
    fill(table.engine)
    return table


@pytest.fixture
def other(tmp_path):
    """Another table, empty, in SQLite."""
    opened = Table.open(f"sqlite:///{tmp_path / 'other.db'}")
    yield opened
    opened.close()


def test_every_row_comes_back(filled, other, tmp_path):
    before = rows_of(filled.engine)
    save_table(filled.engine, tmp_path / "saved.db")
    load_table(tmp_path / "saved.db", other.engine)
    assert rows_of(other.engine) == rows_of(filled.engine) == before
    assert {len(rows) for rows in before.values()} == {COUNT} and len(before) == len(TABLES)


def test_sqlite_rows_come_into_either_engine(table, other, tmp_path):
    fill(other.engine)
    save_table(other.engine, tmp_path / "saved.db")
    told = load_table(tmp_path / "saved.db", table.engine)
    assert rows_of(table.engine) == rows_of(other.engine)
    assert told == dict.fromkeys(Base.metadata.tables, COUNT)


def test_none_in_json_means_null():
    """What NULL becomes on its way through Python: a JSON null would be another value to SQL."""
    columns = [column for table in TABLES for column in table.columns if isinstance(column.type, sa.JSON)]
    assert columns and all(column.type.none_as_null for column in columns if column.nullable)


def test_large_table_comes_in_pieces(table, other, given, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "ROWS", 7)
    given.candidates(table, 50)
    steps = []
    save_table(table.engine, tmp_path / "saved.db")
    load_table(tmp_path / "saved.db", other.engine, watched(steps.append))
    assert sum(steps) == 101 and max(steps) == 7
    assert rows_of(other.engine) == rows_of(table.engine)


def test_ledger_goes_on_behind_the_highest_number(other, table, given, tmp_path):
    ids = given.candidates(other, 5)
    other.decide(ids, "accept", "ann")
    save_table(other.engine, tmp_path / "saved.db")
    load_table(tmp_path / "saved.db", table.engine)
    assert table.decide(ids[:2], "reject", "bo") == 2
    assert [row.number for id in ids[:2] for row in table.decisions(id)] == [1, 6, 2, 7]


def test_empty_table_can_be_saved_and_used(other, table, given, tmp_path):
    save_table(other.engine, tmp_path / "saved.db")
    assert not any(load_table(tmp_path / "saved.db", table.engine).values())
    ids = given.candidates(table, 1)
    table.decide(ids, "accept", "ann")
    assert [row.number for row in table.decisions(ids[0])] == [1]


def test_restored_ledger_is_only_added_to(other, table, given, tmp_path):
    other.decide(given.candidates(other, 1), "accept", "ann")
    save_table(other.engine, tmp_path / "saved.db")
    load_table(tmp_path / "saved.db", table.engine)
    with pytest.raises(sa.exc.DBAPIError, match="only ever added"), table.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM decisions")


def test_saved_table_is_one_file(filled, tmp_path):
    folder = tmp_path / "50% of ?#& toads"
    folder.mkdir()
    saved = save_table(filled.engine, folder / "saved.db")
    with saved_table(folder / "saved.db") as engine:
        assert rows_of(engine) == rows_of(filled.engine)
    assert [file.name for file in folder.iterdir()] == ["saved.db"]
    assert saved == saved_as(folder / "saved.db") and saved.revision == head_revision()
    assert saved.rows == dict.fromkeys(Base.metadata.tables, COUNT)


def test_half_written_file_is_replaced(filled, tmp_path):
    for name in ("saved.db", "saved.db-wal", "saved.db-journal"):
        (tmp_path / name).write_bytes(b"torn" * 5000)
    save_table(filled.engine, tmp_path / "saved.db")
    with saved_table(tmp_path / "saved.db") as engine:
        assert rows_of(engine) == rows_of(filled.engine)


class Writers:
    """Processes that add candidates and decide on them as fast as they can, each noting what was acknowledged."""

    def __init__(self, url, ids, folder):
        self.ids, self.logs = ids, {curator: folder / f"{curator}.log" for curator in ids}
        self.running = []
        for curator, log in self.logs.items():
            with open(log, "w") as out:
                command = [sys.executable, "-c", WRITE, url, curator, *ids[curator]]
                self.running.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=out))
        self.wait_for(lambda: all(log.read_text() == "ready\n" for log in self.logs.values()))
        for process in self.running:
            process.stdin.write(b"go\n")
            process.stdin.close()

    def told(self):
        """How many decisions were acknowledged to each."""
        return {curator: log.read_text().count("\n") - 1 for curator, log in self.logs.items()}

    def wait_for_more(self, count):
        before = self.told()
        self.wait_for(lambda: all(after >= before[curator] + count for curator, after in self.told().items()))

    def wait_for(self, condition):
        deadline = time.monotonic() + 120
        while not condition():
            assert all(process.poll() is None for process in self.running), "a writer ended"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)

    def sequence(self, curator, count):
        """The first decisions of a curator, who never stops."""
        endless = ((verdict, id) for verdict in itertools.cycle(VERDICTS) for id in self.ids[curator])
        return list(itertools.islice(endless, count))

    def kill(self):
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def writers(url, table, given, tmp_path):
    planned = [given.planned(number) for number in range(3000)]
    table.add_sources([given.source(1)])
    table.plan(planned)
    ids = {curator: [item.recipe.id for item in planned[n::3]] for n, curator in enumerate(("ann", "bo", "cy"))}
    started = Writers(url, ids, tmp_path)
    yield started
    started.kill()


def test_backup_while_others_write_is_of_one_moment(writers, table, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "PAGES", 4)
    steps = []

    def hold(count):
        steps.append(count)
        if len(steps) == 1:  # in the middle of the copying, until each has written more
            writers.wait_for_more(5)

    writers.wait_for_more(3)
    before = writers.told()
    save_table(table.engine, tmp_path / "saved.db", watched(hold))
    after = writers.told()
    with saved_table(tmp_path / "saved.db") as engine:
        saved, said = rows_of(engine), decisions_of(engine)
    made = {row[0] for row in saved["candidates"]}
    for curator, ids in writers.ids.items():
        assert before[curator] <= len(said[curator]) < after[curator]
        assert said[curator] == writers.sequence(curator, len(said[curator]))
        # a candidate is added before it is decided on, so one may still be without
        assert len(made & set(ids)) - len({id for _, id in said[curator]}) in (0, 1)
    assert len(steps) > 1


def decisions_of(engine):
    """[(verdict, candidate)] of each curator, in order."""
    table, said = Base.metadata.tables["decisions"], defaultdict(list)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(table).order_by(table.c.number)):
            said[row.curator].append((row.action, row.candidate_id))
    return said


def test_table_with_rows_is_never_filled(filled, other, given, tmp_path):
    given.candidates(other, 3)
    save_table(other.engine, tmp_path / "saved.db")
    before = rows_of(filled.engine)
    with pytest.raises(BadSetting, match=f"holds rows .*{COUNT} decisions"):
        load_table(tmp_path / "saved.db", filled.engine)
    assert rows_of(filled.engine) == before


@pytest.mark.parametrize("name", sorted(Base.metadata.tables))
def test_one_row_anywhere_is_enough_to_refuse(other, name):
    require_empty(other.engine)
    fill(other.engine)
    with closing(sqlite3.connect(other.engine.url.database)) as raw, raw:
        triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            raw.execute(f"DROP TRIGGER {trigger}")
        for table in TABLES:
            if table.name != name:
                raw.execute(f"DELETE FROM {table.name}")
    with pytest.raises(BadSetting, match=rf"holds rows \({COUNT} {name}\)"):
        require_empty(other.engine)


def test_killed_restore_leaves_nothing_and_can_be_repeated(url, other, given, tmp_path):
    given.candidates(other, 50)
    save_table(other.engine, tmp_path / "saved.db")
    command = [sys.executable, "-c", STOP_WHILE_LOADING, str(tmp_path / "saved.db"), url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "copying\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    table = Table.open(url)
    require_empty(table.engine)
    load_table(tmp_path / "saved.db", table.engine)
    assert rows_of(table.engine) == rows_of(other.engine)
    table.close()


def test_failing_restore_leaves_nothing(other, table, given, tmp_path):
    given.candidates(other, 50)
    save_table(other.engine, tmp_path / "saved.db")
    with closing(sqlite3.connect(tmp_path / "saved.db")) as raw, raw:
        raw.execute("DELETE FROM sources")
    with pytest.raises(RunFailed, match="cannot be put into"):
        load_table(tmp_path / "saved.db", table.engine)
    require_empty(table.engine)


def test_failing_backup_leaves_no_file(filled, tmp_path):
    def stop(count):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        save_table(filled.engine, tmp_path / "saved.db", watched(stop))
    assert not [file for file in tmp_path.iterdir() if "saved" in file.name]
    filled.set_skipped([("a.png", "the table is not held")])


@pytest.mark.parametrize(("byte", "told"), [(0, "malformed"), (7, "the saved table is damaged")])
def test_damaged_table_is_not_saved(other, given, tmp_path, byte, told):
    """Damage that reading finds, and a wrong count of free bytes, which only the check of the file finds."""
    given.candidates(other, 1)
    file = Path(other.engine.url.database)
    other.close()
    with closing(sqlite3.connect(file)) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sources'").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    with open(file, "r+b") as opened:
        opened.seek((page - 1) * size + byte)
        opened.write(b"\x37")
    with pytest.raises(RunFailed, match=rf"saved\.db: .*{told}"):
        save_table(other.engine, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


def test_rows_of_nothing_are_not_saved(other, given, tmp_path):
    given.candidates(other, 1)
    with closing(sqlite3.connect(other.engine.url.database)) as raw, raw:
        raw.execute("DELETE FROM sources")
    with pytest.raises(RunFailed, match="recipes row 1 of sources"):
        save_table(other.engine, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_older_backup_is_brought_forward_in_a_copy(table, tmp_path, revision, monkeypatch):
    file = tmp_path / "old.db"
    monkeypatch.setattr(engine_module, "head_revision", lambda: revision)
    monkeypatch.setattr(engine_module.command, "upgrade", lambda config, to: upgrade(config, revision))
    connect(f"sqlite:///{file}").dispose()
    monkeypatch.undo()
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("INSERT INTO skipped_sources VALUES ('a.png', 'torn')")
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    before = file.read_bytes()
    assert saved_as(file).revision == revision
    load_table(file, table.engine)
    assert table.skipped() == [("a.png", "torn")] and file.read_bytes() == before


def test_newer_backup_asks_to_upgrade(filled, other, tmp_path):
    file = tmp_path / "saved.db"
    save_table(filled.engine, file)
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    before = file.read_bytes()
    with pytest.raises(BadSetting, match=r"saved\.db.*newer Toadworks \(revision 9999\)"):
        load_table(file, other.engine)
    require_empty(other.engine)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no table", b"SQLite format 3\0" + bytes(5000)])
def test_file_without_a_table_is_told(tmp_path, content, other):
    (tmp_path / "saved.db").write_bytes(content)
    with pytest.raises(RunFailed, match="is no whole table"):
        load_table(tmp_path / "saved.db", other.engine)
    require_empty(other.engine)
