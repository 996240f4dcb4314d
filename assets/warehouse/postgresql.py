"""PostgreSQL as the warehouse: a schema for each workspace, read and filled with Arrow batches.

It runs the same statements as the lake, and a stored day has the same SHA-256.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import cache
from io import BytesIO
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Executable,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql

from assets.errors import ConfigError
from assets.warehouse.days import Stored, asked_days, of_day, whole_days, write_day
from assets.warehouse.migrate import migrate_schema
from assets.warehouse.schema import arrow_schema

_KEPT = Table("kept", MetaData(), Column("name", Text), Column("content", Text))
_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_PAUSE_SECONDS = 0.05
_MANY_ROWS = 50_000
_ARROW_TYPES = (
    (Integer, pa.int64()),
    (DateTime, pa.timestamp("us", "UTC")),
    (Date, pa.date32()),
)


class SqlWarehouse:
    """The tables of `schema.py` for the workspace *slug*, in its schema of the database at *url*."""

    def __init__(self, url: str, slug: str) -> None:
        self.url = make_url(url)
        self.slug = slug
        self._held: Any = None
        self._writes = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait for every reader and writer of this workspace, then hold an exclusive lock.

        Writes use the connection that holds the lock: a process that lost the lock cannot write.
        """
        with self._hold_lock("pg_try_advisory_lock"):
            self._writes = True
            try:
                yield
            finally:
                self._writes = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Wait for a writer, then hold a shared lock: no report is built from days being replaced."""
        with self._hold_lock("pg_try_advisory_lock_shared"):
            yield

    @contextmanager
    def _hold_lock(self, lock: str) -> Iterator[None]:
        """Hold a lock on the connection that queries use meanwhile; it ends with the connection."""
        query = f"SELECT {lock}(hashtextextended('assignment_reports ' || current_schema(), 0))"
        with self._connect_session() as connection:
            while not _fetch_all(connection, query).column(0)[0].as_py():
                connection.rollback()
                time.sleep(_PAUSE_SECONDS)
            connection.commit()
            self._held = connection
            try:
                yield
            finally:
                self._held = None

    @contextmanager
    def _connect_session(self) -> Iterator[Any]:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - a second to import

        _bring_up_to_date(self.url.render_as_string(hide_password=False), self.slug)
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with dbapi.connect(plain) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"SET search_path TO {_quote_name(self.slug)}")
                cursor.execute("SET TimeZone TO 'UTC'")
            connection.commit()
            yield connection

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Delete *days* of *table*, so that a process killed later leaves a missing day, not a torn one."""
        if days := list(days):
            with self._write_cursor() as cursor:
                cursor.execute(_delete_statement(table, days))

    def replace_days(self, table: Table, days: Iterable[date], rows: pa.RecordBatchReader) -> Stored:
        """Store *rows*, sorted by `local_day` and key, as the whole content of *days*, in one transaction.

        A day without rows is stored as an empty day. Raises ValueError for a row of another day.
        """
        days = list(days)
        stored, faults = Stored(), list[Exception]()

        def measured() -> Iterator[pa.RecordBatch]:
            try:
                for day, content in whole_days(table, days, rows):
                    write_day(content, file := BytesIO())
                    stored.counts[day] = content.num_rows
                    stored.sha256[day] = hashlib.sha256(file.getbuffer()).hexdigest()
                    yield from of_day(day, content).cast(schema).to_batches()
            except Exception as error:
                faults.append(error)  # the driver would raise its own error instead
                raise

        schema = pa.schema([pa.field("local_day", pa.date32(), nullable=False), *arrow_schema(table)])
        with self._write_cursor() as cursor:
            cursor.execute(_delete_statement(table, days))
            batches = pa.RecordBatchReader.from_batches(schema, measured())
            try:
                cursor.adbc_ingest(table.name, batches, mode="append", db_schema_name=self.slug)
            except Exception as error:  # noqa: BLE001 - it or its cause is raised
                raise (faults or [error])[0] from None
            if stored.rows >= _MANY_ROWS:  # until autovacuum, the server plans for a small table
                cursor.execute(f"ANALYZE {table.name}")
        return stored

    @contextmanager
    def _write_cursor(self) -> Iterator[Any]:
        """Yield a cursor whose statements are one transaction."""
        with ExitStack() as stack:
            if not self._writes:
                stack.enter_context(self.writing())
            cursor = stack.enter_context(self._held.cursor())
            try:
                yield cursor
            except BaseException:
                self._held.rollback()
                raise
            self._held.commit()

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored."""
        return asked_days(self.stream, table, days)

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows."""
        text, kinds = _compile_statement(statement)
        if self._held is None:
            return self._stream_rows(text, kinds).read_all()
        rows = _fetch_all(self._held, text)
        self._held.rollback()
        wanted = _lake_schema(rows.schema, kinds)
        return pa.Table.from_batches([_cast_batch(batch, wanted) for batch in rows.to_batches()], wanted)

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        return self._stream_rows(*_compile_statement(statement))

    def _stream_rows(self, text: str, kinds: list[Any] | None) -> pa.RecordBatchReader:
        batches = self._stream_batches(text)
        returned: pa.Schema = next(batches)
        wanted = returned if kinds is None else _lake_schema(returned, kinds)
        return pa.RecordBatchReader.from_batches(wanted, (_cast_batch(batch, wanted) for batch in batches))

    def _stream_batches(self, text: str) -> Iterator[Any]:
        """Yield the schema of the rows, then the rows; the connection lives as long as this generator."""
        with self._connect_session() as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(text)
            reader = cursor.fetch_record_batch()
            yield reader.schema
            yield from reader

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT of a person over the tables; it can change nothing.

        Raises ConfigError for anything but one SELECT, and for a wrong one.
        """
        if query.split(maxsplit=1)[0].lower() not in {"select", "with", "values", "table"}:
            raise ConfigError("must be one SELECT: the warehouse is read-only")
        try:
            return self._stream_rows(query, None).read_all()
        except Exception as error:
            if not type(error).__module__.startswith("adbc_driver_manager"):
                raise
            raise ConfigError(" ".join(str(error).split())) from None

    def tidy(self, before: datetime) -> int:  # noqa: ARG002 - as the lakes do
        """Delete nothing: the server cleans up by itself."""
        return 0

    def stored_text(self, name: str) -> str | None:
        """Return the text stored beside the tables as *name*, or None."""
        rows = self.stream(select(_KEPT.c.content).where(_KEPT.c.name == name)).read_all()
        text: str | None = rows.column(0)[0].as_py() if rows.num_rows else None
        return text

    def store_text(self, name: str, text: str) -> None:
        """Store *text* beside the tables as *name*."""
        with self._write_cursor() as cursor:
            cursor.execute(
                "INSERT INTO kept VALUES ($1, $2) "
                "ON CONFLICT (name) DO UPDATE SET content = excluded.content",
                (name, text),
            )


@cache
def _bring_up_to_date(url: str, slug: str) -> None:
    migrate_schema(url, slug)


def _compile_statement(statement: Executable) -> tuple[str, list[Any]]:
    """Return the SQL text of *statement*, and the types of its columns."""
    text = statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return str(text), [column.type for column in statement.selected_columns]  # type: ignore[attr-defined]


def _quote_name(name: str) -> str:
    return f'"{name}"'


def _fetch_all(connection: Any, query: str) -> pa.Table:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def _delete_statement(table: Table, days: Iterable[date]) -> str:
    statement = delete(table).where(table.c.local_day.in_(list(days)))
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _lake_schema(returned: pa.Schema, kinds: list[Any]) -> pa.Schema:
    """Return the schema that the lake would return for the same columns, such as int64 for a sum."""
    return pa.schema(
        [
            pa.field(
                name, next((arrow for kind, arrow in _ARROW_TYPES if isinstance(sql_type, kind)), arrow_type)
            )
            for name, arrow_type, sql_type in zip(returned.names, returned.types, kinds, strict=True)
        ]
    )


def _cast_batch(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    if batch.schema.equals(wanted, check_metadata=True):
        return batch
    columns = [
        (column.storage if isinstance(column.type, pa.BaseExtensionType) else column).cast(field.type)
        for column, field in zip(batch.columns, wanted, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)
