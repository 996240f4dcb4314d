"""Files that are whole or not there: written beside, flushed to the disk, renamed into place.

A plain write that is killed leaves a torn file; this one leaves the old file or the new. Object stores
write whole objects; what makes a folder one there is that its last object is put where there was none.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

_OTHERS_SECONDS = 60


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside *path*; on success it takes the place of *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
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

    Raises FileExistsError where *path* is there already: it is never overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _flush_to_disk(file)
        _flush_to_disk(temporary)
        try:
            temporary.rename(path)
        except OSError as error:  # a folder with files is never replaced by a rename
            raise FileExistsError(f"{path} is there already") from error
        _flush_to_disk(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all; it may replace what was there."""
    if isinstance(path, Path):
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
    else:
        path.write_bytes(data)


def write_folder(folder: Path, files: Mapping[str, bytes], *, first: str, last: str) -> None:
    """Write *files* as the new *folder*: it is there when its *last* file is.

    Raises FileExistsError where it is there already, or where another process made, or died while making,
    its *first* file.
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
    """Write an object where there is none. Raises FileExistsError."""
    path.fs.pipe_file(str(path), data, mode="create")


def _wait_for(path: Path) -> None:
    """Wait for another process to be done, or to have died meanwhile."""
    for _ in range(_OTHERS_SECONDS):
        if path.exists():
            return
        time.sleep(1)


def remove_folder(path: Path, *, first: str) -> None:
    """Remove the folder *path*: it is there as a whole or not at all, as its *first* file is."""
    if not isinstance(path, Path):
        (path / first).unlink(missing_ok=True)
        for file in path.iterdir():
            file.unlink()
        return
    doomed = path.with_name(f".{path.name}.{uuid4().hex}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
