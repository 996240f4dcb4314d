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
from orchestration.cli.messages import printable

_MAX_ROWS = 1_000
_WIDE = 250
_MAX_NAME = 30


def print_rows(rows: pa.Table) -> None:
    """Print the first thousand *rows* as a table."""
    table = Table(*rows.column_names)
    columns = (column.to_pylist() for column in rows.slice(0, _MAX_ROWS).columns)  # names may come twice
    for row in zip(*columns, strict=True):
        table.add_row(*(_cell("" if cell is None else str(cell)) for cell in row))
    Console().print(table)
    if rows.num_rows > _MAX_ROWS:
        Console(stderr=True).print(f"{_MAX_ROWS:,} of {rows.num_rows:,} rows shown; --csv prints all")


def print_records(records: Sequence[Mapping[str, str]]) -> None:
    """Print *records*, which have the same names, as a table as wide as it must be."""
    table = Table(*(records[0] if records else ()))
    for record in records:
        table.add_row(*map(_cell, record.values()))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table if records else "No rows.")


def print_trial(workspace: Workspace, trial: Trial) -> None:
    """Print what trying the source of *workspace* showed."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"{workspace.slug}: {workspace.source.type}", markup=False)
    examples = trial.rows.slice(0, 1).to_pylist()[0]
    table = Table("Field", "Column", "First row")
    for name, given in trial.columns.items():
        text = examples["time_as_read" if name == "occurred_at" else name]
        table.add_row(name, _cell(given), _cell("" if text is None else str(text)))
    for name, consequence in trial.missing.items():
        table.add_row(name, "-", _cell(f"missing: {consequence}"), style="yellow")
    console.print(table)
    log = Table("Time in the source", f"Time in {workspace.timezone}", title="First rows")
    for name in ("Contact", "Previous assignee", "Assigned to", "Source", "Assigned by"):
        log.add_column(name)
    for row in trial.rows.to_pylist():
        people = ("contact", "previous_assignee", "assignee")
        instant = row["occurred_at"]
        log.add_row(
            _cell(str(row["time_as_read"])),
            _cell(
                f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M:%S%z}" if instant else str(row["reason"])
            ),
            *(_cell(_shorten_name(row.get(f"{who}_name") or row.get(f"{who}_id") or "-")) for who in people),
            _cell(row.get("source") or "unknown"),
            _cell(row.get("assigned_by_name") or row.get("assigned_by_id") or "-"),
        )
    console.print(log)
    for problem in trial.problems:
        console.print(f"error: {printable(problem)}", markup=False)
    for warning in trial.warnings:
        console.print(f"warning: {printable(warning)}", markup=False)
    if trial.has_wrong_clock and trial.clock_ahead:
        seconds = trial.clock_ahead.total_seconds()
        direction = "ahead of" if seconds > 0 else "behind"
        console.print(f"warning: the clock of the source is {abs(seconds):,.0f} s {direction} this machine's")


def _cell(text: str) -> Text:
    return Text(printable(text))


def _shorten_name(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"


def print_csv(rows: pa.Table) -> None:
    """Print all *rows* as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
