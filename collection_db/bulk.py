"""Writing thousands of rows at once: as fast as each engine can, in one statement of its own.

SQLAlchemy's insert and update of many rows spend more time on each row than the database does. Here values go through
the columns' types and straight to the driver: to SQLite row by row of one prepared statement, to PostgreSQL as one
array a column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Rows = Sequence[Mapping[str, Any]]


def insert_rows(connection: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows that all have the keys of the first one, columns of `table`."""
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    listed = ", ".join(column.name for column in columns)
    if connection.dialect.name == "postgresql":
        statement = f"INSERT INTO {table.name} ({listed}) SELECT * FROM {_arrays(columns, connection.dialect)}"
        connection.exec_driver_sql(statement, tuple(_by_column(columns, rows, connection.dialect)))
    else:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({listed}) VALUES ({marks})"
        connection.exec_driver_sql(statement, list(zip(*_by_column(columns, rows, connection.dialect), strict=True)))


def update_rows(connection: Connection, table: sa.Table, rows: Rows, key: str = "id") -> None:
    """Set the other columns of each row that `key` names; all rows have the keys of the first one."""
    names = [name for row in rows[:1] for name in row if name != key]
    if not names:
        return
    columns = [table.c[name] for name in (*names, key)]
    if connection.dialect.name == "postgresql":
        setting = ", ".join(f"{name} = given.{name}" for name in names)
        listed = ", ".join(column.name for column in columns)
        given = f"{_arrays(columns, connection.dialect)} AS given ({listed})"
        statement = f"UPDATE {table.name} SET {setting} FROM {given} WHERE {table.name}.{key} = given.{key}"
        connection.exec_driver_sql(statement, tuple(_by_column(columns, rows, connection.dialect)))
    else:
        setting = ", ".join(f"{name} = ?" for name in names)
        statement = f"UPDATE {table.name} SET {setting} WHERE {key} = ?"
        connection.exec_driver_sql(statement, list(zip(*_by_column(columns, rows, connection.dialect), strict=True)))


def _arrays(columns: Sequence[sa.Column[Any]], dialect: Dialect) -> str:
    """One placeholder a column, of its type, as rows."""
    return f"unnest({', '.join(f'%s::{column.type.compile(dialect)}[]' for column in columns)})"


def _by_column(columns: Sequence[sa.Column[Any]], rows: Rows, dialect: Dialect) -> list[list[Any]]:
    """Each column's values, as the driver takes them."""
    values = []
    for column in columns:
        into = _processor(column, dialect)
        given = [row[column.name] for row in rows]
        values.append(given if into is None else list(map(into, given)))
    return values


def _processor(column: sa.Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What the column's type does to a value; JSON becomes text on both engines."""
    if isinstance(column.type, sa.Double):
        return _to_float
    return column.type.dialect_impl(dialect).bind_processor(dialect)


def _to_float(value: float | None) -> float | None:
    """PostgreSQL's driver takes no array of whole numbers and others."""
    return None if value is None else float(value)
