"""The deployment itself: its configuration, checked when a code location starts, and daily retention."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from assets.clock import Clock
from assets.config.deployment import Config, missing_variables
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.retention import apply_retention

_CONFIGURATION, _VALID = "configuration", "configuration_valid"
_BATCH_SIZE = 500
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def maintenance_assets(config: Config, broken: Sequence[str]) -> list[dg.AssetsDefinition]:
    """Return the assets of the deployment, which belong to no workspace."""
    left_out = f" Left out: {'; '.join(broken)}" if broken else ""

    @dg.asset(
        name=_CONFIGURATION,
        group_name="deployment",
        check_specs=[
            dg.AssetCheckSpec(_VALID, asset=_CONFIGURATION, description="no mistake in any workspace")
        ],
        description=f"The configuration, checked when the code location starts.{left_out}",
    )
    def configuration() -> dg.MaterializeResult:
        metadata, result = _check_configuration(config, broken)
        return dg.MaterializeResult(metadata=metadata, check_results=[result])

    @dg.asset(
        group_name="deployment", description="Retention: old runs, reports and mails that were deleted."
    )
    def retention(
        context: dg.AssetExecutionContext, dispatcher: dg.ResourceParam[Dispatcher]
    ) -> dg.MaterializeResult:
        runs = delete_runs(context.instance, config.keep_runs_days, dispatcher.clock)
        result = apply_retention(config, dispatcher.catalog, dispatcher.ledger, dispatcher.clock())
        return dg.MaterializeResult(metadata={"runs": runs, **asdict(result)})

    return [configuration, retention]


def _check_configuration(config: Config, broken: Sequence[str]) -> tuple[dict[str, int], dg.AssetCheckResult]:
    """Return the metadata of the configuration and the result of its check: mistakes, missing variables."""
    mistakes = [*broken, *missing_variables(config)]
    counts = {"workspaces": len(config.workspaces), "mistakes": len(mistakes)}
    text = "\n".join(mistakes) or f"valid, workspaces: {len(config.workspaces)}"
    return counts, dg.AssetCheckResult(
        check_name=_VALID, passed=not mistakes, description=text, metadata=counts
    )


def configuration_sensor(config: Config, broken: Sequence[str]) -> dg.SensorDefinition:
    """Return the sensor that stores the result of the check, once for each configuration that is loaded.

    It launches nothing, so it is always on.
    """

    @dg.sensor(
        name="configuration",
        asset_selection=[dg.AssetKey(_CONFIGURATION)],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Checks the configuration when the code location starts, without a run.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        metadata, result = _check_configuration(config, broken)
        text = str(result.description)
        evaluation = dg.AssetCheckEvaluation(
            dg.AssetKey(_CONFIGURATION), _VALID, result.passed, metadata, description=text
        )
        is_new = context.cursor != text
        return dg.SensorResult(
            asset_events=[dg.AssetMaterialization(_CONFIGURATION, None, metadata), evaluation]
            if is_new
            else [],
            skip_reason=dg.SkipReason(text),
            cursor=text,
        )

    return sensor


def maintenance_schedule(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Return the daily schedule of retention."""
    return dg.ScheduleDefinition(
        name="maintenance",
        cron_schedule="30 3 * * *",
        target=dg.AssetSelection.assets("retention"),
        default_status=status,
        description="Delete old runs, reports and mails.",
    )


def delete_runs(instance: dg.DagsterInstance, days: int, clock: Clock) -> int:
    """Delete finished runs older than *days*, with their logs; return their number."""
    expired = RunsFilter(statuses=_ENDED, created_before=clock() - timedelta(days=days))
    deleted = 0
    while records := instance.get_run_records(expired, limit=_BATCH_SIZE):
        for record in records:
            run_id = record.dagster_run.run_id
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.delete_run(run_id)
        deleted += len(records)
    return deleted
