"""What watches: one sensor makes good what no tick did, one tells the operator of failed runs."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg
import duckdb
from pydantic import BaseModel

from assets.archive.catalog import Catalog
from assets.clock import Clock
from assets.config.deployment import Config
from assets.config.schedule import instant_at
from assets.config.workspace import Workspace
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from assets.errors import ReportError
from assets.periods import first_instant, local_day
from orchestration.automation.run_requests import Plan, PlanningContext

_GRACE = timedelta(minutes=2)
_BUDGET = timedelta(seconds=4)
_MOST_REASONS = 20


class SensorCursor(BaseModel):
    """The sensor's cursor: since when it looks after each workspace, and whose days it found there."""

    since: dict[str, date] = {}
    settled: dict[str, date] = {}
    first: str = ""


def due_sensor(
    config: Config, catalog: Catalog, broken: Sequence[str], clock: Clock, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Return the sensor that launches what is due and not done, two minutes after its tick.

    A workspace is looked after from the day on which the sensor first sees it. Where there are too
    many for one tick, the next one goes on.
    """

    @dg.sensor(
        name="catch_up",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        default_status=status,
        description="Launches what is due and not done: late days, missed ticks, crashes, outdated reports.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        began = clock()
        cursor = SensorCursor.model_validate_json(context.cursor or "{}")
        planning = PlanningContext.open(config, catalog, context.instance, began)
        plan = Plan(notices={f"configuration/{each}": f"A workspace is left out: {each}" for each in broken})
        ordered = sorted(config.workspaces, key=lambda each: (each.slug < cursor.first, each.slug))
        cursor.first = ""
        for workspace in ordered:
            if clock() - began > _BUDGET:
                cursor.first = workspace.slug
                break
            try:
                plan.add(plan_workspace(planning, workspace, cursor))
            except Exception as error:  # noqa: BLE001 - the others go on
                told = f"{workspace.slug} cannot be looked after: {_said_by(error)}"
                plan.notices[f"look/{workspace.slug}/{local_day(began, workspace.zone)}"] = told
        for key, reason in plan.skips.items():
            catalog.skip(key, reason, began)
        try:
            for text in send_alerts(config, plan.notices, began).values():
                context.log.warning(text)
        except AlertNotSent as error:
            context.log.error(str(error))  # noqa: TRY400 - it says all
        reasons = "; ".join(plan.reasons[:_MOST_REASONS]) or "everything due is done"
        return dg.SensorResult(
            run_requests=plan.requests,
            skip_reason=None if plan.requests else dg.SkipReason(reasons),
            cursor=cursor.model_dump_json(),
        )

    return sensor


def plan_workspace(planning: PlanningContext, workspace: Workspace, cursor: SensorCursor) -> Plan:
    """Return what *workspace* needs now; *memory* keeps that its days were found to be there."""
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


def _said_by(error: Exception) -> str:
    """Return what an error says, where it cannot say anything about contacts."""
    if isinstance(error, duckdb.Error):
        return f"{error}. Remove a damaged file of the lake: its day is loaded again."
    return str(error) if isinstance(error, ReportError) else f"an error that nobody foresaw, {type(error)}"
