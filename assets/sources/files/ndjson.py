"""NDJSON files: one JSON object per line, its keys mapped to the contract line by line.

The CSV reader splits the lines, with a delimiter that no text contains.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
from pyarrow.csv import ParseOptions

from assets.config.source import FilesSource
from assets.events import CONTRACT_COLUMNS, contract_column
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import ASSIGNEE, PREVIOUS, Batch
from assets.sources.files.delimited import LINES, ONE_CELL, numbered_batches, with_faults
from assets.sources.files.json_text import UNWRAP, whole_escapes
from assets.sources.files.ndjson_plain import plain_cells
from assets.sources.files.text_files import text_file

_PIECE_ROWS = 20_000  # of which a line that is not plain slows down those beside it


def read_ndjson(path: Path, origin: str, options: FilesSource) -> Iterator[Batch]:
    """Yield the contract columns of each line; a line that is no JSON object gets a fault.

    Raises ValueError for an empty file, and for one in another encoding.
    """
    if not path.stat().st_size:
        raise ValueError("is empty")
    keys = _keys_of_columns(options.columns)
    columns = {column: " or ".join(names) for column, names in keys.items()}
    with text_file(path, options.encoding) as text:
        for lines in numbered_batches(text, LINES, ParseOptions(**ONE_CELL)):
            rows = with_faults(lines.select(["line"]), lines)
            repaired = whole_escapes(rows.column("line"))
            rows = rows.set_column(rows.schema.get_field_index("line"), "line", repaired)
            pieces = range(0, rows.num_rows, _PIECE_ROWS)
            parts = [_extract_cells(rows.slice(first, _PIECE_ROWS), keys) for first in pieces]
            table = pa.concat_tables(parts, promote_options="default")
            whole = {name: table[name].combine_chunks() for name in table.schema.names}
            yield Batch(pa.RecordBatch.from_pydict(whole), origin, columns=columns)


def _keys_of_columns(mapping: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the keys that may hold each contract column; a configured key replaces the others."""
    keys = {column: [column] for column in CONTRACT_COLUMNS}
    for short in ("previous_assignee", "assignee", "assigned_by"):
        keys[contract_column(short)].append(short)
    return keys | {column: [name] for column, name in mapping.items()}


def _extract_cells(lines: pa.RecordBatch, keys: Mapping[str, Sequence[str]]) -> pa.Table:
    """Extract the contract columns from `line`; an existing key states its value, even null."""
    has_faults = "fault" in lines.schema.names
    plain = None if has_faults else plain_cells(lines.column("line"), keys)
    if plain is not None:
        return pa.table(plain | {"row_number": lines.column("row_number")})
    places = {name: at for at, name in enumerate(dict.fromkeys(chain(*keys.values())), start=1)}
    cells = ", ".join(
        f"coalesce({', '.join(f'found[{places[name]}]' for name in names)}) AS {column}"
        for column, names in keys.items()
    )
    kinds = {column: [f"kinds[{places[name]}]" for name in names] for column, names in keys.items()}
    stated, assigned = (
        " OR ".join(f"{kind} IS NOT NULL" for column in sorted(columns) for kind in kinds[column])
        for columns in (PREVIOUS, ASSIGNEE)
    )
    nested = " OR ".join(
        f"coalesce({', '.join(column_kinds)}) IN ('OBJECT', 'ARRAY')" for column_kinds in kinds.values()
    )
    fault, raw = ("fault" if has_faults else "NULL"), ("raw" if "raw" in lines.schema.names else "NULL")
    connection = duckdb_engine.temporary()
    connection.execute(UNWRAP)
    connection.register("lines", lines)
    query = read_sql(
        __file__,
        "ndjson_cells",
        cells=cells,
        stated=stated,
        assigned=assigned,
        nested=nested,
        fault=fault,
        raw=raw,
    )
    paths = ['$."{}"'.format(name.replace('"', '\\"')) for name in places]
    result = connection.sql(query, params={"paths": paths})
    return result.to_arrow_table()
