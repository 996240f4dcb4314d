from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from assets.config.schedule import Calendar, Timing, report_ticks

BERLIN = ZoneInfo("Europe/Berlin")
OFF = Calendar(holidays=(date(2026, 12, 25), date(2026, 12, 31), date(2027, 1, 1)))


def made(timing: Timing, since: date, until: date, calendar: Calendar = OFF) -> list[tuple[str, str]]:
    return [
        (str(tick.report_date), f"{tick.at.astimezone(BERLIN):%Y-%m-%d %H:%M}")
        for tick in report_ticks(timing, calendar, BERLIN, since, until)
    ]


def test_every_day_at_six_unless_told() -> None:
    assert made(Timing(), date(2026, 3, 28), date(2026, 3, 30)) == [
        (day, f"{day} 06:00") for day in ("2026-03-28", "2026-03-29", "2026-03-30")
    ]


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("working_day", ["2026-11-27", "2026-11-30", "2026-12-01"]),
        ("first_day_of_month", ["2026-12-01"]),
        ("last_day_of_month", ["2026-11-30"]),
        (["saturday", "monday"], ["2026-11-28", "2026-11-30"]),
        ("first_day_of_week", ["2026-11-30"]),
        ("first_day_of_quarter", []),
    ],
)
def test_only_the_days_that_every_names(every: str, days: list[str]) -> None:
    timing = Timing.model_validate({"every": every})
    assert [day for day, _ in made(timing, date(2026, 11, 27), date(2026, 12, 1))] == days


@pytest.mark.parametrize("week_starts", ["monday", "sunday", "saturday"])
def test_the_first_day_of_a_week_is_that_of_the_calendar(week_starts: str) -> None:
    calendar = Calendar.model_validate({"week_starts": week_starts})
    timing = Timing(every="first_day_of_week")
    days = [
        date.fromisoformat(day) for day, _ in made(timing, date(2026, 11, 1), date(2026, 11, 28), calendar)
    ]
    assert len(days) == 4
    assert {f"{day:%A}".lower() for day in days} == {week_starts}


def test_quarters_begin_in_january_april_july_and_october() -> None:
    days = [
        day for day, _ in made(Timing(every="first_day_of_quarter"), date(2026, 1, 1), date(2026, 12, 31))
    ]
    assert days == ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"]


def test_a_holiday_is_kept_skipped_or_shifted_to_the_next_working_day() -> None:
    def around_new_year(**options: object) -> list[tuple[str, str]]:
        timing = Timing.model_validate({"every": "last_day_of_month", "at": "10:30"} | options)
        return made(timing, date(2026, 12, 20), date(2027, 1, 10))

    assert around_new_year() == [("2026-12-31", "2026-12-31 10:30")]
    assert around_new_year(on_holiday="skip") == []
    # 2027-01-01 is a holiday too, the 2nd and 3rd are a weekend; it stays the report of December
    assert around_new_year(on_holiday="shift") == [("2026-12-31", "2027-01-04 10:30")]


def test_a_time_that_the_clocks_skip_is_as_much_later_as_they_are_set() -> None:
    (tick,) = report_ticks(Timing(at=time(2, 30)), OFF, BERLIN, date(2026, 3, 29), date(2026, 3, 29))
    assert tick.at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_is_the_earlier_one() -> None:
    (tick,) = report_ticks(Timing(at=time(2, 30)), OFF, BERLIN, date(2026, 10, 25), date(2026, 10, 25))
    assert tick.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_date_that_never_was_has_no_report() -> None:
    apia = ZoneInfo("Pacific/Apia")
    days = [
        tick.report_date.day
        for tick in report_ticks(Timing(), OFF, apia, date(2011, 12, 29), date(2011, 12, 31))
    ]
    assert days == [29, 31]


def test_times_that_yaml_takes_for_numbers_are_times() -> None:
    assert Timing.model_validate({"at": 630}).at == time(10, 30)


def test_a_week_of_weekends_is_refused() -> None:
    week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    with pytest.raises(ValidationError, match="must leave a working day"):
        Calendar.model_validate({"weekend": week})
