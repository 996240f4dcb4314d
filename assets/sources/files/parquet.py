"""Parquet files: the mapped columns as text, times as they are typed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.config.source import FilesSource
from assets.runtime import duckdb_engine
from assets.sources.base import Batch, is_printed_log, match_columns

MAX_ROWS_PER_BYTE = 100
_LARGEST_PLAIN = 9e18  # of a number that fits in 64 bits
_LONGEST_FRACTION = 1e11  # larger numbers would become 1.7e+15


def read_parquet(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the mapped columns. Raises ValueError or OSError where the file is unreadable or too large."""
    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_ROWS_PER_BYTE * path.stat().st_size:
            raise ValueError(
                f"unpacks to {file.metadata.num_rows:,} rows, far more than its size lets expect"
            )
        names = file.schema_arrow.names
        columns = match_columns(names, options.columns)
        first_row = 1
        for batch in file.iter_batches(duckdb_engine.BATCH_ROWS, columns=sorted(set(columns.values()))):
            cells = {column: contract_cells(column, batch.column(name)) for column, name in columns.items()}
            cells["row_number"] = pa.array(np.arange(first_row, first_row + batch.num_rows))
            first_row += batch.num_rows
            yield Batch(pa.RecordBatch.from_pydict(cells), origin, is_printed_log(names), columns)


def contract_cells(column: str, cells: pa.Array) -> pa.Array:
    """Return *cells* as text; a typed `occurred_at` stays a timestamp, in microseconds."""
    if column == "occurred_at" and pa.types.is_timestamp(cells.type):
        return cells.cast(pa.timestamp("us", cells.type.tz), safe=False)
    if pa.types.is_floating(cells.type):
        texts = _number_texts(cells)
        return pc.if_else(pc.is_nan(cells), "NaN", texts) if column == "occurred_at" else texts
    if pa.types.is_binary(cells.type) or pa.types.is_fixed_size_binary(cells.type):
        return pa.array([None if cell is None else cell.hex() for cell in cells.to_pylist()], pa.string())
    if isinstance(cells.type, pa.BaseExtensionType):  # such as a UUID
        return pa.array([None if cell is None else str(cell) for cell in cells.to_pylist()], pa.string())
    return cells.cast(pa.string())


def _number_texts(cells: pa.Array) -> pa.Array:
    """Return numbers as text, without an exponent where they are epochs or ids."""
    cells = pc.if_else(pc.is_nan(cells), None, cells)  # Spark writes a missing number as NaN
    is_plain = pc.less(pc.abs(cells), _LARGEST_PLAIN)
    plain = pc.if_else(is_plain, cells, None)
    if pc.all(pc.equal(plain, pc.round(plain)), skip_nulls=True).as_py():
        texts = plain.cast(pa.int64()).cast(pa.string())  # whole numbers with gaps, as pandas writes them
    elif pc.any(pc.greater(pc.abs(plain), _LONGEST_FRACTION)).as_py():
        texts = plain.cast(pa.decimal128(38, 6), safe=False).cast(pa.string())
    else:
        texts = plain.cast(pa.string())
    return pc.if_else(is_plain, texts, cells.cast(pa.string()))
