"""Dagster assets of the extract stage, for one workspace.

Wiring only: which days, which source, which tables, which check.
"""

from collections.abc import Iterator

import dagster as dg

from assets.clock import Clock
from assets.config.source import RespondIoSource
from assets.config.workspace import Workspace
from assets.errors import ReportError, SourceUnavailable
from assets.extract.input_summary import input_lines
from assets.extract.load import load_days
from assets.extract.load_checks import WATCHED, stall_text, watch
from assets.extract.load_plan import changed_files
from assets.extract.source_stall import find_stall, is_silent
from assets.extract.stall_alerts import note_stall
from assets.partitions import days_of, period_of_run
from assets.sources.registry import open_sources
from assets.state.alerts import AlertLog
from assets.warehouse.resource import WarehouseResource, tried_again

_RETRIES, _FIRST_PAUSE_SECONDS = 3, 30
_ROWS = "dagster/partition_row_count"
_COUNTS = {
    "assignment_events": {
        _ROWS: "accepted_count",
        "read": "read_count",
        "duplicates": "duplicate_count",
        "no_change": "no_change_count",
    },
    "rejected_events": {_ROWS: "rejected_count"},
}


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
    )
    def load(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Load the events of whole local days."""
        period, lake, now = period_of_run(context, workspace), warehouse.of(workspace.slug), clock()
        try:
            sources = open_sources(workspace, warehouse.config.imports)
            with tried_again():
                loaded = load_days(workspace, sources, lake, period.days, now)
        except ReportError as error:
            if error.may_pass and context.retry_number < _RETRIES:
                pause = _FIRST_PAUSE_SECONDS * 2**context.retry_number
                raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=pause) from error
            raise dg.Failure(str(error), allow_retries=False) from error
        for key, columns in _COUNTS.items():
            for name, column in columns.items():
                for day, count in loaded.by_day(column).items():
                    if day not in period.days:  # read again because it had changed
                        continue
                    context.add_asset_metadata(
                        {name: count}, asset_key=[workspace.slug, key], partition_key=str(day)
                    )
        inputs = dg.MetadataValue.md("\n".join(f"* {line}" for line in input_lines(workspace, loaded.inputs)))
        yield dg.MaterializeResult(
            asset_key=events,
            metadata={"inputs": inputs},
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
        yield dg.MaterializeResult(asset_key=rejected)

    return [load, _watch_asset(workspace), *_snapshot_assets(workspace)]


def _snapshot_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    options = workspace.source
    if not isinstance(options, RespondIoSource) or options.api_token is None:
        return []

    @dg.asset(
        key=[workspace.slug, "contact_snapshot"],
        group_name="extract",
        owners=[workspace.owner],
        kinds={"respond_io"},
        retry_policy=dg.RetryPolicy(max_retries=_RETRIES, delay=_FIRST_PAUSE_SECONDS),
    )
    def contact_snapshot(clock: dg.ResourceParam[Clock]) -> dg.MaterializeResult:
        """Contacts and their assignees as the API lists them; what no webhook told becomes an event."""
        from assets.sources.respond_io.contact_snapshot import take_snapshot  # noqa: PLC0415 - few workspaces need it

        try:
            found = take_snapshot(options, workspace.slug, clock)
        except SourceUnavailable as error:
            raise dg.Failure(str(error), allow_retries=not error.permanent) from error
        return dg.MaterializeResult(
            metadata={
                "contacts": found.contacts,
                "missed": found.missed or 0,
                "not_understood": found.not_understood,
            }
        )

    return [contact_snapshot]


def _watch_asset(workspace: Workspace) -> dg.AssetsDefinition:
    @dg.asset(
        key=[workspace.slug, "source_watch"],
        group_name="extract",
        kinds={workspace.source.type},
        owners=[workspace.owner],
        description="Whether the source has stopped: asked between loads, nothing is stored.",
    )
    def source_watch(
        warehouse: dg.ResourceParam[WarehouseResource],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        lake, now = warehouse.of(workspace.slug), clock()
        sources = open_sources(workspace, warehouse.config.imports)
        try:
            changed = changed_files(sources, lake)
            silent = is_silent(sources.main, changed, lake, workspace, now)
        except SourceUnavailable as error:
            raise dg.Failure(str(error), allow_retries=not error.permanent) from error
        note_stall(AlertLog(warehouse.config.state), lake, workspace, now, is_silent=silent)
        stall = find_stall(lake, workspace, now, is_silent=silent)
        return dg.MaterializeResult(
            metadata={"silence": stall_text(stall, workspace) if stall else "no unusual silence"}
        )

    return source_watch
