"""Whole local days of a table: the unit that every warehouse stores, and its Parquet format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Executable, Table, select

from assets.runtime import duckdb_engine
from assets.warehouse.dictionary_encoding import dictionary_encode, sort_dictionaries
from assets.warehouse.schema import coded_schema


@dataclass(slots=True)
class Stored:
    """The result of replacing days: each day's number of rows, and the SHA-256 of its Parquet file."""

    counts: dict[date, int] = field(default_factory=dict)
    sha256: dict[date, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the number of rows of all days."""
        return sum(self.counts.values())


def whole_days(
    table: Table, days: Iterable[date], rows: pa.RecordBatchReader
) -> Iterator[tuple[date, pa.Table]]:
    """Split *rows*, sorted by `local_day` and key, into *days*; a day without rows is an empty table.

    Their columns are those of `coded_schema`. Raises ValueError for a row of another day.
    """
    waiting = sorted(days, reverse=True)
    schema = coded_schema(table)
    for day, content in _by_day(rows, schema):
        while waiting and waiting[-1] < day:
            yield waiting.pop(), schema.empty_table()
        if not waiting or waiting.pop() != day:
            raise ValueError(f"{table.name}: rows of {day} are outside the days to replace")
        yield day, content
    for day in reversed(waiting):
        yield day, schema.empty_table()


def of_day(day: date, content: pa.Table) -> pa.Table:
    """Return the rows of *day* with its date as the column `local_day`."""
    return content.add_column(0, "local_day", pa.repeat(pa.scalar(day, pa.date32()), content.num_rows))


def write_day(content: pa.Table, where: Path | IO[bytes]) -> None:
    """Write one day as Parquet, which any engine reads as plain texts.

    Only repeating columns gain from dictionaries, and only instants are searched by minimum and maximum: for
    other columns both would add half the size of the rows.
    """
    fields = content.schema
    pq.write_table(
        content,
        where,
        compression="zstd",
        row_group_size=duckdb_engine.BATCH_ROWS,
        store_schema=False,
        use_dictionary=[field.name for field in fields if pa.types.is_dictionary(field.type)],
        column_encoding={"position": "DELTA_BINARY_PACKED"} if "position" in fields.names else None,
        write_statistics=[field.name for field in fields if pa.types.is_timestamp(field.type)],
    )


def read_day(table: Table, where: Path | IO[bytes]) -> pa.Table:
    """Read one day of *table* from its Parquet file."""
    schema = coded_schema(table)
    coded_names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    with pq.ParquetFile(where, read_dictionary=coded_names) as file:
        return file.read(schema.names).cast(schema).combine_chunks()


def asked_days(
    ask: Callable[[Executable], pa.RecordBatchReader], table: Table, days: Sequence[date]
) -> Iterator[tuple[date, pa.Table]]:
    """Yield *days* of *table*, selected through *ask*, which runs a statement."""
    rows = select(table).where(table.c.local_day.in_(days)).order_by(*table.primary_key)
    return whole_days(table, days, ask(rows))


def _by_day(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[tuple[date, pa.Table]]:
    """Split sorted *rows* into whole days; a day's table does not depend on the bounds of the batches."""
    day: date | None = None
    pieces: list[pa.RecordBatch] = []
    for batch in map(sort_dictionaries, rows):
        if not batch.num_rows:
            continue
        numbers = batch.column("local_day").cast(pa.int32()).to_numpy()
        starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(starts):
            piece_day = batch.column("local_day")[start].as_py()
            if day is not None and piece_day != day:
                yield day, dictionary_encode(pa.Table.from_batches(pieces), schema)
                pieces = []
            day = piece_day
            pieces.append(batch.slice(start, end - start))
    if day is not None:
        yield day, dictionary_encode(pa.Table.from_batches(pieces), schema)
