"""CSV files: bytes to text cells, with a row's number, and a fault where a row is no row.

Delimiters , ; tab and | are recognised by the header. Values are not parsed here.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import ConvertOptions, InvalidRow, ParseOptions, ReadOptions, open_csv

from assets.sources.batches import CELL_LIMIT, Batch, Unreadable, is_printed_log, match_columns

_BLOCK = 32 << 20


def read_csv(path: Path, origin: str, mapping: Mapping[str, str]) -> Iterator[Batch | Unreadable]:
    """Yield the mapped columns of a CSV file with a header.

    Raises ValueError for a file that is empty, not UTF-8 by its first bytes, or lacks a column.
    """
    header, delimiter = _header(path)
    columns = match_columns(header, mapping)
    names = [f"{at}" for at in range(len(header))]  # a header may use a name twice
    places = {column: names[header.index(name)] for column, name in columns.items()}
    last: pa.RecordBatch | None = None
    for batch in numbered_batches(
        path,
        names,
        sorted(set(places.values())),
        ParseOptions(delimiter=delimiter, newlines_in_values=True),
        1,
    ):
        cells = batch.select(list(places.values())).rename_columns(list(places))
        last = as_text(cells, batch)
        yield Batch(last, origin, is_printed_log(header))
    if last is not None and _ends_in_a_line_break(last) and _has_an_open_quote(path):
        yield Unreadable(
            origin, f"{origin}: a quote is never closed; its last row holds the rest of the file"
        )


def _header(path: Path) -> tuple[list[str], str]:
    with pa.input_stream(path) as stream:
        line = (stream.read(CELL_LIMIT).lstrip(b"\r\n").splitlines() or [b""])[0]
    if not line.strip():
        raise ValueError("is empty: it has no header")
    if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError("is UTF-16; save it as UTF-8")
    text = line.decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t|", key=text.count)
    return next(csv.reader([text], delimiter=delimiter)), delimiter


def numbered_batches(
    path: Path, names: list[str], wanted: list[str], parse: ParseOptions, header_rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the *wanted* columns as bytes, with `row_number`; others have `fault` and `raw`."""
    bad: list[InvalidRow] = []

    def keep(row: InvalidRow) -> str:
        bad.append(row)
        return "skip"

    parse.invalid_row_handler = keep
    reader = open_csv(
        pa.input_stream(path),
        # Threads would not tell the numbers of bad rows; one of them parses 3,000,000 rows a second.
        read_options=ReadOptions(
            column_names=names, skip_rows=header_rows, block_size=_BLOCK, use_threads=False
        ),
        parse_options=parse,
        convert_options=ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.binary()), strings_can_be_null=False
        ),
    )
    good_count = told = 0
    for batch in reader:
        skipped = np.array([row.number - header_rows - 1 for row in bad], dtype=np.int64)
        places = np.arange(good_count, good_count + batch.num_rows)
        places += np.searchsorted(skipped - np.arange(len(skipped)), places, side="right")
        good_count += batch.num_rows
        numbered = batch.append_column("row_number", pa.array(places + 1))
        yield _merged(numbered, bad[told:], header_rows)
        told = len(bad)
    if bad[told:]:
        yield _bad_rows(bad[told:], wanted, header_rows)


def _merged(good: pa.RecordBatch, bad: list[InvalidRow], header_rows: int) -> pa.RecordBatch:
    """Return both in the file's order, so that a bad row keeps its neighbours."""
    if not bad:
        return good
    names = [name for name in good.schema.names if name != "row_number"]
    rows = pa.concat_tables(
        [pa.table(good), pa.Table.from_batches([_bad_rows(bad, names, header_rows)])],
        promote_options="default",
    )
    return rows.sort_by("row_number").combine_chunks().to_batches()[0]


def _bad_rows(rows: list[InvalidRow], wanted: list[str], header_rows: int) -> pa.RecordBatch:
    faults = [f"{r.actual_columns} cells where the header has {r.expected_columns}" for r in rows]
    columns = {name: pa.nulls(len(rows), pa.binary()) for name in wanted} | {
        "row_number": pa.array([row.number - header_rows for row in rows], pa.int64()),
        "fault": pa.array(faults),
        "raw": pa.array([row.text[:CELL_LIMIT] for row in rows]),
    }
    return pa.RecordBatch.from_pydict(columns)


def as_text(cells: pa.RecordBatch, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn the bytes of *cells* into text and keep the row's number and fault of *batch*.

    A row with a cell that is too long or no UTF-8 gets a fault.
    """
    faults: dict[int, str] = {}
    columns = {name: _decoded(name, cells.column(name), faults) for name in cells.schema.names}
    columns["row_number"] = batch.column("row_number")
    if "fault" in batch.schema.names:
        columns |= {"fault": batch.column("fault"), "raw": batch.column("raw")}
    if faults:
        found = pa.array([faults.get(row) for row in range(cells.num_rows)], pa.string())
        columns["fault"] = pc.coalesce(columns["fault"], found) if "fault" in columns else found
    return pa.RecordBatch.from_pydict(columns)


def _decoded(name: str, cells: pa.Array, faults: dict[int, str]) -> pa.Array:
    too_long = pc.greater(pc.binary_length(cells), CELL_LIMIT)
    if pc.any(too_long).as_py():
        for row in pc.indices_nonzero(too_long).to_pylist():
            faults[row] = f"{name} has {len(cells[row].as_py()):,} bytes; the limit is {CELL_LIMIT:,}"
        cells = pc.if_else(pc.fill_null(too_long, False), pa.scalar(b"", pa.binary()), cells)  # noqa: FBT003
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        texts = [_one_decoded(name, row, cell, faults) for row, cell in enumerate(cells.to_pylist())]
        return pa.array(texts, pa.string())


def _one_decoded(name: str, row: int, cell: bytes | None, faults: dict[int, str]) -> str | None:
    if cell is None:  # of a row that is no row
        return None
    try:
        return cell.decode()
    except UnicodeDecodeError:
        faults.setdefault(row, f"{name} is not UTF-8; save the file as UTF-8")
        return cell.decode(errors="backslashreplace")


def _ends_in_a_line_break(rows: pa.RecordBatch) -> bool:
    cells = rows.slice(rows.num_rows - 1).to_pylist()[0].values() if rows.num_rows else ()
    return any("\n" in cell for cell in cells if isinstance(cell, str))


def _has_an_open_quote(path: Path) -> bool:
    quotes = 0
    with pa.input_stream(path) as stream:
        while block := stream.read(_BLOCK):
            quotes += block.count(b'"')
    return quotes % 2 == 1
