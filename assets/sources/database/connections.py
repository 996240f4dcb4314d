"""Connections to databases that return the rows of a statement as Arrow batches.

PostgreSQL and SQLite are read through ADBC, at the server's own speed; every other dialect through
SQLAlchemy.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import (
    URL,
    Connection,
    CursorResult,
    Dialect,
    Executable,
    Select,
    String,
    TableClause,
    bindparam,
    create_engine,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from assets.errors import SourceError, SourceUnavailable, SourceUnreadable
from assets.runtime.extras import require
from assets.sources.database.errors import is_connection_lost, is_refused, is_transient

ADBC_DIALECTS = ("postgresql", "sqlite")
_SAMPLE_ROWS = 100
_FETCH_ROWS = 50_000
_PYTHON_ROWS = 10_000  # as Python objects; more take memory and save no time
_SQLITE_BATCH = {"adbc.sqlite.query.batch_rows": str(_FETCH_ROWS)}  # default: 1,024
_POSTGRES_BATCH = {"adbc.postgresql.batch_size_hint_bytes": "4000000"}  # default: 16 MB
_TIMEOUT_SECONDS = 900
MYSQL = ("mysql", "mariadb")
_MYSQL_TIMES = {7: pa.timestamp("us", "UTC"), 12: pa.timestamp("us")}  # TIMESTAMP, DATETIME
_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_READ_ONLY = {
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SET LOCAL statement_timeout = '{}s'",
        "SET LOCAL TimeZone = 'UTC'",
    ),
    "mysql": ("SET SESSION max_execution_time = {}000", "SET SESSION time_zone = '+00:00'", _SNAPSHOT),
    "mariadb": ("SET SESSION max_statement_time = {}", "SET SESSION time_zone = '+00:00'", _SNAPSHOT),
}
_CLOCKS = {
    "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    "mysql": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "mssql": "SELECT DATEDIFF_BIG(MILLISECOND, '1970-01-01', SYSUTCDATETIME()) / 1000.0",
}
_ALL_COLUMNS = {
    "postgresql": """
        SELECT attname AS name, has_column_privilege(attrelid, attnum, 'SELECT') AS may_read
        FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum""",
    "sqlite": """
        SELECT name, 1 AS may_read FROM pragma_table_info(:name, coalesce(:schema, 'main')) ORDER BY cid""",
}
_VISIBLE_COLUMNS = """
    SELECT column_name AS name, 1 AS may_read FROM information_schema.columns
    WHERE table_name = :name AND table_schema = coalesce(:schema, {}) ORDER BY ordinal_position"""
_ALL_COLUMNS |= dict.fromkeys(MYSQL, _VISIBLE_COLUMNS.format("database()"))
_ALL_COLUMNS["mssql"] = _VISIBLE_COLUMNS.format("schema_name()")


class Database(Protocol):
    """An open, read-only connection."""

    dialect: Dialect

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names and types of the columns of *statement*."""
        ...

    def columns(self, table: TableClause) -> dict[str, bool] | None:
        """Return the columns of *table*, and whether the role may read each; None where that is unknown.

        MySQL and SQL Server list only columns that the role may read.
        """
        ...

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        ...

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        ...

    def clock(self) -> datetime | None:
        """Return the server's time; None for a file, and for dialects without a known query."""
        ...


class AdbcDatabase:
    """A database read by an ADBC driver; its connection comes from the driver's `dbapi.connect`."""

    def __init__(self, connection: Any, dialect: Dialect, **options: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self.options = options

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return names and types of the columns of *statement*; SQLite's types come from its first rows."""
        return self.table(statement.limit(_SAMPLE_ROWS)).schema  # fetch the rows too, or their error is lost

    def columns(self, table: TableClause) -> dict[str, bool] | None:
        """Return the columns of *table*, and whether the role may read each; None where it has none."""
        return _read_columns(self, table)

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        with self.connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**self.options)
            cursor.execute(_compile_literal(statement, self.dialect))
            # `fetch_record_batch` returns the inner reader, whose errors have no SQLSTATE.
            reader = cursor._results.reader  # noqa: SLF001
            with suppress(StopIteration):
                while True:
                    yield reader.read_next_batch()

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        with self.connection.cursor() as cursor:
            cursor.execute(_compile_literal(statement, self.dialect))
            return cursor.fetch_arrow_table()

    def clock(self) -> datetime | None:
        """Return the server's time; None for SQLite, which is a file."""
        if self.dialect.name not in _CLOCKS:
            return None
        with self.connection.cursor() as cursor:
            cursor.execute(_CLOCKS[self.dialect.name])
            return _to_instant(cursor.fetchone()[0])


class SqlAlchemyDatabase:
    """A database read by SQLAlchemy's driver for its dialect."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection.execution_options(stream_results=True, max_row_buffer=_PYTHON_ROWS)
        self.dialect = connection.dialect

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names of the columns of *statement*, and their types according to its first rows."""
        result = self.connection.execute(statement.limit(_SAMPLE_ROWS))
        types = _column_types(result, self.dialect)
        sampled = _to_batch(list(result.keys()), list(result), types).schema
        return pa.schema([(field.name, types.get(at, field.type)) for at, field in enumerate(sampled)])

    def columns(self, table: TableClause) -> dict[str, bool] | None:
        """Return the columns of *table* that the role may read; None where that is unknown."""
        return _read_columns(self, table)

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        result = self.connection.execute(statement)
        types = _column_types(result, self.dialect)
        for rows in result.partitions(_PYTHON_ROWS):
            yield _to_batch(list(result.keys()), list(rows), types)

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        result = self.connection.execute(statement)
        types = _column_types(result, self.dialect)
        return pa.Table.from_batches([_to_batch(list(result.keys()), list(result), types)])

    def clock(self) -> datetime | None:
        """Return the server's time; None for dialects without a known query."""
        query = _CLOCKS.get(self.dialect.name)
        return _to_instant(self.connection.scalar(text(query))) if query else None


def _read_columns(database: Database, table: TableClause) -> dict[str, bool] | None:
    if (query := _ALL_COLUMNS.get(database.dialect.name)) is None:
        return None
    values = {
        "name": table.name,
        "schema": table.schema,
        "table": database.dialect.identifier_preparer.format_table(table),
    }
    parameters = [bindparam(name, value, String) for name, value in values.items() if f":{name}" in query]
    rows = database.table(text(query).bindparams(*parameters)).to_pylist()
    return {row["name"]: bool(row["may_read"]) for row in rows} or None


def _column_types(result: CursorResult[Any], dialect: Dialect) -> dict[int, pa.DataType]:
    """Return the types that the driver reports: MySQL's times, of which TIMESTAMP is an instant."""
    if dialect.name not in MYSQL or result.cursor is None:
        return {}
    codes = enumerate(column[1] for column in result.cursor.description)
    return {at: _MYSQL_TIMES[code] for at, code in codes if code in _MYSQL_TIMES}


def _to_batch(names: list[str], rows: list[Any], types: Mapping[int, pa.DataType]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    arrays = [_to_array(list(cells), types.get(at)) for at, cells in enumerate(columns)]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _to_array(cells: list[Any], kind: pa.DataType | None) -> pa.Array:
    """Return *cells* as an array; as text where their types differ, such as times and '0000-00-00'."""
    try:
        return pa.array(cells, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        zone = "+00:00" if kind is not None and kind.tz else ""
        texts = [f"{cell}{zone}" if isinstance(cell, datetime) else cell for cell in cells]
        return pa.array([None if cell is None else str(cell) for cell in texts], pa.string())


def _to_instant(epoch: Any) -> datetime:
    return datetime.fromtimestamp(float(epoch), UTC)


def _compile_literal(statement: Executable, dialect: Dialect) -> str:
    """Return the SQL text of *statement*; its only literals are the window's instants, never user input."""
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return str(text).replace("%%", "%")


@contextmanager
def open_database(url: URL, origin: str, timeout: int = _TIMEOUT_SECONDS) -> Iterator[Database]:
    """Open a read-only connection to *url* with one transaction, so that all statements see the same rows.

    The server cancels a statement after *timeout* seconds. Raises SourceUnreadable for an error that the user
    must correct, else SourceUnavailable; and MissingExtraError.
    """
    if url.get_backend_name() == "postgresql":
        require("postgresql", "source.url")
    try:
        with _open_connection(url, timeout) as database:
            yield database
    except SQLAlchemyError as error:
        raise source_error(url, origin, getattr(error, "orig", None) or error) from None
    except Exception as error:
        # While rows are streamed, Arrow wraps a driver's error in one of its own.
        if not isinstance(error, OSError | pa.ArrowException) and "adbc_driver" not in type(error).__module__:
            raise
        raise source_error(url, origin, error) from None


@contextmanager
def _open_connection(url: URL, timeout: int) -> Iterator[Database]:
    dialect = url.get_dialect()()
    match url.get_backend_name():
        case "postgresql":
            from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - a second to import

            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with dbapi.connect(plain) as connection:
                with connection.cursor() as cursor:
                    for statement in _READ_ONLY["postgresql"]:
                        cursor.execute(statement.format(timeout))
                yield AdbcDatabase(connection, dialect, **_POSTGRES_BATCH)
        case "sqlite":
            from adbc_driver_sqlite import dbapi as sqlite_dbapi  # noqa: PLC0415 - a second to import

            file = Path(url.database or "")
            if not file.is_file():
                raise SourceUnreadable(f"SQLite file not found: {file}; correct `url`")
            with sqlite_dbapi.connect(f"{file.resolve().as_uri()}?mode=ro") as connection:
                yield AdbcDatabase(connection, dialect, **_SQLITE_BATCH)
        case _:
            with create_engine(url, hide_parameters=True, poolclass=NullPool).connect() as connection:
                kind = (
                    "mariadb" if getattr(connection.dialect, "is_mariadb", False) else connection.dialect.name
                )
                for prepared in _READ_ONLY.get(kind, ()):
                    connection.exec_driver_sql(prepared.format(timeout))
                yield SqlAlchemyDatabase(connection)


def source_error(url: URL, origin: str, error: BaseException) -> SourceError:
    """Return the error for a failed database, with its URL but not its password."""
    place = url.set(query={}).render_as_string(hide_password=True)
    reason, backend = " ".join(str(error).split()), url.get_backend_name()
    if is_refused(backend, error):
        message = f"{origin} at {place}: user name or password refused; correct `url`"
        return SourceUnreadable(message)
    if not is_transient(backend, error):
        return SourceUnreadable(f"{origin} at {place}: {reason}")
    if backend == "postgresql" and is_connection_lost(error):
        return SourceUnavailable(f"{origin} at {place}: not reachable ({reason}); start it or correct `url`")
    return SourceUnavailable(f"{origin} at {place}: {reason}; try again")
