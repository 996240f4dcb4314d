"""Daily maintenance of the deployment: validate its configuration, and apply retention."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from assets.clock import Clock
from assets.config.deployment import Config
from assets.deliver.dispatcher import Dispatcher
from assets.deliver.retention import apply_retention

_BATCH_SIZE = 500
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def maintenance_assets(config: Config, broken: Sequence[str]) -> list[dg.AssetsDefinition]:
    """Return the assets of the deployment, which belong to no workspace."""

    @dg.asset(
        group_name="deployment",
        check_specs=[dg.AssetCheckSpec("configuration_valid", asset="configuration")],
        description="The configuration of this deployment.",
    )
    def configuration() -> dg.MaterializeResult:
        return dg.MaterializeResult(
            metadata={"workspaces": len(config.workspaces), "mistakes": len(broken)},
            check_results=[
                dg.AssetCheckResult(
                    check_name="configuration_valid",
                    passed=not broken,
                    description="\n".join(broken) or f"{len(config.workspaces)} workspaces",
                )
            ],
        )

    @dg.asset(
        group_name="deployment", description="Retention: old runs, reports and mails that were deleted."
    )
    def retention(
        context: dg.AssetExecutionContext, dispatcher: dg.ResourceParam[Dispatcher]
    ) -> dg.MaterializeResult:
        runs = delete_runs(context.instance, config.keep_runs_days, dispatcher.clock)
        result = apply_retention(config, dispatcher.catalog, dispatcher.ledger, dispatcher.clock())
        return dg.MaterializeResult(
            metadata={"runs": runs, "versions": result.versions, "mails": result.mails, "files": result.files}
        )

    return [configuration, retention]


def maintenance_schedule(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Return the daily schedule of `maintenance_assets`."""
    return dg.ScheduleDefinition(
        name="maintenance",
        cron_schedule="30 3 * * *",
        target=dg.AssetSelection.assets("configuration", "retention"),
        default_status=status,
        description="Check the configuration; delete old runs, reports and mails.",
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
