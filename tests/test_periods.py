from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import NoSuchReportDate
from assets.periods import (
    DAY,
    PRESETS,
    RELATIVE_PRESETS,
    Period,
    Preset,
    Unit,
    Weekday,
    as_of,
    day_exists,
    first_day_of,
    first_instant,
    local_day,
    offset_changes,
    preset_period,
    previous_period,
    same_days_last_year,
)

NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")

CLOCK_CHANGES = [
    ("America/New_York", "2024-03-10", "2024-03-10T05:00Z", 23),
    ("America/New_York", "2024-11-03", "2024-11-03T04:00Z", 25),
    ("Europe/Stockholm", "2024-03-31", "2024-03-30T23:00Z", 23),
    ("Australia/Lord_Howe", "2024-04-07", "2024-04-06T13:00Z", 24.5),
    ("Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30Z", 23.5),
    ("America/Havana", "2024-03-10", "2024-03-10T05:00Z", 23),  # no midnight: begins at 01:00
    ("America/Havana", "2024-11-03", "2024-11-03T04:00Z", 25),  # midnight comes twice: the first
    ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00Z", 23),  # no midnight
    ("America/St_Johns", "2010-11-07", "2010-11-07T02:30Z", 25),  # falls back at 00:01
    ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", 24),
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0),  # no day at all
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24),
]


@pytest.mark.parametrize(("zone", "day", "start", "hours"), CLOCK_CHANGES)
def test_a_day_begins_and_lasts_as_its_zone_says(zone: str, day: str, start: str, hours: float) -> None:
    first = date.fromisoformat(day)
    begin, end = Period(first, first, ZoneInfo(zone)).bounds
    assert begin == datetime.fromisoformat(start)
    assert (end - begin) / timedelta(hours=1) == hours
    assert day_exists(first, ZoneInfo(zone)) == (hours > 0)


@given(
    zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    day=st.dates(date(1975, 1, 1), date(2036, 12, 31)),
    part=st.floats(0, 1, exclude_max=True),
)
def test_every_instant_is_in_exactly_one_day(zone: ZoneInfo, day: date, part: float) -> None:
    start, end = first_instant(day, zone), first_instant(day + DAY, zone)
    assert start <= end
    if start < end:
        instant = start + (end - start) * part
        assert local_day(min(instant, end - timedelta(microseconds=1)), zone) == day


def test_time_zones_come_from_the_pinned_wheel_alone() -> None:
    assert TZPATH == ()


REPORT_DATE = date(2024, 3, 15)


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2024-03-15", "2024-03-15"),
        ("yesterday", "2024-03-14", "2024-03-14"),
        ("last_7_days", "2024-03-08", "2024-03-14"),
        ("last_14_days", "2024-03-01", "2024-03-14"),
        ("last_30_days", "2024-02-14", "2024-03-14"),
        ("this_month", "2024-03-01", "2024-03-15"),
        ("last_month", "2024-02-01", "2024-02-29"),
        ("this_week", "2024-03-11", "2024-03-15"),
        ("last_week", "2024-03-04", "2024-03-10"),
        ("last_90_days", "2023-12-16", "2024-03-14"),
        ("last_quarter", "2023-10-01", "2023-12-31"),
        ("this_year", "2024-01-01", "2024-03-15"),
    ],
)
def test_a_preset_covers_the_days_of_its_definition(preset: str, first: str, last: str) -> None:
    period = preset_period(Preset(preset), REPORT_DATE, NEW_YORK)
    assert (str(period.first_day), str(period.last_day)) == (first, last)


def test_the_table_of_presets_is_complete() -> None:
    assert set(RELATIVE_PRESETS) == {*Preset} - {Preset.EXPLORER, Preset.CUSTOM}
    assert len(PRESETS) == 7
    assert [preset for preset in RELATIVE_PRESETS if preset in PRESETS] == list(PRESETS)


@pytest.mark.parametrize(
    ("week_start", "report_date", "this_week", "last_week"),
    [
        ("monday", "2024-03-17", "2024-03-11", "2024-03-04"),  # a Sunday ends the week
        ("sunday", "2024-03-17", "2024-03-17", "2024-03-10"),
        ("saturday", "2024-03-17", "2024-03-16", "2024-03-09"),
        ("monday", "2024-03-18", "2024-03-18", "2024-03-11"),
        ("sunday", "2024-03-16", "2024-03-10", "2024-03-03"),
        ("saturday", "2024-03-15", "2024-03-09", "2024-03-02"),
        ("monday", "2025-01-01", "2024-12-30", "2024-12-23"),
    ],
)
def test_weeks_begin_on_the_day_of_the_workspace(
    week_start: str, report_date: str, this_week: str, last_week: str
) -> None:
    day = date.fromisoformat(report_date)
    running, closed = (
        preset_period(preset, day, NEW_YORK, week_start=Weekday(week_start))
        for preset in (Preset.THIS_WEEK, Preset.LAST_WEEK)
    )
    assert (str(running.first_day), running.last_day) == (this_week, day)
    assert str(closed.first_day) == last_week
    assert closed.last_day == running.first_day - DAY


@pytest.mark.parametrize(
    ("report_date", "first", "last"),
    [
        ("2024-01-01", "2023-10-01", "2023-12-31"),
        ("2024-06-30", "2024-01-01", "2024-03-31"),
        ("2024-07-01", "2024-04-01", "2024-06-30"),
        ("2024-12-31", "2024-07-01", "2024-09-30"),
    ],
)
def test_the_last_quarter_is_the_one_before_that_of_the_report_date(
    report_date: str, first: str, last: str
) -> None:
    period = preset_period(Preset.LAST_QUARTER, date.fromisoformat(report_date), NEW_YORK)
    assert (str(period.first_day), str(period.last_day)) == (first, last)


ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
DAYS = st.dates(date(1976, 1, 1), date(2036, 12, 31))
WEEK_STARTS = st.sampled_from(Weekday)


@given(day=DAYS, unit=st.sampled_from(Unit), week_start=WEEK_STARTS)
def test_a_unit_begins_where_a_walk_backwards_meets_its_first_day(
    day: date, unit: Unit, week_start: Weekday
) -> None:
    is_first: Callable[[date], bool] = {
        Unit.WEEK: lambda at: f"{at:%A}".lower() == week_start,
        Unit.MONTH: lambda at: at.day == 1,
        Unit.QUARTER: lambda at: f"{at:%m-%d}" in {"01-01", "04-01", "07-01", "10-01"},
        Unit.YEAR: lambda at: f"{at:%m-%d}" == "01-01",
    }[unit]
    start = day
    while not is_first(start):
        start -= DAY
    assert first_day_of(unit, day, week_start) == start


@given(
    zone=ZONES,
    day=DAYS,
    week_start=WEEK_STARTS,
    preset=st.sampled_from([preset for preset in Preset if preset.closed_unit]),
)
def test_a_closed_unit_and_the_one_before_it_leave_no_gap(
    zone: ZoneInfo, day: date, week_start: Weekday, preset: Preset
) -> None:
    unit = preset.closed_unit
    assert unit
    period = preset_period(preset, day, zone, week_start=week_start)
    assert period.last_day + DAY == first_day_of(unit, day, week_start)
    assert period.first_day == first_day_of(unit, period.last_day, week_start)
    previous = previous_period(preset, period)
    assert not Period(previous.last_day, period.first_day, zone).days[1:-1]
    assert previous.first_day == first_day_of(unit, period.first_day - DAY, week_start)


@given(
    zone=ZONES,
    day=DAYS,
    week_start=WEEK_STARTS,
    preset=st.sampled_from(RELATIVE_PRESETS),
    include_today=st.booleans(),
)
def test_a_previous_period_ends_before_the_period_begins(
    zone: ZoneInfo, day: date, week_start: Weekday, preset: Preset, *, include_today: bool
) -> None:
    period = preset_period(preset, day, zone, include_today=include_today, week_start=week_start)
    previous = previous_period(preset, period)
    assert previous.last_day < period.first_day
    assert same_days_last_year(period).last_day < period.last_day


@given(zone=ZONES, day=DAYS, week_start=WEEK_STARTS)
def test_this_week_is_compared_up_to_the_same_weekday(zone: ZoneInfo, day: date, week_start: Weekday) -> None:
    period = preset_period(Preset.THIS_WEEK, day, zone, week_start=week_start)
    previous = previous_period(Preset.THIS_WEEK, period)
    assert Weekday.of(previous.first_day) is Weekday.of(period.first_day) is week_start
    assert Weekday.of(previous.last_day) is Weekday.of(day)
    assert period.first_day - previous.first_day == day - previous.last_day == 7 * DAY


@given(zone=ZONES, first=DAYS, length=st.integers(0, 400))
def test_the_same_days_last_year_have_the_same_dates(zone: ZoneInfo, first: date, length: int) -> None:
    last_year = same_days_last_year(Period(first, first + length * DAY, zone))
    for day, earlier in ((first, last_year.first_day), (first + length * DAY, last_year.last_day)):
        assert earlier.year == day.year - 1
        assert f"{earlier:%m-%d}" == f"{day:%m-%d}".replace("02-29", "02-28")


def test_a_week_with_a_date_that_never_was_is_compared_with_the_whole_week_before() -> None:
    period = preset_period(Preset.LAST_WEEK, date(2012, 1, 2), APIA)
    assert [day.day for day in period.days] == [26, 27, 28, 29, 31, 1]
    assert len(previous_period(Preset.LAST_WEEK, period).days) == 7
    after = preset_period(Preset.LAST_WEEK, date(2012, 1, 9), APIA)
    assert previous_period(Preset.LAST_WEEK, after) == period


def test_a_day_that_never_was_a_year_before_has_no_day_to_compare_with() -> None:
    assert same_days_last_year(Period(date(2012, 12, 30), date(2012, 12, 30), APIA)).days == []


@given(preset=st.sampled_from(RELATIVE_PRESETS), day=DAYS, week_start=WEEK_STARTS)
def test_only_week_presets_depend_on_the_week(preset: Preset, day: date, week_start: Weekday) -> None:
    by_monday = preset_period(preset, day, NEW_YORK)
    if preset not in {Preset.THIS_WEEK, Preset.LAST_WEEK}:
        assert preset_period(preset, day, NEW_YORK, week_start=week_start) == by_monday


def test_include_today_moves_last_n_days_and_nothing_else() -> None:
    for preset in RELATIVE_PRESETS:
        with_today = preset_period(preset, REPORT_DATE, NEW_YORK, include_today=True)
        without = preset_period(preset, REPORT_DATE, NEW_YORK)
        moved = DAY if preset.day_count else timedelta(0)
        assert with_today.last_day - without.last_day == moved
        assert with_today.first_day - without.first_day == moved


def test_last_7_days_step_over_a_date_that_never_was() -> None:
    period = preset_period(Preset.LAST_7_DAYS, date(2012, 1, 3), APIA)
    assert len(period.days) == 7
    assert (period.first_day, period.last_day) == (date(2011, 12, 26), date(2012, 1, 2))
    assert date(2011, 12, 30) not in period.days


def test_yesterday_of_the_day_after_a_skipped_date_is_the_day_before_it() -> None:
    assert preset_period(Preset.YESTERDAY, date(2011, 12, 31), APIA).days == [date(2011, 12, 29)]


def test_as_of_is_now_on_the_report_date_and_its_end_later() -> None:
    noon = datetime(2024, 3, 15, 16, tzinfo=UTC)
    assert as_of(REPORT_DATE, noon, NEW_YORK) == noon
    assert as_of(REPORT_DATE, noon + 5 * DAY, NEW_YORK) == first_instant(date(2024, 3, 16), NEW_YORK)


def test_a_report_date_must_have_begun_and_exist() -> None:
    with pytest.raises(NoSuchReportDate, match="has not begun in America/New_York"):
        as_of(REPORT_DATE, datetime(2024, 3, 15, 3, 59, tzinfo=UTC), NEW_YORK)
    with pytest.raises(NoSuchReportDate, match="2011-12-30 does not exist in Pacific/Apia"):
        as_of(date(2011, 12, 30), datetime(2020, 1, 1, tzinfo=UTC), APIA)


def test_a_period_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match=r"ends before it starts: 2024-03-15\.\.2024-03-14"):
        Period(REPORT_DATE, REPORT_DATE - DAY, NEW_YORK)


@given(zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo), hours=st.integers(0, 24 * 365 * 3))
def test_offset_changes_tell_the_offset_of_every_instant(zone: ZoneInfo, hours: int) -> None:
    start = datetime(2009, 6, 1, tzinfo=UTC)
    instant = start + timedelta(hours=hours)
    changes = offset_changes(zone, start, datetime(2012, 7, 1, tzinfo=UTC))
    known = [offset for begin, offset in changes if begin <= instant][-1]
    assert known == instant.astimezone(zone).utcoffset()
