"""The run failure sensor: reports to the operator what failed in a run, why, and what happens next."""

from datetime import UTC, datetime

import dagster as dg

from assets.clock import Clock
from assets.config.deployment import Config
from assets.deliver.failures import LOAD, REPORTS, Failure, observe_failures
from assets.state.alerts import AlertLog
from orchestration.automation.alerts import send_and_log
from orchestration.automation.planner import next_attempt
from orchestration.automation.runs import DUE_TAG, FLOW_ASSETS, assets_of, ends_of, partitions_of
from orchestration.automation.schedules import SOURCE_WATCH

_BACKFILL_TAG, _RETRY_TAG = "dagster/backfill", "dagster/will_retry"
_SCHEDULE_TAG = "dagster/schedule_name"
_OF_SCHEDULE = 2
"""Slashes in the due tag of a nightly flow; the sensor names its own runs for the same days otherwise."""


def failure_sensor(config: Config, clock: Clock, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor that alerts the operator about failed runs, except those of a backfill."""

    @dg.run_failure_sensor(
        name="run_failure_alert",
        default_status=status,
        description="Notifies the operator of what failed, why, and what happens next.",
    )
    def sensor(
        context: dg.RunFailureSensorContext,
    ) -> None:  # a SkipReason after a failed run is an error to Dagster
        run, log = context.dagster_run, context.log
        if _BACKFILL_TAG in run.tags:
            log.info("Run %s is of a backfill: its failure is shown in the UI", run.run_id)
        elif run.tags.get(_RETRY_TAG) == "true":
            log.info("Run %s is retried automatically", run.run_id)
        elif _is_known(failure := failure_of(context, config), AlertLog(config.state)):
            log.info("Run %s watched a source whose load is known to fail", run.run_id)
        else:
            observe_failures(config, [failure], _ended_at(context) or clock())
            send_and_log(log, config, clock())

    return sensor


def _is_known(failure: Failure, alerts: AlertLog) -> bool:
    """Tell whether a source could not be watched whose load is known to fail."""
    is_watch = failure.assets == (f"{failure.workspace}/{SOURCE_WATCH}",)
    return is_watch and bool(alerts.open(f"{failure.workspace}/{LOAD}"))


def failure_of(context: dg.RunFailureSensorContext, config: Config) -> Failure:
    """Return what failed in the run of *context*: the first stage that is incomplete, and its error."""
    run = context.dagster_run
    planned = assets_of(run) | _assets_of_events(context, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    failed = planned - _assets_of_events(context, dg.DagsterEventType.ASSET_MATERIALIZATION)
    slug = min(failed, default="").rpartition("/")[0].partition("/")[0]  # an asset of the deployment has none
    what, assets = _first_stage(slug, failed)
    first, last = partitions_of(run)
    events = context.get_step_failure_events()
    reason = next(filter(None, map(_failure_reason, events)), "the process ended")
    return Failure(
        slug,
        what,
        reason,
        kind=next(map(_error_kind, events), "process_ended"),
        days=first if first == last else f"{first} to {last}" if first else "",
        reports=tuple(sorted(name.rpartition("/")[2] for name in assets)) if what == REPORTS else (),
        next_step=_next_step(context, config, slug),
        run=_address(config, run.run_id),
        occurrence=run.run_id,
        assets=tuple(sorted(assets)),
    )


def _ended_at(context: dg.RunFailureSensorContext) -> datetime | None:
    """Return when the run failed: a success since then ends the incident, also if the sensor looks later."""
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    return datetime.fromtimestamp(record.end_time, UTC) if record and record.end_time else None


def _assets_of_events(context: dg.RunFailureSensorContext, kind: dg.DagsterEventType) -> set[str]:
    """Return the keys of the assets that the run has events of this *kind* about."""
    entries = context.instance.all_logs(context.dagster_run.run_id, of_type=kind)
    events = (entry.dagster_event for entry in entries)
    return {"/".join(event.asset_key.path) for event in events if event and event.asset_key}


def _first_stage(slug: str, failed: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Return the first stage of which *failed* assets are missing, as a failure's name, and those assets."""
    if flow := failed & {f"{slug}/{name}" for name in FLOW_ASSETS}:
        return LOAD, flow
    if failed == {f"{slug}/{SOURCE_WATCH}"}:
        return LOAD, failed
    if reports := frozenset(key for key in failed if key.startswith(f"{slug}/report/")):
        return REPORTS, reports
    return min(failed, default="a run").removeprefix(f"{slug}/"), failed


def _next_step(context: dg.RunFailureSensorContext, config: Config, slug: str) -> str:
    due = context.dagster_run.tags.get(DUE_TAG)
    if due is None:
        schedule = context.dagster_run.tags.get(_SCHEDULE_TAG)
        return (
            f"The schedule {schedule} runs it again at its next tick."
            if schedule
            else "The run was launched by hand and is not retried."
        )
    if "/delivery/" in due:
        return "The sensor deliveries tries again, each time after twice the pause."
    retry_at = next_attempt(ends_of(context.instance, due)[1])
    if retry_at is None or due.count("/") == _OF_SCHEDULE:
        return "The sensor catch_up tries again within two minutes, and then after pauses that double."
    zones = (workspace.zone for workspace in config.workspaces if workspace.slug == slug)
    local = retry_at.astimezone(next(zones, retry_at.tzinfo))
    return f"The sensor catch_up tries again at {local:%Y-%m-%d %H:%M}; the pause doubles each time."


def _address(config: Config, run_id: str) -> str:
    return f"{config.ui_url.rstrip('/')}/runs/{run_id}" if config.ui_url else f"{run_id} in Dagster's UI"


def _failure_reason(event: dg.DagsterEvent) -> str:
    """Return the description of a failed step, or only the error's type: its text may have contact data."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return f"an unexpected error, {_error_kind(event)}" if failure.error else ""


def _error_kind(event: dg.DagsterEvent) -> str:
    """Return the name of the error's class, such as SourceUnreadable."""
    error = event.step_failure_data.error
    error = error and (error.cause or error)
    return (error and error.cls_name) or "unknown"
