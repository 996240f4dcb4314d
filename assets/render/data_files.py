"""Encode the log as data files: CSV for spreadsheets, Parquet for programs."""

import codecs
from io import BytesIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from assets.runtime.spreadsheet_cells import protect_cells


def csv_bytes(printed: pa.Table, *, has_bom: bool = True) -> bytes:
    """Return *printed* (text columns) as UTF-8 CSV, every cell quoted, lines ending in CR LF (RFC 4180).

    *has_bom* starts it with a byte order mark: without it Excel assumes another encoding. A cell that a
    spreadsheet would change is protected: `runtime/spreadsheet_cells.py`.
    """
    protected = pa.table([protect_cells(column) for column in printed.columns], names=printed.column_names)
    buffer = BytesIO()
    buffer.write(codecs.BOM_UTF8 if has_bom else b"")
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid", eol="\r\n")
    pyarrow.csv.write_csv(protected, buffer, options)
    return buffer.getvalue()


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
