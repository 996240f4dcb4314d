"""Atomic writes: a file is written beside its target, flushed to disk and renamed into place.

A killed plain write leaves a torn file; an atomic one leaves the old file or the new. Object stores write
whole objects; a folder exists there once its last object is created, and creating an existing object fails.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from assets.runtime.storage_errors import naming

_OTHERS_SECONDS = 60
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside *path*, which replaces it on success; an OSError names *path*."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush_to_disk(temporary)
            temporary.replace(path)
            _flush_to_disk(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside *path*; on success it becomes *path*.

    Raises FileExistsError where *path* exists: it is never overwritten.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            yield temporary
            for file in temporary.iterdir():
                _flush_to_disk(file)
            _flush_to_disk(temporary)
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                    raise
                # a folder with files is never replaced by a rename
                raise FileExistsError(f"{path} already exists") from error
            _flush_to_disk(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write *data* to *path*, as a whole or not at all; an existing file is replaced."""
    if isinstance(path, Path):
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
    else:
        path.write_bytes(data)


def write_folder(folder: Path, files: Mapping[str, bytes], *, first: str, last: str) -> None:
    """Write *files* as the new *folder*, which exists once its *last* file does.

    Raises FileExistsError where it exists, or where another process wrote its *first* file and is still
    writing the others, or died.
    """
    if isinstance(folder, Path):
        with atomic_folder(folder) as temporary:
            for name, data in files.items():
                (temporary / name).write_bytes(data)
        return
    try:
        write_exclusive(folder / first, files[first])
    except FileExistsError:
        _wait_for(folder / last)
        raise
    for name in files.keys() - {first, last}:
        write_exclusive(folder / name, files[name])
    write_exclusive(folder / last, files[last])


def write_exclusive(path: Any, data: bytes) -> None:
    """Create an object. Raises FileExistsError where it exists."""
    path.fs.pipe_file(str(path), data, mode="create")


def _wait_for(path: Path) -> None:
    """Wait up to a minute for *path*, which another process is writing unless it died."""
    for _ in range(_OTHERS_SECONDS):
        if path.exists():
            return
        time.sleep(1)


def remove_folder(path: Path, *, first: str) -> None:
    """Remove the folder *path* as a whole or not at all: it exists as long as its *first* file does."""
    if not isinstance(path, Path):
        (path / first).unlink(missing_ok=True)
        for file in path.iterdir():
            file.unlink()
        return
    doomed = path.with_name(f".{path.name}.{uuid4().hex}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def remove_leftovers(root: Path, folders: Iterable[str], before: datetime) -> int:
    """Remove what killed writers left before *before* in *folders*, globs below *root*; return the number."""
    removed = 0
    for path in (path for folder in folders for path in root.glob(f"{folder}.*.*")):
        with suppress(FileNotFoundError):  # its writer lives
            if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < before.timestamp():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
    return removed


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
