"""Events in CSV, NDJSON or Parquet files, found by a glob.

A file that cannot be read is reported and the others go on. Which rows are events is not decided here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.errors import SourceUnavailable
from assets.source_config import FilesSource
from assets.sources.batches import Batch, Unreadable
from assets.sources.delimited import read_csv
from assets.sources.exports import read_export
from assets.sources.ndjson import read_ndjson
from assets.sources.parquet import read_parquet

Reader = Callable[[Path, str, Mapping[str, str]], Iterator[Batch | Unreadable]]

_FORMATS: dict[str, Reader] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
    ".parquet": read_parquet,
}
_COMPRESSED = {".gz", ".bz2", ".zst"}


class Files:
    """The files of one configured glob."""

    is_windowed = False

    def __init__(self, options: FilesSource) -> None:
        self.options = options

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the rows of every file in name order; a file knows no window, so all its rows."""
        del start, end
        for path, origin in files_of(self.options.path):
            if self.options.layout:
                yield from self._read(path, origin, self._read_export)
                continue
            suffixes = [suffix for suffix in path.suffixes if suffix not in _COMPRESSED]
            read_format = _FORMATS.get(suffixes[-1].lower() if suffixes else "")
            if read_format is None:
                yield Unreadable(origin, f"{origin}: is none of {', '.join(_FORMATS)}")
                continue
            yield from self._read(path, origin, read_format)

    def _read_export(self, path: Path, origin: str, _columns: Mapping[str, str]) -> Iterator[Batch]:
        assert self.options.layout  # noqa: S101 - asked only where there is one
        return read_export(path, origin, self.options.layout)

    def _read(self, path: Path, origin: str, read: Reader) -> Iterator[Batch | Unreadable]:
        try:
            yield from read(path, origin, self.options.columns)
        except (OSError, ValueError, KeyError, pa.ArrowException, duckdb.Error) as error:
            yield Unreadable(origin, f"{origin}: {_first_line(error, path)}")


def files_of(pattern: str) -> list[tuple[Path, str]]:
    """Return each file with its name below the glob's fixed folder, free of any machine's path.

    Raises SourceUnavailable where there is none.
    """
    whole = Path(pattern)
    fixed = list(takewhile(lambda part: not re.search(r"[*?\[]", part), whole.parts))
    base = Path(*fixed) if len(fixed) < len(whole.parts) else whole.parent
    found = sorted(path for path in base.glob(str(whole.relative_to(base))) if path.is_file())
    if not found:
        raise SourceUnavailable(f"no file matches {whole}; correct `path` of the source", permanent=True)
    return [(path, path.relative_to(base).as_posix()) for path in found]


def _first_line(error: Exception, path: Path) -> str:
    return str(error).splitlines()[0].replace(f"{path}", path.name).removesuffix(".")
