"""The catch-up sensor: requests runs for everything that is due and not done, and alerts the operator.

What is due is decided in `planner.py` and `run_requests.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import dagster as dg
from pydantic import BaseModel

from assets.archive.catalog import Catalog
from assets.clock import Clock
from assets.config.deployment import Config
from assets.config.schedule import instant_at
from assets.config.workspace import Workspace
from assets.periods import first_instant, local_day
from orchestration.automation.alerts import OperatorAlerts, send_and_log
from orchestration.automation.run_requests import Plan, PlanningContext
from orchestration.automation.schedules import Job

_GRACE = timedelta(minutes=2)
_BUDGET = timedelta(seconds=4)
_MAX_REASONS = 20


class SensorCursor(BaseModel):
    """The sensor's cursor, by workspace: monitored since, and the day on which its flow was complete.

    `first` is the workspace at which the next tick continues.
    """

    since: dict[str, date] = {}
    settled: dict[str, date] = {}
    first: str = ""


def due_sensor(
    config: Config,
    jobs: Mapping[str, Job],
    broken: Sequence[str],
    clock: Clock,
    status: dg.DefaultSensorStatus,
) -> dg.SensorDefinition:
    """Return the sensor that launches what is due and not done, two minutes after its tick.

    A workspace is monitored from the day on which the sensor first sees it. If there are too many for one
    tick, the next one continues. A run belongs to the first of *jobs* that can make it.
    """
    catalog = Catalog(config.state)

    @dg.sensor(
        name="catch_up",
        jobs=[job.definition for job in jobs.values()] or None,
        asset_selection=None if jobs else dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=status,
        description="Launches runs that are due: late days, missed ticks, crashes, outdated reports.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        started_at = clock()
        cursor = SensorCursor.model_validate_json(context.cursor or "{}")
        planning = PlanningContext.open(config, catalog, context.instance, started_at)
        alerts, plan = OperatorAlerts(config, context.instance, started_at), Plan()
        alerts.observe_configuration(broken)
        workspaces = sorted(
            config.workspaces, key=lambda workspace: (workspace.slug < cursor.first, workspace.slug)
        )
        cursor.first = ""
        for workspace in workspaces:
            if clock() - started_at > _BUDGET:
                cursor.first = workspace.slug
                break
            try:
                plan.add(plan_workspace(planning, workspace, cursor))
            except Exception as error:  # noqa: BLE001 - the other workspaces are still planned
                alerts.observe_planning(workspace.slug, error)
            else:
                alerts.end_planning(workspace.slug)
        for key, reason in plan.skips.items():
            catalog.skip(key, reason, started_at)
        alerts.observe_late(plan.late)
        alerts.end_recovered()
        send_and_log(context.log, config, started_at)
        reasons = "; ".join([*alerts.open_titles(), *plan.reasons][:_MAX_REASONS]) or "nothing is due"
        return dg.SensorResult(
            run_requests=[_with_job(request, jobs) for request in plan.requests],
            skip_reason=None if plan.requests else dg.SkipReason(reasons),
            cursor=cursor.model_dump_json(),
        )

    return sensor


def _with_job(request: dg.RunRequest, jobs: Mapping[str, Job]) -> dg.RunRequest:
    name = next((name for name, job in jobs.items() if job.has_assets_of(request)), None)
    return request.with_replaced_attrs(job_name=name)


def plan_workspace(planning: PlanningContext, workspace: Workspace, cursor: SensorCursor) -> Plan:
    """Return the runs that *workspace* needs now; record in *cursor* when its flow is complete."""
    slug, today = workspace.slug, local_day(planning.now, workspace.zone)
    since = first_instant(cursor.since.setdefault(slug, today), workspace.zone)
    dues = [due for due in planning.open_reports(workspace) if since <= due.at <= planning.now - _GRACE]
    flow_tick = instant_at(today, workspace.flow_at, workspace.zone)
    is_flow_due = flow_tick <= planning.now - _GRACE and cursor.settled.get(slug) != today
    plan = Plan()
    if dues or is_flow_due:
        plan.add(planning.plan_missing_days(workspace, dues))
        if is_flow_due and not plan.requests and not plan.reasons:
            cursor.settled[slug] = today
    plan.add(planning.plan_reports(dues))
    plan.add(planning.plan_rebuilds(workspace))
    return plan
