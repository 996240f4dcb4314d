"""The schedules of one workspace: nightly flow, running day, reports, snapshot, watch; and a job for each.

A tick launches what is ready and shows why the rest waits; the catch-up sensor launches that later.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

import dagster as dg

from assets.archive.catalog import Catalog
from assets.config.deployment import Config
from assets.config.source import RespondIoSource
from assets.config.workspace import ReportSpec, Workspace
from assets.partitions import cron_days_of
from assets.periods import DAY, Unit
from orchestration.automation.run_requests import Plan, PlanningContext
from orchestration.automation.runs import FLOW_ASSETS, WORKSPACE_TAG

ASSET_JOB = "__ASSET_JOB"
MAX_WORKSPACES_WITH_JOBS = 50
"""A job takes some 20 ms of a code location's start, and longer the more assets there are in it."""

CONTACT_SNAPSHOT, SOURCE_WATCH = "contact_snapshot", "source_watch"
TODAY, DAILY_REPORTS = "today", "daily_reports"
_BY_UNIT = {Unit.WEEK: "weekly_report", Unit.MONTH: "monthly_report", Unit.QUARTER: "quarterly_report"}
_REPORTS = {
    TODAY: "Load the current day and build its reports.",
    DAILY_REPORTS: "Build the due reports whose days are loaded.",
    **{name: f"Build the reports of the previous {unit}." for unit, name in _BY_UNIT.items()},
}
_WITHOUT_JOB = (
    f"There are more than {MAX_WORKSPACES_WITH_JOBS} workspaces in this code location, so it has no job: "
    "find its runs in its ticks, or by the tag of the workspace."
)
_BEFORE_MIDNIGHT = time(23, 30)
_HOUR_MINUTES = 60


Planner = Callable[[PlanningContext], Plan]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """A schedule of a workspace: its crons, in the workspace's time zone, its assets, and a tick's plan."""

    name: str
    crons: Iterable[str]
    assets: Iterable[str]
    plan: Planner
    description: str


@dataclass(frozen=True, slots=True)
class Job:
    """The job of a schedule, and the assets of which it may run some."""

    definition: Any  # Dagster exports no name for the type of an asset job
    keys: frozenset[dg.AssetKey]

    def has_assets_of(self, request: dg.RunRequest) -> bool:
        """Tell whether it can run *request*."""
        return self.keys.issuperset(request.asset_selection or ())


def schedule_jobs(config: Config) -> dict[str, Job]:
    """Return the job of each schedule, by the name of both; none where there are too many workspaces."""
    workspaces = config.workspaces if len(config.workspaces) <= MAX_WORKSPACES_WITH_JOBS else ()
    return {
        _name_of(workspace, ticks): _job_of(workspace, ticks)
        for workspace in workspaces
        for ticks in _ticks_of(workspace)
    }


def _name_of(workspace: Workspace, ticks: _Schedule) -> str:
    return f"{workspace.group}_{ticks.name}"


def _job_of(workspace: Workspace, ticks: _Schedule) -> Job:
    keys = frozenset(dg.AssetKey([workspace.slug, *name.split("/")]) for name in ticks.assets)
    definition = dg.define_asset_job(
        _name_of(workspace, ticks),
        dg.AssetSelection.assets(*sorted(keys)),
        description=ticks.description,
        tags={WORKSPACE_TAG: workspace.slug},
    )
    return Job(definition, keys)


def workspace_schedules(
    workspace: Workspace,
    config: Config,
    catalog: Catalog,
    jobs: Mapping[str, Job],
    status: dg.DefaultScheduleStatus,
) -> list[dg.ScheduleDefinition]:
    """Return the schedules of *workspace*, in its time zone; each targets its job, or that of all assets."""

    def schedule(ticks: _Schedule) -> dg.ScheduleDefinition:
        name = _name_of(workspace, ticks)
        job = jobs.get(name)

        def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
            now = context.scheduled_execution_time
            plan = ticks.plan(PlanningContext.open(config, catalog, context.instance, now, workspace.slug))
            # Changed files are loaded by day, which no job of a weekly report can: `catch_up` requests it.
            requests = [each for each in plan.requests if job is None or job.has_assets_of(each)]
            yield from requests
            if not requests:
                yield dg.SkipReason("; ".join(plan.reasons) or "nothing is due")

        return dg.ScheduleDefinition(
            name=name,
            cron_schedule=sorted(set(ticks.crons)),
            execution_timezone=workspace.timezone,
            job=job.definition if job else None,
            job_name=None if job else ASSET_JOB,
            execution_fn=tick,
            description=ticks.description if job else f"{ticks.description} {_WITHOUT_JOB}",
            default_status=status,
            tags={WORKSPACE_TAG: workspace.slug},
        )

    return [schedule(ticks) for ticks in _ticks_of(workspace)]


def _ticks_of(workspace: Workspace) -> Iterator[_Schedule]:
    yield _Schedule(
        "nightly_flow",
        [_cron_at(workspace.flow_at)],
        FLOW_ASSETS,
        lambda planning: planning.plan_nightly_flow(workspace),
        f"Load the closed day, and reload the {workspace.lookback_days} days before it.",
    )
    yield from _report_ticks(workspace)
    if isinstance(workspace.source, RespondIoSource) and workspace.source.api_token:
        yield _Schedule(
            CONTACT_SNAPSHOT,
            [_cron_at(_BEFORE_MIDNIGHT)],
            [CONTACT_SNAPSHOT],
            _plan_asset(workspace, CONTACT_SNAPSHOT, "%Y-%m-%d"),
            "Compare all contacts just before the day closes, so that missed assignments belong to it.",
        )
    if workspace.watch_hours:
        yield _Schedule(
            SOURCE_WATCH,
            [f"30 */{workspace.watch_hours} * * *"],
            [SOURCE_WATCH],
            _plan_asset(workspace, SOURCE_WATCH, "%Y-%m-%dT%H"),
            "Check whether the source has stalled, so that the operator is notified the same day.",
        )


def _report_ticks(workspace: Workspace) -> Iterator[_Schedule]:
    specs_by_name: dict[str, list[ReportSpec]] = {}
    for spec in workspace.all_reports:
        specs_by_name.setdefault(_schedule_of(workspace, spec), []).append(spec)
    of_days = [spec for spec in workspace.all_reports if not spec.preset.closed_unit]
    for name, specs in specs_by_name.items():
        # Reports of the running day are in two jobs: some are rebuilt together with others.
        assets = of_days if name == DAILY_REPORTS else specs
        flow = FLOW_ASSETS if name in {TODAY, DAILY_REPORTS} else ()
        yield _Schedule(
            name,
            [_cron_of(workspace, spec) for spec in specs],
            [*flow, *(f"report/{spec.name}" for spec in assets)],
            _plan_reports(workspace, name),
            _REPORTS[name],
        )


def _schedule_of(workspace: Workspace, spec: ReportSpec) -> str:
    """Return the schedule of a report; those of a calendar unit have other partitions than those of a day."""
    if workspace.today_every and spec.includes_running_day:
        return TODAY
    return _BY_UNIT[spec.preset.closed_unit] if spec.preset.closed_unit else DAILY_REPORTS


def _cron_of(workspace: Workspace, spec: ReportSpec) -> str:
    every, unit = workspace.today_every, spec.preset.closed_unit
    if every and spec.includes_running_day:
        return f"*/{every} * * * *" if every < _HOUR_MINUTES else f"0 */{every // _HOUR_MINUTES} * * *"
    days = cron_days_of(workspace, unit) if unit and spec.on_holiday != "shift" else "* * *"
    return _cron_at(spec.at or time(6), days)


def _plan_reports(workspace: Workspace, schedule: str) -> Planner:
    return lambda planning: planning.plan_reports(
        [
            due
            for due in planning.open_reports(workspace)
            if _schedule_of(workspace, due.spec) == schedule and planning.now - due.at < DAY
        ]
    )


def _plan_asset(workspace: Workspace, name: str, key: str) -> Planner:
    """Return the planner that launches the asset *name*, once per tick formatted with *key*."""
    asset = dg.AssetKey([workspace.slug, name])
    return lambda planning: Plan([dg.RunRequest(f"{planning.now:{key}}", asset_selection=[asset])])


def _cron_at(at: time, days: str = "* * *") -> str:
    return f"{at.minute} {at.hour} {days}"
