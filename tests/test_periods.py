from datetime import UTC, date, datetime, timedelta
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import NoSuchReportDate
from assets.periods import (
    DAY,
    PRESETS,
    Period,
    Preset,
    as_of,
    day_exists,
    first_instant,
    local_day,
    offset_changes,
    preset_period,
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
    ],
)
def test_a_preset_covers_the_days_of_its_definition(preset: str, first: str, last: str) -> None:
    period = preset_period(Preset(preset), REPORT_DATE, NEW_YORK)
    assert (str(period.first_day), str(period.last_day)) == (first, last)


def test_include_today_moves_last_n_days_and_nothing_else() -> None:
    for preset in PRESETS:
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
    with pytest.raises(NoSuchReportDate, match="Pacific/Apia has no 2011-12-30"):
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
