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
from assets.sources.files.text_files import TOO_LARGE, max_unpacked

MAX_ROWS_PER_BYTE = 100
_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_LARGEST_PLAIN = 9e18  # of a number that fits in 64 bits
_LONGEST_FRACTION = 1e11  # larger numbers would become 1.7e+15


def read_parquet(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the mapped columns. Raises ValueError or OSError where the file is unreadable or too large."""
    size = path.stat().st_size
    metadata, schema = pq.read_metadata(path), pq.read_schema(path)
    if metadata.num_rows > MAX_ROWS_PER_BYTE * size:
        raise ValueError(f"unpacks to {metadata.num_rows:,} rows, far more than its size lets expect")
    names = schema.names
    columns = match_columns(names, options.columns)
    wanted = sorted(set(columns.values()))
    if _stated_bytes(metadata, wanted) > max_unpacked(size):
        raise ValueError(TOO_LARGE)
    texts = [name for name in wanted if schema.types[names.index(name)] in _TEXTS]
    counted = texts if _most_bytes(path, metadata, texts) > max_unpacked(size) else []
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=counted) as file:
        first_row, unpacked = 1, 0
        for batch in file.iter_batches(duckdb_engine.BATCH_ROWS, columns=wanted):
            unpacked += sum(map(_unpacked_bytes, batch.columns))
            if unpacked > max_unpacked(size):
                raise ValueError(TOO_LARGE)
            cells = {column: contract_cells(column, batch.column(name)) for column, name in columns.items()}
            cells["row_number"] = pa.array(np.arange(first_row, first_row + batch.num_rows))
            first_row += batch.num_rows
            yield Batch(pa.RecordBatch.from_pydict(cells), origin, is_printed_log(names), columns)


def _stated_bytes(metadata: pq.FileMetaData, wanted: list[str]) -> int:
    """Return the bytes of the pages of the *wanted* columns, uncompressed."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    chunks = (group.column(at) for group in groups for at in range(metadata.num_columns))
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in wanted)


def _most_bytes(path: Path, metadata: pq.FileMetaData, texts: list[str]) -> int:
    """Return the bytes of *texts* if each were the longest in its dictionary, which a first row brings."""
    most = 0
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=texts) as file:
        for group in range(metadata.num_row_groups):
            for batch in file.iter_batches(1, [group], texts):
                rows = metadata.row_group(group).num_rows
                most += sum(rows * (pc.max(pc.binary_length(each.dictionary)).as_py() or 0) for each in batch)
                break
    return most


def _unpacked_bytes(cells: pa.Array) -> int:
    """Return the bytes of the texts of all *cells*, of which the file has equal ones once."""
    if not pa.types.is_dictionary(cells.type) or cells.type.value_type not in _TEXTS:
        return 0
    return pc.sum(pc.binary_length(cells.dictionary).cast(pa.int64()).take(cells.indices)).as_py() or 0


def contract_cells(column: str, cells: pa.Array) -> pa.Array:
    """Return *cells* as text; a typed `occurred_at` stays a timestamp, in microseconds."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if column == "occurred_at" and pa.types.is_timestamp(cells.type):
        return cells.cast(pa.timestamp("us", cells.type.tz), safe=False)
    if pa.types.is_floating(cells.type):
        texts = _number_texts(cells)
        return pc.if_else(pc.is_nan(cells), "NaN", texts) if column == "occurred_at" else texts
    if pa.types.is_binary(cells.type) or pa.types.is_fixed_size_binary(cells.type):
        return pa.array([None if cell is None else cell.hex() for cell in cells.to_pylist()], pa.string())
    if isinstance(cells.type, pa.BaseExtensionType):  # such as a UUID
        return pa.array([None if cell is None else str(cell) for cell in cells.to_pylist()], pa.string())
    return _valid_text(cells.cast(pa.string()))


def _valid_text(cells: pa.Array) -> pa.Array:
    """Return *cells* with U+FFFD for bytes that are no UTF-8: neither SQLite nor Parquet's writers check."""
    octets = cells.view(pa.binary())
    try:
        return octets.cast(pa.string())
    except pa.ArrowInvalid:
        texts = (None if cell is None else cell.decode("utf-8", "replace") for cell in octets.to_pylist())
        return pa.array(texts, pa.string())


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
