"""Compare a report with an earlier period: the same filters, and notes on comparability."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement

from assets.events import source_label
from assets.periods import Period, first_instant
from assets.report.log_query import COUNTED, read_log_rows
from assets.report.model import Comparison, Note, SourceChange, SourceCount
from assets.report.report_periods import compared_period
from assets.report.request import ReportRequest
from assets.report.shares import percent_of

_MIN_COUNT = 30


@dataclass(frozen=True, slots=True)
class PreviousPeriod:
    """The previous period of a report, and its log rows before *until*; None if a day is missing."""

    period: Period
    until: datetime
    rows: pa.Table | None


def read_previous_period(
    request: ReportRequest, conditions: Sequence[ColumnElement[bool]], expected: int
) -> PreviousPeriod:
    """Read the rows of the previous period where *conditions* hold, of which about so many are *expected*.

    While the report's last day is running, the previous period is cut by the same time.
    """
    previous = compared_period(request.spec, request.period)
    start, end = previous.bounds
    until = max(start, end - max(request.period.bounds[1] - request.as_of, timedelta()))
    if request.stored.missing(previous, until):
        return PreviousPeriod(previous, until, None)
    rows = read_log_rows(request.warehouse, previous, until, conditions, COUNTED, expected=expected)
    return PreviousPeriod(previous, until, rows)


def compare_periods(
    request: ReportRequest, previous: PreviousPeriod, by_source: tuple[SourceCount, ...]
) -> Comparison:
    """Return the comparison of the counts *by_source* with those of the *previous* period."""
    period, rows = request.period, previous.rows
    total = sum(source.count for source in by_source)
    is_complete = not request.stored.missing(period, request.as_of)
    notes = [] if rows is not None else [Note.NOT_LOADED]
    if rows is not None and not is_complete:
        notes.append(Note.NOT_WHOLE)
    if rows is not None and min(total, rows.num_rows) < _MIN_COUNT:
        notes.append(Note.FEW)
    if len(previous.period.days) != len(period.days):
        notes.append(Note.LENGTHS_DIFFER)
    return Comparison(
        first_day=previous.period.first_day,
        last_day=previous.period.last_day,
        day_count=len(previous.period.days),
        total=rows.num_rows if rows is not None else None,
        change_pct=percent_of(total - rows.num_rows, rows.num_rows) if rows and is_complete else None,
        until=previous.until if previous.until < previous.period.bounds[1] else None,
        by_source=_compare_sources(by_source, _count_values(rows, "source")) if rows is not None else (),
        by_day=_count_days(previous, rows) if rows is not None else (),
        notes=tuple(notes),
    )


def _count_values(rows: pa.Table, column: str) -> Counter[Any]:
    counts = rows[column].value_counts()
    values, numbers = (counts.field(name).to_pylist() for name in ("values", "counts"))
    return Counter(dict(zip(values, numbers, strict=True)))


def _count_days(previous: PreviousPeriod, rows: pa.Table) -> tuple[int, ...]:
    """Return the count of each day that has begun at the instant up to which the period is counted."""
    counts, period = _count_values(rows, "local_day"), previous.period
    return tuple(counts[day] for day in period.days if first_instant(day, period.zone) < previous.until)


def _compare_sources(by_source: tuple[SourceCount, ...], previous: Counter[str]) -> tuple[SourceChange, ...]:
    """Return the changes by source: the report's sources in its order, then those only in *previous*."""
    current = {source.source: source.count for source in by_source}
    gone = sorted(
        previous.keys() - current.keys(), key=lambda code: (-previous[code], source_label(code), code)
    )
    return tuple(
        SourceChange(
            source=code, label=source_label(code), count=current.get(code, 0), before=previous.get(code, 0)
        )
        for code in (*current, *gone)
    )
