"""The run failure sensor: alerts the operator in plain words about a run that failed."""

import dagster as dg

from assets.clock import Clock
from assets.config.deployment import Config
from assets.deliver.operator_alerts import AlertNotSent, send_alerts
from orchestration.automation.runs import DUE_TAG, assets_of, partitions_of

_BACKFILL_TAG, _RETRY_TAG = "dagster/backfill", "dagster/will_retry"


def failure_sensor(config: Config, clock: Clock, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the sensor that tells the operator of failed runs; nobody is mailed of a backfill's."""

    @dg.run_failure_sensor(
        name="run_failure_alert",
        default_status=status,
        description="Tells the operator in plain words what failed, why, and what happens next.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        if _BACKFILL_TAG in run.tags:
            return dg.SkipReason("a backfill: whoever launched it sees it in the UI")
        if run.tags.get(_RETRY_TAG) == "true":
            return dg.SkipReason("the run is tried again by itself")
        due = run.tags.get(DUE_TAG, run.run_id)
        try:
            send_alerts(config, {f"failed/{due}": failure_text(context)}, clock())
        except AlertNotSent as error:
            context.log.error(str(error))  # noqa: TRY400 - it says all
        return None

    return sensor


def failure_text(context: dg.RunFailureSensorContext) -> str:
    """Say what failed, of which days, why, and what happens next."""
    run = context.dagster_run
    keys = sorted(assets_of(run))
    what = ", ".join(key.partition("/")[2] or key for key in keys)
    first, last = partitions_of(run)
    days = first if first == last else f"{first} to {last}"
    why = next(filter(None, map(_failure_reason, context.get_step_failure_events())), "the process ended.")
    after = (
        "It is tried again by itself; the pause doubles each time."
        if DUE_TAG in run.tags
        else "It was launched by hand and is not tried again."
    )
    whose = ", ".join(sorted({key.partition("/")[0] for key in keys}))
    return (
        f"{whose}: {what} of {days} failed. "
        f"Why: {why} {after} Run {run.run_id} in Dagster's UI has every line."
    )


def _failure_reason(event: dg.DagsterEvent) -> str:
    """Return our own words for a failed step; a bug's text may hold data of contacts, so only its name."""
    failed = event.step_failure_data
    if failed.user_failure_data and failed.user_failure_data.description:
        return failed.user_failure_data.description.rstrip(".") + "."
    return f"an error that nobody foresaw, {failed.error.cls_name}." if failed.error else ""
