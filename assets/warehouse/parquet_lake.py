"""The Parquet lake of one workspace: one file per table and local day, replaced as a whole.

No server: a day's file is written beside the old one and renamed into place, so that readers see the old day
or the new one. The columns are described in `schema.py`.
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, Table

from assets.errors import ConfigError
from assets.runtime import duckdb_engine
from assets.runtime.atomic_files import atomic_write, write_atomic
from assets.runtime.file_locks import file_lock
from assets.warehouse.days import Stored, read_day, whole_days, write_day
from assets.warehouse.schema import COUNTS, METADATA

_FILE = "part.parquet"
_WRITERS = 2
_TRIES = 40
_PAUSE_SECONDS = 0.05


class Lake:
    """The tables of `schema.py` for the workspace *slug*, in folders below *root*."""

    def __init__(self, root: Path, slug: str) -> None:
        self.folder = root / slug
        self._stored: set[str] | None = None
        self._connection: duckdb.DuckDBPyConnection
        self._holding: duckdb.DuckDBPyConnection
        self._held_files: set[object] | None = None
        self._held: duckdb.DuckDBPyConnection | None = None

    def writing(self) -> AbstractContextManager[None]:
        """Wait for every reader and writer of this workspace, then hold an exclusive lock.

        A load or a build holds it until it ends, so that a slower process never stores older rows over newer
        ones.
        """
        return file_lock(self.folder / "days")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Wait for a writer, then hold a shared lock: no report is built from days being replaced.

        Tables of few rows per day are held in memory meanwhile: a report queries each several times, and a
        year has as many files as days. They are reused for the next reading, as long as no file has changed.
        """
        with file_lock(self.folder / "days", shared=True):
            tables, files = self._list_tables(), self._files_of_counts()
            if self._held_files != tables | files:
                self._holding = self._open_connection(tables, held={table.name for table in COUNTS})
                self._held_files = tables | files
            self._held = self._holding
            try:
                yield
            finally:
                self._held = None

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Delete *days* of *table*, so that a process killed later leaves a missing day, not a torn one."""
        for day in days:
            self._path_of_day(table, day).unlink(missing_ok=True)

    def replace_days(self, table: Table, days: Iterable[date], rows: pa.RecordBatchReader) -> Stored:
        """Store *rows*, sorted by `local_day` and key, as the whole content of *days*.

        A day without rows is stored as an empty day. Raises ValueError for a row of another day.
        """
        stored = Stored()
        writes: deque[Future[None]] = deque()
        with ThreadPoolExecutor(_WRITERS) as pool:
            for day, content in whole_days(table, days, rows):
                writes.append(pool.submit(self._write_day, table, day, content, stored))
                if len(writes) > _WRITERS:
                    writes.popleft().result()
            while writes:
                writes.popleft().result()
        return stored

    def _write_day(self, table: Table, day: date, content: pa.Table, stored: Stored) -> None:
        with atomic_write(self._path_of_day(table, day)) as temporary:
            write_day(content, temporary)
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        stored.counts[day], stored.sha256[day] = content.num_rows, digest

    def stored_text(self, name: str) -> str | None:
        """Return the text stored beside the tables as *name*, or None."""
        path = self.folder / name
        return path.read_text() if path.exists() else None

    def store_text(self, name: str, text: str) -> None:
        """Store *text* beside the tables as *name*."""
        write_atomic(self.folder / name, text.encode())

    def _path_of_day(self, table: Table, day: date) -> Path:
        return self.folder / table.name / f"local_day={day}" / _FILE

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored."""
        for day in days:
            yield day, read_day(table, self._path_of_day(table, day))

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows.

        Retries where a writer removed a file between listing and opening it.
        """
        for _ in range(_TRIES):
            try:
                return self.stream(statement).read_all()
            except (duckdb.IOException, OSError) as error:
                if "No such file" not in str(error):
                    raise
                time.sleep(_PAUSE_SECONDS)
        return self.stream(statement).read_all()

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        return duckdb_engine.run_query(self.connect(), statement)

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT written by a person; it can change nothing and read only the lake's files.

        Raises ConfigError for anything but one SELECT, and for an invalid one.
        """
        return duckdb_engine.run_select(self.connect(), query, allowed_directories=[str(self.folder)])

    def tidy(self, before: datetime) -> int:
        """Delete temporary files that killed writers left before *before*; return their number."""
        leftovers = [
            file
            for file in self.folder.glob(f"*/local_day=*/.{_FILE}.*")
            if file.stat().st_mtime < before.timestamp()
        ]
        for file in leftovers:
            file.unlink(missing_ok=True)
        return len(leftovers)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB cursor whose views are the tables as they are stored now."""
        if self._held is not None:
            return self._held.cursor()
        stored = self._list_tables()
        if self._stored != stored:  # a first day turns an empty table into a view, which finds later days
            self._connection, self._stored = self._open_connection(stored), stored
        return self._connection.cursor()

    def _files_of_counts(self) -> set[tuple[Path, int, int]]:
        """Return path, inode and time of each file of the small tables, which differ once it is replaced."""
        paths = (path for table in COUNTS for path in self.folder.glob(f"{table.name}/local_day=*/{_FILE}"))
        return {(path, status.st_ino, status.st_mtime_ns) for path in paths for status in [path.stat()]}

    def _list_tables(self) -> set[str]:
        return {
            table.name
            for table in METADATA.sorted_tables
            if next(self.folder.glob(f"{table.name}/local_day=*/{_FILE}"), None)
        }

    def _open_connection(
        self, stored: set[str], held: AbstractSet[str] = frozenset()
    ) -> duckdb.DuckDBPyConnection:
        connection = duckdb_engine.connect()
        for table in METADATA.sorted_tables:
            if table.name in stored:
                files = duckdb_engine.quote_text(str(self.folder / table.name / "local_day=*" / _FILE))
                try:
                    duckdb_engine.create_view(connection, table, files, held=table.name in held)
                except duckdb.BinderException:
                    raise ConfigError(
                        f"{self.folder} was written by another release; remove it, and run again"
                    ) from None
            else:
                duckdb_engine.create_table(connection, table)
        return connection
