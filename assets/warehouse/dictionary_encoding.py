"""Dictionary encoding of repeating columns: each text is stored once, in sorted order.

Equal rows are therefore equal to the byte in a file, whatever batches they came in.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def dictionary_encode(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return *rows* as one chunk, with the columns of *schema* and dictionaries without unused texts."""
    combined = rows.select(schema.names).cast(schema).combine_chunks()
    columns = [
        _compact_dictionary(column) if pa.types.is_dictionary(column.type) else column
        for column in combined.columns
    ]
    return pa.table(columns, schema=schema)


def constant_column(text: str, count: int) -> pa.DictionaryArray:
    """Return a repeating column of *count* rows that all hold *text*."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), [text])


def combine_chunks(column: pa.ChunkedArray) -> pa.Array:
    """Return *column* as one array."""
    cells = column.combine_chunks()
    return cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells


def equals(column: pa.ChunkedArray, text: str) -> pa.Array:
    """Return for each row of a repeating *column* whether it equals *text*."""
    cells = combine_chunks(column)
    return pc.equal(cells.indices, pc.index(cells.dictionary, text))


def sort_dictionaries(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return *rows* with sorted dictionaries, so that those of parts of them need not be sorted again."""
    columns = [_sort(column) if pa.types.is_dictionary(column.type) else column for column in rows.columns]
    return pa.RecordBatch.from_arrays(columns, rows.schema.names)


def _sort(cells: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return *cells* with the texts of their dictionary in order."""
    texts = cells.dictionary
    if pc.all(pc.less(texts[:-1], texts[1:]), min_count=0).as_py():
        return cells
    order = pc.sort_indices(texts)
    new_code = np.empty(len(texts), np.int32)
    new_code[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(new_code).take(cells.indices), texts.take(order))


def _compact_dictionary(column: pa.ChunkedArray) -> pa.Array:
    """Remove unused texts from a dictionary, and sort the rest."""
    cells = combine_chunks(column)
    texts, count = cells.dictionary, len(cells)
    if cells.null_count == count:
        return pa.nulls(count, cells.type)
    codes = cells.indices.fill_null(len(texts)).to_numpy()  # nulls have the code after the last
    is_used = np.bincount(codes, minlength=len(texts) + 1)[: len(texts)] > 0
    if not is_used.all():
        new_code = pa.array(np.cumsum(is_used, dtype=np.int32) - 1)
        used = texts.filter(pa.array(is_used))
        cells = pa.DictionaryArray.from_arrays(new_code.take(cells.indices), used)
    return _sort(cells)
