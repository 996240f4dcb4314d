"""Raw batches brought to the contract's columns: text cleaned, sources coded, nobody as null.

What time a row has, and whether it is an event, is decided in `staging`.
"""

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from assets.events import CONTRACT_COLUMNS, UNKNOWN_SOURCE, source_code
from assets.extract.text import clean, has_replacement
from assets.sources.batches import PREVIOUS, Batch

TEXT_COLUMNS = tuple(name for name in CONTRACT_COLUMNS if name != "occurred_at")

_NOBODY = {
    "previous_assignee_name": ["-", "Unassigned"],
    "assignee_name": ["-", "Unassigned"],
    "assigned_by_name": ["-"],
}
"""What the original's printed log writes for nobody."""


def contract_rows(batch: Batch) -> pa.RecordBatch:
    """Return every contract column, `row_number`, `fault`, `raw`, and the row's provenance."""
    rows, count = batch.rows, batch.rows.num_rows
    columns = {name: _text(batch, name) for name in TEXT_COLUMNS}
    replaced = [pc.fill_null(has_replacement(column), False) for column in columns.values()]  # noqa: FBT003
    source_as_read = columns["source"]
    columns["source"] = _codes(columns["source"])
    columns |= {
        "occurred_at": _time(rows.column("occurred_at")),
        "row_number": rows.column("row_number"),
        "fault": _given(rows, "fault", pa.nulls(count, pa.string())),
        "raw": _given(rows, "raw", pa.nulls(count, pa.string())),
        "previous_stated": _given(
            rows, "previous_stated", pa.repeat(bool(PREVIOUS & set(rows.schema.names)), count)
        ),
        "source_as_read": source_as_read,
        "text_cleaned": reduce(pc.or_, replaced),
        "source_quality": pc.if_else(pc.is_valid(source_as_read), "stated", "unknown"),
        "origin": _given(rows, "origin", pa.repeat(batch.origin, count)),
        "time_quality": _given(
            rows, "time_quality", pa.repeat("imported" if batch.is_printed_log else "exact", count)
        ),
    }
    return pa.RecordBatch.from_pydict(columns)


def _given(rows: pa.RecordBatch, name: str, otherwise: pa.Array) -> pa.Array:
    return rows.column(name) if name in rows.schema.names else otherwise


def _text(batch: Batch, name: str) -> pa.Array:
    if name not in batch.rows.schema.names:
        return pa.nulls(batch.rows.num_rows, pa.string())
    cells = _null_if(clean(batch.rows.column(name).cast(pa.string())), [""])
    return _null_if(cells, _NOBODY[name]) if batch.is_printed_log and name in _NOBODY else cells


def _null_if(cells: pa.Array, values: list[str]) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.is_in(trimmed, pa.array(values)), pa.scalar(None, pa.string()), trimmed)


def _time(cells: pa.Array) -> pa.Array:
    return cells if pa.types.is_timestamp(cells.type) else _null_if(cells.cast(pa.string()), [""])


def _codes(sources: pa.Array) -> pa.Array:
    """Map each distinct spelling once."""
    spelled = pc.fill_null(sources, UNKNOWN_SOURCE).dictionary_encode()
    codes = pa.array([source_code(text) for text in spelled.dictionary.to_pylist()], pa.string())
    return codes.take(spelled.indices)
