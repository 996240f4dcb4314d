"""Conversion of raw batches to contract columns: clean text, source codes, null for nobody.

Parsing times and deciding which rows are events belongs in `staging`.
"""

from collections.abc import Iterable
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from assets.events import CONTRACT_COLUMNS, UNKNOWN_SOURCE, assignee_kind, source_code
from assets.extract.text_cleaning import (
    clean_text,
    has_replacement,
    normalize_unicode,
    null_if,
    plain_spaces,
    rounded_ids,
    whole_ids,
)
from assets.sources.base import PREVIOUS, Batch, ReadingOptions, limit_cells
from assets.warehouse.dictionary_encoding import constant_column
from assets.warehouse.schema import ASSIGNMENT_EVENTS, CODED, coded_schema

_KINDS = coded_schema(ASSIGNMENT_EVENTS)
TEXT_COLUMNS = tuple(name for name in CONTRACT_COLUMNS if name != "occurred_at")

_ROUNDED = "' was rounded by a spreadsheet; export the file again, and do not save it there"
_PEOPLE = ("previous_assignee", "assignee", "assigned_by")


def contract_rows(batch: Batch, options: ReadingOptions) -> pa.RecordBatch:
    """Return every contract column, `row_number`, `position`, `fault`, `raw`, and the row's provenance.

    Columns of repeating values are dictionaries: a text is processed once per distinct value.
    """
    rows, count = batch.rows, batch.rows.num_rows
    too_long: dict[int, str] = {}
    columns: dict[str, pa.Array] = {name: _text_column(batch, name, too_long) for name in TEXT_COLUMNS}
    is_cleaned = _is_cleaned(columns.values(), count)
    source_as_read = columns["source"]
    is_stated = pc.cast(source_as_read.is_valid(), pa.int32())
    columns["source"] = _source_codes(source_as_read)
    columns["assignee_kind"] = _normalize_kinds(columns["assignee_kind"])
    columns |= _without_nobody(columns, options.unassigned_values)
    columns |= {
        "occurred_at": _time_column(rows.column("occurred_at"), too_long),
        "row_number": rows.column("row_number"),
        "position": _column_or_default(rows, "position", rows.column("row_number")),
        "fault": _merge_faults(_faults_of(rows, too_long), columns),
        "raw": _column_or_default(rows, "raw", pa.nulls(count, pa.string())),
        "previous_stated": _column_or_default(
            rows, "previous_stated", pa.repeat(bool(PREVIOUS & set(rows.schema.names)), count)
        ),
        "assignee_of": constant_column(options.assignee_of, count),
        "source_as_read": source_as_read,
        "text_cleaned": is_cleaned,
        "source_quality": pa.DictionaryArray.from_arrays(is_stated, ["unknown", "stated"]),
        "origin": _column_or_default(rows, "origin", constant_column(batch.origin, count)).cast(CODED),
        "time_quality": _column_or_default(
            rows, "time_quality", constant_column("imported" if batch.is_printed_log else "exact", count)
        ).cast(CODED),
    }
    return pa.RecordBatch.from_pydict(columns)


def _column_or_default(rows: pa.RecordBatch, name: str, default: pa.Array) -> pa.Array:
    return rows.column(name) if name in rows.schema.names else default


def _faults_of(rows: pa.RecordBatch, too_long: dict[int, str]) -> pa.Array:
    """Return why rows are no valid ones, as their source says it or because a cell is too long."""
    count = rows.num_rows
    faults = _column_or_default(rows, "fault", pa.nulls(count, pa.string()))
    return pc.coalesce(faults, pa.array(map(too_long.get, range(count)), pa.string())) if too_long else faults


def _text_column(batch: Batch, name: str, too_long: dict[int, str]) -> pa.Array:
    kind = _KINDS.field(name).type
    if name not in batch.rows.schema.names:
        return pa.nulls(batch.rows.num_rows, kind)
    cells = limit_cells(name, batch.rows.column(name).cast(pa.string()), too_long)
    normalize = whole_ids if name.endswith("_id") else normalize_unicode
    if kind != CODED:
        return normalize(clean_text(cells))
    encoded = cells.dictionary_encode()
    return _recode(normalize(clean_text(encoded.dictionary)), encoded.indices)


def _recode(texts: pa.Array, codes: pa.Array) -> pa.DictionaryArray:
    """Return a dictionary column from *codes*, which index *texts*; *texts* may hold duplicates and nulls."""
    encoded = texts.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(codes), encoded.dictionary)


def _without_nobody(columns: dict[str, pa.Array], values: Iterable[str]) -> dict[str, pa.Array]:
    """Return the name columns with null for names that are one of *values*, in any case, and have no id."""
    words = {value.casefold() for value in values}
    replaced = {}
    for role in _PEOPLE:
        names, ids = columns[f"{role}_name"], columns[f"{role}_id"]
        is_word = pa.array(
            [name is not None and name.casefold() in words for name in names.dictionary.to_pylist()],
            pa.bool_(),
        )
        if pc.any(is_word).as_py():
            is_nobody = pc.and_(pc.fill_null(is_word.take(names.indices), False), ids.is_null())  # noqa: FBT003 - a value
            codes = pc.if_else(is_nobody, pa.scalar(None, pa.int32()), names.indices)
            replaced[f"{role}_name"] = pa.DictionaryArray.from_arrays(codes, names.dictionary)
    return replaced


def _merge_faults(faults: pa.Array, columns: dict[str, pa.Array]) -> pa.Array:
    """Return *faults*, completed for rows with an id that a spreadsheet rounded."""
    for name in ("conversation_id", "contact_id"):
        ids = columns[name].cast(pa.string())
        is_rounded = rounded_ids(ids)
        if is_rounded is not None:
            message = pc.binary_join_element_wise(f"{name} '", ids, _ROUNDED, "")
            faults = pc.if_else(pc.and_(is_rounded, faults.is_null()), message, faults)
    return faults


def _is_cleaned(columns: Iterable[pa.Array], count: int) -> pa.Array:
    """Return for each row whether one of its characters was replaced."""
    flags = []
    for column in columns:
        is_coded = pa.types.is_dictionary(column.type)
        replaced = has_replacement(column.dictionary if is_coded else column)
        if replaced is not None:
            flags.append(pc.fill_null(replaced.take(column.indices), False) if is_coded else replaced)  # noqa: FBT003 - a value
    return reduce(pc.or_, flags, pa.repeat(False, count))  # noqa: FBT003 - a value


def _time_column(cells: pa.Array, too_long: dict[int, str]) -> pa.Array:
    if pa.types.is_timestamp(cells.type):
        return cells
    return null_if(plain_spaces(limit_cells("occurred_at", cells.cast(pa.string()), too_long)), [""])


def _normalize_kinds(kinds: pa.DictionaryArray) -> pa.DictionaryArray:
    normalized = [
        None if kind is None else assignee_kind(kind) or None for kind in kinds.dictionary.to_pylist()
    ]
    return _recode(pa.array(normalized, pa.string()), kinds.indices)


def _source_codes(sources: pa.DictionaryArray) -> pa.DictionaryArray:
    """Map each distinct spelling to its source code once; a missing source becomes `unknown`."""
    spellings = [*sources.dictionary.to_pylist(), UNKNOWN_SOURCE]
    codes = pa.array(map(source_code, spellings), pa.string())
    return _recode(codes, sources.indices.fill_null(len(spellings) - 1))
