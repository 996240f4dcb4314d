from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from assets.config.presentation import Filters
from assets.config.workspace import ReportSpec
from assets.periods import Period, Preset, as_of, preset_period, previous_period
from assets.report.build import build_report
from assets.report.model import Comparison, Note
from tests.conftest import LATER, Inbox, line

UTC_ZONE = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("preset", "report_date", "first", "last"),
    [
        ("today", "2024-03-31", "2024-03-30", "2024-03-30"),
        ("yesterday", "2024-03-31", "2024-03-29", "2024-03-29"),
        ("last_7_days", "2024-03-15", "2024-03-01", "2024-03-07"),
        ("last_30_days", "2024-03-31", "2024-01-31", "2024-02-29"),
        ("this_month", "2024-03-15", "2024-02-01", "2024-02-15"),
        ("this_month", "2024-03-31", "2024-02-01", "2024-02-29"),
        ("last_month", "2024-03-15", "2024-01-01", "2024-01-31"),
        ("last_90_days", "2024-03-31", "2023-10-03", "2023-12-31"),
        ("this_week", "2024-03-15", "2024-03-04", "2024-03-08"),
        ("last_week", "2024-03-15", "2024-02-26", "2024-03-03"),
        ("last_quarter", "2024-08-09", "2024-01-01", "2024-03-31"),
        ("this_year", "2024-03-15", "2023-01-01", "2023-03-15"),
        ("this_year", "2024-02-29", "2023-01-01", "2023-02-28"),
    ],
)
def test_the_period_before(preset: Preset, report_date: str, first: str, last: str) -> None:
    period = preset_period(Preset(preset), date.fromisoformat(report_date), UTC_ZONE)
    before = previous_period(Preset(preset), period)
    assert (str(before.first_day), str(before.last_day)) == (first, last)


def test_the_period_before_steps_over_a_date_that_a_zone_skipped() -> None:
    apia = ZoneInfo("Pacific/Apia")
    before = previous_period(Preset.CUSTOM, Period(date(2011, 12, 31), date(2012, 1, 1), apia))
    assert (before.first_day, before.last_day) == (date(2011, 12, 28), date(2011, 12, 29))


def compared(inbox: Inbox, first: str, last: str, now: datetime = LATER, **filters: list[str]) -> Comparison:
    spec = ReportSpec(
        name="mine",
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
        filters=Filters.model_validate(filters),
    )
    day = date.fromisoformat(last)
    built = build_report(inbox.lake, inbox.workspace, spec, day, as_of(day, now, inbox.workspace.zone))
    assert built.report.comparison
    return built.report.comparison


@pytest.fixture
def two_weeks(inbox: Inbox) -> Inbox:
    """Two assignments a day for a week, one by a bot; then three a day, all by people."""
    days = [f"2024-03-{day:02d}" for day in range(4, 18)]
    rows = [
        line(
            f"{day}-{n}",
            f"{day}T1{n}:00:00Z",
            contact_id=f"{day}-{n}",
            source="bot" if at < 7 and n else "user",
        )
        for at, day in enumerate(days)
        for n in range(2 if at < 7 else 3)
    ]
    inbox.write(*rows)
    inbox.load(date(2024, 3, 4), date(2024, 3, 17))
    inbox.build(date(2024, 3, 4), date(2024, 3, 17))
    return inbox


def test_sources_of_both_periods_are_compared(two_weeks: Inbox) -> None:
    found = compared(two_weeks, "2024-03-11", "2024-03-17")
    assert (found.total, found.change_pct) == (14, 50.0)
    assert [(each.source, each.before, each.count) for each in found.by_source] == [
        ("user", 7, 21),
        ("bot", 7, 0),
    ]
    assert found.notes == (Note.FEW,), "14 are fewer than 30"


def test_filters_hold_for_the_period_before_too(two_weeks: Inbox) -> None:
    found = compared(two_weeks, "2024-03-11", "2024-03-17", source=["user"])
    assert (found.total, found.change_pct) == (7, 200.0)


def test_a_period_before_that_is_not_loaded_has_no_figure(two_weeks: Inbox) -> None:
    found = compared(two_weeks, "2024-03-05", "2024-03-11")
    assert (found.total, found.change_pct, found.by_source, found.notes) == (
        None,
        None,
        (),
        (Note.NOT_LOADED,),
    )


def test_a_period_that_is_not_loaded_itself_is_compared_with_a_warning(two_weeks: Inbox) -> None:
    found = compared(two_weeks, "2024-03-12", "2024-03-18")
    assert (found.total, found.change_pct, found.notes) == (15, None, (Note.NOT_WHOLE, Note.FEW))


def test_nothing_before_gives_no_percentage(two_weeks: Inbox) -> None:
    assert compared(two_weeks, "2024-03-11", "2024-03-17", contact=["2024-03-11-0"]).change_pct is None


def test_while_the_last_day_runs_the_day_before_ends_as_early(inbox: Inbox) -> None:
    inbox.write(
        *(
            line(f"{day}-{h}", f"2024-03-{day}T{h}:00:00Z", contact_id=f"{day}{h}")
            for day in ("05", "06")
            for h in range(10, 20)
        )
    )
    now = datetime(2024, 3, 6, 15, tzinfo=UTC)
    inbox.load(date(2024, 3, 5), date(2024, 3, 6), now=now)
    inbox.build(date(2024, 3, 5), date(2024, 3, 6))
    found = compared(inbox, "2024-03-06", "2024-03-06", now)
    assert found.total == 5, "up to 15:00 UTC of the day before"
