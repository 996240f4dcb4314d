"""The Parquet lake of one workspace: one file per table and local day, replaced as a whole.

No server: a day's file is written beside the old one and renamed into place, so that readers see the old day
or the new one. The columns are described in `schema.py`.
"""

import hashlib
import os
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, Table

from assets.errors import ConfigError
from assets.runtime import duckdb_engine
from assets.runtime.atomic_files import atomic_write, remove_leftovers, write_atomic
from assets.runtime.file_locks import file_lock
from assets.warehouse.asked_days import asked_days
from assets.warehouse.count_tables import FILE, CountTables
from assets.warehouse.damage import naming_damage
from assets.warehouse.days import Stored, read_day, whole_days, write_day
from assets.warehouse.schema import COUNTS, METADATA

_WRITERS = 2
_TRIES = 40
_GONE = ("No such file", "No files found")
_PAUSE_SECONDS = 0.05


class Lake:
    """The tables of `schema.py` for the workspace *slug*, in folders below *root*."""

    def __init__(self, root: Path, slug: str) -> None:
        self.folder = root / slug
        self._viewed: dict[str, bool] = {}
        """The tables with a file for each day that have a view; whether it has days."""
        self._changed: dict[str, set[date] | None] | None = None
        """The days of small tables to refresh, None for all, while no other process can change any."""

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb_engine.connect()

    @cached_property
    def _counts(self) -> CountTables:
        return CountTables(self.folder, self._connection)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait for every reader and writer of this workspace, then hold an exclusive lock.

        A load or a build holds it until it ends, so that a slower process never stores older rows over newer
        ones.
        """
        with file_lock(self.folder / "days"), self._alone():
            yield
            self._refresh({*self._counts.seen, *(self._changed or ())})
            self._counts.store_copies()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Wait for a writer, then hold a shared lock: no report is built from days being replaced."""
        with file_lock(self.folder / "days", shared=True), self._alone():
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Look for changed files of a small table at its first use only: no other process can change them."""
        self._changed = dict.fromkeys(self._counts.seen)
        try:
            yield
        finally:
            self._changed = None

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Delete *days* of *table*, so that a process killed later leaves a missing day, not a torn one."""
        days = list(days)
        for day in days:
            self._path_of_day(table, day).unlink(missing_ok=True)
        self._note_change(table, days)

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
        self._note_change(table, stored.counts)
        return stored

    def _note_change(self, table: Table, days: Iterable[date]) -> None:
        if self._changed is not None and (noted := self._changed.setdefault(table.name, set())) is not None:
            noted.update(days)

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
        return self.folder / table.name / f"local_day={day}" / FILE

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored."""
        for day in days:
            with naming_damage(self.folder):
                content = read_day(table, self._path_of_day(table, day))
            yield day, content

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows.

        Retries where a writer removed a file between listing and opening it. Raises StorageUnusable where a
        file is damaged.
        """
        with naming_damage(self.folder):
            for _ in range(_TRIES):
                try:
                    return self._run(statement).read_all()
                except (duckdb.IOException, OSError) as error:
                    if not any(text in str(error) for text in _GONE):
                        raise
                    time.sleep(_PAUSE_SECONDS)
            return self._run(statement).read_all()

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        with naming_damage(self.folder):
            reader = self._run(statement)
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader))

    def _batches(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with naming_damage(self.folder):
            yield from reader

    def _run(self, statement: Executable) -> pa.RecordBatchReader:
        asked = asked_days(statement)
        cursor = self._refresh(asked)
        for name, days in asked.items():
            table = METADATA.tables[name]
            if table not in COUNTS and not (days and self._narrow(cursor, table, days)):
                self._create_view(cursor, table)
        return duckdb_engine.run_query(cursor, statement)

    def _narrow(self, cursor: duckdb.DuckDBPyConnection, table: Table, days: Iterable[date]) -> bool:
        """Let *cursor* open the files of *days* only, if there are any; to find all takes longer."""
        paths = (self._path_of_day(table, day) for day in days)
        files = [str(path) for path in paths if path.exists()]
        if files:
            with _naming_release(self.folder):
                duckdb_engine.narrow_view(cursor, table, files)
        return bool(files)

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT written by a person; it can change nothing and read only the lake's files.

        Raises ConfigError for anything but one SELECT, and for an invalid one.
        """
        with naming_damage(self.folder):
            return duckdb_engine.run_select(self.connect(), query, allowed_directories=[str(self.folder)])

    def tidy(self, before: datetime) -> int:
        """Delete temporary files that killed writers left before *before*; return their number."""
        return remove_leftovers(self.folder, ("", "*/local_day=*/"), before)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB cursor whose tables and views are the days as they are stored now."""
        cursor = self._refresh(METADATA.tables)
        with naming_damage(self.folder):
            for table in METADATA.sorted_tables:
                if table not in COUNTS:
                    self._create_view(cursor, table)
        return cursor

    def _refresh(self, names: Collection[str]) -> duckdb.DuckDBPyConnection:
        """Read the days of those of the tables *names* that have changed; return a new cursor."""
        if self._changed is not None:
            names = [name for name in names if name in self._changed or name not in self._counts.seen]
        noted = self._changed or {}
        with naming_damage(self.folder):
            self._counts.refresh({name: noted.pop(name, None) for name in names})
        return self._connection.cursor()

    def _create_view(self, cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Make all days of *table* readable; a view of days finds later ones."""
        has_days = _has_day(self.folder / table.name)
        if self._viewed.get(table.name) is not has_days:
            days = duckdb_engine.quote_text(str(self.folder / table.name / "local_day=*" / FILE))
            with _naming_release(self.folder):
                duckdb_engine.create_view(cursor, table, days if has_days else None)
            self._viewed[table.name] = has_days


@contextmanager
def _naming_release(folder: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.BinderException:
        raise ConfigError(f"{folder} was written by another release; remove it, and run again") from None


def _has_day(folder: Path) -> bool:
    """Tell whether *folder* has the file of a day; of a long history it looks at the first ones only."""
    with suppress(FileNotFoundError), os.scandir(folder) as days:
        return any(Path(day, FILE).exists() for day in days)
    return False
