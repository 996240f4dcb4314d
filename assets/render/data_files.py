"""Encode the log as data files: CSV for spreadsheets, Parquet for programs."""

import codecs
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

_INVISIBLE = "\u200b"
_RUNNABLE = r"^[\s\x{200b}\x{feff}\x{a0}\x{3000}]*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}|%\t\r\n]"
_PLACEHOLDER = "-"


def csv_bytes(printed: pa.Table) -> bytes:
    """Return *printed* (text columns) as UTF-8 CSV, every cell quoted, lines ending in CR LF (RFC 4180).

    It starts with a byte order mark: without it Excel assumes another encoding. A cell that a spreadsheet
    would run as a formula starts with an invisible zero-width space.
    """
    neutralized = pa.table(
        [neutralize_formulas(column) for column in printed.columns], names=printed.column_names
    )
    buffer = BytesIO()
    buffer.write(codecs.BOM_UTF8)
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid", eol="\r\n")
    pyarrow.csv.write_csv(neutralized, buffer, options)
    return buffer.getvalue()


def neutralize_formulas(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text *cells* with a zero-width space before those that begin like a formula."""
    runnable = pc.and_(pc.match_substring_regex(cells, _RUNNABLE), pc.not_equal(cells, _PLACEHOLDER))
    if not pc.any(runnable).as_py():
        return cells
    return pc.if_else(runnable, pc.binary_join_element_wise(_INVISIBLE, cells, ""), cells)


def parquet_bytes(rows: pa.Table) -> bytes:
    """Return *rows* as Parquet with their types."""
    buffer = BytesIO()
    # The engine's threads decide on the chunks, which would change the pages of the file.
    dictionary_columns = [
        name for name in rows.column_names if name not in {"occurred_at", "event_id", "position"}
    ]
    table = rows.combine_chunks()
    pq.write_table(
        table, buffer, compression="zstd", row_group_size=131_072, use_dictionary=dictionary_columns
    )
    return buffer.getvalue()
