"""The Parquet lake of one workspace in an object store: files that never change, and commits that name them.

`<root>/<slug>/<table>/local_day=<day>/<writer>.parquet` is written once. A commit says which file a day of
a table has, and holds the tables of one row a day; the newest `commits/<number>.json.gz` is the lake. It is
put where there was none: a load or a build is there as a whole or not at all, and of two that began with
the same commit only one takes the next number. Reading a lake's state is one listing and one object.
"""

import gzip
import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
from sqlalchemy import Executable, MetaData, Table

from assets.errors import ConcurrentLoad
from assets.runtime import duckdb_engine
from assets.runtime.atomic_files import atomic_write, write_exclusive
from assets.warehouse.days import Stored, read_day, whole_days, write_day
from assets.warehouse.object_cache import PROTOCOL, Objects
from assets.warehouse.schema import LOAD_COUNTS, LOG_COUNTS, METADATA, stored_schema

_ROW_A_DAY = {LOAD_COUNTS.name, LOG_COUNTS.name}
_COMMITS, _NO_DAYS = "commits", "no_days"
_UPLOADS = 4


@dataclass(frozen=True, slots=True)
class Commit:
    """What every day has of each table: `[writer, bytes]` of its file, or its one row; and kept texts."""

    number: int = 0
    writer: str = ""
    days: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def changes(self, after: "Commit") -> set[str]:
        """Return the days and the names of kept texts that are not the same in *after*."""
        pairs = ((self.days, after.days), (self.kept, after.kept))
        return {key for was, now in pairs for key in {**was, **now} if was.get(key) != now.get(key)}

    def of(self, table: str) -> dict[str, Any]:
        """Return what each day has of *table*."""
        return {day: tables[table] for day, tables in sorted(self.days.items()) if table in tables}

    def files(self) -> dict[str, int]:
        """Return every file with its size."""
        return {
            _file_name(table, day, has[0]): has[1]
            for day, tables in self.days.items()
            for table, has in tables.items()
            if table not in _ROW_A_DAY
        }


class ObjectLake:
    """The tables of `schema.py` for the workspace *slug*, below *root* of an object store."""

    def __init__(self, root: Path, slug: str) -> None:
        self.folder = root / slug
        self._newest = Commit()
        self._base: Commit | None = None
        self._held: Commit | None = None
        self._files = Objects(self.folder)
        self._viewed: dict[str, Any] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Store what is written meanwhile as one commit; queries of this lake see it before.

        Raises ConcurrentLoad where another process stored some of the same days since: a slower one can never
        store older rows over newer ones.
        """
        self._base = self._latest_commit()
        self._held = Commit(self._base.number, uuid4().hex, self._base.days, self._base.kept)
        try:
            yield
            self._write_commit(self._base, self._held)
        finally:
            self._base = self._held = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Look at the lake as it is now, whatever is stored meanwhile."""
        self._held = self._latest_commit()
        try:
            yield
        finally:
            self._held = None

    def forget(self, table: Table, days: Iterable[date]) -> None:
        """Remove *days* of *table*."""
        self._change_days(table, dict.fromkeys(map(str, days)))

    def replace_days(self, table: Table, days: Iterable[date], rows: pa.RecordBatchReader) -> Stored:
        """Store *rows*, sorted by `local_day` and key, as the whole content of *days*.

        A day without rows is stored as an empty day. Raises ValueError for a row of another day.
        """
        stored, has = Stored(), dict[str, Any]()
        if table.name in _ROW_A_DAY:
            for day, content in whole_days(table, days, rows):
                (has[str(day)],) = json.loads(json.dumps(content.to_pylist(), default=str))
                stored.counts[day] = 1
            self._change_days(table, has)
            return stored
        writer, writes = uuid4().hex, deque[tuple[date, Future[int]]]()
        with ThreadPoolExecutor(_UPLOADS) as pool:
            for day, content in whole_days(table, days, rows):
                name = _file_name(table.name, str(day), writer)
                writes.append((day, pool.submit(self._upload_day, name, day, content, stored)))
                if len(writes) > _UPLOADS:
                    oldest, write = writes.popleft()
                    has[str(oldest)] = [writer, write.result()]
            has |= {str(day): [writer, write.result()] for day, write in writes}
        self._change_days(table, has)
        return stored

    def _upload_day(self, name: str, day: date, content: pa.Table, stored: Stored) -> int:
        """Write the file *name* with the *content* of *day*, and count it in *stored*; return its bytes."""
        local = self._files.local(name)
        with atomic_write(local) as temporary:
            write_day(content, temporary)
        with local.open("rb") as file:
            stored.sha256[day] = hashlib.file_digest(file, "sha256").hexdigest()
        stored.counts[day] = content.num_rows
        self._files.store.put_file(str(local), f"{self._files.root}/{name}")
        return local.stat().st_size

    def kept(self, name: str) -> str | None:
        """Return a text that was kept beside the tables."""
        return self._current_commit().kept.get(name)

    def keep(self, name: str, text: str) -> None:
        """Keep *text* beside the tables."""
        with self._draft_commit() as draft:
            self._held = Commit(draft.number, draft.writer, draft.days, {**draft.kept, name: text})

    def stored(self, table: Table, days: Sequence[date]) -> Iterator[tuple[date, pa.Table]]:
        """Yield the rows of each of *days*, in order, as they are stored."""
        now = self._current_commit()
        self._files.sizes |= now.files()
        for day in days:
            writer, _ = now.days[str(day)][table.name]
            with self._files.open(_file_name(table.name, str(day), writer)) as file:
                yield day, read_day(table, file)

    def query(self, statement: Executable) -> pa.Table:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; return its rows."""
        return self.stream(statement).read_all()

    def stream(self, statement: Executable) -> pa.RecordBatchReader:
        """Run a SQLAlchemy *statement* over the tables of `schema.py`; stream its rows."""
        return duckdb_engine.run_query(self.connect(), statement)

    def ask(self, query: str) -> pa.Table:
        """Run one SELECT of a person over the tables; it can change nothing and read no file but the lake's.

        Raises ConfigError for anything but one SELECT, and for a wrong one.
        """
        connection = self.connect()
        return duckdb_engine.run_select(
            connection, query, allowed_paths=[*map(_file_address, self._files.sizes)]
        )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB cursor whose views are the tables as they are stored now."""
        now = self._current_commit()
        if self._connection is None:
            self._connection = duckdb_engine.connect()
            self._connection.register_filesystem(self._files)
            self._connection.execute(f"CREATE SCHEMA {_NO_DAYS}")
            for table in METADATA.sorted_tables:
                duckdb_engine.create_table(self._connection, _without_days(table))
        self._files.sizes |= now.files()  # what is being read may be of an earlier commit
        for table in METADATA.sorted_tables:
            if self._viewed.get(table.name) != (has := now.of(table.name)):
                _create_view(self._connection, table, has)
                self._viewed[table.name] = has
        return self._connection.cursor()

    def tidy(self, before: datetime) -> int:
        """Remove what no lake since *before* has: superseded files and commits, and those of killed writers.

        Returns the number of removed objects.
        """
        store, root = self._files.store, f"{self._files.root}/"
        found = store.find(root, detail=True)
        old = {path for path, about in found.items() if about["LastModified"] < before}
        commits = sorted(path for path in found if path.startswith(f"{root}{_COMMITS}/"))
        # The newest of the old commits was the lake until the next one came; what that has is in it, or new.
        shown = {max((path for path in commits if path in old), default=""), *commits[-1:]} - {""}
        needed = shown | {f"{root}{name}" for path in shown for name in self._read_commit(path).files()}
        doomed = sorted(old - needed)
        if doomed:
            store.rm(doomed)
        return len(doomed)

    def _current_commit(self) -> Commit:
        return self._held or self._latest_commit()

    def _latest_commit(self) -> Commit:
        try:
            listed = self._files.store.ls(f"{self._files.root}/{_COMMITS}", detail=False, refresh=True)
        except FileNotFoundError:
            return self._newest
        newest = max(listed)
        if _commit_number(newest) != self._newest.number:
            self._newest = self._read_commit(newest)
        return self._newest

    def _read_commit(self, path: str) -> Commit:
        written = json.loads(gzip.decompress(self._files.store.cat_file(path)))
        return Commit(_commit_number(path), **written)

    @contextmanager
    def _draft_commit(self) -> Iterator[Commit]:
        """Yield what is to be committed; outside of `writing` that is done at once."""
        if self._held is not None and self._base is not None:
            yield self._held
            return
        with self.writing():
            yield self._current_commit()

    def _change_days(self, table: Table, has: Mapping[str, Any]) -> None:
        with self._draft_commit() as draft:
            days = dict(draft.days)
            for day, it in has.items():
                tables = {**days.pop(day, {}), table.name: it}
                if some := {name: each for name, each in tables.items() if each is not None}:
                    days[day] = some
            self._held = Commit(draft.number, draft.writer, days, draft.kept)

    def _write_commit(self, base: Commit, draft: Commit) -> None:
        """Put the changes from *base* to *draft* upon the newest commit, where others changed other days.

        Kept texts say how days are to be stored: who changes one, or stores days beside that, is alone.
        """
        mine, newest = base.changes(draft), base
        while mine:
            theirs = base.changes(newest)
            both = mine & theirs | (mine | theirs) & (draft.kept | newest.kept).keys()
            if theirs and both:
                raise ConcurrentLoad(
                    f"{self.folder}: another process stored {min(both)} meanwhile; run it again"
                )
            content = {
                "writer": draft.writer,
                "days": _merge_changes(newest.days, draft.days, mine),
                "kept": _merge_changes(newest.kept, draft.kept, mine),
            }
            packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 6, mtime=0)
            try:
                write_exclusive(self.folder / _COMMITS / f"{newest.number + 1:010d}.json.gz", packed)
            except FileExistsError:
                newest = self._latest_commit()
                if newest.writer == draft.writer:  # our own, whose answer was lost
                    return
            else:
                return


def _merge_changes(newest: Mapping[str, Any], draft: Mapping[str, Any], mine: set[str]) -> dict[str, Any]:
    others = {key: value for key, value in newest.items() if key not in mine}
    return others | {key: value for key, value in draft.items() if key in mine}


def _commit_number(path: str) -> int:
    return int(path.rpartition("/")[2].partition(".")[0])


def _file_name(table: str, day: str, writer: str) -> str:
    return f"{table}/local_day={day}/{writer}.parquet"


def _file_address(name: str) -> str:
    return f"{PROTOCOL}://{name}"


def _create_view(connection: duckdb.DuckDBPyConnection, table: Table, has: Mapping[str, Any]) -> None:
    """Make *table* of the rows, or of the files, that its days have."""
    if table.name in _ROW_A_DAY:
        schema = stored_schema(table)
        as_json = pa.schema(
            field.with_type(pa.string()) if pa.types.is_temporal(field.type) else field for field in schema
        )
        listed = [row | {"local_day": day} for day, row in has.items()]
        connection.register("listed", pa.Table.from_pylist(listed, as_json).cast(schema))
        connection.execute(f"CREATE OR REPLACE TABLE {table.name} AS FROM listed")
        connection.unregister("listed")
    elif has:
        names = (
            duckdb_engine.quote_text(_file_address(_file_name(table.name, day, writer)))
            for day, (writer, _) in has.items()
        )
        duckdb_engine.create_view(connection, table, f"[{', '.join(names)}]")
    else:
        connection.execute(f"CREATE OR REPLACE VIEW {table.name} AS FROM {_without_days(table)}")


@cache
def _without_days(table: Table) -> Table:
    return table.to_metadata(MetaData(), schema=_NO_DAYS)
