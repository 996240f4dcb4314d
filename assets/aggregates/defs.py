"""Dagster assets of the aggregates stage, for one workspace.

Wiring only: which days, which pure function, which tables, which checks.
"""

from collections.abc import Iterator

import dagster as dg

from assets.aggregates.build import Built, build_days
from assets.config.workspace import Workspace
from assets.partitions import days_of, period_of_run
from assets.periods import Period
from assets.warehouse.resource import WarehouseResource, retrying_transient_errors

_NOTHING_LOST = "rows_reconciled"
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
                group_name="aggregates",
                owners=[workspace.owner],
                kinds={"duckdb", "parquet"},
                description=description,
            )
            for table, description in _DESCRIPTIONS.items()
        ],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                _NOTHING_LOST, asset=[workspace.slug, table], blocking=True, description=description
            )
            for table, description in _CHECKS.items()
        ],
    )
    def build(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> Iterator[dg.MaterializeResult]:
        """Build the log and the counts of whole local days."""
        period = period_of_run(context, workspace)
        with retrying_transient_errors(context):
            built = build_days(warehouse.of(workspace.slug), period)
        _add_counts(context, workspace, built, period)
        yield _checked_result(workspace, _LOG, is_whole=built.log_is_whole, text=built.log_text)
        yield _checked_result(workspace, _COUNTS, is_whole=built.counts_are_whole, text=built.counts_text)

    return [build]


def _add_counts(
    context: dg.AssetExecutionContext, workspace: Workspace, built: Built, period: Period
) -> None:
    for day in built.log_counts.keys() & set(period.days):
        counted = {"assignments": built.log_counts[day]}
        rows = counted | {"dagster/partition_row_count": built.log_counts[day]}
        for table, metadata in ((_LOG, rows), (_COUNTS, counted)):
            context.add_asset_metadata(metadata, asset_key=[workspace.slug, table], partition_key=str(day))


def _checked_result(workspace: Workspace, table: str, *, is_whole: bool, text: str) -> dg.MaterializeResult:
    key = dg.AssetKey([workspace.slug, table])
    check = dg.AssetCheckResult(asset_key=key, check_name=_NOTHING_LOST, passed=is_whole, description=text)
    return dg.MaterializeResult(asset_key=key, check_results=[check])
