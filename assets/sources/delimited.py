"""CSV files: text cells with a row's number, and a fault where a row is no row.

Delimiters , ; tab and | are recognised by the header. Values are not parsed here.
"""

import codecs
import csv
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import ConvertOptions, InvalidRow, ParseOptions, ReadOptions, open_csv

from assets.sources.batches import CELL_LIMIT, Batch, Unreadable, is_printed_log, match_columns

ONE_CELL = {"delimiter": "\x01", "quote_char": False, "newlines_in_values": False}
"""How lines are read that are no CSV: with a delimiter that no text has."""

_BLOCK = 32 << 20
_LOOKED_AT = 1 << 20  # what a core's own memory holds, because it is looked at four times
_REPLACEMENT = "\ufffd"


def read_csv(path: Path, origin: str, mapping: Mapping[str, str]) -> Iterator[Batch | Unreadable]:
    """Yield the mapped columns of a CSV file with a header.

    Raises ValueError for a file that is empty, not UTF-8 by its first bytes, or lacks a column.
    """
    header, delimiter, header_lines = _header(path)
    columns = match_columns(header, mapping)
    names = [f"{at}" for at in range(len(header))]  # a header may use a name twice
    places = {column: names[header.index(name)] for column, name in columns.items()}
    parse = ParseOptions(delimiter=delimiter, newlines_in_values=True)
    facts, rows = scan(path), 0
    for batch in numbered_batches(path, facts, names, sorted(set(places.values())), parse, header_lines):
        rows += batch.num_rows
        cells = batch.select(list(places.values())).rename_columns(list(places))
        yield Batch(with_faults(cells, batch), origin, is_printed_log(header), columns)
    if facts.quotes % 2 and facts.lines > rows + header_lines:
        yield Unreadable(
            origin, f"{origin}: a quote is never closed; its last row holds the rest of the file"
        )


def _header(path: Path) -> tuple[list[str], str, int]:
    """Return the column names, the delimiter, and how many lines they and blank lines before them take."""
    with pa.input_stream(path) as stream:
        start = stream.read(CELL_LIMIT)
    line = (start.lstrip(b"\r\n").splitlines() or [b""])[0]
    if not line.strip():
        raise ValueError("is empty: it has no header")
    if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError("is UTF-16; save it as UTF-8")
    blank_lines = start[: start.index(line)].count(b"\n")
    text = line.decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t|", key=text.count)
    return next(csv.reader([text], delimiter=delimiter)), delimiter, blank_lines + 1


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bytes of a file tell before it is parsed."""

    is_utf8: bool
    lines: int
    quotes: int


def scan(path: Path) -> Scan:
    """Read *path* once as bytes; less than half of what parsing it takes."""
    is_utf8, lines, quotes, last, rest = True, 0, 0, b"\n", b""
    with pa.input_stream(path) as stream:
        while block := stream.read(_LOOKED_AT):
            lines, quotes, last = lines + block.count(b"\n"), quotes + block.count(b'"'), block[-1:]
            whole, _, rest = (rest + block).rpartition(b"\n")
            is_utf8 = is_utf8 and _is_utf8(whole)
    return Scan(is_utf8 and _is_utf8(rest), lines + (last != b"\n"), quotes)


def _is_utf8(text: bytes) -> bool:
    """Look as Arrow does, which takes a fifth of decoding."""
    try:
        return text.isascii() or bool(pa.array([text], pa.binary()).cast(pa.string()))
    except pa.ArrowInvalid:
        return False


@contextmanager
def _utf8_stream(path: Path, facts: Scan) -> Iterator[Any]:
    """Open *path*; bytes that are no UTF-8 come as U+FFFD, because Arrow gives up the whole block."""
    with pa.input_stream(path) as stream:
        if facts.is_utf8:
            yield stream
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with tempfile.TemporaryFile() as mended:
            while block := stream.read(_BLOCK):
                mended.write(decoder.decode(block).encode())
            mended.write(decoder.decode(b"", final=True).encode())
            mended.seek(0)
            yield mended


def numbered_batches(  # noqa: PLR0913, PLR0917 - what a file of lines is
    path: Path, facts: Scan, names: list[str], wanted: list[str], parse: ParseOptions, header_lines: int
) -> Iterator[pa.RecordBatch]:
    """Yield the *wanted* columns as text, with `row_number` (1 = first row after the header).

    A row of another width has `fault` and `raw`; so has one whose bytes were no UTF-8.
    """
    if facts.lines <= header_lines:
        return
    bad: list[InvalidRow] = []

    def keep(row: InvalidRow) -> str:
        bad.append(row)
        return "skip"

    parse.invalid_row_handler = keep
    good_count = told = 0
    with _utf8_stream(path, facts) as stream:
        # Threads would not tell the numbers of bad rows; one of them parses 3,000,000 rows a second.
        read = ReadOptions(column_names=names, skip_rows=header_lines, block_size=_BLOCK, use_threads=False)
        convert = ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
        )
        for batch in _parsed(stream, read, parse, convert):
            skipped = np.array([row.number - header_lines - 1 for row in bad], dtype=np.int64)
            places = np.arange(good_count, good_count + batch.num_rows)
            places += np.searchsorted(skipped - np.arange(len(skipped)), places, side="right")
            good_count += batch.num_rows
            numbered = batch.append_column("row_number", pa.array(places + 1))
            yield _merged(numbered if facts.is_utf8 else _undecodable(numbered), bad[told:], header_lines)
            told = len(bad)
    if bad[told:]:
        yield _bad_rows(bad[told:], wanted, header_lines)


def _parsed(
    stream: Any, read: ReadOptions, parse: ParseOptions, convert: ConvertOptions
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a block at a time. Raises ValueError where one does not end within two."""
    try:
        yield from open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if "straddles" not in str(error):
            raise
        raise ValueError(f"a quote is never closed, or a row has more than {_BLOCK:,} bytes") from None


def _merged(good: pa.RecordBatch, bad: list[InvalidRow], header_lines: int) -> pa.RecordBatch:
    """Return both in the file's order, so that a bad row keeps its neighbours."""
    if not bad:
        return good
    names = [name for name in good.schema.names if name not in ("row_number", "fault")]
    rows = pa.concat_tables(
        [pa.table(good), pa.Table.from_batches([_bad_rows(bad, names, header_lines)])],
        promote_options="default",
    )
    return rows.sort_by("row_number").combine_chunks().to_batches()[0]


def _bad_rows(rows: list[InvalidRow], names: list[str], header_lines: int) -> pa.RecordBatch:
    faults = [f"{r.actual_columns} cells where the header has {r.expected_columns}" for r in rows]
    columns = {name: pa.nulls(len(rows), pa.string()) for name in names} | {
        "row_number": pa.array([row.number - header_lines for row in rows], pa.int64()),
        "fault": pa.array(faults),
        "raw": pa.array([row.text[:CELL_LIMIT] for row in rows]),
    }
    return pa.RecordBatch.from_pydict(columns)


def _undecodable(rows: pa.RecordBatch) -> pa.RecordBatch:
    found = [
        pc.match_substring(column, _REPLACEMENT) for column in rows.columns if column.type == pa.string()
    ]
    where = found[0]
    for each in found[1:]:
        where = pc.or_(where, each)
    fault = pc.if_else(where, pa.scalar("is not UTF-8; save the file as UTF-8"), pa.scalar(None, pa.string()))
    return rows.append_column("fault", fault)


def with_faults(cells: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *cells* with the row's number and fault of *batch*; a cell that is too long is one, too."""
    faults: dict[int, str] = {}
    columns = {name: _bounded(name, cells.column(name), faults) for name in cells.schema.names}
    columns["row_number"] = batch.column("row_number")
    columns |= {name: batch.column(name) for name in ("fault", "raw") if name in batch.schema.names}
    if faults:
        found = pa.array([faults.get(row) for row in range(cells.num_rows)], pa.string())
        columns["fault"] = pc.coalesce(columns["fault"], found) if "fault" in columns else found
    return pa.RecordBatch.from_pydict(columns)


def _bounded(name: str, cells: pa.Array, faults: dict[int, str]) -> pa.Array:
    too_long = pc.fill_null(pc.greater(pc.binary_length(cells), CELL_LIMIT), False)  # noqa: FBT003 - a value
    if not pc.any(too_long).as_py():
        return cells
    for row in pc.indices_nonzero(too_long).to_pylist():
        size = pc.binary_length(cells[row]).as_py()
        faults[row] = f"{name} has {size:,} bytes; the limit is {CELL_LIMIT:,}"
    return pc.if_else(too_long, "", cells)
