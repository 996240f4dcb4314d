"""Dagster assets of the aggregates stage, for one workspace.

Wiring only: which days, which pure function, which tables, which checks.
"""

from collections.abc import Iterator

import dagster as dg

from assets.aggregates.build import build_days
from assets.aggregates.metadata import ROWS_RECONCILED, add_day_metadata, reconciled_results, stored_metadata
from assets.config.workspace import Workspace
from assets.partitions import days_of, period_of_run
from assets.warehouse.metadata import end_of_check, partition_results, table_metadata
from assets.warehouse.resource import WarehouseResource, retrying_transient_errors
from assets.warehouse.schema import METADATA

_LOG, _COUNTS = "assignment_log", "daily_source_aggregates"
_UPSTREAM = {_LOG: "assignment_events", _COUNTS: _LOG}
_DESCRIPTIONS = {
    _LOG: "Every assignment, report-ready; its previous assignee resolved by earlier days.",
    _COUNTS: "Assignments per local day and source, by action, with distinct contacts and conversations.",
}
_CHECKS = {
    _LOG: "accepted = logged + no change + repeated",
    _COUNTS: "log rows = sum of the counts",
}


def aggregate_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the assets of *workspace*'s log and daily counts: one step, which stores whole days or none."""

    @dg.multi_asset(
        name=f"{dg.AssetKey([workspace.slug, _LOG]).to_python_identifier()}_build",
        specs=[
            dg.AssetSpec(
                [workspace.slug, table],
                deps=[dg.AssetKey([workspace.slug, _UPSTREAM[table]])],
                group_name=workspace.group,
                tags={"stage": "aggregates"},
                owners=[workspace.owner],
                kinds={"duckdb", "parquet"},
                metadata=table_metadata(METADATA.tables[table]),
                description=description,
            )
            for table, description in _DESCRIPTIONS.items()
        ],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                ROWS_RECONCILED,
                asset=[workspace.slug, table],
                partitions_def=days_of(workspace),
                blocking=True,
                description=description,
            )
            for table, description in _CHECKS.items()
        ],
    )
    def build(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckEvaluation | dg.Output]:
        """Build the log and the counts of whole local days."""
        period, lake = period_of_run(context, workspace), warehouse.of(workspace.slug)
        with retrying_transient_errors(context):
            built = build_days(lake, period)
        add_day_metadata(context, workspace.slug, built, period)
        for table in _DESCRIPTIONS:
            key = dg.AssetKey([workspace.slug, table])
            yield dg.MaterializeResult(asset_key=key, metadata=stored_metadata(lake, table))
            yield from partition_results(
                context, key, reconciled_results(table, built, period), blocking=True
            )
            yield end_of_check(key, ROWS_RECONCILED)

    return [build]
