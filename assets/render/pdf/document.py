"""Render a report as PDF: WeasyPrint lays out its pages, without fetching anything, and the log is added."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from logging import getLogger
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from weasyprint import HTML, Attachment, Document
from weasyprint.urls import FatalURLFetchingError, URLFetcher

import assets.runtime.compat.pydyf_compression  # noqa: F401 - sets the level
from assets.config.presentation import Component
from assets.render.charts.renderer import Painted
from assets.render.charts.report_charts import draw_charts
from assets.render.day_notes import mark_noted_days
from assets.render.html.page import render_print
from assets.render.pdf.tagging import repair_tags
from assets.report.model import Report
from assets.runtime.compat.weasyprint_internals import unexpected_internals

if TYPE_CHECKING:
    from assets.render.pdf.printed_log import PrintedLog

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGES_WITHOUT_CONTENTS, _COMPONENTS_OF_FEW_PAGES = 4, 7

_LOG = getLogger(__name__)


class NothingFetched(URLFetcher):
    """Rejects every URL except `data:`; a document that needs another one is not printed."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return the content of a `data:` URL. Raises FatalURLFetchingError for any other."""
        if not url.startswith("data:"):
            raise FatalURLFetchingError(f"a report must not fetch {url}")
        return super().fetch(url, headers)


def render_pdf(report: Report, printed: pa.Table, version: int, log: bytes) -> bytes:
    """Return *version* of *report* as PDF with embedded fonts, bookmarks and metadata.

    *printed* are the log rows to print, as the eight columns; *log* is the whole log as CSV.

    The file is tagged PDF/UA-1, or PDF/A-3a if the log is attached: a file cannot claim both. The tags of
    more than 5,000 rows are larger than the rows; the attached CSV replaces them, in PDF/A-3b.
    """
    # fontTools writes the time into each font subset; a fixed one keeps the bytes the same.
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    rows = printed if report.components.shows(Component.LOG) else printed.slice(0, 0)
    rows = mark_noted_days(rows, report)
    variant = "pdf/a-3b" if not report.tags_rows else "pdf/a-3a" if report.carries_log else "pdf/ua-1"
    sets_rows = rows.num_rows > 0 and _can_set_rows()

    def lay_out_report(*, has_contents: bool) -> Document:
        html = render_print(report, rows, version, has_sample_rows=sets_rows, has_contents=has_contents)
        return lay_out(html, variant, _chart_pictures(report))

    shown = sum(map(report.components.shows, Component))
    document = with_due_contents(lay_out_report, seems_long=shown > _COMPONENTS_OF_FEW_PAGES)
    pages = _printed_log(document, rows, report) if sets_rows else None

    def finish(_document: Document, pdf: Any) -> None:
        if pages:
            pages.finish(pdf)
        repair_tags(pdf)

    pdf_bytes: bytes = (pages.document if pages else document).write_pdf(
        pdf_variant=variant,
        pdf_tags=True,
        attachments=[_log_attachment(log)] if report.carries_log else [],
        finisher=finish,
    )
    return pdf_bytes


def with_due_contents(lay_out_report: Callable[..., Document], *, seems_long: bool) -> Document:
    """Return the report with a table of contents if it has more than a few pages without one.

    Laying out takes most of the time. What the report seems decides which way is tried first, mostly the only
    one: a table of contents adds a page at the most.
    """
    long = lay_out_report(has_contents=True) if seems_long else None
    if long and len(long.pages) > _PAGES_WITHOUT_CONTENTS + 1:
        return long
    short = lay_out_report(has_contents=False)
    if len(short.pages) <= _PAGES_WITHOUT_CONTENTS:
        return short
    return long or lay_out_report(has_contents=True)


@cache
def _can_set_rows() -> bool:
    """Tell whether `printed_log.py` works with the installed WeasyPrint; warn once if it does not."""
    if unexpected := unexpected_internals():
        _LOG.warning(
            "the log is printed by WeasyPrint's own table, which is slower: %s is unknown; "
            "install WeasyPrint 70 and pydyf 0.13",
            unexpected[0],
        )
    return not unexpected


def _printed_log(document: Document, rows: pa.Table, report: Report) -> "PrintedLog":
    from assets.render.pdf.printed_log import PrintedLog  # noqa: PLC0415 - its imports may be missing

    return PrintedLog(document, rows, report.look.language, is_tagged=report.tags_rows)


def lay_out(document: str, variant: str, pictures: Mapping[str, Painted] | None = None) -> Document:
    """Return the laid-out *document* (HTML), with *pictures* by their placeholder URL.

    Raises FatalURLFetchingError for any other URL than `data:`.
    """
    return HTML(string=document, url_fetcher=NothingFetched()).render(
        pdf_variant=variant, cache=dict(pictures or {})
    )


def _chart_pictures(report: Report) -> dict[str, Painted]:
    return {chart.mark: chart.painted for chart in draw_charts(report).values() if chart}


def _log_attachment(log: bytes) -> Attachment:
    return Attachment(
        string=log,
        name="log.csv",
        description="Contact Assignments Log",
        relationship="Data",
        created=_EPOCH,
        modified=_EPOCH,
    )
