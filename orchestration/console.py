"""Rows, printed for people or for programs."""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assets.config import Workspace
from assets.extract.input_summary import InputSummary, counted
from assets.extract.trial import Trial

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


def input_lines(workspace: Workspace, inputs: Iterable[InputSummary]) -> Iterator[str]:
    """Yield a line for each input that was read: its rows, what became of them, its times, its problems."""

    def local(instant: datetime) -> str:
        return f"{instant.astimezone(workspace.zone):%Y-%m-%d %H:%M}"

    for each in sorted(inputs, key=lambda one: one.origin):
        counts = [f"{counted(each.row_count, 'row')} read", f"{each.accepted:,} accepted", f"{each.rejected:,} rejected"]
        if each.first_rejected:
            counts[-1] += f" (first: {each.first_rejected})"
        others = {
            "duplicates": each.duplicates,
            "without change": each.no_change,
            "of other days": each.other_days,
            "more than a day in the future": each.future_count,
        }
        counts += [f"{count:,} {name}" for name, count in others.items() if count]
        span = f"; {local(each.first_at)} to {local(each.last_at)}" if each.first_at and each.last_at else ""
        yield f"{each.origin}: {', '.join(counts)}{span}"
        yield from (f"error: {problem.reason}" for problem in each.problems)


def print_trial(workspace: Workspace, trial: Trial) -> None:
    """Print what trying the source of *workspace* showed."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"{workspace.slug}: {workspace.source.type}", markup=False)
    examples = trial.rows.slice(0, 1).to_pylist()[0]
    table = Table("Column", "comes from", "first row")
    for name, given in trial.columns.items():
        table.add_row(name, Text(given), Text("" if examples[name] is None else str(examples[name])))
    for name, consequence in trial.missing.items():
        table.add_row(name, "-", Text(f"missing: {consequence}"), style="yellow")
    console.print(table)
    log = Table("When", "Contact", "From", "To", "Source", "By", title="As they are read")
    for row in trial.rows.to_pylist():
        people = ("contact", "previous_assignee", "assignee")
        log.add_row(
            str(row["occurred_at"]),
            *(Text(_shortened(row.get(f"{who}_name") or row.get(f"{who}_id") or "-")) for who in people),
            Text(row.get("source") or "unknown"),
            Text(row.get("assigned_by_name") or row.get("assigned_by_id") or "-"),
        )
    console.print(log)
    for fault in trial.faults:
        console.print(f"could not be read: {fault}", markup=False)
    if trial.has_wrong_clock and trial.clock_ahead:
        seconds = trial.clock_ahead.total_seconds()
        console.print(f"its clock is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} ours")


def _shortened(name: str) -> str:
    return name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME]}…"


def print_csv(rows: pa.Table) -> None:
    """Print all *rows* as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches():
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
