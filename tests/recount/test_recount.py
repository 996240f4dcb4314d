"""Every figure of every report is counted again, from the raw rows, by a program that shares nothing with the product."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assets.sources.synthetic import write_events
from tests.recount.cases import Case
from tests.recount.logs import nasty

ROOT = Path(__file__).parents[2]
ZONES = ["America/New_York", "Australia/Lord_Howe", "UTC"]
REAL = sorted(ROOT.parent.glob("*/data/*.truth.json"))
FIRST, LAST = date(2024, 1, 25), date(2024, 3, 20)
DATES = date(2024, 3, 11), LAST  # the first is the day after New York's 23-hour day
TEAMS = {"North": ("bob", "3"), "South": ("2", "ZOË"), "East": ("4",)}


def nasty_case(seed: int, zone: str, dates: Sequence[date] = DATES, *, has_previous: bool) -> Case:
    lines = list(nasty(seed, zone, FIRST, has_previous=has_previous))
    return Case(lines, zone, FIRST, dates, teams=TEAMS)


def demo_case(folder: Path) -> Case:
    write_events(path := folder / "demo.csv", last_day=LAST, days=60, events=5_000, hostile=True)
    return Case.of_file(path, "America/New_York", date(2024, 1, 20), [LAST])


def real_case(truth: Path, zone: str = "America/New_York") -> Case:
    """Return the case of the log beside *truth*, on a day in its middle and on the one after its last."""
    path = truth.with_name(truth.name.replace(".truth.json", ".csv"))
    assert json.loads(truth.read_text())
    days = sorted({line.split(",")[1][:10] for line in path.read_text(encoding="utf-8").splitlines()[1:]})
    first, middle, last = (date.fromisoformat(days[at]) for at in (0, len(days) // 2, -1))
    return Case.of_file(path, zone, first - timedelta(1), [middle + timedelta(1), last + timedelta(1)])


def require_equal(case: Case, folder: Path) -> Counter[str]:
    """Return how many figures were compared; fail with the smallest log that gives a difference, if one does."""
    found, compared = case.recount(folder)
    assert not found, case.smallest(folder, found[0])
    return compared


def recount_nasty_log(
    tmp_path: Path, seed: int, zone: str, dates: Sequence[date] = DATES, *, has_previous: bool
) -> None:
    compared = require_equal(nasty_case(seed, zone, dates, has_previous=has_previous), tmp_path)
    assert compared.total() > 1_500 * len(dates)


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


def test_while_the_report_date_runs_and_days_are_missing(tmp_path: Path) -> None:
    lines = list(nasty(3, "America/New_York", FIRST, has_previous=True))
    now = datetime(2024, 3, 20, 18, 30, 15, tzinfo=UTC)
    spans = [(date(2024, 1, 30), date(2024, 2, 9)), (date(2024, 2, 12), LAST)]
    case = Case(lines, "America/New_York", FIRST, [LAST], now, spans, TEAMS)
    assert require_equal(case, tmp_path)["missing_days"] > 10


@pytest.mark.parametrize("truth", REAL, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Stockholm"])
def test_real_logs_that_stand_beside_the_project(tmp_path: Path, truth: Path, zone: str) -> None:
    assert require_equal(real_case(truth, zone), tmp_path).total() > 1_500
