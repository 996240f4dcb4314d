"""Events in CSV, XLSX, NDJSON or Parquet files, found by a glob.

A file that cannot be read is reported, and the others are still read. Which rows are events is not decided
here.
"""

import errno
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.config.source import FilesSource
from assets.errors import SourceUnreadable
from assets.sources.base import Batch, Unreadable
from assets.sources.files.delimited import read_csv
from assets.sources.files.ndjson import read_ndjson
from assets.sources.files.parquet import read_parquet
from assets.sources.files.vendor_exports import read_export
from assets.sources.files.xlsx import read_xlsx

Reader = Callable[[Path, str, FilesSource], Iterator[Batch | Unreadable]]

_FORMATS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".xlsx": read_xlsx,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
    ".parquet": read_parquet,
}
_COMPRESSED = {".gz", ".bz2", ".zst"}
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_MAX_REASON = 1_000
_PATTERN = re.compile(r"[*?\[]")


class Files:
    """The files that match one configured glob, as they are when they are first asked for."""

    is_windowed = False

    def __init__(self, options: FilesSource) -> None:
        self.options = options

    @cached_property
    def _found(self) -> list[tuple[Path, str]]:
        return files_of(self.options.path)

    def inventory(self) -> dict[str, str]:
        """Return each file's size, modification time, and whether access to it is denied.

        Raises SourceError where no file matches.
        """
        versions = {}
        for path, origin in self._found:
            status = path.lstat()
            denied = "" if os.access(path, os.R_OK) else "-denied"
            versions[origin] = f"{status.st_size}-{status.st_mtime_ns}{denied}"
        return versions

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the rows of every file in name order; a file cannot be read by window, so all its rows."""
        del start, end
        return self._read(self._found)

    def read_inputs(self, names: Collection[str]) -> Iterator[Batch | Unreadable]:
        """Yield the rows of the files *names* of the inventory, in name order."""
        return self._read(found for found in self._found if found[1] in names)

    def _read(self, files: Iterable[tuple[Path, str]]) -> Iterator[Batch | Unreadable]:
        for path, origin in files:
            read_format = read_export if self.options.layout else _FORMATS.get(_format_of(path))
            if not path.is_file():
                yield Unreadable(origin, f"{origin}: {_what_it_is(path)}")
            elif read_format is None:
                yield Unreadable(origin, f"{origin}: unknown format; expected one of {', '.join(_FORMATS)}")
            else:
                yield from self._read_file(path, origin, read_format)

    def _read_file(self, path: Path, origin: str, read: Reader) -> Iterator[Batch | Unreadable]:
        try:
            yield from read(path, origin, self.options)
        except (OSError, ValueError, KeyError, pa.ArrowException, duckdb.Error) as error:
            reason = f"{origin}: {_first_line(error, path)}"
            yield Unreadable(origin, reason, may_pass=_may_pass(error))
        except RecursionError:
            yield Unreadable(origin, f"{origin}: its JSON is nested too deeply")


def files_of(pattern: str) -> list[tuple[Path, str]]:
    """Return each matching file with its name below the glob's fixed folder, free of this machine's paths.

    Hidden files and folders are left out, as in a shell. A path that has the name of a data file but is none,
    such as a broken link, is listed too. Raises SourceError where nothing matches.
    """
    full_pattern = Path(pattern)
    fixed = list(takewhile(lambda part: not _PATTERN.search(part), full_pattern.parts))
    base = Path(*fixed) if len(fixed) < len(full_pattern.parts) else full_pattern.parent
    pattern_parts = full_pattern.relative_to(base).parts
    asks_hidden = any(part.startswith(".") for part in pattern_parts)
    inputs = []
    for path in base.glob("/".join(pattern_parts)):
        parts = path.parts[len(base.parts) :]
        is_input = path.is_file() or not path.is_dir() or _format_of(path) in _FORMATS
        if is_input and (asks_hidden or not any(part.startswith(".") for part in parts)):
            inputs.append((parts, path))
    if not inputs:
        raise SourceUnreadable(f"no file matches {full_pattern}; correct `path` of the source")
    return [(path, _name_as_text(parts)) for parts, path in sorted(inputs)]


def _name_as_text(parts: Iterable[str]) -> str:
    """Return the name of a file; bytes in it that are no text are written as hexadecimal numbers."""
    return os.fsencode("/".join(parts)).decode("utf-8", "backslashreplace")


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _COMPRESSED]
    return suffixes[-1] if suffixes else ""


def _what_it_is(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "is a link to a missing file"
    return "is a folder; name its files in `path`" if path.is_dir() else "is not a regular file"


def _may_pass(error: Exception) -> bool:
    """Return whether reading failed for a reason of the system, which is not in the file and may pass."""
    if isinstance(error, OSError):
        return error.errno in _PASSING
    return isinstance(error, duckdb.IOException) and os.strerror(errno.EIO) in str(error)


def _first_line(error: Exception, path: Path) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "its name is not UTF-8; rename it"
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return text.replace(f"{path}", path.name).removesuffix(".")[:_MAX_REASON]
