"""Dagster assets of the reports of one workspace: built, proved, rendered, archived.

Wiring only: which report date, which days, what the UI shows.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg

from assets.config import ReportSpec, Workspace
from assets.deliver.catalogue import write_index
from assets.deliver.publish import Published, draft_report, publish
from assets.deliver.resource import ArchiveResource
from assets.errors import TotalsDiffer
from assets.partitions import days_read_by, report_date_of_run, report_dates_of
from assets.periods import as_of
from assets.render.charts import bar_chart_png
from assets.render.language import words
from assets.warehouse.resource import WarehouseResource

Clock = Callable[[], datetime]

_RECONCILE = "totals_reconcile"


def report_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """Return one asset for each report of *workspace*."""
    return [_report_asset(workspace, spec) for spec in workspace.all_reports]


def _report_asset(workspace: Workspace, spec: ReportSpec) -> dg.AssetsDefinition:
    key = dg.AssetKey([workspace.slug, "report", spec.name])
    upstream = [dg.AssetKey([workspace.slug, name]) for name in ("assignment_log", "daily_source_aggregates")]

    @dg.asset(
        key=key,
        group_name="report",
        deps=[dg.AssetDep(each, partition_mapping=days_read_by(workspace, spec)) for each in upstream],
        partitions_def=report_dates_of(workspace, spec),
        check_specs=[
            dg.AssetCheckSpec(_RECONCILE, asset=key, description="every total of the report is the same"),
            dg.AssetCheckSpec("complete", asset=key, description="every day is loaded, every input was read"),
        ],
        kinds={"html", "pdf"},
        owners=[workspace.owner],
        description=f"The report {spec.name.replace('_', ' ')}, archived as HTML, PDF and data files.",
    )
    def report(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        archive: ArchiveResource,
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        report_date = report_date_of_run(context)
        try:
            draft = draft_report(
                warehouse.of(workspace.slug),
                workspace,
                spec,
                report_date,
                as_of(report_date, clock(), workspace.zone),
            )
        except TotalsDiffer as error:
            yield dg.AssetCheckResult(check_name=_RECONCILE, passed=False, description=str(error))
            raise dg.Failure(str(error), allow_retries=False) from error
        published = publish(draft, archive.open())
        write_index(archive.open())
        yield _result(published)

    return report


def _result(published: Published) -> dg.MaterializeResult:
    report, archived = published.report, published.archived
    picture = b64encode(bar_chart_png(report, words(report.look.language))).decode() if report.total else ""
    missing = f"{len(report.missing_days)} days not loaded, {report.quality.unreadable} inputs not read"
    return dg.MaterializeResult(
        metadata={
            "assignments": report.total,
            "period": f"{report.period.first_day} to {report.period.last_day}, {report.period.timezone}",
            "as_of": report.as_of_local,
            "version": archived.manifest.version,
            "dagster/partition_row_count": report.log.rows_total,
            "chart": dg.MetadataValue.md(f"![Assignments by source](data:image/png;base64,{picture})"),
            "folder": dg.MetadataValue.path(archived.folder),
            **{
                Path(each.name).suffix[1:]: dg.MetadataValue.url((archived.folder / each.name).as_uri())
                for each in archived.manifest.files
                if each.name in {"report.html", "report.pdf"}
            },
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=_RECONCILE,
                passed=report.is_reconciled,
                description=", ".join(f"{line.label} {line.total:,}" for line in report.proof),
            ),
            dg.AssetCheckResult(
                check_name="complete",
                passed=not report.provisional,
                severity=dg.AssetCheckSeverity.WARN,
                description=missing if report.provisional else "every day is loaded, every input was read",
            ),
        ],
    )
