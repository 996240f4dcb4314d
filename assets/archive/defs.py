"""Dagster assets of the archive stage, for one workspace: its reports, and which of them are outdated.

Wiring only: which report dates and days a run covers, and what the UI shows. Figures are counted in
`assets/report/`, files are rendered in `publish.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.archive.catalog import Catalog
from assets.archive.index_pages import write_index
from assets.archive.outdated import outdated_reports
from assets.archive.publish import Published, draft_report, publish_report
from assets.archive.resource import ArchiveResource
from assets.archive.version import Archived
from assets.clock import Clock
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import TotalsDiffer
from assets.extract.stall_alerts import add_stall_alert
from assets.partitions import days_of, days_read_by, report_dates_of, report_dates_of_run
from assets.periods import as_of
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.report.model import Report
from assets.state.alerts import AlertLog
from assets.warehouse.resource import WarehouseResource, retrying_transient_errors

_RECONCILE = "totals_reconcile"
_MAX_DATES_PER_RUN = 31
_BAR_LENGTH = 40


def report_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return the report assets of *workspace*: one for outdated versions, and one per report."""
    return [
        _catalog_asset(workspace),
        *(_report_asset(workspace, spec) for spec in workspace.all_reports),
    ]


def _catalog_asset(workspace: Workspace) -> dg.AssetsDefinition:
    @dg.asset(
        key=[workspace.slug, "archived_reports"],
        group_name="report",
        deps=[[workspace.slug, "daily_source_aggregates"]],
        partitions_def=days_of(workspace),
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"sql"},
        owners=[workspace.owner],
        description="Archived reports whose days have changed since.",
    )
    def archived_reports(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        archive: ArchiveResource,
        catalog: dg.ResourceParam[Catalog],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        with retrying_transient_errors(context):
            lake = warehouse.of(workspace.slug)
            outdated = outdated_reports(catalog, lake, workspace)
            catalog.mark_outdated(outdated, clock())
            add_stall_alert(AlertLog(warehouse.config.state), lake, workspace, clock())
        if outdated:
            write_index(catalog, archive.open().root, [workspace.slug])
        names = [f"{key.report} of {key.report_date}" for key in sorted(outdated)]
        return dg.MaterializeResult(metadata={"outdated": len(outdated), "reports": names})

    return archived_reports


def _report_asset(workspace: Workspace, spec: ReportSpec) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "report", spec.name])
    upstream = [dg.AssetKey([workspace.slug, name]) for name in ("assignment_log", "daily_source_aggregates")]

    @dg.asset(
        key=key,
        group_name="report",
        deps=[
            dg.AssetDep(asset_key, partition_mapping=days_read_by(workspace, spec)) for asset_key in upstream
        ],
        partitions_def=report_dates_of(workspace, spec),
        backfill_policy=dg.BackfillPolicy.multi_run(_MAX_DATES_PER_RUN),
        check_specs=[
            dg.AssetCheckSpec(_RECONCILE, asset=key, description="every total of the report is the same"),
            dg.AssetCheckSpec(
                "complete", asset=key, description="every day is loaded, every input was read and understood"
            ),
        ],
        kinds={format_.value for format_ in spec.formats} & {"html", "pdf"},
        owners=[workspace.owner],
        description=f"The report {spec.name.replace('_', ' ')}, archived as "
        f"{', '.join(format_.value.upper() for format_ in spec.formats)}.",
    )
    def report(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[WarehouseResource],
        archive: ArchiveResource,
        catalog: dg.ResourceParam[Catalog],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        lake, now = warehouse.of(workspace.slug), clock()
        published = []
        with retrying_transient_errors(context):
            for report_date in report_dates_of_run(context, workspace):
                until = as_of(report_date, now, workspace.zone)
                try:
                    draft = draft_report(lake, workspace, spec, report_date, until)
                except TotalsDiffer as error:
                    yield dg.AssetCheckResult(check_name=_RECONCILE, passed=False, description=str(error))
                    raise
                published.append(publish_report(draft, archive.open()))
                catalog.record(published[-1].archived, draft.report.as_of, now)
                context.add_asset_metadata(
                    _report_metadata(published[-1], archive), partition_key=str(report_date)
                )
            write_index(catalog, archive.open().root, [workspace.slug])
        yield dg.MaterializeResult(check_results=_check_results(published))

    return report


def _report_metadata(published: Published, archive: ArchiveResource) -> dict[str, dg.MetadataValue]:
    report, archived = published.report, published.archived
    return {
        "assignments": dg.MetadataValue.text("No data")
        if report.has_no_data
        else dg.MetadataValue.int(report.total),
        "status": dg.MetadataValue.text("provisional" if report.provisional else "complete"),
        **({"reasons": dg.MetadataValue.json(_list_reasons(report))} if report.provisional else {}),
        "period": dg.MetadataValue.text(
            f"{report.period.first_day} to {report.period.last_day}, {report.period.timezone}"
        ),
        "as_of": dg.MetadataValue.text(report.as_of_local),
        "version": dg.MetadataValue.text(_describe_version(archived)),
        "dagster/partition_row_count": dg.MetadataValue.int(report.log.rows_total),
        "chart": dg.MetadataValue.md(_draw_text_bars(report)),
        "folder": dg.MetadataValue.path(str(archived.folder)),
        **{
            Path(entry.name).suffix[1:]: dg.MetadataValue.url(archive.address(archived.folder / entry.name))
            for entry in archived.manifest.files
            if entry.name in {"report.html", "report.pdf"}
        },
    }


def _draw_text_bars(report: Report) -> str:
    """Return the sources as a Markdown bar chart: an image takes longer to draw than a report to count."""
    if not report.total:
        return "no data" if report.has_no_data else "no assignments"
    largest = max(source.count for source in report.by_source)
    width = max(len(source.label) for source in report.by_source)
    lines = (
        f"{source.label:{width}}  {source.count:>9,}  {'█' * round(_BAR_LENGTH * source.count / largest)}"
        for source in report.by_source
    )
    return "\n".join(("```", *lines, "```"))


def _list_reasons(report: Report) -> list[dict[str, object]]:
    """Return why *report* is provisional: code, sentence and facts of each reason."""
    sentences = reason_sentences(report, load_words("en"))
    return [
        {"code": reason.code.value, "text": text, **reason.facts}
        for reason, text in zip(report.reasons, sentences, strict=True)
    ]


def _describe_difference(before: int | None, after: int | None) -> str:
    texts = ["no data" if value is None else f"{value:,}" for value in (before, after)]
    by = "" if before is None or after is None else f" ({after - before:+,})"
    return f"{' -> '.join(texts)}{by}"


def _describe_version(archived: Archived) -> str:
    """Return the version's number and the changes since the version it supersedes."""
    manifest = archived.manifest
    if manifest.supersedes is None:
        return f"v{manifest.version}"
    changes = (
        f"{name} {_describe_difference(before, after)}"
        for name, (before, after) in manifest.supersedes.changes.items()
    )
    causes = " and ".join(manifest.supersedes.causes)
    return (
        f"v{manifest.version}, after v{manifest.supersedes.version}: {', '.join(changes) or 'same figures'}"
        f"{f'; {causes} changed' if causes else ''}"
    )


def _check_results(published: list[Published]) -> list[dg.AssetCheckResult]:
    provisional = [
        f"{entry.report.report_date}: {' '.join(reason_sentences(entry.report, load_words('en')))}"
        for entry in published
        if entry.report.provisional
    ]
    totals = (
        f"{entry.report.report_date}: "
        + ", ".join(f"{line.label} {line.total:,}" for line in entry.report.proof)
        for entry in published
    )
    return [
        dg.AssetCheckResult(
            check_name=_RECONCILE,
            passed=all(entry.report.is_reconciled for entry in published),
            description="\n".join(totals),
        ),
        dg.AssetCheckResult(
            check_name="complete",
            passed=not provisional,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(provisional) or "every day is loaded, every input was read and understood",
        ),
    ]
