"""Every figure of every report is counted again, from the raw rows, by a program that shares nothing with the product."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import pytest

from assets.config.presentation import CompareWith
from assets.config.workspace import ReportSpec
from assets.periods import RELATIVE_PRESETS, Preset, as_of
from assets.report.build import build_report
from assets.sources.synthetic import write_events
from tests.conftest import LATER, Inbox
from tests.recount.logs import nasty
from tests.recount.oracle import Log, read_log, recount
from tests.recount.ownership import recount_ownership

ROOT = Path(__file__).parents[2]
ZONES = ["America/New_York", "Australia/Lord_Howe", "UTC"]
REAL = sorted(ROOT.parent.glob("*/data/*.truth.json"))
LAST = date(2024, 3, 20)
DATES = date(2024, 3, 11), LAST  # the first is the day after New York's 23-hour day


def reports(inbox: Inbox, dates: Sequence[date], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield all presets of *dates* as their `report.json`, and one period of two given dates.

    Weeks begin on another day for each report date.
    """
    for report_date, week_starts in zip(dates, cycle(("sunday", "saturday", "monday")), strict=False):
        for preset in (*RELATIVE_PRESETS, Preset.CUSTOM):
            days = {"first_day": report_date - timedelta(9), "last_day": report_date - timedelta(2)}
            spec = ReportSpec(name=preset.value, preset=preset, **(days if preset is Preset.CUSTOM else {}))
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


def differences(
    inbox: Inbox, files: Sequence[Path], dates: Sequence[date], now: datetime = LATER
) -> tuple[list[str], Counter[str]]:
    """Return the figures that differ, each with both values, and how many were compared, by component."""
    log = read_log(files, inbox.workspace.zone, inbox.first_day)
    inbox.options["teams"] = log.teams = inbox.options.get("teams") or put_into_teams(log)
    return recount_all(reports(inbox, dates, now), log)


def put_into_teams(log: Log) -> dict[str, tuple[str, ...]]:
    """Return two teams with two thirds of the people of *log*, by id, or by name where it has no ids."""
    ids, names = (sorted({event.assignee[at] or "" for event in log.events} - {""}) for at in (0, 1))
    return {team: tuple((ids or names)[at::3]) for at, team in enumerate(("North", "South"))}


def recount_all(reports: Iterable[dict[str, Any]], log: Log) -> tuple[list[str], Counter[str]]:
    """Return the figures of *reports* that differ, and how many were compared, by component."""
    found, compared = [], Counter[str]()
    for report in reports:
        known_since = report["known_since"] and date.fromisoformat(report["known_since"])
        figures = chain(recount(report, log, known_since), recount_ownership(report, log, known_since))
        for figure, counted, said in figures:
            compared[figure.partition("[")[0].partition(".")[0]] += 1
            if counted != said:
                found.append(
                    f"{report['name']} of {report['report_date']}: {figure}: counted {counted!r}, said {said!r}"
                )
    return found, compared


def check(
    inbox: Inbox, lines: Sequence[str], dates: Sequence[date], now: datetime = LATER
) -> tuple[list[str], Counter[str]]:
    """Load *lines* as the only file, build everything, and return what differs."""
    inbox.options["teams"] = {"North": ("bob", "3"), "South": ("2", "ZOË"), "East": ("4",)}
    path = inbox.folder / "events" / "events.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    first, last = inbox.first_day, max(dates)
    inbox.load(first, last, now)
    inbox.build(first, last)
    return differences(inbox, [path], dates, now)


def smallest(tmp_path: Path, zone: str, lines: Sequence[str], dates: Sequence[date], first_day: date) -> str:
    """Return as few of *lines* as still give a difference, and that difference: half of them is left out while it can be."""
    header, rows, part, tries = lines[0], list(lines[1:]), max(1, (len(lines) - 1) // 2), 0
    told = ""
    while part and tries < 25:
        for at in range(0, len(rows), part):
            tries += 1
            (folder := tmp_path / f"try{tries}").mkdir()
            fewer = rows[:at] + rows[at + part :]
            found = check(Inbox(folder, zone, first_day), [header, *fewer], dates)[0]
            if found:
                rows, told = fewer, found[0]
                break
        else:
            part //= 2
    return "\n".join([told, header, *rows])


def recount_nasty_log(
    tmp_path: Path, seed: int, zone: str, dates: Sequence[date] = DATES, *, has_previous: bool
) -> None:
    """Fail with the smallest log that gives a difference, where the log of *seed* gives one."""
    first_day = date(2024, 1, 25)
    inbox = Inbox(tmp_path, zone, first_day)
    lines = list(nasty(seed, zone, first_day, has_previous=has_previous))
    found, compared = check(inbox, lines, dates)
    assert compared.total() > 1_500 * len(dates)
    assert not found, smallest(tmp_path, zone, lines, dates, first_day)


@pytest.mark.parametrize(
    ("seed", "zone", "report_date", "has_previous"),
    [
        (0, "America/New_York", DATES[0], False),
        (1, "Australia/Lord_Howe", DATES[1], True),
        (2, "UTC", DATES[1], False),
    ],
)
def test_logs_of_nasty_structure(
    tmp_path: Path, seed: int, zone: str, report_date: date, *, has_previous: bool
) -> None:
    """`make test-system` recounts these logs on both dates, with the previous assignee and without, and others."""
    recount_nasty_log(tmp_path, seed, zone, [report_date], has_previous=has_previous)


def test_while_the_report_date_runs(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, "America/New_York", date(2024, 1, 25))
    lines = list(nasty(3, "America/New_York", date(2024, 1, 25), has_previous=True))
    found, _ = check(inbox, lines, [LAST], now=datetime(2024, 3, 20, 18, 30, 15, tzinfo=UTC))
    assert found == []


def test_against_the_same_days_of_the_year_before(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, "America/New_York", date(2023, 1, 31))
    for year, name in ((2023, "e"), (2024, "f")):
        first = date(year, 2, 1)
        header, *rows = nasty(year, inbox.zone, first, has_previous=True, days=48)
        inbox.write(*(f"{name}{row}" for row in rows), name=f"{year}.csv", header=header)
        inbox.load(first - timedelta(1), date(year, 3, 21))
        inbox.build(first - timedelta(1), date(year, 3, 21))
    presets = (Preset.YESTERDAY, Preset.LAST_WEEK, Preset.LAST_30_DAYS, Preset.THIS_MONTH, Preset.LAST_MONTH)
    made = [
        report_of(
            inbox,
            ReportSpec(name=preset.value, preset=preset, compare_with=CompareWith.PREVIOUS_YEAR),
            report_date,
            LATER,
        )
        for preset in presets
        for report_date in (date(2024, 3, 1), LAST)
    ]
    log = read_log(sorted((tmp_path / "events").iterdir()), inbox.workspace.zone, inbox.first_day)
    found, _ = recount_all(made, log)
    assert found == []
    counted = [report["comparison"]["total"] for report in made]
    assert len([total for total in counted if total]) > 5


def test_the_hostile_demo(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, "America/New_York", date(2024, 1, 20))
    (path := tmp_path / "events" / "demo.csv").parent.mkdir()
    write_events(path, last_day=LAST, days=60, events=5_000, hostile=True)
    inbox.load(inbox.first_day, LAST)
    inbox.build(inbox.first_day, LAST)
    found, compared = differences(inbox, [path], [LAST])
    assert found == []
    assert compared.total() > 1_500


@pytest.mark.parametrize("truth", REAL, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Stockholm"])
def test_real_logs_that_stand_beside_the_project(tmp_path: Path, truth: Path, zone: str) -> None:
    source = truth.with_name(truth.name.replace(".truth.json", ".csv"))
    assert json.loads(truth.read_text())
    days = sorted({line.split(",")[1][:10] for line in source.read_text(encoding="utf-8").splitlines()[1:]})
    middle, last = (date.fromisoformat(days[at]) + timedelta(1) for at in (len(days) // 2, -1))
    inbox = Inbox(tmp_path, zone, date.fromisoformat(days[0]) - timedelta(1))
    (tmp_path / "events").mkdir()
    (path := tmp_path / "events" / "log.csv").symlink_to(source)
    inbox.load(inbox.first_day, last)
    inbox.build(inbox.first_day, last)
    found, compared = differences(inbox, [path], [middle, last])
    assert found == []
    assert compared.total() > 1_500
