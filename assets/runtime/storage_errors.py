"""Errors of files, folders and databases as sentences: where, what is wrong, and what helps.

`explaining_errors` stands at the border of each workspace: what one of them meets stops no other. Add what
helps against an error of the system here. A damaged lake is explained in `warehouse/damage.py`.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.errors import ConfigError, OutOfMemory, ReportError, StorageUnavailable, StorageUnusable

_ACCESS = "give the user that runs this access to it, with `chown` or `chmod`"
_WRITABLE = "mount its file system writable, or name another folder in the configuration"
_SPACE = "free space on its disk"
_REMEDIES = {
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.EROFS: _WRITABLE,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: "free space, or raise the quota",
    errno.EFBIG: "raise the limit of a file's size (`ulimit -f`)",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.EIO: "check its disk",
}
_UNUSABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EFBIG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
}
_SQLITE_REMEDIES = {
    sqlite3.SQLITE_FULL: (StorageUnavailable, _SPACE),
    sqlite3.SQLITE_IOERR: (StorageUnavailable, f"check its disk, or {_SPACE}"),
    sqlite3.SQLITE_BUSY: (StorageUnavailable, "wait until the other process has ended"),
    sqlite3.SQLITE_READONLY: (StorageUnusable, f"{_ACCESS}, or {_WRITABLE}"),
    sqlite3.SQLITE_CANTOPEN: (StorageUnusable, f"{_ACCESS}, and to its folder"),
    sqlite3.SQLITE_PERM: (StorageUnusable, _ACCESS),
    sqlite3.SQLITE_CORRUPT: (StorageUnusable, "restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (StorageUnusable, "restore it from a backup, or name another file"),
}
_NO_MEMORY = {"MemoryError", "OutOfMemoryException"}  # Python's and Arrow's, and DuckDB's
_NO_THREAD = {"can't start new thread", os.strerror(errno.EAGAIN)}  # Python's and C++'s, as a RuntimeError
_OF_STORE = {"BotoCoreError", "ClientError"}  # botocore's; s3fs gives some of them as the cause of its own
_PRIMARY_CODE = 0xFF  # the other bits of an error code of SQLite are details


def explain(error: Exception) -> ReportError | None:
    """Return *error* as an expected one that says where and what to do; None for a bug."""
    if isinstance(error, ReportError):
        return error
    if _is_lack_of_memory(error):
        return OutOfMemory(f"out of memory ({_first_line(error)}); free memory, and run again")
    if _is_one_of(error, _OF_STORE) or _is_one_of(error.__cause__, _OF_STORE):
        return StorageUnavailable(f"object store: {_first_line(error)}; correct that, and run again")
    return _explain_system(error) if isinstance(error, OSError) else _explain_database(error)


def _explain_database(error: Exception) -> ReportError | None:
    """Return an error of any driver as an expected one, or None. Without a statement, its URL is wrong."""
    if _is_one_of(error, {"OperationalError"}):
        return StorageUnavailable(f"database: {_first_line(error)}; correct that, and run again")
    if _is_one_of(error, {"ProgrammingError"}) and getattr(error, "statement", "") is None:
        return ConfigError(f"database: {_first_line(error)}; correct its URL")
    return None


def _is_lack_of_memory(error: Exception) -> bool:
    is_thread = isinstance(error, RuntimeError) and str(error) in _NO_THREAD
    return is_thread or _is_one_of(error, _NO_MEMORY) or getattr(error, "errno", None) == errno.ENOMEM


def _is_one_of(error: BaseException | None, names: set[str]) -> bool:
    """Return whether *error* is of a class with one of *names*, of a library that need not be installed."""
    return not names.isdisjoint(kind.__name__ for kind in type(error).__mro__)


def _first_line(error: Exception) -> str:
    return (str(getattr(error, "orig", error)).splitlines() or [type(error).__name__])[0]


def explain_sqlite(error: sqlite3.Error, path: Path) -> ReportError | None:
    """Return *error* of the database at *path* as an expected one; None for a bug."""
    found = _SQLITE_REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE)
    return found and found[0](f"{path}: {error}; {found[1]}, and run again")


@contextmanager
def explaining_errors() -> Iterator[None]:
    """Raise what `explain` returns for an error within; a bug is raised as it is."""
    try:
        yield
    except Exception as error:
        expected = explain(error)
        if expected is None or expected is error:
            raise
        raise expected from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have errors of the system name *path*: a write names no file, or a temporary one beside it."""
    try:
        yield
    except OSError as error:
        named = Path(str(error.filename)).name if error.filename is not None else ""
        if error.errno and (not named or named.startswith(f".{path.name}.")):
            error.filename = str(path)
        raise


def _explain_system(error: OSError) -> ReportError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    where = "" if error.filename is None else f"{error.filename}: "
    remedy = _REMEDIES.get(error.errno or 0, "correct that")
    kind = StorageUnusable if error.errno in _UNUSABLE else StorageUnavailable
    return kind(f"{where}{reason}; {remedy}, and run again")
