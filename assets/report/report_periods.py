"""The periods of a report: the days it covers and the days it compares with. Pure."""

from collections.abc import Iterable
from datetime import date, datetime

from assets.config.presentation import CompareWith, Component
from assets.config.workspace import ReportSpec, Workspace
from assets.periods import (
    DAY,
    Period,
    Preset,
    first_instant,
    preset_period,
    previous_period,
    same_days_last_year,
)


def period_of(spec: ReportSpec, report_date: date, workspace: Workspace) -> Period:
    """Return the days that *spec* covers for *report_date*."""
    if spec.fixed_days:
        return Period(*spec.fixed_days, workspace.zone)
    if spec.preset is Preset.EXPLORER and workspace.explorer_days:
        first_day = report_date - (workspace.explorer_days - 1) * DAY
        return Period(first_day, report_date, workspace.zone)
    return preset_period(
        spec.preset,
        report_date,
        workspace.zone,
        include_today=spec.include_today,
        week_start=workspace.week_start,
    )


def compared_period(spec: ReportSpec, period: Period) -> Period:
    """Return the days that *spec* compares *period* with."""
    if spec.compare_with is CompareWith.PREVIOUS_YEAR:
        return same_days_last_year(period)
    return previous_period(spec.preset, period)


def periods_of(spec: ReportSpec, report_date: date, workspace: Workspace) -> list[Period]:
    """Return every period that *spec* reads: its own, and the one it is compared with."""
    period = period_of(spec, report_date, workspace)
    compared = [compared_period(spec, period)] if Component.COMPARISON in spec.components else []
    return [period, *compared]


def days_of_report(spec: ReportSpec, report_date: date, workspace: Workspace) -> list[date]:
    """Return the days that *spec* counts or compares with, in order."""
    return sorted({day for period in periods_of(spec, report_date, workspace) for day in period.days})


def days_of_periods(periods: Iterable[Period], first_day: date, as_of: datetime) -> list[date]:
    """Return each day of *periods* from *first_day* on that has begun by *as_of*, once, in order."""
    return sorted(
        {
            day
            for period in periods
            for day in period.days
            if day >= first_day and first_instant(day, period.zone) < as_of
        }
    )
