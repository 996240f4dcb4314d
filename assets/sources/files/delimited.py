"""CSV files: text cells with their row's number, and a fault where a line is no valid row.

The delimiters , ; tab and | are recognized by the header. Values are not parsed here.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import ConvertOptions, InvalidRow, ParseOptions, ReadOptions, open_csv

from assets.config.source import FilesSource
from assets.runtime.spreadsheet_cells import INVISIBLE, unprotect_cells
from assets.sources.base import (
    CELL_LIMIT,
    Batch,
    Unreadable,
    is_printed_log,
    limit_cells,
    match_columns,
)
from assets.sources.files.text_files import MAX_LINE_BYTES, TextFile, text_file

ONE_CELL = {"delimiter": "\x01", "quote_char": False, "newlines_in_values": False}
"""Parse options for lines that are not CSV: a delimiter that no text contains."""

_BLOCK = MAX_LINE_BYTES
_DELIMITERS = ",;\t|"
_HINT = re.compile(r'"?sep=(.)"?$')
_REPLACEMENT = "\ufffd"
_SAMPLE_ROWS = 100
csv.field_size_limit(MAX_LINE_BYTES)
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|^\s*\d{9,19}(\.\d+)?\s*$")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a CSV file, its delimiter, and the number of lines before its first row."""

    names: list[str]
    delimiter: str
    lines: int


def read_csv(path: Path, origin: str, options: FilesSource) -> Iterator[Batch | Unreadable]:
    """Yield the mapped columns of a CSV file with a header.

    Raises ValueError for a file that is empty, in another encoding, or lacks a column.
    """
    with text_file(path, options.encoding) as text:
        header = read_header(text)
        columns = match_columns(header.names, options.columns)
        places = {column: f"{header.names.index(name)}" for column, name in columns.items()}
        names = [f"{at}" for at in range(len(header.names))]  # a header may use a name twice
        parse = ParseOptions(delimiter=header.delimiter, newlines_in_values=True)
        printed, rows = is_printed_log(header.names), 0
        wanted = sorted(set(places.values()))
        layout = Layout(names, wanted, header.lines, last_is_optional=not header.names[-1].strip())
        for batch in numbered_batches(text, layout, parse):
            rows += batch.num_rows
            cells = batch.select(list(places.values())).rename_columns(list(places))
            plain = _without_blank_rows(with_faults(_strip_quotes(cells, header, printed=printed), batch))
            yield Batch(plain, origin, printed, columns)
        if text.lines > rows + header.lines and text.quotes:
            yield from _find_swallowed_rows(text, header, header.names.index(columns["occurred_at"]), origin)


def read_header(text: TextFile) -> Header:
    """Return the columns of *text*, whose first line may be Excel's hint `sep=;`.

    Raises ValueError where the file is empty.
    """
    start = text.start(CELL_LIMIT).decode("utf-8", errors="replace")
    body = start.lstrip("\r\n \t")
    if not body:
        raise ValueError("is empty: it has no header")
    blank_lines = len(start[: len(start) - len(body)].splitlines())
    first, _, rest = body.partition("\r\n" if "\r\n" in body else "\r" if "\n" not in body else "\n")
    hint = _HINT.match(first.strip())
    if hint:
        body, blank_lines = rest, blank_lines + 1
        first = body.splitlines()[0] if body else ""
    delimiter = hint[1] if hint else max(_DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
    names = next(rows, [])
    lines = rows.line_num + blank_lines
    sample = [row for row, _ in zip(rows, range(_SAMPLE_ROWS), strict=False) if row]
    width = len(names)
    extra = [row for row in sample if len(row) == width + 1 and not row[-1].strip()]
    if len(extra) > len(sample) / 2:  # each row ends with a delimiter
        names.append("")
    elif sum(len(row) == width - 1 for row in sample) > len(sample) / 2 and not names[-1].strip():
        names.pop()  # only the header ends with one
    return Header(names, delimiter, lines)


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a file's lines: *names* of all cells, those *wanted*, and the number of header lines.

    Where *last_is_optional*, a row may lack its last cell.
    """

    names: list[str]
    wanted: list[str]
    header_lines: int = 0
    last_is_optional: bool = False


LINES = Layout(["line"], ["line"])
"""The layout of whole lines as one cell, without a header."""


def numbered_batches(text: TextFile, layout: Layout, parse: ParseOptions) -> Iterator[pa.RecordBatch]:
    """Yield the wanted columns as text, with `row_number` (1 = first row after the header).

    A row with another number of cells has `fault` and `raw`, unless it differs only by empty cells at its
    end; so has one that was not UTF-8.
    """
    names, wanted, header_lines = layout.names, layout.wanted, layout.header_lines
    if text.lines <= header_lines:
        return
    bad: list[InvalidRow] = []

    def keep(row: InvalidRow) -> str:
        bad.append(row)
        return "skip"

    parse.invalid_row_handler = keep
    good_count = reported = 0
    with text.open() as stream:
        # With threads, Arrow reports no numbers of bad rows; one thread parses 3,000,000 rows a second.
        read = ReadOptions(column_names=names, skip_rows=header_lines, block_size=_BLOCK, use_threads=False)
        convert = ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
        )
        repair = _RowRepair(layout, parse.delimiter)
        for batch in _parse_blocks(stream, read, parse, convert):
            skipped = np.array([row.number - header_lines - 1 for row in bad], dtype=np.int64)
            places = np.arange(good_count, good_count + batch.num_rows)
            places += np.searchsorted(skipped - np.arange(len(skipped)), places, side="right")
            good_count += batch.num_rows
            numbered = batch.append_column("row_number", pa.array(places + 1))
            yield repair.merged(
                _mark_undecodable(numbered) if text.has_bad_bytes else numbered, bad[reported:]
            )
            reported = len(bad)
    if bad[reported:]:
        yield repair.rows(bad[reported:])


def _parse_blocks(
    stream: Any, read: ReadOptions, parse: ParseOptions, convert: ConvertOptions
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one block at a time. Raises ValueError for a row that spans more than two blocks."""
    try:
        yield from open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if "straddles" not in str(error):
            raise
        raise ValueError(f"a quote is never closed, or a row has more than {_BLOCK:,} bytes") from None


@dataclass(frozen=True, slots=True)
class _RowRepair:
    """Builds rows from lines that Arrow skipped: with a fault, or repaired where only empty cells differ."""

    layout: Layout
    delimiter: str

    def merged(self, good: pa.RecordBatch, bad: list[InvalidRow]) -> pa.RecordBatch:
        """Return the *good* and the *bad* rows in the file's order, so that a bad row keeps its neighbors."""
        if not bad:
            return good
        rows = pa.concat_tables(
            [pa.table(good), pa.Table.from_batches([self.rows(bad)])], promote_options="default"
        )
        return rows.sort_by("row_number").combine_chunks().to_batches()[0]

    def rows(self, bad: list[InvalidRow]) -> pa.RecordBatch:
        """Return the lines *bad* as rows."""
        repaired = [self._split_cells(row) for row in bad]
        columns: dict[str, pa.Array] = {}
        for name in self.layout.wanted:
            at = self.layout.names.index(name)
            columns[name] = pa.array([cells[at] if cells else None for cells in repaired], pa.string())
        columns |= {
            "row_number": pa.array([row.number - self.layout.header_lines for row in bad], pa.int64()),
            "fault": pa.array(
                [
                    None
                    if cells
                    else f"{row.actual_columns} cells where the header has {row.expected_columns}"
                    for row, cells in zip(bad, repaired, strict=True)
                ],
                pa.string(),
            ),
            "raw": pa.array(
                [None if cells else row.text[:CELL_LIMIT] for row, cells in zip(bad, repaired, strict=True)],
                pa.string(),
            ),
        }
        return pa.RecordBatch.from_pydict(columns)

    def _split_cells(self, row: InvalidRow) -> list[str] | None:
        """Return the cells of a line whose superfluous cells are all empty, else None."""
        count = len(self.layout.names)
        min_cells = count - self.layout.last_is_optional
        if row.actual_columns < min_cells or len(row.text) > CELL_LIMIT:
            return None
        try:
            cells = next(csv.reader(io.StringIO(row.text, newline=""), delimiter=self.delimiter), [])
        except csv.Error:
            return None
        is_valid = len(cells) >= min_cells and not any(map(str.strip, cells[count:]))
        return [*cells, ""][:count] if is_valid else None


def _mark_undecodable(rows: pa.RecordBatch) -> pa.RecordBatch:
    masks = [
        pc.match_substring(column, _REPLACEMENT) for column in rows.columns if column.type == pa.string()
    ]
    is_bad = masks[0]
    for mask in masks[1:]:
        is_bad = pc.or_(is_bad, mask)
    fault = pc.if_else(
        is_bad, pa.scalar("is not UTF-8; save the file as UTF-8"), pa.scalar(None, pa.string())
    )
    return rows.append_column("fault", fault)


def with_faults(cells: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return *cells* with the row number and fault of *batch*, and a fault for a cell that is too long."""
    faults: dict[int, str] = {}
    columns = {name: limit_cells(name, cells.column(name), faults) for name in cells.schema.names}
    columns["row_number"] = batch.column("row_number")
    columns |= {name: batch.column(name) for name in ("fault", "raw") if name in batch.schema.names}
    if faults:
        too_long = pa.array([faults.get(row) for row in range(cells.num_rows)], pa.string())
        columns["fault"] = pc.coalesce(columns["fault"], too_long) if "fault" in columns else too_long
    return pa.RecordBatch.from_pydict(columns)


def _strip_quotes(cells: pa.RecordBatch, header: Header, *, printed: bool) -> pa.RecordBatch:
    """Return *cells* without quotes after a leading space, and without the protection of our own log.csv.

    Arrow does not treat a quote after `, ` as an opening quote: such a cell keeps its quotes, which are no
    part of the name.
    """
    is_spaced = any(name.startswith(" ") for name in header.names)
    if not (is_spaced or printed):
        return cells
    columns = []
    for column in cells.columns:
        data = column.buffers()[2]
        octets = data.to_pybytes() if data else b""
        if is_spaced and b' "' in octets:
            is_quoted = pc.match_substring_regex(column, r'^\s+".*"\s*$')
            inner = pc.replace_substring_regex(column, r'^\s+"(.*)"\s*$', r"\1")
            column = pc.if_else(is_quoted, pc.replace_substring(inner, '""', '"'), column)  # noqa: PLW2901
        if printed and INVISIBLE.encode() in octets:
            column = unprotect_cells(column)  # noqa: PLW2901
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, cells.schema.names)


def _without_blank_rows(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return *rows* without those whose cells are all empty, as spreadsheets leave at the end."""
    is_blank = pc.equal(pc.binary_length(rows.column("occurred_at")), 0)
    if not pc.any(is_blank).as_py():
        return rows
    others = [name for name in rows.schema.names if name not in {"row_number", "fault", "raw", "occurred_at"}]
    for name in others:
        is_blank = pc.and_(
            is_blank, pc.equal(pc.binary_length(pc.utf8_trim_whitespace(rows.column(name))), 0)
        )
    return rows.filter(pc.invert(pc.fill_null(is_blank, False)))  # noqa: FBT003 - a value


def _find_swallowed_rows(text: TextFile, header: Header, time_at: int, origin: str) -> Iterator[Unreadable]:
    """Yield a problem where a stray quote may have merged other rows into one cell."""
    merged, first, last_lines, number = 0, 0, 1, 0
    with text.open() as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
        rows = csv.reader(lines, delimiter=header.delimiter)
        previous_line = 0
        try:
            for number, row in enumerate(rows, start=1):
                last_lines, previous_line = rows.line_num - previous_line, rows.line_num
                if (
                    last_lines > 1
                    and previous_line > header.lines
                    and (count := _rows_in(row, header, time_at))
                ):
                    merged, first = merged + count, first or number
        except csv.Error:
            return
    if text.quotes % 2 and last_lines > 1:
        yield Unreadable(
            origin, f"{origin}: a quote is never closed; its last row holds the rest of the file"
        )
    elif merged:
        yield Unreadable(
            origin,
            f"{origin}: a stray quote makes {merged:,} rows a part of the cell before them, from about row "
            f"{first - 1:,} on; remove it",
        )


def _rows_in(row: list[str], header: Header, time_at: int) -> int:
    """Return the number of rows that seem to be inside the cells of *row*."""
    width, count = len(header.names), 0
    for at, cell in enumerate(row):
        pieces = cell.splitlines()
        count += sum(_is_row(piece.split(header.delimiter), width, time_at) for piece in pieces[1:-1])
        if len(pieces) > 1 and width > 1:
            head, tail = (piece.count(header.delimiter) for piece in (pieces[0], pieces[-1]))
            start = pieces[-1].split(header.delimiter)
            has_time = time_at >= len(start) or _TIME.search(start[time_at]) is not None
            count += bool(head == width - 1 - at and tail == at and head + tail and has_time)
    return count


def _is_row(cells: list[str], width: int, time_at: int) -> bool:
    return len(cells) >= width > 1 and _TIME.search(cells[time_at]) is not None
