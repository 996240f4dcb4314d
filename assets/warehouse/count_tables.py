"""The tables with few rows a day, in DuckDB's memory: a lake has one file of each for every day.

A day is read again when its file has changed. So that a new process need not open every file, a writer
leaves a copy of the tables beside them. A day of the copy counts only while its file is the same; the copy
may be deleted at any time.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from threading import Lock

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Table, delete

from assets.runtime import duckdb_engine
from assets.runtime.atomic_files import atomic_write
from assets.warehouse.schema import COUNTS, stored_schema

FILE = "part.parquet"
COPY = ".copy"
_DAY = "local_day="
_SIGNATURES = b"signatures"
_MAX_BEHIND = 60
"""The number of days by which a copy may be behind before it is written again."""

_Signatures = dict[str, list[int]]


class CountTables:
    """The tables `COUNTS` of the lake in *folder*, as tables of *connection*."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._folder, self._connection = folder, connection
        self.seen: dict[str, _Signatures] = {}
        """The files of the tables that were read, by day."""
        self._copied: dict[str, _Signatures] = {}
        self._lock = Lock()

    def refresh(self, changed: Mapping[str, Collection[date] | None]) -> None:
        """Read the days of the tables *changed* whose files have changed: those given, or any for None."""
        with self._lock:
            for table in COUNTS:
                if table.name in changed:
                    self._refresh(table, changed[table.name])

    def store_copies(self) -> None:
        """Write a copy of each table that was read, unless there is one of nearly all days."""
        for table in COUNTS:
            seen, copied = self.seen.get(table.name, {}), self._copied.get(table.name, {})
            behind = sum(copied.get(day) != signature for day, signature in seen.items())
            if behind > _MAX_BEHIND:
                rows = self._connection.sql(f"FROM {table.name} ORDER BY local_day").to_arrow_table()
                metadata = {_SIGNATURES: json.dumps(seen).encode()}
                with atomic_write(self._copy_of(table)) as temporary:
                    pq.write_table(rows.replace_schema_metadata(metadata), temporary, compression="zstd")
                self._copied[table.name] = seen

    def _refresh(self, table: Table, days: Collection[date] | None) -> None:
        if table.name not in self.seen:
            self.seen[table.name] = self._copied[table.name] = self._read_copy(table)
            days = None
        before, now = self.seen[table.name], _signatures_in(self._folder / table.name, days)
        if days is not None:
            others = before.keys() - set(map(str, days))
            now |= {day: before[day] for day in others}
        gone = [day for day, signature in before.items() if now.get(day) != signature]
        new = [day for day, signature in now.items() if before.get(day) != signature]
        if gone:
            statement = delete(table).where(table.c.local_day.in_(map(date.fromisoformat, gone)))
            duckdb_engine.run_query(self._connection, statement).read_all()
        if new:
            files = [str(self._folder / table.name / f"{_DAY}{day}" / FILE) for day in new]
            duckdb_engine.insert_files(self._connection, table, files)
        self.seen[table.name] = now

    def _read_copy(self, table: Table) -> _Signatures:
        """Create *table* with the rows of its copy; return the signatures of their files."""
        if not self._copy_of(table).exists():
            duckdb_engine.create_table(self._connection, table)
            return {}
        rows, signatures = stored_schema(table).empty_table(), _Signatures()
        with suppress(OSError, pa.ArrowException, ValueError, KeyError):
            copy = pq.read_table(self._copy_of(table))
            rows, signatures = copy.cast(rows.schema), json.loads(copy.schema.metadata[_SIGNATURES])
        self._connection.register("copied_rows", rows)
        self._connection.execute(f"CREATE TABLE {table.name} AS FROM copied_rows")
        self._connection.unregister("copied_rows")
        return signatures

    def _copy_of(self, table: Table) -> Path:
        return self._folder / f".{table.name}{COPY}"


def _signatures_in(folder: Path, days: Collection[date] | None) -> _Signatures:
    """Return inode, size and time of the files of *days*, or of all; they differ once one is replaced."""
    found = _Signatures()
    with suppress(FileNotFoundError), _opened(folder) as opened:
        names = os.listdir(opened) if days is None else [f"{_DAY}{day}" for day in days]  # noqa: PTH208
        for name in names:
            try:
                status = os.stat(f"{name}/{FILE}", dir_fd=opened)
            except (FileNotFoundError, NotADirectoryError):
                continue
            found[name.removeprefix(_DAY)] = [status.st_ino, status.st_size, status.st_mtime_ns]
    return found


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
