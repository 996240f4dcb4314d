"""What Dagster's UI shows of a report: its description, metadata of a report date, results of its checks.

Figures are counted in `assets/report/`; which assets there are is in `defs.py`.
"""

from datetime import datetime, time
from pathlib import Path

import dagster as dg

from assets.archive.publish import Published
from assets.archive.resource import ArchiveResource
from assets.archive.version import Archived
from assets.config.workspace import ReportSpec, Workspace
from assets.periods import Preset
from assets.render.i18n import load_words
from assets.render.labels import total_names
from assets.render.reasons import reason_sentences
from assets.render.untrusted_text import shorten_text
from assets.report.model import Report
from assets.warehouse.metadata import totals_table

_RECONCILE, _COMPLETE = "totals_reconcile", "complete"
CHECKS = {
    _RECONCILE: "every total of the report is the same",
    _COMPLETE: "every day is loaded, every input was read and understood",
}
_MAX_BARS, _BAR_LENGTH = 24, 40


def report_metadata(
    published: Published, archive: ArchiveResource, next_due: datetime | None
) -> dict[str, dg.MetadataValue]:
    """Return what the UI shows of one report date; the report is due again at *next_due*."""
    report, archived = published.report, published.archived
    value = dg.MetadataValue
    return {
        "assignments": value.text("No data") if report.has_no_data else value.int(report.total),
        **_change_metadata(report),
        "status": value.text("provisional" if report.provisional else "complete"),
        **({"reasons": _reasons_table(report)} if report.provisional else {}),
        **({"missing_days": value.int(len(report.missing_days))} if report.missing_days else {}),
        **{
            Path(entry.name).suffix[1:]: _link(archived.folder / entry.name, archive)
            for entry in archived.manifest.files
            if entry.name in {"report.html", "report.pdf"}
        },
        "period": value.text(
            f"{report.period.first_day} to {report.period.last_day}, {report.period.timezone}"
        ),
        "as_of": value.text(report.as_of_local),
        **({"next_due": value.timestamp(next_due)} if next_due else {}),
        "version": value.text(_describe_version(archived)),
        "dagster/partition_row_count": value.int(report.log.rows_total),
        "chart": value.md(_draw_text_bars(report)),
        "folder": value.path(str(archived.folder)),
    }


def _link(file: Path, archive: ArchiveResource) -> dg.MetadataValue:
    """Return a link to an archived *file*, or its path: browsers open no `file:` link of a web page."""
    return dg.MetadataValue.url(archive.address(file)) if archive.url else dg.MetadataValue.path(str(file))


def _change_metadata(report: Report) -> dict[str, dg.MetadataValue]:
    """Return the change against the compared period, where that is loaded."""
    compared = report.comparison
    if report.has_no_data or compared is None or compared.total is None:
        return {}
    change = {
        "previous_assignments": dg.MetadataValue.int(compared.total),
        "change": dg.MetadataValue.int(report.total - compared.total),
    }
    if compared.change_pct is None:
        return {**change}
    return {**change, "change_pct": dg.MetadataValue.float(compared.change_pct)}


def _reasons_table(report: Report) -> dg.MetadataValue:
    """Return why *report* is provisional: code and sentence of each reason."""
    sentences = reason_sentences(report, load_words("en"))
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"code": reason.code.value, "reason": text})
            for reason, text in zip(report.reasons, sentences, strict=True)
        ]
    )


def _draw_text_bars(report: Report) -> str:
    """Return the sources as a Markdown bar chart: an image takes longer to draw than a report to count."""
    if not report.total:
        return "no data" if report.has_no_data else "no assignments"
    shown, rest = report.by_source[:_MAX_BARS], report.by_source[_MAX_BARS:]
    largest = max(source.count for source in shown)
    labels = [shorten_text(source.label, _BAR_LENGTH) for source in shown]
    width = max(map(len, labels))
    lines = [
        f"{label:{width}}  {source.count:>9,}  {'█' * round(_BAR_LENGTH * source.count / largest)}"
        for label, source in zip(labels, shown, strict=True)
    ]
    if rest:
        lines.append(f"{len(rest):,} more sources: {sum(source.count for source in rest):,}")
    return "\n".join(("```", *lines, "```"))


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


def check_results(report: Report) -> list[dg.AssetCheckResult]:
    """Return the results of both checks of one report date."""
    reasons, names = "\n".join(reason_sentences(report, load_words("en"))), total_names(load_words("en"))
    return [
        dg.AssetCheckResult(
            check_name=_RECONCILE,
            passed=report.is_reconciled,
            description=f"{report.total:,} assignments, counted in {len(report.proof)} ways",
            metadata={
                "assignments": report.total,
                "totals": totals_table((names[line.name], line.total) for line in report.proof),
            },
        ),
        dg.AssetCheckResult(
            check_name=_COMPLETE,
            passed=not report.provisional,
            severity=dg.AssetCheckSeverity.WARN,
            description=reasons or CHECKS[_COMPLETE],
            metadata={"missing_days": len(report.missing_days), "reasons": len(report.reasons)},
        ),
    ]


def check_difference(error: BaseException) -> dg.AssetCheckResult:
    """Return the result of the check of a report whose totals differ, and which is not archived."""
    return dg.AssetCheckResult(check_name=_RECONCILE, passed=False, description=str(error))


def describe_report(workspace: Workspace, spec: ReportSpec) -> str:
    """Return what a report counts, when it is due, and the files that are archived."""
    formats = ", ".join(format_.value.upper() for format_ in spec.formats)
    return (
        f"Assignments of {_describe_period(workspace, spec)}{_describe_filters(spec)}. "
        f"Due {_describe_timing(workspace, spec)}. Archived as {formats}."
    )


def _describe_period(workspace: Workspace, spec: ReportSpec) -> str:
    preset = spec.preset
    if spec.fixed_days:
        return f"{spec.fixed_days[0]} to {spec.fixed_days[1]}"
    if preset is Preset.EXPLORER:
        days = workspace.explorer_days
        return f"any period {f'of the last {days} days' if days else 'since the first of the previous month'}"
    if preset.day_count:
        return (
            f"the report date and the {preset.day_count - 1} days before it"
            if spec.include_today
            else f"the {preset.day_count} days before the report date"
        )
    if preset.running_unit:
        return f"the {preset.running_unit} of the report date, up to it"
    if preset.closed_unit:
        return f"the {preset.closed_unit} before that of the report date"
    return "the report date, up to its run" if preset is Preset.TODAY else "the day before the report date"


def _describe_filters(spec: ReportSpec) -> str:
    """Return the filters; of contacts and conversations only how many values there are."""
    texts = []
    for name, values in spec.filters.model_dump().items():
        shown = f"{len(values)} values" if name in {"contact", "conversation"} else " or ".join(values)
        if values:
            texts.append(f"{name.replace('_', ' ')}: {shown}")
    return f", only {'; '.join(texts)}" if texts else ""


def _describe_timing(workspace: Workspace, spec: ReportSpec) -> str:
    if workspace.today_every and spec.includes_running_day:
        return f"every {workspace.today_every} minutes"
    at = f"at {spec.at or time(6):%H:%M} ({workspace.timezone})"
    if spec.fixed_days:
        return f"once, on the day after it {at}"
    if isinstance(spec.every, str):
        days = spec.every.replace("_of_", " of each ").replace("_", " ")
        return f"{'on the' if days.startswith(('first', 'last')) else 'every'} {days} {at}"
    return f"every {' and '.join(day.value for day in spec.every)} {at}"
