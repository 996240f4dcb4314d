"""Logs whose reports are counted again, and the smallest one that still shows a difference."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain, cycle
from pathlib import Path
from typing import Any, Self

from assets.config.workspace import ReportSpec
from assets.periods import RELATIVE_PRESETS, Preset, as_of
from assets.report.build import build_report
from tests.conftest import LATER, Inbox
from tests.recount.completeness import known_since, recount_completeness
from tests.recount.oracle import Log, days_loaded, read_log, recount
from tests.recount.ownership import recount_ownership

_TRIES, _SHOWN_ROWS = 100, 40
_FILTER = {"source": ["USER", "ai agent"]}


@dataclass(frozen=True)
class Difference:
    """A figure of a report that was counted otherwise here."""

    report: str
    report_date: str
    figure: str
    counted: Any
    said: Any

    def __str__(self) -> str:
        where = f"{self.report} of {self.report_date}: {self.figure}"
        return f"{where}: counted {self.counted!r}, said {self.said!r}"

    @property
    def component(self) -> str:
        return component_of(self.figure)

    def is_of(self, name: str, report_date: date) -> bool:
        return (name, str(report_date)) == (self.report, self.report_date)


Compared = tuple[list[Difference], Counter[str]]
"""The figures that differ, and how many were compared, by component."""


@dataclass(frozen=True)
class Case:
    """A log as the lines of a CSV file, the days of it that are loaded (default: all), and its report dates."""

    lines: Sequence[str]
    zone: str
    first_day: date
    dates: Sequence[date]
    now: datetime = LATER
    spans: Sequence[tuple[date, date]] = ()
    teams: Mapping[str, Sequence[str]] | None = None

    @classmethod
    def of_file(cls, path: Path, zone: str, first_day: date, dates: Sequence[date]) -> Self:
        """Return the case of a CSV file; a row with line breaks is one line."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            return cls([_csv_line(row) for row in csv.reader(file)], zone, first_day, dates)

    def recount(self, folder: Path, only: Difference | None = None) -> Compared:
        """Load and build the log in *folder*, and compare every report, or *only* that of a difference."""
        folder.mkdir(exist_ok=True)
        inbox = Inbox(folder, self.zone, self.first_day)
        inbox.write_bytes("\n".join((*self.lines, "")).encode(), "events.csv")
        zone, loaded = inbox.workspace.zone, dict[date, datetime]()
        for first, last in self.spans or [(self.first_day, max(self.dates))]:
            inbox.load(first, last, self.now)
            inbox.build(first, last)
            loaded |= days_loaded(first, last, zone, self.now)
        log = read_log([folder / "events" / "events.csv"], zone, self.first_day, loaded)
        inbox.options["teams"] = log.teams = {
            team: tuple(members) for team, members in (self.teams or put_into_teams(log)).items()
        }
        return recount_all(reports(inbox, self.dates, self.now, only), log)

    def smallest(self, folder: Path, difference: Difference) -> str:
        """Return as few lines as still give a *difference* of its component, and that difference.

        Half of the rows is left out while it can be, then a quarter, and so on.
        """
        (header, *rows), told, tries = self.lines, difference, 0
        part = len(rows) // 2
        while part and tries < _TRIES:
            for at in range(0, len(rows), part):
                tries += 1
                fewer = rows[:at] + rows[at + part :]
                case = replace(self, lines=[header, *fewer])
                found, _ = case.recount(folder / f"try{tries}", only=difference)
                if same := [each for each in found if each.component == difference.component]:
                    rows, told = fewer, same[0]
                    break
            else:
                part //= 2
        more = [f"... and {len(rows) - _SHOWN_ROWS:,} rows more"] if len(rows) > _SHOWN_ROWS else []
        return "\n".join([str(told), header, *rows[:_SHOWN_ROWS], *more])


def _csv_line(cells: list[str]) -> str:
    csv.writer(buffer := io.StringIO(), lineterminator="").writerow(cells)
    return buffer.getvalue()


def put_into_teams(log: Log) -> dict[str, tuple[str, ...]]:
    """Return two teams with two thirds of the people of *log*, by id, or by name where it has no ids."""
    ids, names = (sorted({event.assignee[at] or "" for event in log.events} - {""}) for at in (0, 1))
    members = {team: tuple((ids or names)[at::3]) for at, team in enumerate(("North", "South"))}
    return {team: people for team, people in members.items() if people}


def reports(
    inbox: Inbox, dates: Sequence[date], now: datetime, only: Difference | None = None
) -> Iterator[dict[str, Any]]:
    """Yield all presets of *dates* as their `report.json`, a period of two given dates, and a filtered one.

    Weeks begin on another day for each report date.
    """
    for report_date, week_starts in zip(dates, cycle(("sunday", "saturday", "monday")), strict=False):
        days = {"first_day": report_date - timedelta(9), "last_day": report_date - timedelta(2)}
        specs = [
            *({"name": preset.value, "preset": preset} for preset in RELATIVE_PRESETS),
            {"name": "custom", "preset": Preset.CUSTOM, **days},
            {"name": "filtered", "preset": Preset.LAST_30_DAYS, "filters": _FILTER},
        ]
        for spec in map(ReportSpec.model_validate, specs):
            if only is None or only.is_of(spec.name, report_date):
                yield report_of(inbox, spec, report_date, now, week_starts=week_starts)


def report_of(
    inbox: Inbox, spec: ReportSpec, report_date: date, now: datetime, **options: str
) -> dict[str, Any]:
    """Return the report as its `report.json`, of a workspace with *options*."""
    workspace = inbox.workspace.model_copy(update=options)
    with inbox.lake.reading():  # as whoever makes reports does
        built = build_report(
            inbox.lake, workspace, spec, report_date, as_of(report_date, now, workspace.zone)
        )
    assert built.report.is_reconciled, built.report.proof
    return built.report.model_dump(mode="json")


def component_of(figure: str) -> str:
    return figure.partition("[")[0].partition(".")[0]


def recount_all(reports: Iterable[dict[str, Any]], log: Log) -> Compared:
    """Compare every figure of *reports*."""
    found, compared = [], Counter[str]()
    for report in reports:
        since = known_since(report, log)
        figures = chain(
            recount(report, log, since),
            recount_ownership(report, log, since),
            recount_completeness(report, log),
        )
        for figure, counted, said in figures:
            compared[component_of(figure)] += 1
            if counted != said:
                found.append(Difference(report["name"], report["report_date"], figure, counted, said))
    return found, compared
