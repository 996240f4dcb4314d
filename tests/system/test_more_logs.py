"""More logs than `make test` recounts: every zone, two seeds, both report dates; the year before; the demo."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from assets.config.presentation import CompareWith
from assets.config.workspace import ReportSpec
from assets.periods import Preset
from tests.conftest import LATER, Inbox
from tests.recount.cases import recount_all, report_of
from tests.recount.logs import nasty
from tests.recount.oracle import days_loaded, read_log
from tests.recount.test_recount import LAST, ZONES, demo_case, recount_nasty_log, require_equal


@pytest.mark.parametrize("has_previous", [True, False], ids=["previous stated", "previous inferred"])
@pytest.mark.parametrize(("seed", "zone"), [*enumerate(ZONES), *enumerate(ZONES, start=10)])
def test_logs_of_nasty_structure(tmp_path: Path, seed: int, zone: str, *, has_previous: bool) -> None:
    recount_nasty_log(tmp_path, seed, zone, has_previous=has_previous)


def test_against_the_same_days_of_the_year_before(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, "America/New_York", date(2023, 1, 31))
    loaded = dict[date, datetime]()
    for year, name in ((2023, "e"), (2024, "f")):
        first = date(year, 2, 1)
        header, *rows = nasty(year, inbox.zone, first, has_previous=True, days=48)
        inbox.write(*(f"{name}{row}" for row in rows), name=f"{year}.csv", header=header)
        inbox.load(first - timedelta(1), date(year, 3, 21))
        inbox.build(first - timedelta(1), date(year, 3, 21))
        loaded |= days_loaded(first - timedelta(1), date(year, 3, 21), inbox.workspace.zone, LATER)
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
    log = read_log(sorted((tmp_path / "events").iterdir()), inbox.workspace.zone, inbox.first_day, loaded)
    found, _ = recount_all(made, log)
    assert found == []
    counted = [report["comparison"]["total"] for report in made]
    assert len([total for total in counted if total]) > 5


def test_the_hostile_demo(tmp_path: Path) -> None:
    assert require_equal(demo_case(tmp_path), tmp_path / "demo").total() > 1_500
