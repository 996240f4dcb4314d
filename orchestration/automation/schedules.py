"""The schedules of one workspace: nightly flow, running day, daily reports, monthly report.

A tick launches what is ready and shows why the rest waits; the catch-up sensor launches that later.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import time

import dagster as dg

from assets.archive.catalog import Catalog
from assets.config.deployment import Config
from assets.config.source import RespondIoSource
from assets.config.workspace import Workspace
from assets.periods import DAY, Preset
from orchestration.automation.planner import Due
from orchestration.automation.run_requests import Plan, PlanningContext
from orchestration.automation.runs import WORKSPACE_TAG

ASSET_JOB = "__ASSET_JOB"
NIGHTLY_FLOW, TODAY, DAILY_REPORTS, MONTHLY_REPORT, CONTACT_SNAPSHOT, SOURCE_WATCH = (
    "nightly_flow",
    "today",
    "daily_reports",
    "monthly_report",
    "contact_snapshot",
    "source_watch",
)
_BEFORE_MIDNIGHT = time(23, 30)
_HOUR_MINUTES = 60


Planner = Callable[[PlanningContext], Plan]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """A schedule of a workspace: its crons, in the workspace's time zone, and the plan of a tick."""

    name: str
    crons: Iterable[str]
    plan: Planner
    description: str


def workspace_schedules(
    workspace: Workspace, config: Config, catalog: Catalog, status: dg.DefaultScheduleStatus
) -> list[dg.ScheduleDefinition]:
    """Return the schedules of *workspace*, in its time zone."""

    def schedule(ticks: _Schedule) -> dg.ScheduleDefinition:
        def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
            now = context.scheduled_execution_time
            plan = ticks.plan(PlanningContext.open(config, catalog, context.instance, now, workspace.slug))
            yield from plan.requests
            if not plan.requests:
                yield dg.SkipReason("; ".join(plan.reasons) or "nothing is due")

        return dg.ScheduleDefinition(
            name=f"{workspace.slug.replace('-', '_')}_{ticks.name}",
            cron_schedule=sorted(set(ticks.crons)),
            execution_timezone=workspace.timezone,
            job_name=ASSET_JOB,
            execution_fn=tick,
            description=ticks.description,
            default_status=status,
            tags={WORKSPACE_TAG: workspace.slug},
        )

    return [schedule(ticks) for ticks in _ticks_of(workspace)]


def _ticks_of(workspace: Workspace) -> Iterator[_Schedule]:
    yield _Schedule(
        NIGHTLY_FLOW,
        [_cron_at(workspace.flow_at)],
        lambda planning: planning.plan_nightly_flow(workspace),
        f"Load the closed day, and reload the {workspace.lookback_days} days before it.",
    )
    yield from _report_ticks(workspace)
    if isinstance(workspace.source, RespondIoSource) and workspace.source.api_token:
        yield _Schedule(
            CONTACT_SNAPSHOT,
            [_cron_at(_BEFORE_MIDNIGHT)],
            _plan_asset(workspace, CONTACT_SNAPSHOT, "%Y-%m-%d"),
            "Compare all contacts just before the day closes, so that missed assignments belong to it.",
        )
    if workspace.watch_hours:
        yield _Schedule(
            SOURCE_WATCH,
            [f"30 */{workspace.watch_hours} * * *"],
            _plan_asset(workspace, SOURCE_WATCH, "%Y-%m-%dT%H"),
            "Check whether the source has stalled, so that the operator is notified the same day.",
        )


def _report_ticks(workspace: Workspace) -> Iterator[_Schedule]:
    every = workspace.today_every
    by_month = [spec for spec in workspace.all_reports if spec.preset is Preset.LAST_MONTH]
    by_day = [
        spec
        for spec in workspace.all_reports
        if spec.preset is not Preset.LAST_MONTH and not (every and spec.includes_running_day)
    ]
    yield _Schedule(
        DAILY_REPORTS,
        [_cron_at(spec.at or time(6)) for spec in by_day],
        _plan_reports(
            workspace, lambda due: due.spec.preset is not Preset.LAST_MONTH and not _is_by_interval(due)
        ),
        "Build the due reports whose days are loaded.",
    )
    yield _Schedule(
        MONTHLY_REPORT,
        [_cron_at(spec.at or time(6, 15), "*" if spec.on_holiday == "shift" else "1") for spec in by_month],
        _plan_reports(workspace, lambda due: due.spec.preset is Preset.LAST_MONTH),
        "Build the reports of the previous month.",
    )
    if every:
        cron = f"*/{every} * * * *" if every < _HOUR_MINUTES else f"0 */{every // _HOUR_MINUTES} * * *"
        yield _Schedule(
            TODAY,
            [cron],
            _plan_reports(workspace, _is_by_interval),
            "Load the current day and build its reports.",
        )


def _plan_reports(workspace: Workspace, is_included: Callable[[Due], bool]) -> Planner:
    return lambda planning: planning.plan_reports(
        [due for due in planning.open_reports(workspace) if is_included(due) and planning.now - due.at < DAY]
    )


def _plan_asset(workspace: Workspace, name: str, key: str) -> Planner:
    """Return the planner that launches the asset *name*, once per tick formatted with *key*."""
    asset = dg.AssetKey([workspace.slug, name])
    return lambda planning: Plan([dg.RunRequest(f"{planning.now:{key}}", asset_selection=[asset])])


def _is_by_interval(due: Due) -> bool:
    return due.spec.includes_running_day and due.workspace.today_every is not None


def _cron_at(at: time, days: str = "*") -> str:
    return f"{at.minute} {at.hour} {days} * *"
