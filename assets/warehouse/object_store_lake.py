"""The Parquet lake of one workspace in an object store: immutable files, and commits that name them.

`<root>/<slug>/<table>/local_day=<day>/<writer>.parquet` is written once. A commit states the file of each day
and table, and holds the tables of one row per day; the newest `commits/<number>.json.gz` is the lake. A
commit is created only where none exists: a load or a build is visible as a whole or not at all, and of two
that began with the same commit only one takes the next number. Reading a lake's state costs one listing and
one object.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, MetaData, Table

from assets.runtime import duckdb_engine
from assets.runtime.atomic_files import atomic_write
from assets.warehouse.asked_days import asked_days
from assets.warehouse.commits import COMMITS, ROW_A_DAY, Commit, CommitLog, file_name
from assets.warehouse.days import Stored, read_day, whole_days, write_day
from assets.warehouse.object_cache import PROTOCOL, Objects
from assets.warehouse.schema import METADATA, stored_schema

_NO_DAYS = "no_days"
_UPLOADS = 4


class ObjectLake:
    """The tables of `schema.py` for the workspace *slug*, below *root* of an object store."""

    def __init__(self, root: Path, slug: str) -> None:
        self.folder = root / slug
        self._base: Commit | None = None
        self._held: Commit | None = None
        self._files = Objects(self.folder)
        self._commits = CommitLog(self.folder, self._files.root, self._files.store)
        self._viewed: dict[str, Any] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Store everything written in the block as one commit; queries of this lake see it before.

        Raises ConcurrentLoad where another process stored some of the same days meanwhile, so that a slower
        process never stores older rows over newer ones.
        """
        self._base = self._commits.latest()
        self._held = Commit(self._base.number, uuid4().hex, self._base.days, self._base.kept)
        try:
            yield
            self._commits.write(self._base, self._held)
        finally:
            self._base = self._held = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read a snapshot of the lake as of now, whatever is stored meanwhile."""
        self._held = self._commits.latest()
        try:
            yield
        finally:
            self._held = None

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Delete *days* of *table*."""
        self._change_days(table, dict.fromkeys(map(str, days)))

    def replace_days(self, table: Table, days: Iterable[date], rows: pa.RecordBatchReader) -> Stored:
        """Store *rows*, sorted by `local_day` and key, as the whole content of *days*.

        A day without rows is stored as an empty day. Raises ValueError for a row of another day.
        """
        stored, entries = Stored(), dict[str, Any]()
        if table.name in ROW_A_DAY:
            for day, content in whole_days(table, days, rows):
                (entries[str(day)],) = json.loads(json.dumps(content.to_pylist(), default=str))
                stored.counts[day] = 1
            self._change_days(table, entries)
            return stored
        writer, writes = uuid4().hex, deque[tuple[date, Future[int]]]()
        with ThreadPoolExecutor(_UPLOADS) as pool:
            for day, content in whole_days(table, days, rows):
                name = file_name(table.name, str(day), writer)
                writes.append((day, pool.submit(self._upload_day, name, day, content, stored)))
                if len(writes) > _UPLOADS:
                    oldest, write = writes.popleft()
                    entries[str(oldest)] = [writer, write.result()]
            entries |= {str(day): [writer, write.result()] for day, write in writes}
        self._change_days(table, entries)
        return stored

    def _upload_day(self, name: str, day: date, content: pa.Table, stored: Stored) -> int:
        """Upload the *content* of *day* as the file *name*, and count it in *stored*; return its bytes."""
        local = self._files.local(name)
        with atomic_write(local) as temporary:
            write_day(content, temporary)
        with local.open("rb") as file:
            stored.sha256[day] = hashlib.file_digest(file, "sha256").hexdigest()
        stored.counts[day] = content.num_rows
        self._files.store.put_file(str(local), f"{self._files.root}/{name}")
        return local.stat().st_size

    def stored_text(self, name: str) -> str | None:
        """Return the text stored beside the tables as *name*, or None."""
        return self._current_commit().kept.get(name)

    def store_text(self, name: str, text: str) -> None:
        """Store *text* beside the tables as *name*."""
        with self._draft_commit() as draft:
            self._held = Commit(draft.number, draft.writer, draft.days, {**draft.kept, name: text})

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored."""
        current = self._current_commit()
        self._files.sizes |= current.files()
        for day in days:
            writer, _ = current.days[str(day)][table.name]
            with self._files.open(file_name(table.name, str(day), writer)) as file:
                yield day, read_day(table, file)

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows."""
        return self.stream(statement).read_all()

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        cursor = self.connect()
        for name, days in asked_days(statement).items():
            entries = {} if name in ROW_A_DAY else self._viewed[name]
            if files := [
                _file_address(file_name(name, str(day), entries[str(day)][0]))
                for day in days or ()
                if str(day) in entries
            ]:
                duckdb_engine.narrow_view(cursor, METADATA.tables[name], files)
        return duckdb_engine.run_query(cursor, statement)

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT written by a person; it can change nothing and read only the lake's files.

        Raises ConfigError for anything but one SELECT, and for an invalid one.
        """
        connection = self.connect()
        return duckdb_engine.run_select(
            connection, query, allowed_paths=[*map(_file_address, self._files.sizes)]
        )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB cursor whose views are the tables as they are stored now."""
        current = self._current_commit()
        if self._connection is None:
            self._connection = duckdb_engine.connect()
            self._connection.register_filesystem(self._files)
            self._connection.execute(f"CREATE SCHEMA {_NO_DAYS}")
            for table in METADATA.sorted_tables:
                duckdb_engine.create_table(self._connection, _without_days(table))
        self._files.sizes |= current.files()  # a running query may read files of an earlier commit
        for table in METADATA.sorted_tables:
            if self._viewed.get(table.name) != (entries := current.of(table.name)):
                _create_view(self._connection, table, entries)
                self._viewed[table.name] = entries
        return self._connection.cursor()

    def tidy(self, before: datetime) -> int:
        """Delete objects older than *before*: superseded files and commits, and files of killed writers.

        What the lake held at *before* or later stays. Returns the number of deleted objects.
        """
        store, root = self._files.store, f"{self._files.root}/"
        objects = store.find(root, detail=True)
        old = {path for path, details in objects.items() if details["LastModified"] < before}
        commits = sorted(path for path in objects if path.startswith(f"{root}{COMMITS}/"))
        # The newest old commit was the lake until the next one; that one's files are in it too, or are new.
        visible = {max((path for path in commits if path in old), default=""), *commits[-1:]} - {""}
        needed = visible | {f"{root}{name}" for path in visible for name in self._commits.read(path).files()}
        obsolete = sorted(old - needed)
        if obsolete:
            store.rm(obsolete)
        return len(obsolete)

    def _current_commit(self) -> Commit:
        return self._held or self._commits.latest()

    @contextmanager
    def _draft_commit(self) -> Iterator[Commit]:
        """Yield the draft of the next commit; outside of `writing`, it is committed at once."""
        if self._held is not None and self._base is not None:
            yield self._held
            return
        with self.writing():
            yield self._current_commit()

    def _change_days(self, table: Table, entries: Mapping[str, Any]) -> None:
        with self._draft_commit() as draft:
            days = dict(draft.days)
            for day, entry in entries.items():
                tables = {**days.pop(day, {}), table.name: entry}
                if remaining := {name: value for name, value in tables.items() if value is not None}:
                    days[day] = remaining
            self._held = Commit(draft.number, draft.writer, days, draft.kept)


def _file_address(name: str) -> str:
    return f"{PROTOCOL}://{name}"


def _create_view(connection: duckdb.DuckDBPyConnection, table: Table, entries: Mapping[str, Any]) -> None:
    """Create *table* from its days' *entries*: rows, or files."""
    if table.name in ROW_A_DAY:
        schema = stored_schema(table)
        as_json = pa.schema(
            field.with_type(pa.string()) if pa.types.is_temporal(field.type) else field for field in schema
        )
        listed = [row | {"local_day": day} for day, row in entries.items()]
        connection.register("listed", pa.Table.from_pylist(listed, as_json).cast(schema))
        connection.execute(f"CREATE OR REPLACE TABLE {table.name} AS FROM listed")
        connection.unregister("listed")
    elif entries:
        names = (
            duckdb_engine.quote_text(_file_address(file_name(table.name, day, writer)))
            for day, (writer, _) in entries.items()
        )
        duckdb_engine.create_view(connection, table, f"[{', '.join(names)}]")
    else:
        connection.execute(f"CREATE OR REPLACE VIEW {table.name} AS FROM {_without_days(table)}")


@cache
def _without_days(table: Table) -> Table:
    return table.to_metadata(MetaData(), schema=_NO_DAYS)
