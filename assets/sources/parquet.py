"""Parquet files: the mapped columns as text, times as they are typed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.sources.batches import Batch, is_printed_log, match_columns
from assets.warehouse import engine


def read_parquet(path: Path, origin: str, mapping: Mapping[str, str]) -> Iterator[Batch]:
    """Yield the mapped columns. Raises ValueError or OSError where the file cannot be read."""
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        columns = match_columns(names, mapping)
        first_row = 1
        for batch in file.iter_batches(engine.BATCH_ROWS, columns=sorted(set(columns.values()))):
            cells = {column: contract_cells(column, batch.column(name)) for column, name in columns.items()}
            cells["row_number"] = pa.array(np.arange(first_row, first_row + batch.num_rows))
            first_row += batch.num_rows
            yield Batch(pa.RecordBatch.from_pydict(cells), origin, is_printed_log(names), columns)


def contract_cells(column: str, cells: pa.Array) -> pa.Array:
    """Return *cells* as text; a typed `occurred_at` stays a timestamp, in microseconds."""
    if column == "occurred_at" and pa.types.is_timestamp(cells.type):
        return cells.cast(pa.timestamp("us", cells.type.tz), safe=False)
    if pa.types.is_floating(cells.type) and pc.all(pc.equal(cells, pc.round(cells)), skip_nulls=True).as_py():
        return cells.cast(pa.int64()).cast(pa.string())  # whole numbers with gaps, as pandas writes them
    if isinstance(cells.type, pa.BaseExtensionType):  # a UUID, for one
        return pa.array([None if cell is None else str(cell) for cell in cells.to_pylist()], pa.string())
    return cells.cast(pa.string())
