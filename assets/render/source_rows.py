"""The table of sources: count, share and change of each, with its bar."""

from dataclasses import dataclass

from assets.render.charts.palette import REST, report_colors
from assets.render.i18n import Words
from assets.report.model import Report

MAX_SOURCES = 3_000
"""The sources of a page or of paper; files have all of them."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source's figures; `length` of its bar and `mark` of its previous count are in percent."""

    label: str
    count: int
    share_pct: float | None
    before: int
    color: str
    length: float
    mark: float | None


def source_rows(report: Report) -> list[SourceRow]:
    """Return the rows of *report*: its sources by count, then those that only the previous period has."""
    changes = report.comparison.by_source if report.comparison else ()
    before = {change.source: change.before for change in changes}
    sources = [(each.source, each.label, each.count, each.share_pct) for each in report.by_source]
    sources += [(change.source, change.label, 0, 0.0) for change in changes if not change.count]
    colors = report_colors(report)
    longest = max((max(count, before.get(source, 0)) for source, _, count, _ in sources), default=0) or 1
    return [
        SourceRow(
            label=label,
            count=count,
            share_pct=share,
            before=before.get(source, 0),
            color=colors[source],
            length=round(100 * count / longest, 2),
            mark=round(min(99.2, 100 * before[source] / longest), 2) if source in before else None,
        )
        for source, label, count, share in sources
    ]


def listed_rows(report: Report, words: Words) -> list[SourceRow]:
    """Return the rows of `source_rows` that a page lists: past the first 3,000, the rest is one."""
    rows = source_rows(report)
    rest = rows[MAX_SOURCES:]
    if len(rest) <= 1:
        return rows
    summed = SourceRow(
        label=words.ngettext("%(count)s more source", "%(count)s more sources", len(rest)),
        count=sum(row.count for row in rest),
        share_pct=round(sum(row.share_pct or 0 for row in rest), 1),
        before=sum(row.before for row in rest),
        color=REST,
        length=min(100.0, round(sum(row.length for row in rest), 2)),
        mark=None,
    )
    return [*rows[:MAX_SOURCES], summed]
