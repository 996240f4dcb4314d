"""Build a `Report` from the warehouse: every figure counted from the log, and proved another way."""

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
import pyarrow as pa
from sqlalchemy import Table, func, select

from assets.config import Filters, ReportSpec, Workspace
from assets.events import source_label
from assets.periods import Period, Preset, first_instant, preset_period
from assets.report.log import log_rows
from assets.report.model import (
    Components,
    DayCount,
    LogSummary,
    ProofLine,
    Quality,
    RejectedRow,
    Report,
    SourceCount,
    Span,
    State,
)
from assets.report.readiness import first_loaded_day, missing_days, running_until
from assets.report.shares import shares_pct
from assets.warehouse.lake import Lake
from assets.warehouse.schema import (
    ASSIGNMENT_LOG,
    DAILY_SOURCE_AGGREGATES,
    LOAD_COUNTS,
    LOG_COUNTS,
    REJECTED_EVENTS,
)

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Built:
    """A report and the rows of its log (columns of `assignment_log`)."""

    report: Report
    rows: pa.Table


def period_of(spec: ReportSpec, report_date: date, workspace: Workspace) -> Period:
    """Return the days that *spec* covers when read on *report_date*."""
    if spec.preset is Preset.CUSTOM:
        assert spec.first_day and spec.last_day  # noqa: S101, PT018 - the configuration's validation
        return Period(spec.first_day, spec.last_day, workspace.zone)
    return preset_period(spec.preset, report_date, workspace.zone, include_today=spec.include_today)


def build_report(
    warehouse: Lake, workspace: Workspace, spec: ReportSpec, report_date: date, as_of: datetime
) -> Built:
    """Return the report *spec* of *workspace* as read on *report_date*, counting events before *as_of*.

    While the report date is running, it counts up to the instant to which that day was loaded.
    """
    period = period_of(spec, report_date, workspace)
    as_of = min(as_of, running_until(warehouse, period, as_of) or as_of)
    rows = warehouse.query(log_rows(period, as_of, spec.filters))
    counts = _counts(rows)
    missing = missing_days(warehouse, period, as_of)
    quality = _quality(warehouse, period)
    by_source = _by_source(counts)
    by_day = _by_day(counts, period, as_of, set(missing))
    total = int(counts["count"].sum())
    start, end = period.bounds
    report = Report(
        workspace=workspace.slug,
        workspace_name=workspace.name,
        name=spec.name,
        preset=spec.preset,
        report_date=report_date,
        as_of=as_of,
        period=Span(
            first_day=period.first_day,
            last_day=period.last_day,
            start=start,
            end=end,
            timezone=workspace.timezone,
        ),
        filters=spec.filters,
        total=total,
        by_source=by_source,
        by_day=by_day,
        log=LogSummary(rows_total=rows.num_rows, rows_shown=min(rows.num_rows, spec.pdf_log_rows), sha256=""),
        components=_components(spec.filters, total, _precedes_all(warehouse, period)),
        quality=quality,
        provisional=bool(missing or quality.unreadable),
        missing_days=tuple(missing),
        proof=(
            ProofLine(name="Log rows", total=rows.num_rows),
            ProofLine(name="Sum of the sources", total=sum(each.count for each in by_source)),
            ProofLine(name="Sum of the days", total=sum(each.count for each in by_day)),
            *_proof_by_aggregates(warehouse, period, as_of, spec.filters),
        ),
        data_version=warehouse.version(ASSIGNMENT_LOG, period.days),
    )
    return Built(report, rows)


def _counts(rows: pa.Table) -> pd.DataFrame:
    """Return the number of rows per `local_day` and `source`, as `count`."""
    grouped = rows.group_by(["local_day", "source"]).aggregate([([], "count_all")])
    frame: pd.DataFrame = grouped.rename_columns(["local_day", "source", "count"]).to_pandas()
    return frame


def _by_source(counts: pd.DataFrame) -> tuple[SourceCount, ...]:
    totals = counts.groupby("source")["count"].sum()
    ordered = sorted(totals.items(), key=lambda each: (-each[1], source_label(str(each[0])), str(each[0])))
    shares = shares_pct([int(count) for _, count in ordered])
    return tuple(
        SourceCount(source=str(code), label=source_label(str(code)), count=int(count), share_pct=share)
        for (code, count), share in zip(ordered, shares, strict=True)
    )


def _by_day(
    counts: pd.DataFrame, period: Period, as_of: datetime, missing: set[date]
) -> tuple[DayCount, ...]:
    totals = counts.groupby("local_day")["count"].sum().reindex(period.days, fill_value=0)
    return tuple(
        DayCount(
            day=day,
            count=int(totals.loc[day]),
            is_loaded=day not in missing and first_instant(day, period.zone) < as_of,
        )
        for day in period.days
    )


def _precedes_all(warehouse: Lake, period: Period) -> bool:
    first = first_loaded_day(warehouse)
    return first is None or period.last_day < first


def _components(filters: Filters, total: int, precedes_all: bool) -> Components:  # noqa: FBT001 - a fact
    state = State.NO_DATA if precedes_all or (filters.active and not total) else State.SHOWN
    return Components(
        metric=state,
        bar_chart=state,
        pie_chart=state,
        trend=state,
        log=state,
        quality=State.NOT_APPLICABLE if filters.active else State.SHOWN,
    )


def _sums(warehouse: Lake, table: Table, period: Period, *names: str) -> list[int]:
    sums = (func.coalesce(func.sum(table.c[name]), 0) for name in names)
    statement = select(*sums).where(table.c.local_day.between(period.first_day, period.last_day))
    return [int(column[0].as_py()) for column in warehouse.query(statement).columns]


def _quality(warehouse: Lake, period: Period) -> Quality:
    read, accepted, rejected, duplicates, no_change, cleaned = _sums(
        warehouse,
        LOAD_COUNTS,
        period,
        *(f"{name}_count" for name in ("read", "accepted", "rejected", "duplicate", "no_change", "cleaned")),
    )
    found_no_change, repeated, inferred = _sums(
        warehouse, LOG_COUNTS, period, "no_change_count", "repeated_count", "inferred_count"
    )
    rejected_rows = REJECTED_EVENTS.c
    examples = warehouse.query(
        select(rejected_rows.origin, rejected_rows.row_number, rejected_rows.reason)
        .where(rejected_rows.local_day.between(period.first_day, period.last_day))
        .distinct()
        .order_by(rejected_rows.origin, rejected_rows.row_number, rejected_rows.reason)
        .limit(_EXAMPLES)
    ).to_pylist()
    unreadable = warehouse.query(
        select(func.count(rejected_rows.origin.distinct())).where(
            rejected_rows.local_day.between(period.first_day, period.last_day), rejected_rows.row_number == 0
        )
    )
    log = ASSIGNMENT_LOG.c
    unknown = warehouse.query(
        select(func.count()).where(
            log.local_day.between(period.first_day, period.last_day), log.source_quality == "unknown"
        )
    )
    return Quality(
        read=read,
        accepted=accepted - found_no_change - repeated,
        rejected=rejected,
        duplicates=duplicates + repeated,
        no_change=no_change + found_no_change,
        unreadable=unreadable.column(0)[0].as_py(),
        cleaned=cleaned,
        inferred=inferred,
        source_unknown=unknown.column(0)[0].as_py(),
        examples=tuple(RejectedRow(**row) for row in examples),
    )


def _proof_by_aggregates(
    warehouse: Lake, period: Period, as_of: datetime, filters: Filters
) -> list[ProofLine]:
    """Return the total by the stored counts, where the report counts all that they count."""
    newest = warehouse.query(
        select(func.max(LOAD_COUNTS.c.loaded_until)).where(
            LOAD_COUNTS.c.local_day.between(period.first_day, period.last_day)
        )
    ).column(0)[0].as_py()  # fmt: skip
    if filters.active or (newest and newest > as_of):
        return []
    (counted,) = _sums(warehouse, DAILY_SOURCE_AGGREGATES, period, "assignment_count")
    accepted, unchanged, repeated = _sums(
        warehouse, LOG_COUNTS, period, "accepted_count", "no_change_count", "repeated_count"
    )
    return [
        ProofLine(name="Daily source aggregates", total=counted),
        ProofLine(name="Accepted events that changed an assignee", total=accepted - unchanged - repeated),
    ]
