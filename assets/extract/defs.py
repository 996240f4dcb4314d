"""Dagster assets of the extract stage, for one workspace.

Wiring only: which days, which source, which tables, which check.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import dagster as dg

from assets.config import Workspace
from assets.errors import ReportError, SourceUnavailable
from assets.extract.load import load_days
from assets.extract.watch import WATCHED, watch
from assets.partitions import days_of, period_of_run
from assets.sources.registry import open_source
from assets.warehouse.resource import WarehouseResource

Clock = Callable[[], datetime]


def extract_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the accepted and the rejected events of *workspace*."""
    events, rejected = (
        dg.AssetKey([workspace.slug, name]) for name in ("assignment_events", "rejected_events")
    )

    def spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            key,
            group_name="extract",
            owners=[workspace.owner],
            kinds={workspace.source.type, "parquet"},
            description=description,
        )

    @dg.multi_asset(
        name=f"{events.to_python_identifier()}_load",
        specs=[
            spec(events, "Accepted assignment events as read, one row an event, by local day."),
            spec(
                rejected, "Rows that are no events, each with its input, its number, its reason and its text."
            ),
        ],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_row_explained",
                asset=events,
                blocking=True,
                description="read = accepted + rejected + duplicates + no change, and all of it is stored",
            ),
            *(dg.AssetCheckSpec(name, asset=events, description=text) for name, text in WATCHED.items()),
        ],
        retry_policy=dg.RetryPolicy(max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL),
    )
    def load(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Load the events of whole local days."""
        period, lake, now = period_of_run(context, workspace), warehouse.of(workspace.slug), clock()
        try:
            loaded = load_days(workspace, open_source(workspace.source), lake, period.days, now)
        except ReportError as error:
            may_pass = isinstance(error, SourceUnavailable) and not error.permanent
            raise dg.Failure(str(error), allow_retries=may_pass) from error
        yield dg.MaterializeResult(
            asset_key=events,
            metadata={
                "dagster/partition_row_count": loaded.stored_events,
                "period": f"{period.first_day} to {period.last_day}, {workspace.timezone}",
                "read": loaded.total("read_count"),
                "duplicates": loaded.total("duplicate_count"),
                "no_change": loaded.total("no_change_count"),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="every_row_explained",
                    passed=loaded.is_reconciled,
                    description=str(loaded),
                ),
                *(
                    dg.AssetCheckResult(
                        check_name=seen.name,
                        passed=seen.is_fine,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=seen.text,
                    )
                    for seen in watch(lake, workspace, loaded, now)
                ),
            ],
        )
        yield dg.MaterializeResult(
            asset_key=rejected, metadata={"dagster/partition_row_count": loaded.stored_rejected}
        )

    return [load]
