"""Damaged files of a lake in a folder: cut in half, of another format, or changed.

An engine's error names such a file at best, and never what to do: its day is removed and loaded again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.errors import ConfigError, StorageUnusable
from assets.warehouse.days import read_day
from assets.warehouse.schema import METADATA

_UNREADABLE = (OSError, ValueError, KeyError, pa.ArrowException)


@contextmanager
def naming_damage(folder: Path) -> Iterator[None]:
    """Raise StorageUnusable, with path and remedy, for an error that a damaged file below *folder* causes.

    The file is the one that the error names; only where it names none, all files are read to find it.
    """
    try:
        yield
    except (duckdb.Error, ConfigError, *_UNREADABLE) as error:
        if getattr(error, "errno", None) or isinstance(error, duckdb.OutOfMemoryException):
            raise  # a full disk or memory: nothing is damaged
        if path := _find_damaged(folder, error):
            day = path.parent.name
            raise StorageUnusable(
                f"{path} is damaged, or no file of the lake; remove its day, which is then loaded again: "
                f"`rm -r {folder}/*/{day}`, and run again"
            ) from error
        raise


def _find_damaged(folder: Path, error: Exception) -> Path | None:
    """Return the file that *error* names if it is damaged, or the first damaged one. Raises OSError."""
    named = re.search(rf"{re.escape(str(folder))}/[^'\"]+\.parquet", str(error))
    if named is None and isinstance(error, ConfigError):
        return None
    for table in METADATA.sorted_tables:
        paths = [Path(named[0])] if named else sorted(folder.glob(f"{table.name}/local_day=*/*.parquet"))
        for path in paths:
            if path.parts[-3] != table.name:
                continue
            try:
                read_day(table, path)
            except _UNREADABLE as reason:
                if isinstance(reason, OSError) and reason.errno:
                    reason.filename = str(path)
                    raise
                return path
    return None
