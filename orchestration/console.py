"""Rows, printed for people or for programs."""

import csv
import sys
from collections.abc import Mapping, Sequence

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

_MOST_ROWS = 1_000
_WIDE = 250


def print_rows(rows: pa.Table) -> None:
    """Print the first thousand *rows* as a table."""
    table = Table(*rows.column_names)
    columns = (column.to_pylist() for column in rows.slice(0, _MOST_ROWS).columns)  # names may come twice
    for row in zip(*columns, strict=True):
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console().print(table)
    if rows.num_rows > _MOST_ROWS:
        Console(stderr=True).print(f"first {_MOST_ROWS:,} of {rows.num_rows:,} rows; --csv prints all")


def print_records(records: Sequence[Mapping[str, str]]) -> None:
    """Print *records*, which have the same names, as a table as wide as it must be."""
    table = Table(*(records[0] if records else ()))
    for record in records:
        table.add_row(*map(Text, record.values()))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table if records else "none")


def print_csv(rows: pa.Table) -> None:
    """Print all *rows* as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
