"""What Dagster's UI shows of an archived report: metadata of its report date, and the results of its checks.

Figures are counted in `assets/report/`; which assets there are is in `defs.py`.
"""

from pathlib import Path

import dagster as dg

from assets.archive.publish import Published
from assets.archive.resource import ArchiveResource
from assets.archive.version import Archived
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.report.model import Report

RECONCILE = "totals_reconcile"
_BAR_LENGTH = 40


def report_metadata(published: Published, archive: ArchiveResource) -> dict[str, dg.MetadataValue]:
    """Return what the UI shows of one report date."""
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


def check_results(published: list[Published]) -> list[dg.AssetCheckResult]:
    """Return the results of both checks for the report dates of a run."""
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
            check_name=RECONCILE,
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
