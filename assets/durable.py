"""Files that are whole or not there: written beside, flushed to the disk, renamed into place.

A plain write that is killed leaves a torn file; this one leaves the old file or the new.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_PAUSE_SECONDS = 0.05


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside *path*; on success it takes the place of *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def creating_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside *path*; on success it becomes *path*.

    Raises FileExistsError where *path* is there already: it is never overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        _flush(temporary)
        try:
            temporary.rename(path)
        except OSError as error:  # a folder with files is never replaced by a rename
            raise FileExistsError(f"{path} is there already") from error
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove the folder *path*: it is there as a whole or not at all."""
    doomed = path.with_name(f".{path.name}.{uuid4().hex}")
    path.rename(doomed)
    shutil.rmtree(doomed)


@contextmanager
def one_at_a_time(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Wait until no other process holds *path*; the lock ends with the process, however it ends.

    Those that hold it *shared* wait only for one that does not. It asks again and again: a process that
    sleeps can be cancelled, one that waits in the system call cannot.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        while not _locked(lock.fileno(), fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            time.sleep(_PAUSE_SECONDS)
        yield


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
