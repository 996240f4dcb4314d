"""Dagster assets of the aggregates stage, for one workspace.

Wiring only: which days, which pure function, which tables, which checks.
"""

from collections.abc import Iterator

import dagster as dg

from assets.aggregates.build import build_days
from assets.config.workspace import Workspace
from assets.partitions import days_of, period_of_run
from assets.warehouse.resource import WarehouseResource, tried_again

_NOTHING_LOST = "nothing_lost"


def aggregate_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the log and the daily counts of *workspace*: one step, whose days are whole or not there."""
    events, log, counts = (
        dg.AssetKey([workspace.slug, name])
        for name in ("assignment_events", "assignment_log", "daily_source_aggregates")
    )

    def spec(key: dg.AssetKey, upstream: dg.AssetKey, description: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            key,
            deps=[upstream],
            group_name="aggregates",
            owners=[workspace.owner],
            kinds={"duckdb", "parquet"},
            description=description,
        )

    @dg.multi_asset(
        name=f"{log.to_python_identifier()}_build",
        specs=[
            spec(
                log, events, "Every assignment, report-ready; its previous assignee resolved by earlier days."
            ),
            spec(
                counts,
                log,
                "Assignments per local day and source, by action, with distinct contacts and conversations.",
            ),
        ],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            _nothing_lost(log, "accepted = logged + no change + repeated"),
            _nothing_lost(counts, "log rows = sum of the counts"),
        ],
    )
    def build(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> Iterator[dg.MaterializeResult]:
        """Build the log and the counts of whole local days."""
        period = period_of_run(context, workspace)
        with tried_again():
            built = build_days(warehouse.of(workspace.slug), period)
        for day in built.log_counts.keys() & set(period.days):
            counted = {"assignments": built.log_counts[day]}
            context.add_asset_metadata(
                counted | {"dagster/partition_row_count": built.log_counts[day]},
                asset_key=log,
                partition_key=str(day),
            )
            context.add_asset_metadata(counted, asset_key=counts, partition_key=str(day))
        for key, is_whole, text in (
            (log, built.log_is_whole, built.log_text),
            (counts, built.counts_are_whole, built.counts_text),
        ):
            yield dg.MaterializeResult(
                asset_key=key,
                check_results=[
                    dg.AssetCheckResult(
                        asset_key=key, check_name=_NOTHING_LOST, passed=is_whole, description=text
                    )
                ],
            )

    return [build]


def _nothing_lost(key: dg.AssetKey, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(_NOTHING_LOST, asset=key, blocking=True, description=description)
