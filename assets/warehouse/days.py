"""Whole local days of a table: what every warehouse stores, and how they are told apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Table

from assets.warehouse import engine
from assets.warehouse.schema import arrow_schema


@dataclass(slots=True)
class Stored:
    """What replacing days stored: each day's rows, and the SHA-256 of its Parquet file."""

    counts: dict[date, int] = field(default_factory=dict)
    sha256: dict[date, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The rows of all days."""
        return sum(self.counts.values())


def whole_days(
    table: Table, days: Iterable[date], rows: pa.RecordBatchReader
) -> Iterator[tuple[date, pa.Table]]:
    """Cut *rows*, sorted by `local_day` and key, into *days*; a day without rows is an empty table.

    Raises ValueError for a row of another day.
    """
    waiting = sorted(days, reverse=True)
    schema = arrow_schema(table)
    for day, content in _by_day(rows, schema):
        while waiting and waiting[-1] < day:
            yield waiting.pop(), schema.empty_table()
        if not waiting or waiting.pop() != day:
            raise ValueError(f"{table.name}: rows of {day} are outside the days to replace")
        yield day, content
    for day in reversed(waiting):
        yield day, schema.empty_table()


def write_day(table: Table, content: pa.Table, where: Path | IO[bytes]) -> None:
    """Write one day as Parquet. What is different in each row, its key, gains nothing from a dictionary."""
    keys = {column.name for column in table.primary_key}
    repeating = [name for name in content.column_names if name not in keys]
    pq.write_table(
        content, where, compression="zstd", row_group_size=engine.BATCH_ROWS, use_dictionary=repeating
    )


def _by_day(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[tuple[date, pa.Table]]:
    """Cut sorted *rows* into whole days; a day's table does not depend on how the batches were cut."""
    day: date | None = None
    pieces: list[pa.RecordBatch] = []
    for batch in rows:
        if not batch.num_rows:
            continue
        numbers = batch.column("local_day").cast(pa.int32()).to_numpy()
        starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(starts):
            piece_day = batch.column("local_day")[start].as_py()
            if day is not None and piece_day != day:
                yield day, _table(pieces, schema)
                pieces = []
            day = piece_day
            pieces.append(batch.slice(start, end - start))
    if day is not None:
        yield day, _table(pieces, schema)


def _table(pieces: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(pieces).select(schema.names).cast(schema).combine_chunks()
