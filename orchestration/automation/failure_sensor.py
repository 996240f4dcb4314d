"""The run failure sensor: alerts the operator in plain words about a run that failed."""

import dagster as dg

from assets.clock import Clock
from assets.config.deployment import Config
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from orchestration.automation.runs import DUE_TAG, assets_of, partitions_of

_BACKFILL_TAG, _RETRY_TAG = "dagster/backfill", "dagster/will_retry"


def failure_sensor(config: Config, clock: Clock, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor that alerts the operator about failed runs, except those of a backfill."""

    @dg.run_failure_sensor(
        name="run_failure_alert",
        default_status=status,
        description="Notifies the operator of what failed, why, and what happens next.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        if _BACKFILL_TAG in run.tags:
            return dg.SkipReason("a backfill: its failure is shown in the UI")
        if run.tags.get(_RETRY_TAG) == "true":
            return dg.SkipReason("the run is retried automatically")
        due = run.tags.get(DUE_TAG, run.run_id)
        try:
            send_alerts(config, {f"failed/{due}": failure_text(context)}, clock())
        except AlertNotSent as error:
            context.log.error(str(error))  # noqa: TRY400 - the text is complete
        return None

    return sensor


def failure_text(context: dg.RunFailureSensorContext) -> str:
    """Return the alert: the failed assets and days, the reason, and what happens next."""
    run = context.dagster_run
    keys = sorted(assets_of(run))
    assets = ", ".join(key.partition("/")[2] or key for key in keys)
    first, last = partitions_of(run)
    days = first if first == last else f"{first} to {last}"
    reason = next(filter(None, map(_failure_reason, context.get_step_failure_events())), "the process ended.")
    follow_up = (
        "It is retried automatically; the pause doubles each time."
        if DUE_TAG in run.tags
        else "It was launched manually and is not retried."
    )
    workspaces = ", ".join(sorted({key.partition("/")[0] for key in keys}))
    return (
        f"{workspaces}: {assets} of {days} failed. "
        f"Why: {reason} {follow_up} Run {run.run_id} in Dagster's UI has the details."
    )


def _failure_reason(event: dg.DagsterEvent) -> str:
    """Return the description of a failed step, or only the error's type: its text may have contact data."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description.rstrip(".") + "."
    return f"an unexpected error, {failure.error.cls_name}." if failure.error else ""
