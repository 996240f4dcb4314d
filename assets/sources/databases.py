"""Connections to databases that answer a statement with Arrow batches.

PostgreSQL and SQLite through ADBC, at the server's own speed; every other dialect through SQLAlchemy.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import URL, Connection, Dialect, Select, create_engine
from sqlalchemy.exc import SQLAlchemyError

from assets.errors import SourceUnavailable

ADBC_DIALECTS = ("postgresql", "sqlite")
_SAMPLE_ROWS = 100
_FETCH_ROWS = 50_000
_SQLITE_BATCH = "adbc.sqlite.query.batch_rows"  # of 1,024 rows if nobody says so
_UNREACHABLE = ("Failed to connect", "connection to server", "Can't connect", "closed the connection")
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


class SqlAlchemyDatabase:
    """A database read by SQLAlchemy's driver for its dialect."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection.execution_options(stream_results=True, max_row_buffer=_FETCH_ROWS)
        self.dialect = connection.dialect

    def schema(self, statement: Select[Any]) -> pa.Schema:
        """Return the names of the columns of *statement*, and their types by its first rows."""
        result = self.connection.execute(statement.limit(_SAMPLE_ROWS))
        return _batch(list(result.keys()), list(result)).schema

    def batches(self, statement: Select[Any]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of *statement*."""
        result = self.connection.execute(statement)
        for rows in result.partitions(_FETCH_ROWS):
            yield _batch(list(result.keys()), list(rows))


def _batch(names: list[str], rows: list[Any]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.RecordBatch.from_arrays([pa.array(list(cells)) for cells in columns], names=names)


def _literal(statement: Select[Any], dialect: Dialect) -> str:
    """Return *statement* as text; its only values are the window's instants, which are ours."""
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})).replace("%%", "%")


@contextmanager
def open_database(url: URL, origin: str) -> Iterator[Database]:
    """Connect to *url*. Raises SourceUnavailable, permanent where only a correction helps."""
    try:
        with _connect(url) as database:
            yield database
    except SQLAlchemyError as error:
        raise _unavailable(url, origin, getattr(error, "orig", None) or error) from None
    except Exception as error:
        if not type(error).__module__.startswith("adbc_driver_manager"):
            raise
        raise _unavailable(url, origin, error) from None


@contextmanager
def _connect(url: URL) -> Iterator[Database]:
    dialect = url.get_dialect()()
    match url.get_backend_name():
        case "postgresql":
            from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - a second to import

            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with dbapi.connect(plain) as connection:
                yield AdbcDatabase(connection, dialect)
        case "sqlite":
            from adbc_driver_sqlite import dbapi as sqlite_dbapi  # noqa: PLC0415 - a second to import

            file = Path(url.database or "")
            if not file.is_file():
                raise SourceUnavailable(f"no such SQLite file: {file}; correct `url`", permanent=True)
            with sqlite_dbapi.connect(f"{file.resolve().as_uri()}?mode=ro") as connection:
                yield AdbcDatabase(connection, dialect, **{_SQLITE_BATCH: str(_FETCH_ROWS)})
        case _:
            with create_engine(url, hide_parameters=True).connect() as connection:
                yield SqlAlchemyDatabase(connection)


def _unavailable(url: URL, origin: str, error: BaseException) -> SourceUnavailable:
    """Say which database failed and why, without its password."""
    place = url.set(query={}).render_as_string(hide_password=True)
    reason = " ".join(str(error).split())
    if any(mark in reason for mark in _REFUSED):
        message = f"{origin} at {place}: user name or password refused; correct `url`"
        return SourceUnavailable(message, permanent=True)
    if not any(mark in reason for mark in _UNREACHABLE):
        return SourceUnavailable(f"{origin} at {place}: {reason}", permanent=True)
    return SourceUnavailable(f"{origin} at {place}: not reachable ({reason}); start it or correct `url`")
