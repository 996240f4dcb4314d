from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from assets.config.presentation import CompareWith, Component, Filters
from assets.config.workspace import ReportSpec
from assets.periods import Period, Preset, as_of, preset_period, previous_period
from assets.render.findings import render_finding
from assets.render.i18n import load_words
from assets.render.labels import comparison_name
from assets.report.build import build_report
from assets.report.model import Comparison, Note, Rule
from assets.report.report_periods import days_of_report, periods_of
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


@pytest.mark.parametrize(
    ("preset", "report_date", "first", "last"),
    [
        ("yesterday", "2024-03-01", "2023-02-28", "2023-02-28"),
        ("last_7_days", "2024-03-15", "2023-03-08", "2023-03-14"),
        ("last_week", "2024-03-15", "2023-03-04", "2023-03-10"),
        ("last_month", "2024-03-15", "2023-02-01", "2023-02-28"),
        ("last_quarter", "2024-08-09", "2023-04-01", "2023-06-30"),
        ("this_year", "2024-03-15", "2023-01-01", "2023-03-15"),
    ],
)
def test_the_same_days_of_the_year_before(
    inbox: Inbox, preset: Preset, report_date: str, first: str, last: str
) -> None:
    spec = ReportSpec(name="mine", preset=Preset(preset), compare_with=CompareWith.PREVIOUS_YEAR)
    own, earlier = periods_of(spec, date.fromisoformat(report_date), inbox.workspace)
    assert own == preset_period(Preset(preset), date.fromisoformat(report_date), inbox.workspace.zone)
    assert (str(earlier.first_day), str(earlier.last_day)) == (first, last)
    assert set(earlier.days) < set(days_of_report(spec, date.fromisoformat(report_date), inbox.workspace))


def test_a_year_before_that_is_loaded_is_counted(inbox: Inbox) -> None:
    years = {"2023": 35, "2024": 70}
    inbox.write(
        *(
            line(f"{year}-{n}", f"{year}-03-0{5 + n % 2}T12:00:00Z", contact_id=f"{year}-{n}")
            for year, count in years.items()
            for n in range(count)
        ),
    )
    for year in (2023, 2024):
        inbox.load(date(year, 3, 5), date(year, 3, 6))
        inbox.build(date(year, 3, 5), date(year, 3, 6))
    day = date(2024, 3, 6)
    spec = ReportSpec(
        name="mine",
        first_day=date(2024, 3, 5),
        last_day=day,
        compare_with=CompareWith.PREVIOUS_YEAR,
        components=(Component.COMPARISON, Component.FINDINGS),
    )
    report = build_report(inbox.lake, inbox.workspace, spec, day, as_of(day, LATER, UTC_ZONE)).report
    found = report.comparison
    assert found
    assert (str(found.first_day), found.total, found.change_pct, found.notes) == ("2023-03-05", 35, 100.0, ())
    assert report.compare_with is CompareWith.PREVIOUS_YEAR
    assert [
        render_finding(finding, load_words("en"))
        for finding in report.findings
        if finding.rule is Rule.CHANGE
    ] == ["Assignments: 70, +100.0% vs. previous year (35)."]
    assert comparison_name(report.compare_with, load_words("en")) == "vs. previous year"


def test_a_year_before_that_is_not_loaded_or_has_another_length_says_so(inbox: Inbox) -> None:
    day = date(2024, 2, 29)
    inbox.write(line("1", "2024-02-29T12:00:00Z"), line("2", "2024-02-28T12:00:00Z", contact_id="k2"))
    inbox.load(date(2024, 2, 28), day)
    inbox.build(date(2024, 2, 28), day)
    spec = ReportSpec(
        name="mine", first_day=date(2024, 2, 28), last_day=day, compare_with=CompareWith.PREVIOUS_YEAR
    )
    found = build_report(
        inbox.lake, inbox.workspace, spec, day, as_of(day, LATER, UTC_ZONE)
    ).report.comparison
    assert found
    assert (str(found.first_day), str(found.last_day)) == ("2023-02-28", "2023-02-28")
    assert (found.total, found.notes) == (None, (Note.NOT_LOADED, Note.LENGTHS_DIFFER))


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
