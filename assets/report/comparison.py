"""The period before: the same filters, the same number of days, and what to mind about it."""

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

_FEW = 30


def compare_periods(
    request: ReportRequest, conditions: Sequence[ColumnElement[bool]], by_source: tuple[SourceCount, ...]
) -> Comparison:
    """Return the comparison of the counts *by_source* of a report's period with the period before.

    Both count the rows of the log where *conditions* hold.
    """
    period, as_of, stored = request.period, request.as_of, request.stored
    before = previous_period(request.spec.preset, period)
    start, end = before.bounds
    until = max(start, end - max(period.bounds[1] - as_of, timedelta()))
    total = sum(each.count for each in by_source)
    is_whole = not stored.missing(period, as_of)
    lengths_differ = len(before.days) != len(period.days)
    if stored.missing(before, until):
        found, notes = None, [Note.NOT_LOADED]
    else:
        found = _count_by_source(request.warehouse, conditions, before, until)
        few = min(total, sum(found.values())) < _FEW
        notes = [note for note, holds in ((Note.NOT_WHOLE, not is_whole), (Note.FEW, few)) if holds]
    earlier = sum(found.values()) if found is not None else None
    return Comparison(
        first_day=before.first_day,
        last_day=before.last_day,
        day_count=len(before.days),
        total=earlier,
        change_pct=percent_of(total - earlier, earlier) if earlier and is_whole else None,
        until=until if until < end else None,
        by_source=_compare_sources(by_source, found) if found is not None else (),
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


def _compare_sources(by_source: tuple[SourceCount, ...], found: dict[str, int]) -> tuple[SourceChange, ...]:
    """Return the sources of both periods: first the report's, in its order, then those that are gone."""
    now = {each.source: each.count for each in by_source}
    gone = sorted(found.keys() - now.keys(), key=lambda code: (-found[code], source_label(code), code))
    return tuple(
        SourceChange(source=code, label=source_label(code), count=now.get(code, 0), before=found.get(code, 0))
        for code in (*now, *gone)
    )
