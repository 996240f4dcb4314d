"""Dagster assets of the extract stage, for one workspace.

Wiring only: which days, which source, which tables, which check.
"""

from collections.abc import Iterator

import dagster as dg

from assets.clock import Clock
from assets.config.source import RespondIoSource
from assets.config.workspace import Workspace
from assets.extract.input_summary import input_lines
from assets.extract.last_load import record_load
from assets.extract.load import load_days
from assets.extract.load_checks import WATCHED, check_load, stall_text
from assets.extract.load_plan import changed_files
from assets.extract.metadata import (
    ROWS_ACCOUNTED_FOR,
    add_day_metadata,
    reconciled_results,
    stored_metadata,
    watched_result,
)
from assets.extract.source_stall import find_stall, is_silent
from assets.extract.stall_alerts import add_load_alerts, add_stall_alert
from assets.partitions import days_of, period_of_run
from assets.runtime.extras import require
from assets.sources.registry import open_sources
from assets.state.alerts import AlertLog
from assets.state.loads import LoadLog
from assets.warehouse.metadata import end_of_check, partition_results, table_metadata
from assets.warehouse.resource import WarehouseResource, retrying_transient_errors
from assets.warehouse.schema import METADATA

_DESCRIPTIONS = {
    "assignment_events": "Accepted assignment events as read, one row an event, by local day.",
    "rejected_events": "Rows that are no events, each with its input, its number, its reason and its text.",
}


def extract_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the extract assets of *workspace*: events, source watch and, with an API token, the snapshot."""
    return [_load_asset(workspace), _watch_asset(workspace), *_snapshot_assets(workspace)]


def _load_asset(workspace: Workspace) -> dg.AssetsDefinition:
    events = dg.AssetKey([workspace.slug, "assignment_events"])

    @dg.multi_asset(
        name=f"{events.to_python_identifier()}_load",
        specs=[
            dg.AssetSpec(
                [workspace.slug, name],
                group_name=workspace.group,
                tags={"stage": "extract"},
                owners=[workspace.owner],
                kinds={workspace.source.type, "parquet"},
                metadata=table_metadata(METADATA.tables[name]),
                description=description,
            )
            for name, description in _DESCRIPTIONS.items()
        ],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                ROWS_ACCOUNTED_FOR,
                asset=events,
                partitions_def=days_of(workspace),
                blocking=True,
                description="read = accepted + rejected + duplicates + no change, and all of it is stored",
            ),
            *(dg.AssetCheckSpec(name, asset=events, description=text) for name, text in WATCHED.items()),
        ],
    )
    def load(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckEvaluation | dg.Output]:
        """Load the events of whole local days."""
        period, lake, now = period_of_run(context, workspace), warehouse.of(workspace.slug), clock()
        with retrying_transient_errors(context):
            sources = open_sources(workspace, warehouse.config.imports, now)
            loaded = load_days(workspace, sources, lake, period.days, now)
        record_load(LoadLog(warehouse.config.state), lake, workspace, loaded, now)
        add_day_metadata(context, workspace.slug, loaded, period)
        watched = check_load(lake, workspace, loaded, now)
        add_load_alerts(AlertLog(warehouse.config.state), lake, workspace, loaded, now)
        inputs = dg.MetadataValue.md("\n".join(f"* {line}" for line in input_lines(workspace, loaded.inputs)))
        yield dg.MaterializeResult(
            asset_key=events,
            metadata={"inputs": inputs, **stored_metadata(lake, "assignment_events")},
            check_results=[*map(watched_result, watched)],
        )
        yield from partition_results(context, events, reconciled_results(loaded, period), blocking=True)
        yield end_of_check(events, ROWS_ACCOUNTED_FOR)
        yield dg.MaterializeResult(
            asset_key=[workspace.slug, "rejected_events"], metadata=stored_metadata(lake, "rejected_events")
        )

    return load


def _watch_asset(workspace: Workspace) -> dg.AssetsDefinition:
    @dg.asset(
        key=[workspace.slug, "source_watch"],
        group_name=workspace.group,
        tags={"stage": "extract"},
        kinds={workspace.source.type},
        owners=[workspace.owner],
        description="Whether the source has stopped: asked between loads, nothing is stored.",
    )
    def source_watch(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        lake, now = warehouse.of(workspace.slug), clock()
        with retrying_transient_errors(context):
            sources = open_sources(workspace, warehouse.config.imports, now)
            changed = changed_files(sources, lake)
            silent = is_silent(sources.main, changed, lake, workspace, now)
            add_stall_alert(AlertLog(warehouse.config.state), lake, workspace, now, is_silent=silent)
            stall = find_stall(lake, workspace, now, is_silent=silent)
        return dg.MaterializeResult(
            metadata={"silence": stall_text(stall, workspace) if stall else "no unusual gap"}
        )

    return source_watch


def _snapshot_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    options = workspace.source
    if not isinstance(options, RespondIoSource) or options.api_token is None:
        return []

    @dg.asset(
        key=[workspace.slug, "contact_snapshot"],
        group_name=workspace.group,
        tags={"stage": "extract"},
        owners=[workspace.owner],
        kinds={"respond_io"},
    )
    def contact_snapshot(
        context: dg.AssetExecutionContext, clock: dg.ResourceParam[Clock]
    ) -> dg.MaterializeResult:
        """Contacts and their assignees from the API; assignments that no webhook reported become events."""
        with retrying_transient_errors(context):
            require("respond-io", f"workspaces.{workspace.slug}.source.api_token")
            from assets.sources.respond_io.contact_snapshot import take_snapshot  # noqa: PLC0415 - few need it

            snapshot = take_snapshot(options, workspace.slug, clock)
        return dg.MaterializeResult(
            metadata={
                "contacts": snapshot.contacts,
                "missed": snapshot.missed or 0,
                "not_understood": snapshot.not_understood,
            }
        )

    return [contact_snapshot]
