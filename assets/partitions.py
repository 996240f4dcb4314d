"""Partitions, partition mappings and the period of a run: the only place that slices time for Dagster.

Windows come from `periods`, by the partition's key: Dagster gives a date that a zone skipped (Pacific/Apia,
2011-12-30) the window of the next one. Such a key has no day, so nothing is loaded.
"""

from datetime import date

import dagster as dg

from assets.config.workspace import ReportSpec, Workspace
from assets.periods import Period, Preset, dates_between, day_exists

_MONTH_DAYS = 31


def days_of(workspace: Workspace) -> dg.DailyPartitionsDefinition:
    """Return the partitions for the local days of *workspace*, including the running day."""
    return dg.DailyPartitionsDefinition(
        start_date=str(workspace.first_day), timezone=workspace.timezone, end_offset=1
    )


def report_dates_of(workspace: Workspace, spec: ReportSpec) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions for the report dates of *spec*: days, or months for `last_month`."""
    if spec.preset is Preset.LAST_MONTH:
        first = workspace.first_day.replace(day=1)
        return dg.MonthlyPartitionsDefinition(
            start_date=str(first), timezone=workspace.timezone, end_offset=1
        )
    return days_of(workspace)


def days_read_by(workspace: Workspace, spec: ReportSpec) -> dg.PartitionMapping:
    """Return the mapping from a report date of *spec* to the days it reads; the maximum for `this_month`."""
    if spec.preset is Preset.CUSTOM and spec.first_day and spec.last_day:
        days = [day for day in dates_between(spec.first_day, spec.last_day) if day >= workspace.first_day]
        return dg.SpecificPartitionsPartitionMapping([str(day) for day in days])
    first, last = _window_offsets(spec)
    return dg.TimeWindowPartitionMapping(
        start_offset=first, end_offset=last, allow_nonexistent_upstream_partitions=True
    )


def _window_offsets(spec: ReportSpec) -> tuple[int, int]:
    if spec.preset.day_count:
        last = 0 if spec.include_today else -1
        return last - spec.preset.day_count + 1, last
    return {
        Preset.TODAY: (0, 0),
        Preset.YESTERDAY: (-1, -1),
        Preset.THIS_MONTH: (1 - _MONTH_DAYS, 0),
        Preset.LAST_MONTH: (-1, -1),
    }[spec.preset]


def period_of_run(context: dg.AssetExecutionContext, workspace: Workspace) -> Period:
    """Return the days of a run, which has one partition or a range of them."""
    keys = context.partition_key_range
    return Period(date.fromisoformat(keys.start), date.fromisoformat(keys.end), workspace.zone)


def report_dates_of_run(context: dg.AssetExecutionContext, workspace: Workspace) -> list[date]:
    """Return the report dates of a run, one or more; the first of the month for `last_month`.

    A date that the zone skips is left out.
    """
    days = (date.fromisoformat(key) for key in context.partition_keys)
    return [day for day in days if day_exists(day, workspace.zone)]
