"""Rows, printed for people or for programs."""

import csv
import sys
from collections.abc import Mapping, Sequence

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assets.config.workspace import Workspace
from assets.extract.source_probe import Trial

_MOST_ROWS = 1_000
_WIDE = 250
_LONG_NAME = 30


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


def print_trial(workspace: Workspace, trial: Trial) -> None:
    """Print what trying the source of *workspace* showed."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"{workspace.slug}: {workspace.source.type}", markup=False)
    examples = trial.rows.slice(0, 1).to_pylist()[0]
    table = Table("Column", "comes from", "first row")
    for name, given in trial.columns.items():
        text = examples["time_as_read" if name == "occurred_at" else name]
        table.add_row(name, Text(given), Text("" if text is None else str(text)))
    for name, consequence in trial.missing.items():
        table.add_row(name, "-", Text(f"missing: {consequence}"), style="yellow")
    console.print(table)
    log = Table("Time as read", f"in {workspace.timezone}", title="As they are read")
    for name in ("Contact", "From", "To", "Source", "By"):
        log.add_column(name)
    for row in trial.rows.to_pylist():
        people = ("contact", "previous_assignee", "assignee")
        instant = row["occurred_at"]
        log.add_row(
            Text(str(row["time_as_read"])),
            Text(
                f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M:%S%z}" if instant else str(row["reason"])
            ),
            *(Text(_shorten_name(row.get(f"{who}_name") or row.get(f"{who}_id") or "-")) for who in people),
            Text(row.get("source") or "unknown"),
            Text(row.get("assigned_by_name") or row.get("assigned_by_id") or "-"),
        )
    console.print(log)
    for problem in trial.problems:
        console.print(f"error: {problem}", markup=False)
    for warning in trial.warnings:
        console.print(f"warning: {warning}", markup=False)
    if trial.has_wrong_clock and trial.clock_ahead:
        seconds = trial.clock_ahead.total_seconds()
        console.print(f"its clock is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} ours")


def _shorten_name(name: str) -> str:
    return name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME]}…"


def print_csv(rows: pa.Table) -> None:
    """Print all *rows* as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
