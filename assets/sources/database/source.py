"""Events in a database: a table with mapped columns, or a query with `:start` and `:end`.

The requested window is widened where a database's times are text or local: `extract` cuts it exactly.
Connections are opened in `connections.py`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    TableClause,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    make_url,
    or_,
    select,
    text,
    true,
)
from sqlalchemy import table as table_named
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from assets.config.base import resolve_secret
from assets.config.source import SqlSource
from assets.errors import SourceUnreadable
from assets.events import FIRST, LAST
from assets.periods import DAY
from assets.sources.base import Batch, Problem, Unlisted, Unreadable, is_printed_log, match_columns
from assets.sources.database.connections import ADBC_DIALECTS, MYSQL, Database, open_database
from assets.sources.files.parquet import contract_cells

_CLOCK_CHANGE = timedelta(hours=3)  # more than any has been
_ANY_ZONE = timedelta(hours=28)  # more than the difference of any two zones
_EPOCH_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
_FIRST_EPOCHS, _LAST_EPOCHS = ([int(at.timestamp()) * unit for unit in _EPOCH_UNITS] for at in (FIRST, LAST))
_DIGITS_OF_UNITS = ((10, 1), (13, 1_000), (16, 1_000_000), (30, 1_000_000_000))
_LARGEST_INTEGER = (1 << 63) - 1
_SAMPLE_ROWS = 100
_FIRST_DATE, _LAST_DATE = str(FIRST.date()), str(LAST.date())
_Bounds = tuple[str, str] | tuple[int, int] | None
_DATED = "____-__-__%"  # ISO dates: the only text that sorts as time does


class Sql(Unlisted):
    """The events of one configured database."""

    def __init__(self, options: SqlSource) -> None:
        self.options = options
        self.origin = options.table or "query"

    @property
    def is_windowed(self) -> bool:
        """Return False for SQLite, which scans all rows for each window.

        No index serves cells that have types of their own.
        """
        return not resolve_secret(self.options.url).startswith("sqlite")

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the window's rows, and some around it where the database's times are text or local.

        Raises SourceError: SourceUnreadable for a wrong URL, password, table, query or column.
        """
        with self._open_database() as database:
            bounds = self._query_bounds(database, start, end)
            names, columns = self._map_columns(database, bounds)
            selected: list[ColumnElement[Any]] = [column(name) for name in dict.fromkeys(columns.values())]
            sample = database.schema(select(*selected).select_from(self._base_query(bounds)))
            kind, dialect = sample.field(columns["occurred_at"]).type, database.dialect.name
            cells = [
                _cast_column(target, name, sample.field(name).type, dialect)
                for target, name in columns.items()
            ]
            statement, count = select(*cells).select_from(self._base_query(bounds)), 0
            if self.options.table:
                times: ColumnElement[Any] = column(columns["occurred_at"])
                statement = statement.where(self._window_condition(times, kind, start, end, dialect))
            for batch in database.batches(statement):
                count += batch.num_rows
                yield Batch(_contract_rows(batch, kind), self.origin, is_printed_log(names), columns)
            if not count:
                anywhere = (
                    select(*cells)
                    .select_from(self._base_query(self._widest_bounds(bounds)))
                    .limit(_SAMPLE_ROWS)
                )
                yield self._sample_rows(database, anywhere, columns, kind)

    def _map_columns(self, database: Database, bounds: _Bounds) -> tuple[list[str], dict[str, str]]:
        """Return the names of all columns, and contract column -> column for those that are read.

        Raises SourceError for a column that is missing or that the role may not read.
        """
        base = self._base_query(bounds)
        may_read = database.columns(base) if isinstance(base, TableClause) else None
        names = list(may_read or database.schema(select(text("*")).select_from(base)).names)
        try:
            columns = match_columns(names, self.options.columns)
        except ValueError as error:
            raise SourceUnreadable(f"{self.origin}: {error}") from None
        if denied := [name for name in columns.values() if may_read and not may_read[name]]:
            listed = ", ".join(denied)
            message = (
                f"{self.origin}: the role may not read {listed}; "
                f"GRANT SELECT ({listed}) ON {database.dialect.identifier_preparer.format_table(base)}, "
                "or map other `columns`"
            )
            raise SourceUnreadable(message)
        return names, columns

    def _sample_rows(
        self, database: Database, anywhere: Select[Any], columns: Mapping[str, str], kind: pa.DataType
    ) -> Batch | Unreadable:
        """Return some rows of any time where the window is empty: they show whether times can be parsed."""
        rows = database.table(anywhere).combine_chunks()
        if rows.num_rows:
            batch = _contract_rows(rows.to_batches()[0], kind)
            return Batch(batch, self.origin, is_printed_log(columns.values()), columns, is_sample=True)
        reason = (
            "has no rows"
            if self.options.table
            else "has no rows for any time; compare :start and :end with a column of times"
        )
        return Unreadable(self.origin, f"{self.origin}: {reason}", Problem.GAVE_NOTHING)

    def clock(self) -> datetime | None:
        """Return the server's time, or None where it is this machine's, or there is no known query for it.

        Raises SourceError.
        """
        with self._open_database() as database:
            return database.clock()

    def _open_database(self) -> AbstractContextManager[Database]:
        try:
            url = make_url(resolve_secret(self.options.url))
            url.get_dialect().import_dbapi()
        except ModuleNotFoundError as error:
            if url.get_backend_name() not in ADBC_DIALECTS:
                message = f"{self.origin}: {error}; install the driver of `url`"
                raise SourceUnreadable(message) from None
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            raise SourceUnreadable(f"{self.origin}: `url` of the source: {error}") from None
        return open_database(url, self.origin, self.options.statement_timeout)

    def _window_condition(
        self, times: ColumnElement[Any], kind: pa.DataType, start: datetime, end: datetime, dialect: str
    ) -> ColumnElement[bool]:
        """Return a condition that every row of the window meets, whatever the type of its time.

        Rows without a time, or with an impossible one, are included, so that they are reported. An index
        serves the condition where times are typed.
        """
        missing = times.is_(None)
        if pa.types.is_timestamp(kind):
            bounds = (start.isoformat(sep=" "), end.isoformat(sep=" "))
            if kind.tz is None:
                bounds = _wall_clock_around(start, end, self.options.timezone, _CLOCK_CHANGE)
            impossible = or_(times < _FIRST_DATE, times >= _LAST_DATE)
            return or_(and_(times >= bounds[0], times < bounds[1]), impossible, missing)
        if self.options.time_format:
            return true()
        epochs = or_(
            *(and_(times >= start.timestamp() * u, times < end.timestamp() * u) for u in _EPOCH_UNITS),
            *(
                and_(times >= low, times < high)
                for low, high in zip(_LAST_EPOCHS, _FIRST_EPOCHS[1:], strict=False)
            ),
            times < _FIRST_EPOCHS[0],
            times >= _LAST_EPOCHS[-1],
        )
        written = cast(times, Text)
        low, high = _days_around(start, end)
        dated = or_(
            and_(written >= low, written < high),
            written < _FIRST_DATE,
            written >= _LAST_DATE,
            written.not_like(_DATED),
        )
        if dialect == "sqlite":  # each cell has a type of its own
            numbers = func.typeof(times).in_(("integer", "real"))
            no_time = func.typeof(times).in_(("blob", "null"))
            return or_(and_(numbers, epochs), and_(func.typeof(times) == "text", dated), no_time)
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        return or_(epochs if is_number else dated, missing)

    def _query_bounds(self, database: Database, start: datetime, end: datetime) -> _Bounds:
        """Return the values of `:start` and `:end` of the query; None for a table."""
        if self.options.table:
            return None
        if database.dialect.name == "sqlite":
            unit = self._epoch_unit(database)
            return (
                _days_around(start, end) if unit is None else (_to_epoch(start, unit), _to_epoch(end, unit))
            )
        if self.options.timezone or database.dialect.name != "postgresql":
            # A column with zone parses these in the session's zone: widen them, so that no row is lost.
            return _wall_clock_around(start, end, self.options.timezone, _ANY_ZONE)
        return start.isoformat(sep=" "), end.isoformat(sep=" ")

    def _epoch_unit(self, database: Database) -> int | None:
        """Return how many units of a query's epochs make a second, or None where its times are no numbers.

        SQLite compares a number with a text without an error, and every text is greater.
        """
        query = self._base_query((0, _LARGEST_INTEGER))
        names = database.schema(select(text("*")).select_from(query)).names
        try:
            time_column: ColumnElement[Any] = column(
                match_columns(names, self.options.columns)["occurred_at"]
            )
        except ValueError:
            return None  # reported where the columns are mapped
        statement = select(
            func.typeof(time_column).label("kind"), cast(time_column, Text).label("time")
        ).select_from(query)
        for row in database.table(statement.where(time_column.is_not(None)).limit(1)).to_pylist():
            if row["kind"] in {"integer", "real"}:
                digits = len(str(int(float(row["time"]))))
                return next(unit for longest, unit in _DIGITS_OF_UNITS if digits <= longest)
        return None

    @staticmethod
    def _widest_bounds(bounds: _Bounds) -> _Bounds:
        """Return bounds of the same kind that include every time."""
        if bounds is None:
            return None
        return (0, _LARGEST_INTEGER) if isinstance(bounds[0], int) else ("2000-01-01", "2100-01-01")

    def _base_query(self, bounds: _Bounds) -> FromClause:
        if self.options.table:
            schema, _, name = self.options.table.rpartition(".")
            return table_named(name, schema=schema or None)
        parameters = [
            bindparam(name, bound, BigInteger if isinstance(bound, int) else String)
            for name, bound in zip(("start", "end"), bounds or (), strict=True)
        ]
        try:
            # The line break ends a comment; only :start and :end are parameters, other colons are text.
            plain = re.sub(r"(?<![:\\]):(?!(?:start|end)\b)(?=\w)", r"\:", self.options.query or "")
            query = text(plain.strip().rstrip(";") + "\n").bindparams(*parameters)
        except ArgumentError:
            message = (
                f"{self.origin}: `query` must use CAST(:start AS ...) and CAST(:end AS ...), not :start::..."
            )
            raise SourceUnreadable(message) from None
        return query.columns().subquery("asked")


def _to_epoch(instant: datetime, unit: int) -> int:
    return int(instant.timestamp()) * unit


def _cast_column(name: str, source_name: str, kind: pa.DataType, dialect: str) -> ColumnElement[Any]:
    """Return the expression of a contract column: text, without nulls where drivers guess types by rows.

    Times, floating-point numbers and binary ids are selected as they are; `contract_cells` converts them to
    text.
    """
    cell: ColumnElement[Any] = column(source_name)
    if name == "occurred_at" and pa.types.is_timestamp(kind):
        # MySQL's drivers create a Python time of each, and fail on 0000-00-00; `_cast_times` parses the text.
        return (cast(cell, Text) if dialect in MYSQL else cell).label(name)
    if dialect == "sqlite":  # each cell has a type of its own
        as_text: ColumnElement[Any] = cast(cell, Text)
        as_hex = func.lower(func.hex(cell))
        if name == "occurred_at":
            as_text = case(
                (func.typeof(cell) == "real", func.printf("%.6f", cell)),
                (func.typeof(cell) == "blob", func.printf("0x%s", as_hex)),  # no time, whatever its digits
                else_=as_text,
            )
        elif name.endswith("_id"):
            as_text = case((func.typeof(cell) == "blob", as_hex), else_=as_text)
        return func.coalesce(as_text, "").label(name)
    is_plain = pa.types.is_floating(kind) or pa.types.is_binary(kind) or pa.types.is_null(kind)
    if is_plain or (dialect == "postgresql" and pa.types.is_string(kind)):
        return cell.label(name)
    as_text = cast(cell, Text)
    return (as_text if dialect == "postgresql" else func.coalesce(as_text, "")).label(name)


def _days_around(start: datetime, end: datetime) -> tuple[str, str]:
    """Return two dates as text, between which every ISO 8601 time of the window sorts, in any zone."""
    return str((start - DAY).date()), str((end + 2 * DAY).date())


def _wall_clock_around(
    start: datetime, end: datetime, timezone: str | None, margin: timedelta
) -> tuple[str, str]:
    zone = ZoneInfo(timezone) if timezone else UTC
    wall = [instant.astimezone(zone).replace(tzinfo=None) for instant in (start - margin, end + margin)]
    return wall[0].isoformat(sep=" "), wall[1].isoformat(sep=" ")


def _contract_rows(batch: pa.RecordBatch, kind: pa.DataType) -> pa.RecordBatch:
    cells = {name: contract_cells(name, batch.column(name)) for name in batch.schema.names}
    if pa.types.is_timestamp(kind):
        cells["occurred_at"] = _cast_times(cells["occurred_at"], kind)
    return pa.RecordBatch.from_pydict(cells | {"row_number": pa.nulls(batch.num_rows, pa.int64())})


def _cast_times(times: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return *times* as *kind*, or as text with their zone where one of them is no valid date."""
    if not pa.types.is_string(times.type):
        return times
    try:
        walls = times.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return pc.binary_join_element_wise(times, "+00:00", "") if kind.tz else times
    return pc.assume_timezone(walls, kind.tz) if kind.tz else walls
