"""DuckDB as the compute engine: in memory, in UTC, with nothing to fetch and nowhere to phone.

Queries are SQLAlchemy Core statements over `schema.py`, compiled for PostgreSQL's dialect, whose
SQL DuckDB speaks.
"""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

BATCH_ROWS = 131_072
_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_FUNCTIONS = {
    "id_hash(text)": "hash(text)",
    "folded(text)": "replace(lower(text), 'ς', 'σ')",
}  # PostgreSQL's are its own
_SETTINGS = {
    "memory_limit": "1GB",
    "temp_directory": tempfile.gettempdir(),
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def connect(**settings: Any) -> duckdb.DuckDBPyConnection:
    """Return a new in-memory DuckDB whose session speaks UTC."""
    connection = duckdb.connect(":memory:", config=_SETTINGS | settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # its cursors inherit no session settings
    for function, body in _FUNCTIONS.items():
        connection.execute(f"CREATE MACRO {function} AS {body}")
    return connection


def run(connection: duckdb.DuckDBPyConnection, statement: Executable) -> pa.RecordBatchReader:
    """Run a SQLAlchemy *statement* and stream its rows as Arrow batches."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    given = compiled.params  # made anew each time it is asked for
    parameters = [given[name] for name in compiled.positiontup or ()]
    return connection.sql(str(compiled), params=parameters).to_arrow_reader(BATCH_ROWS)


def create_view(connection: duckdb.DuckDBPyConnection, table: Table, files: Path) -> None:
    """Make the Parquet *files* (a glob with `local_day=` folders) readable as *table*."""
    columns = ", ".join(column.name for column in table.columns)
    connection.execute(
        f"CREATE VIEW {table.name} AS SELECT {columns} FROM "  # noqa: S608 - names of schema.py
        f"read_parquet({quoted(files)}, hive_partitioning = true, hive_types = {{'local_day': DATE}})"
    )


def quoted(path: Path) -> str:
    """Return *path* as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def create_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Make an empty *table*."""
    connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
