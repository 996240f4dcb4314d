"""A local cache of an object store's immutable files, through which DuckDB reads them.

Range requests over the network cost one request each; fetching a day's whole file costs one. Files that were
not read for two days are deleted from the cache.
"""

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

from assets.errors import ConfigError
from assets.runtime.atomic_files import atomic_write

PROTOCOL = "objects"
_KEPT_SECONDS = 48 * 3600
_LOOK_SECONDS = 3600


class Objects(AbstractFileSystem):
    """An fsspec file system for DuckDB: files below *folder*, as `objects://<path>`, of known *sizes*."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, folder: Any) -> None:
        super().__init__()
        self.store = folder.fs
        self.root: str = folder.path
        self.sizes: dict[str, int] = {}

    def info(self, path: str, **_: object) -> dict[str, Any]:
        """Return the size of a file of the lake, without a request to the store."""
        name = self._strip_protocol(path)
        if name not in self.sizes:
            raise FileNotFoundError(path)
        return {"name": name, "size": self.sizes[name], "type": "file"}

    def modified(self, path: str) -> datetime:  # noqa: ARG002 - fsspec's
        """Return the same time for every file, because they never change."""
        return datetime.fromtimestamp(0, UTC)

    def _open(self, path: str, *_: object, **__: object) -> FileIO:
        name = self._strip_protocol(path)
        local = self.local(name)
        with suppress(FileNotFoundError):
            os.utime(local)
            return _Read(local)
        with atomic_write(local) as temporary:
            self.store.get_file(f"{self.root}/{name}", str(temporary))
            if temporary.stat().st_size != self.sizes[name]:
                raise OSError(f"{self.root}/{name}: incomplete: {temporary.stat().st_size} bytes received")
        return _Read(local)

    def local(self, name: str) -> Path:
        """Return the path of the file *name* in the cache."""
        return _cache_folder() / self.root.lstrip("/") / name


class _Read(FileIO):
    """A file that DuckDB may leave open: it is closed when nothing refers to it."""

    def __del__(self) -> None:
        self.close()


@cache
def _cache_folder() -> Path:
    """Return this user's cache folder, after deleting files that were not read for two days."""
    folder = Path(tempfile.gettempdir()) / f"assignment-reports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to another user; remove it, or set TMPDIR")
    looked, marker = folder / ".looked", folder / ".now"
    marker.touch()
    now = marker.stat().st_mtime  # by the clock that sets the files' times
    if not looked.exists() or looked.stat().st_mtime < now - _LOOK_SECONDS:
        looked.touch()
        for file in folder.rglob("*.parquet*"):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < now - _KEPT_SECONDS:
                    file.unlink()
    return folder
