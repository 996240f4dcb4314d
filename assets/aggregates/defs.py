"""Dagster assets of the aggregates stage, for one workspace.

Wiring only: which days, which pure function, which table, which checks.
"""

import dagster as dg

from assets.aggregates.build import Tally, build_aggregates, build_log
from assets.config import Workspace
from assets.partitions import days_of, period_of_run
from assets.periods import Period
from assets.warehouse.resource import WarehouseResource

_NOTHING_LOST = "nothing_lost"


def aggregate_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the log and the daily counts of *workspace*."""
    events, log, counts = (
        dg.AssetKey([workspace.slug, name])
        for name in ("assignment_events", "assignment_log", "daily_source_aggregates")
    )

    @dg.asset(
        key=log,
        group_name="aggregates",
        deps=[events],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[_nothing_lost(log, "accepted = logged + no change + repeated")],
        kinds={"duckdb", "parquet"},
        owners=[workspace.owner],
    )
    def assignment_log(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        """Report-ready log: every assignment with its previous assignee resolved over earlier days."""
        period = period_of_run(context, workspace)
        return _result(build_log(warehouse.of(workspace.slug), period), period)

    @dg.asset(
        key=counts,
        group_name="aggregates",
        deps=[log],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[_nothing_lost(counts, "log rows = sum of the counts")],
        kinds={"duckdb", "parquet"},
        owners=[workspace.owner],
    )
    def daily_source_aggregates(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        """Count assignments per local day and source, by action, with distinct contacts and conversations."""
        period = period_of_run(context, workspace)
        return _result(build_aggregates(warehouse.of(workspace.slug), period), period)

    return [assignment_log, daily_source_aggregates]


def _nothing_lost(key: dg.AssetKey, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(_NOTHING_LOST, asset=key, blocking=True, description=description)


def _result(tally: Tally, period: Period) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": tally.stored,
            "period": f"{period.first_day} to {period.last_day}, {period.zone.key}",
            "assignments": tally.after,
        },
        check_results=[
            dg.AssetCheckResult(check_name=_NOTHING_LOST, passed=tally.is_equal, description=tally.text)
        ],
    )
