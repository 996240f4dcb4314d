"""What `run` prints when it is done: a table of the reports, why some are provisional, and the index page.

The figures are those of `report.json`. What is shown while it works belongs in `run_progress.py`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assets.archive.publish import Published
from assets.config.deployment import Config
from assets.config.workspace import Workspace
from assets.render.i18n import Words, load_words
from assets.render.reasons import reason_sentences
from assets.report.model import Report
from orchestration.cli.messages import printable

_WIDE = 250


def print_json(published: Sequence[Published]) -> None:
    """Print the reports as a JSON array."""
    records = [_record(each) for each in published]
    sys.stdout.write(json.dumps(records, indent=2, ensure_ascii=False) + "\n")


def print_summary(published: Sequence[Published], config: Config, index: Path) -> None:
    """Print a table for each workspace and report date, and the address of the *index* page."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    names = {workspace.slug: workspace for workspace in config.workspaces}
    for (slug, report_date), group in groupby(
        published, lambda each: (each.report.workspace, each.report.report_date)
    ):
        reports = sorted(group, key=lambda each: _position(each.report, names[slug]))
        console.print(Text(f"\n{names[slug].name} ({slug}), report date {report_date}", "bold"))
        console.print(_table(reports))
        for line in _provisional_lines(reports):
            console.print(line, soft_wrap=True, markup=False)
    address = f"{config.archive_url.rstrip('/')}/{index.name}" if config.archive_url else str(index)
    console.print(f"\nIndex page: {address}", soft_wrap=True, markup=False)


def lacks_input(published: Published) -> bool:
    """Return whether an input of the report could not be read, or gave nothing."""
    codes = {each.code for each in published.report.reasons}
    return not {"input_unreadable", "input_gave_nothing"}.isdisjoint(codes)


def _position(report: Report, workspace: Workspace) -> int:
    """Return the place of a report in its table: the presets in order, then the workspace's, then others."""
    names = [spec.name for spec in workspace.all_reports]
    return names.index(report.name) if report.name in names else len(names)


def _table(reports: Sequence[Published]) -> Table:
    words = load_words("en")
    table = Table("Report", "Period", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Total", justify="right")
    table.add_column("vs. previous\nperiod", justify="right", no_wrap=True)
    table.add_column("Status")
    for each in reports:
        report = each.report
        table.add_row(
            Text(report.title),
            Text(_format_days(report.period.first_day, report.period.last_day), no_wrap=True),
            "No data" if report.has_no_data else words.number(report.total),
            _change(report, words),
            _status(each),
        )
    return table


def _change(report: Report, words: Words) -> str:
    """Return the change against the previous period in percent, as a number if that was 0, or "-"."""
    comparison = report.comparison
    if comparison is None or comparison.total is None or report.has_no_data:
        return "-"
    if comparison.change_pct is not None:
        return words.change(comparison.change_pct)
    return "-" if comparison.total else words.signed(report.total)


def _status(published: Published) -> Text:
    version = f"v{published.archived.manifest.version}"
    text = Text(f"{version} new" if published.archived.is_new else f"{version} unchanged")
    return text.append(", provisional", "yellow") if published.report.provisional else text


def _provisional_lines(reports: Sequence[Published]) -> Iterator[str]:
    """Yield a heading, and each reason once with the reports that it concerns."""
    concerned: dict[str, list[str]] = {}
    for each in reports:
        for sentence in reason_sentences(each.report, load_words("en")):
            concerned.setdefault(sentence, []).append(each.report.title)
    if concerned:
        yield "\nProvisional, the figures can still change:"
    for sentence, titles in concerned.items():
        yield f"  {', '.join(titles)}: {printable(sentence)}"


def _format_days(first: date, last: date) -> str:
    """Return both days, the second without the year and month that both share."""
    if first == last:
        return str(first)
    shared = "%d" if (first.year, first.month) == (last.year, last.month) else "%m-%d"
    return f"{first} – {last:{shared if first.year == last.year else '%Y-%m-%d'}}"


def _record(published: Published) -> dict[str, object]:
    report, archived = published.report, published.archived
    return {
        "workspace": report.workspace,
        "report": report.name,
        "report_date": str(report.report_date),
        "version": archived.manifest.version,
        "path": str(archived.folder),
        "total": None if report.has_no_data else report.total,
        "provisional": report.provisional,
        "reasons": [each.code.value for each in report.reasons],
        "is_new": archived.is_new,
    }
