"""Connections to databases that answer a statement with Arrow batches.

PostgreSQL and SQLite through ADBC, at the server's own speed; every other dialect through SQLAlchemy.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import URL, Connection, CursorResult, Dialect, Executable, Select, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from assets.errors import SourceUnavailable

ADBC_DIALECTS = ("postgresql", "sqlite")
_SAMPLE_ROWS = 100
_FETCH_ROWS = 50_000
_SQLITE_BATCH = {"adbc.sqlite.query.batch_rows": str(_FETCH_ROWS)}  # 1,024 if nobody says so
_POSTGRES_BATCH = {"adbc.postgresql.batch_size_hint_bytes": "4000000"}  # 16 MB if nobody says so
_TIMEOUT_SECONDS = 900
_MYSQL, _MYSQL_TIMESTAMP = ("mysql", "mariadb"), 7
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
_UNREACHABLE = (
    "Failed to connect",
    "connection to server",
    "Can't connect",
    "closed the connection",
    "terminating connection",
)
_REFUSED = ("28P01", "28000", "password authentication failed", "Access denied")


class Database(Protocol):
    """An open, read-only connection."""

    dialect: Dialect

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names and types of the columns of *statement*."""
        ...

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        ...

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        ...

    def clock(self) -> datetime | None:
        """Return the server's time; None for a file, and where nobody knows how to ask."""
        ...


class AdbcDatabase:
    """A database read by an ADBC driver; its connection comes from the driver's `dbapi.connect`."""

    def __init__(self, connection: Any, dialect: Dialect, **options: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self.options = options

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names and types of the columns of *statement*, SQLite's by its first rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(_literal(statement.limit(_SAMPLE_ROWS), self.dialect))
            return cursor.fetch_record_batch().schema

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        with self.connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**self.options)
            cursor.execute(_literal(statement, self.dialect))
            yield from cursor.fetch_record_batch()

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        with self.connection.cursor() as cursor:
            cursor.execute(_literal(statement, self.dialect))
            return cursor.fetch_arrow_table()

    def clock(self) -> datetime | None:
        """Return the server's time; None for SQLite, which is a file."""
        if self.dialect.name not in _CLOCKS:
            return None
        with self.connection.cursor() as cursor:
            cursor.execute(_CLOCKS[self.dialect.name])
            return _instant(cursor.fetchone()[0])


class SqlAlchemyDatabase:
    """A database read by SQLAlchemy's driver for its dialect."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection.execution_options(stream_results=True, max_row_buffer=_FETCH_ROWS)
        self.dialect = connection.dialect

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names of the columns of *statement*, and their types by its first rows."""
        result = self.connection.execute(statement.limit(_SAMPLE_ROWS))
        zoned = _zoned(result, self.dialect)
        return _batch(list(result.keys()), list(result), zoned).schema

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        result = self.connection.execute(statement)
        zoned = _zoned(result, self.dialect)
        for rows in result.partitions(_FETCH_ROWS):
            yield _batch(list(result.keys()), list(rows), zoned)

    def table(self, statement: Executable) -> pa.Table:
        """Return all rows of *statement*."""
        result = self.connection.execute(statement)
        return pa.Table.from_batches(
            [_batch(list(result.keys()), list(result), _zoned(result, self.dialect))]
        )

    def clock(self) -> datetime | None:
        """Return the server's time; None where nobody knows how to ask."""
        asked = _CLOCKS.get(self.dialect.name)
        return _instant(self.connection.scalar(text(asked))) if asked else None


def _zoned(result: CursorResult[Any], dialect: Dialect) -> set[int]:
    """Return the places of the columns whose times without zone are UTC: MySQL's TIMESTAMP is an instant."""
    if dialect.name not in _MYSQL or result.cursor is None:
        return set()
    return {at for at, column in enumerate(result.cursor.description) if column[1] == _MYSQL_TIMESTAMP}


def _batch(names: list[str], rows: list[Any], zoned: Container[int]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    arrays = [
        pa.array(list(cells), pa.timestamp("us", "UTC") if at in zoned else None)
        for at, cells in enumerate(columns)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _instant(epoch: Any) -> datetime:
    return datetime.fromtimestamp(float(epoch), UTC)


def _literal(statement: Executable, dialect: Dialect) -> str:
    """Return *statement* as text; its only values are the window's instants, which are ours."""
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return str(text).replace("%%", "%")


@contextmanager
def open_database(url: URL, origin: str, timeout: int = _TIMEOUT_SECONDS) -> Iterator[Database]:
    """Connect to *url* for reading: one transaction, so that all statements see the same rows.

    The server ends a statement after *timeout* seconds. Raises SourceUnavailable, permanent where only a
    correction helps.
    """
    try:
        with _connect(url, timeout) as database:
            yield database
    except SQLAlchemyError as error:
        raise unavailable(url, origin, getattr(error, "orig", None) or error) from None
    except Exception as error:
        # In the middle of the rows a driver's error comes through Arrow, which makes it one of its own.
        if not isinstance(error, OSError | pa.ArrowException) and "adbc_driver" not in type(error).__module__:
            raise
        raise unavailable(url, origin, error) from None


@contextmanager
def _connect(url: URL, timeout: int) -> Iterator[Database]:
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
                raise SourceUnavailable(f"no such SQLite file: {file}; correct `url`", permanent=True)
            with sqlite_dbapi.connect(f"{file.resolve().as_uri()}?mode=ro") as connection:
                yield AdbcDatabase(connection, dialect, **_SQLITE_BATCH)
        case _:
            with create_engine(url, hide_parameters=True).connect() as connection:
                kind = (
                    "mariadb" if getattr(connection.dialect, "is_mariadb", False) else connection.dialect.name
                )
                for prepared in _READ_ONLY.get(kind, ()):
                    connection.exec_driver_sql(prepared.format(timeout))
                yield SqlAlchemyDatabase(connection)


def unavailable(url: URL, origin: str, error: BaseException) -> SourceUnavailable:
    """Say which database failed and why, without its password."""
    place = url.set(query={}).render_as_string(hide_password=True)
    reason = " ".join(str(error).split())
    if any(mark in reason for mark in _REFUSED):
        message = f"{origin} at {place}: user name or password refused; correct `url`"
        return SourceUnavailable(message, permanent=True)
    if not any(mark in reason for mark in _UNREACHABLE):
        return SourceUnavailable(f"{origin} at {place}: {reason}", permanent=True)
    return SourceUnavailable(f"{origin} at {place}: not reachable ({reason}); start it or correct `url`")
