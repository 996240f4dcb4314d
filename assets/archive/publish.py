"""Publish a report: build it, reconcile its totals, render its files, and archive it.

A report whose totals differ is never archived.
"""

import gc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.metadata import version

import pyarrow as pa
import pyarrow.parquet as pq

from assets.archive.archive import Archive
from assets.archive.catalog import Catalog
from assets.archive.index_pages import mark_index_due
from assets.archive.version import Archived, Origin
from assets.archive.version_files import Draft
from assets.config.deployment import Config
from assets.config.presentation import Format
from assets.config.source import reading_version
from assets.config.workspace import ReportSpec, Workspace
from assets.errors import TotalsDiffer
from assets.periods import as_of
from assets.render.data_files import csv_bytes, parquet_bytes
from assets.report.build import build_report
from assets.report.log_table import printed_log, time_unit_of, with_labels
from assets.report.model import ProofLine, Report, Total
from assets.runtime.storage_errors import explaining_errors
from assets.warehouse.base import Warehouse, kept_warehouse
from assets.warehouse.reading import reading

_MADE_WITH = (
    "assignment-reports",
    "babel",
    "jinja2",
    "matplotlib",
    "pyarrow",
    "tzdata",
    "weasyprint",
    "xlsxwriter",
)


@dataclass(frozen=True, slots=True)
class Published:
    """A report and its archived version."""

    report: Report
    archived: Archived


def draft_report(
    warehouse: Warehouse, workspace: Workspace, spec: ReportSpec, report_date: date, as_of: datetime
) -> Draft:
    """Build and reconcile one report, and write its data files in memory.

    Raises TotalsDiffer if two of its totals are not equal.
    """
    with reading(warehouse):
        built = build_report(warehouse, workspace, spec, report_date, as_of)
    formats = set(spec.formats)
    has_csv = Format.CSV in formats or (Format.PDF in formats and built.report.carries_log)
    has_files = has_csv or Format.XLSX in formats
    shown = built.report.log.rows_shown
    rows = built.rows if has_files else built.rows.slice(max(0, built.rows.num_rows - shown))
    as_given = printed_log(rows, workspace.zone, time_unit_of(built.rows))
    tables = {"log.csv": csv_bytes(as_given, has_bom=spec.csv_bom)} if has_csv else {}
    if Format.PARQUET in formats:
        tables["log.parquet"] = parquet_bytes(built.rows)
    report = _with_tables(built.report, tables)
    require_reconciled(report)
    # The report's own filters name no contact where contacts are masked.
    filters = report.filters.model_dump(mode="json")
    alerts = [alert.model_dump(mode="json", include={"when", "match"}) for alert in workspace.alerts_of(spec)]
    configuration = {
        "timezone": workspace.timezone,
        "source_version": reading_version(workspace.source),
        "report": spec.model_dump(mode="json", exclude={"brand": {"logo"}}) | {"filters": filters},
        **({"teams": built.teams} if built.teams else {}),
        **({"alerts": alerts} if alerts else {}),
    }
    if report.notes:
        configuration["notes"] = [note.model_dump(mode="json") for note in report.notes]
    printed = with_labels(as_given, built.coded)
    return Draft(report, tables, printed, built.coded, built.explorer, spec.formats, configuration)


@explaining_errors()  # not every error of a library can be sent to another process
def make_report(
    config: Config, workspace: Workspace, spec: ReportSpec, report_date: date, now: datetime
) -> Published:
    """Draft one report, archive it and record it in the catalog.

    A process calls this for one report after the other. Raises TotalsDiffer, StorageUnavailable or
    StorageUnusable.
    """
    if not gc.isenabled():
        gc.collect()  # garbage of the previous report
    draft = _draft_as_of(config, workspace, spec, report_date, now)
    mark_index_due(config.archive, workspace.slug)
    published = publish_report(draft, Archive(config.archive))
    Catalog(config.state).record(published.archived, published.report.as_of, now)
    return published


@explaining_errors()
def find_report(
    config: Config, workspace: Workspace, spec: ReportSpec, report_date: date, now: datetime
) -> Published | None:
    """Return the archived version whose content the report would have now, or None; it renders nothing.

    It is recorded as made *now*. Raises as `make_report` does.
    """
    report = _draft_as_of(config, workspace, spec, report_date, now).report
    archived = Archive(config.archive).find(report)
    if archived is None:
        return None
    mark_index_due(config.archive, workspace.slug)
    Catalog(config.state).record(archived, report.as_of, now)
    return Published(report, archived)


def _draft_as_of(
    config: Config, workspace: Workspace, spec: ReportSpec, report_date: date, now: datetime
) -> Draft:
    warehouse = kept_warehouse(config, workspace.slug)
    return draft_report(warehouse, workspace, spec, report_date, as_of(report_date, now, workspace.zone))


def publish_report(draft: Draft, archive: Archive) -> Published:
    """Render *draft* and archive it; if the archive has its content already, nothing is rendered."""
    return Published(draft.report, archive.store(draft.report, origin_of(draft), draft.render))


def origin_of(draft: Draft) -> Origin:
    """Return the configuration and library versions that *draft* is made from."""
    return Origin(draft.configuration, _library_versions())


@cache
def _library_versions() -> dict[str, str]:
    return {name: version(name) for name in _MADE_WITH}


def _with_tables(report: Report, tables: Mapping[str, bytes]) -> Report:
    """Return *report* with the row counts of its data files, read from their bytes, and the CSV's hash."""
    proof, sha256 = list(report.proof), ""
    if csv := tables.get("log.csv"):
        sha256 = hashlib.sha256(csv).hexdigest()
        proof.append(ProofLine(name=Total.CSV, total=csv.count(b"\r\n") - 1))
    if parquet := tables.get("log.parquet"):
        rows = pq.read_metadata(pa.BufferReader(parquet)).num_rows
        proof.append(ProofLine(name=Total.PARQUET, total=rows))
    log = report.log.model_copy(update={"sha256": sha256})
    return report.model_copy(update={"log": log, "proof": tuple(proof)})


def require_reconciled(report: Report) -> None:
    """Raise TotalsDiffer, with every total, unless all equal the report's."""
    if not report.is_reconciled:
        lines = ", ".join(f"{line.label} {line.total:,}" for line in report.proof)
        raise TotalsDiffer(
            f"{report.workspace}/{report.name} of {report.report_date}: total {report.total:,}, but {lines}; "
            "reload its days with `assignment-reports run --reload`"
        )
