"""The commits of a lake in an object store: which file each day of a table has, and who wrote last.

`commits/<number>.json.gz` is written once, where none of that number exists; the newest one is the lake.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

from assets.errors import ConcurrentLoad
from assets.runtime.atomic_files import write_exclusive
from assets.warehouse.schema import LOAD_COUNTS, LOG_COUNTS

COMMITS = "commits"
ROW_A_DAY = frozenset({LOAD_COUNTS.name, LOG_COUNTS.name})
"""Tables of one row per day, which commits hold themselves."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The state of a lake: by day and table `[writer, bytes]` of a file, or the one row; and stored texts."""

    number: int = 0
    writer: str = ""
    days: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def changes(self, after: "Commit") -> set[str]:
        """Return the days and the names of stored texts that differ in *after*."""
        pairs = ((self.days, after.days), (self.kept, after.kept))
        return {key for old, new in pairs for key in {**old, **new} if old.get(key) != new.get(key)}

    def of(self, table: str) -> dict[str, Any]:
        """Return the entry of *table* for each day that has one."""
        return {day: tables[table] for day, tables in sorted(self.days.items()) if table in tables}

    def files(self) -> dict[str, int]:
        """Return every file with its size in bytes."""
        return {
            file_name(table, day, entry[0]): entry[1]
            for day, tables in self.days.items()
            for table, entry in tables.items()
            if table not in ROW_A_DAY
        }


class CommitLog:
    """The commits below *folder* of an object store, whose files are read by *store*."""

    def __init__(self, folder: Path, root: str, store: AbstractFileSystem) -> None:
        self._folder = folder / COMMITS
        self._root = f"{root}/{COMMITS}"
        self._store = store
        self._newest = Commit()

    def latest(self) -> Commit:
        """Return the newest commit; one that was read before is not read again."""
        try:
            paths = self._store.ls(self._root, detail=False, refresh=True)
        except FileNotFoundError:
            return self._newest
        newest = max(paths)
        if _commit_number(newest) != self._newest.number:
            self._newest = self.read(newest)
        return self._newest

    def read(self, path: str) -> Commit:
        """Return the commit at *path* of the store."""
        written = json.loads(gzip.decompress(self._store.cat_file(path)))
        return Commit(_commit_number(path), **written)

    def write(self, base: Commit, draft: Commit) -> None:
        """Apply the changes from *base* to *draft* to the newest commit, unless others changed the same days.

        Stored texts affect how days are stored: a change of one conflicts with every concurrent change.
        """
        own_changes, newest = base.changes(draft), base
        while own_changes:
            other_changes = base.changes(newest)
            conflicts = (
                own_changes & other_changes
                | (own_changes | other_changes) & (draft.kept | newest.kept).keys()
            )
            if other_changes and conflicts:
                raise ConcurrentLoad(
                    f"{self._folder.parent}: another process stored {min(conflicts)} meanwhile; run again"
                )
            content = {
                "writer": draft.writer,
                "days": _merge_changes(newest.days, draft.days, own_changes),
                "kept": _merge_changes(newest.kept, draft.kept, own_changes),
            }
            packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 6, mtime=0)
            try:
                write_exclusive(self._folder / f"{newest.number + 1:010d}.json.gz", packed)
            except FileExistsError:
                newest = self.latest()
                if newest.writer == draft.writer:  # our own commit, whose response was lost
                    return
            else:
                return


def _merge_changes(
    newest: Mapping[str, Any], draft: Mapping[str, Any], own_changes: set[str]
) -> dict[str, Any]:
    others = {key: value for key, value in newest.items() if key not in own_changes}
    return others | {key: value for key, value in draft.items() if key in own_changes}


def _commit_number(path: str) -> int:
    return int(path.rpartition("/")[2].partition(".")[0])


def file_name(table: str, day: str, writer: str) -> str:
    """Return the path of a day's file below the lake's folder."""
    return f"{table}/local_day={day}/{writer}.parquet"
