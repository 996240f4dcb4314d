"""The colors of sources and of totals, shared by charts, tables and the page's script."""

from collections.abc import Iterable

from assets.events import SOURCE_LABELS
from assets.report.model import Report

PALETTE = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")
"""Paul Tol's "muted" scheme, safe for color-blind readers: one color for each known source."""

OTHERS = ("#6e6e6e", "#b15928", "#1f78b4", "#a6a6a6")

REST = "#d0d5da"
"""The color of the sources that a chart sums up."""

PEOPLE = ("#77aadd", "#ee8866", "#44bb99", "#eedd88", "#ffaabb", "#bbcc33")
"""Paul Tol's "light" scheme: the colors of assignees in one chart, apart from those of sources."""

UNASSIGNED = "#9aa5b1"

TOTAL, PREVIOUS = "#4a6572", "#9aa5b1"
"""The colors of all sources together, now and in the previous period; no source has them."""


def source_colors(sources: Iterable[str]) -> dict[str, str]:
    """Return the color of each of *sources*; a known source always has the same one."""
    known = dict(zip(SOURCE_LABELS, PALETTE, strict=True))
    codes = set(sources)
    unknown = sorted(code for code in codes if code not in known)
    others = {code: OTHERS[at % len(OTHERS)] for at, code in enumerate(unknown)}
    return {code: known.get(code) or others[code] for code in codes}


def report_colors(report: Report) -> dict[str, str]:
    """Return the color of each source of *report* and of its previous period."""
    changes = report.comparison.by_source if report.comparison else ()
    return source_colors(
        [*(source.source for source in report.by_source), *(change.source for change in changes)]
    )
