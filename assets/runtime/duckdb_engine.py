"""DuckDB as the compute engine: in memory, in UTC, without downloads of extensions or other network access.

Queries are SQLAlchemy Core statements over `schema.py`, compiled for PostgreSQL's dialect, which DuckDB
accepts.
"""

import os
import tempfile
from collections.abc import Iterable
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from assets.errors import ConfigError
from assets.runtime.sql_files import read_sql

BATCH_ROWS = 131_072
_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_FUNCTIONS = {
    "id_hash(text)": "hash(text)",
    "folded(text)": "replace(lower(text), 'ς', 'σ')",
}  # PostgreSQL defines its own
_SETTINGS = {
    "memory_limit": "1GB",
    "temp_directory": tempfile.gettempdir(),
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def connect(**settings: Any) -> duckdb.DuckDBPyConnection:
    """Return a new in-memory DuckDB with the session time zone UTC."""
    connection = duckdb.connect(":memory:", config=_SETTINGS | settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # cursors inherit no session settings
    for function, body in _FUNCTIONS.items():
        connection.execute(f"CREATE MACRO {function} AS {body}")
    return connection


@cache
def _of_process(number: int) -> duckdb.DuckDBPyConnection:
    """Return the DuckDB of the process *number*; that of a parent can neither be used nor closed."""
    del number
    return connect()


def temporary() -> duckdb.DuckDBPyConnection:
    """Return a connection for temporary and registered tables, which are its own.

    It uses this process's DuckDB, because starting another takes longer than most small inputs.
    """
    return _of_process(os.getpid()).cursor()


def run_query(connection: duckdb.DuckDBPyConnection, statement: Executable) -> pa.RecordBatchReader:
    """Run a SQLAlchemy *statement* and stream its rows as Arrow batches."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    values = compiled.params  # the property builds a new dict on each access
    parameters = [values[name] for name in compiled.positiontup or ()]
    return connection.sql(str(compiled), params=parameters).to_arrow_reader(BATCH_ROWS)


def run_select(connection: duckdb.DuckDBPyConnection, query: str, **allowed: list[str]) -> pa.Table:
    """Run one SELECT written by a person; it can change nothing and read no files but those *allowed*.

    Raises ConfigError for anything but one SELECT, and for an invalid one.
    """
    try:
        statements = connection.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise ConfigError("must be one SELECT: the warehouse is read-only")
        for setting, paths in allowed.items():
            connection.execute(f"SET {setting} = [{', '.join(map(quote_text, paths))}]")
        connection.execute("SET enable_external_access = false")
        return connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        raise ConfigError(str(error)) from None


def create_view(connection: duckdb.DuckDBPyConnection, table: Table, files: str | None) -> None:
    """Make Parquet *files* in `local_day=` folders readable as *table*: SQL for a glob or a list, or None."""
    rows = _read_days(table, files) if files else _no_rows(table)
    connection.execute(f"CREATE OR REPLACE VIEW {table.name} AS {rows}")


def narrow_view(cursor: duckdb.DuckDBPyConnection, table: Table, files: Iterable[str]) -> None:
    """Let queries of *cursor* read only *files*, at least one, where they read *table*."""
    cursor.execute(f"CREATE TEMP VIEW {table.name} AS {_read_days(table, _list_of(files))}")


def insert_files(connection: duckdb.DuckDBPyConnection, table: Table, files: Iterable[str]) -> None:
    """Insert the rows of Parquet *files* in `local_day=` folders into *table*."""
    connection.execute(f"INSERT INTO {table.name} BY NAME {_read_days(table, _list_of(files))}")


def _read_days(table: Table, files: str) -> str:
    columns = ", ".join(column.name for column in table.columns)
    return read_sql(__file__, "read_days", columns=columns, files=files)


def _no_rows(table: Table) -> str:
    columns = (f"CAST(NULL AS {column.type.compile(_DIALECT)}) AS {column.name}" for column in table.columns)
    return f"SELECT {', '.join(columns)} WHERE false"


def _list_of(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quote_text, texts))}]"


def quote_text(text: str) -> str:
    """Return *text* as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def create_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create an empty *table*."""
    connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
