"""Opening and migrating the database."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from collection_db import Table, connect
from collection_db import engine as engine_module
from collection_db.engine import VERSION_TABLE, head_revision, writing
from errors import BadSetting, RunFailed

ROOT = Path(__file__).parents[2]
OPEN = """
import sys
from collection_db import Table
print("ready", flush=True)
sys.stdin.readline()
print(Table.open(sys.argv[1]).sources())
"""


def refusal(url):
    with pytest.raises(BadSetting) as caught:
        connect(url)
    return str(caught.value)


def test_opening_again_changes_nothing(table, url, given):
    ids = given.candidates(table, 2)
    again = Table.open(url)
    assert list(again.frame()["id"]) == ids
    again.close()


def test_processes_migrate_at_once(url):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": ROOT}
    running = [subprocess.Popen([sys.executable, "-c", OPEN, url], text=True, **pipes) for _ in range(4)]
    assert [process.stdout.readline() for process in running] == ["ready\n"] * 4
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert [(out, status) for out, _, status in ended] == [("[]\n", 0)] * 4, ended
    engine = connect(url)
    with engine.begin() as connection:
        revisions = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalars().all()
    engine.dispose()
    assert revisions == [head_revision()]


def test_opening_waits_for_a_writer(tmp_path, monkeypatch):
    file = tmp_path / "table.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr(engine_module, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    table = Table.open(f"sqlite:///{file}")
    assert table.sources() == [] and len(waits) == 3
    table.close()
    other.close()


def test_sqlite_keeps_what_it_acknowledged(tmp_path):
    engine = connect(f"sqlite:///{tmp_path / 'table.db'}")
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with engine.begin() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    engine.dispose()
    assert values == ["wal", 2, 1, 30_000]  # 2 is FULL


def test_newer_table_asks_to_upgrade(table, url):
    with writing(table.engine) as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    message = refusal(url)
    assert "newer Toadworks (revision 9999)" in message and "upgrade" in message
    with table.engine.begin() as connection:
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() == "9999"


def test_foreign_tables_are_left_alone(url, tmp_path):
    (tmp_path / "new").mkdir()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tokens (a int)")
    assert "another program's tables (tokens)" in refusal(url)
    assert sa.inspect(engine).get_table_names() == ["tokens"]
    engine.dispose()


def test_other_file_is_refused_unharmed(tmp_path):
    file = tmp_path / "toad.png"
    file.write_bytes(b"\x89PNG not a table" * 200)
    message = refusal(f"sqlite:///{file}")
    assert "toad.png" in message and "file is not a database" in message
    assert file.read_bytes() == b"\x89PNG not a table" * 200


def test_folder_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert "its folder cannot be made" in refusal(f"sqlite:///{tmp_path / 'file' / 'table.db'}")
    assert "unable to open database file" in refusal(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "table.db", "", "mysql://me@host/db", "a://b"])
def test_unusable_url_names_the_usable(url):
    assert "sqlite:///FILE" in refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql://me@127.0.0.1:1/db?password=hunter2",
        "postgresql://me:p@hunter2@127.0.0.1:1/db",
        "postgresql://me:hunter2@127.0.0.1:port/db",
        "postgresql://me:hunter2@127.0.0.1:1/db?hunter2=1&password=hunter2",
        "mysql://me:hunter2@127.0.0.1:1/db",
        "nonsense:hunter2@",
    ],
)
def test_password_is_never_told(url):
    with pytest.raises(BadSetting) as caught:
        connect(url)
    seen, error = [], caught.value
    while error is not None:
        seen.append(f"{error} {error.args} {vars(error)}")
        error = None if error.__suppress_context__ else error.__context__
    assert "hunter2" not in " ".join(seen)


def test_locked_table_is_told(tmp_path):
    table = Table.open(f"sqlite:///{tmp_path / 'table.db'}")
    other = sa.create_engine(table.engine.url, isolation_level=None)
    with table.engine.connect() as mine:
        mine.exec_driver_sql("PRAGMA busy_timeout = 1")
    with other.connect() as theirs:
        theirs.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(RunFailed, match=r"table.db: the table cannot be written: database is locked"):
            table.set_skipped([("a.png", "not a picture")])
        theirs.exec_driver_sql("ROLLBACK")
    assert table.skipped() == []
    other.dispose()
    table.close()
