"""Compare a report with the previous period: the same filters and preset, and notes on comparability."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from assets.events import source_label
from assets.periods import Period, previous_period
from assets.report.model import Comparison, Note, SourceChange, SourceCount
from assets.report.request import ReportRequest
from assets.report.shares import percent_of
from assets.warehouse.base import Warehouse
from assets.warehouse.schema import ASSIGNMENT_LOG

_MIN_COUNT = 30


def compare_periods(
    request: ReportRequest, conditions: Sequence[ColumnElement[bool]], by_source: tuple[SourceCount, ...]
) -> Comparison:
    """Return the comparison of the counts *by_source* with those of the previous period.

    Both count the log rows where *conditions* hold.
    """
    period, as_of, stored = request.period, request.as_of, request.stored
    previous = previous_period(request.spec.preset, period)
    start, end = previous.bounds
    until = max(start, end - max(period.bounds[1] - as_of, timedelta()))
    total = sum(source.count for source in by_source)
    is_complete = not stored.missing(period, as_of)
    lengths_differ = len(previous.days) != len(period.days)
    if stored.missing(previous, until):
        previous_counts, notes = None, [Note.NOT_LOADED]
    else:
        previous_counts = _count_by_source(request.warehouse, conditions, previous, until)
        few = min(total, sum(previous_counts.values())) < _MIN_COUNT
        notes = [note for note, holds in ((Note.NOT_WHOLE, not is_complete), (Note.FEW, few)) if holds]
    previous_total = sum(previous_counts.values()) if previous_counts is not None else None
    return Comparison(
        first_day=previous.first_day,
        last_day=previous.last_day,
        day_count=len(previous.days),
        total=previous_total,
        change_pct=percent_of(total - previous_total, previous_total)
        if previous_total and is_complete
        else None,
        until=until if until < end else None,
        by_source=_compare_sources(by_source, previous_counts) if previous_counts is not None else (),
        notes=(*notes, *([Note.LENGTHS_DIFFER] if lengths_differ else [])),
    )


def _count_by_source(
    warehouse: Warehouse, conditions: Sequence[ColumnElement[bool]], period: Period, until: datetime
) -> dict[str, int]:
    log = ASSIGNMENT_LOG.c
    rows = warehouse.query(
        select(log.source, func.count())
        .where(
            log.local_day.between(period.first_day, period.last_day),
            log.occurred_at < until,
            *conditions,
        )
        .group_by(log.source)
    )
    return dict(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _compare_sources(
    by_source: tuple[SourceCount, ...], previous: dict[str, int]
) -> tuple[SourceChange, ...]:
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
