"""Partitions, partition mappings and the period of a run: the only place that slices time for Dagster.

Windows come from `periods`, by the partition's key: Dagster gives a date that a zone skipped (Pacific/Apia,
2011-12-30) the window of the next one. Such a key has no day, so nothing is loaded.
"""

from datetime import date

import dagster as dg

from assets.config.workspace import ReportSpec, Workspace
from assets.periods import Period, Preset, Unit, dates_between, day_exists, first_day_of

_CONTINUES = {"dagster/is_resume_retry", "dagster/is_asset_resume_retry"}
_MAX_DAYS = {Unit.WEEK: 7, Unit.MONTH: 31, Unit.YEAR: 366}


def days_of(workspace: Workspace) -> dg.DailyPartitionsDefinition:
    """Return the partitions for the local days of *workspace*, including the running day."""
    return dg.DailyPartitionsDefinition(
        start_date=str(workspace.first_day), timezone=workspace.timezone, end_offset=1
    )


def report_dates_of(workspace: Workspace, spec: ReportSpec) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions for the report dates of *spec*: days, or the first days of calendar units.

    `last_week`, `last_month` and `last_quarter` have one report date a unit.
    """
    unit = spec.preset.closed_unit
    if unit is None:
        return days_of(workspace)
    return dg.TimeWindowPartitionsDefinition(
        start=str(first_day_of(unit, workspace.first_day, workspace.week_start)),
        fmt="%Y-%m-%d",
        timezone=workspace.timezone,
        end_offset=1,
        cron_schedule=f"0 0 {cron_days_of(workspace, unit)}",
    )


def cron_days_of(workspace: Workspace, unit: Unit) -> str:
    """Return the fields of a cron for the first day of each *unit*: day, month, weekday."""
    return {
        Unit.WEEK: f"* * {(workspace.week_start.number + 1) % 7}",
        Unit.MONTH: "1 * *",
        Unit.QUARTER: "1 1,4,7,10 *",
    }[unit]


def days_read_by(workspace: Workspace, spec: ReportSpec) -> dg.PartitionMapping:
    """Return the mapping from a report date of *spec* to the days it reads.

    For a running unit, such as the month of `this_month`, it is the maximum.
    """
    if spec.preset is Preset.CUSTOM and spec.first_day and spec.last_day:
        days = [day for day in dates_between(spec.first_day, spec.last_day) if day >= workspace.first_day]
        return dg.SpecificPartitionsPartitionMapping([str(day) for day in days])
    first, last = _window_offsets(workspace, spec)
    return dg.TimeWindowPartitionMapping(
        start_offset=first, end_offset=last, allow_nonexistent_upstream_partitions=True
    )


def _window_offsets(workspace: Workspace, spec: ReportSpec) -> tuple[int, int]:
    if spec.preset.day_count:
        last = 0 if spec.include_today else -1
        return last - spec.preset.day_count + 1, last
    if spec.preset is Preset.EXPLORER:
        return 1 - (workspace.explorer_days or 2 * _MAX_DAYS[Unit.MONTH]), 0
    if spec.preset.running_unit:
        return 1 - _MAX_DAYS[spec.preset.running_unit], 0
    return (0, 0) if spec.preset is Preset.TODAY else (-1, -1)  # the day, or the unit, before


def period_of_run(context: dg.AssetExecutionContext, workspace: Workspace) -> Period:
    """Return the days of a run, which has one partition or a range of them."""
    keys = context.partition_key_range
    return Period(date.fromisoformat(keys.start), date.fromisoformat(keys.end), workspace.zone)


def report_dates_of_run(context: dg.AssetExecutionContext, workspace: Workspace) -> list[date]:
    """Return the report dates of a run that are to be made: the keys of its partitions.

    A date that the zone skips is left out, and one that is stored already by the run itself, before a retry,
    or by the failed run that it continues.
    """
    made = materialized_keys(context)
    days = (date.fromisoformat(key) for key in context.partition_keys if key not in made)
    return [day for day in days if day_exists(day, workspace.zone)]


def materialized_keys(context: dg.AssetExecutionContext) -> set[str]:
    """Return the partitions of the asset that the run, and those that it continues, have materialized."""
    run: dg.DagsterRun | None = context.run
    keys = set[str]()
    while run:
        logs = context.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [log.asset_materialization for log in logs]
        keys.update(
            event.partition
            for event in events
            if event and event.partition and event.asset_key == context.asset_key
        )
        is_continued = run.parent_run_id and _CONTINUES.intersection(run.tags)
        run = context.instance.get_run_by_id(run.parent_run_id) if is_continued else None
    return keys
