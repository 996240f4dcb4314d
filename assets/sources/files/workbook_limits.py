"""Limits of XLSX workbooks, checked before they are parsed: their size unpacked, and the memory they take.

calamine reserves memory for every cell of a sheet's rectangle and for as many strings as a workbook states.
Where there is not so much, the process is killed: no error can be caught.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from assets.sources.files.text_files import TOO_LARGE, max_unpacked

_READ_BYTES = 1 << 20
_CARRIED = 64  # a place that two blocks share
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)(\d+)["']""")
_FAR_PLACE = re.compile(rb"""\br\s*=\s*["'](?:[A-Za-z]{2}|[A-Za-z]?\d{6})""")
_MANY = re.compile(rb"""[cC]ount\s*=\s*["']\d{8}""")
_MAX_EMPTY_CELLS, _MAX_EMPTY_SHARE = 5_000_000, 20


def refuse_bomb(path: Path) -> None:
    """Raise ValueError where a workbook would take all memory. The sizes that it states may be lies."""
    limit, total = max_unpacked(path.stat().st_size), 0
    with zipfile.ZipFile(path) as parts:
        for part in parts.infolist():
            is_wide = False
            for block, size in _blocks(parts, part):
                total += size
                if total > limit:
                    raise ValueError(TOO_LARGE)
                if _MANY.search(block):
                    raise ValueError("states more strings or styles than it has room for")
                is_wide = is_wide or _FAR_PLACE.search(block) is not None
            if is_wide:
                _refuse_lonely_cells(parts, part)


def _blocks(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[tuple[bytes, int]]:
    """Yield the content of a *part* with the end of the block before, and the size of each block."""
    carried = b""
    with parts.open(part) as stream:
        while block := stream.read(_READ_BYTES):
            yield carried + block, len(block)
            carried = block[-_CARRIED:]


def _refuse_lonely_cells(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Raise ValueError where nearly all cells between A1 and the last one are empty."""
    count = rows = columns = 0
    for block, _ in _blocks(parts, part):
        for letters, digits in _PLACE.findall(block):
            count += 1
            rows, columns = max(rows, int(digits)), max(columns, _column_number(letters))
    if rows * columns > _MAX_EMPTY_CELLS + _MAX_EMPTY_SHARE * count:
        raise ValueError(
            f"has {rows:,} rows and {columns:,} columns, nearly all of them empty; delete the cells "
            "that are far from the others"
        )


def _column_number(letters: bytes) -> int:
    """Return the number of a column, from 1: that of AB is 28."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number
