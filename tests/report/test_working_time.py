"""Working time against a plain walk over every minute, and on nights on which clocks change."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.config.working_hours import WorkingHours
from assets.report.working_time import WorkingTime

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def microseconds(instants: Sequence[datetime]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([(instant - EPOCH) // timedelta(microseconds=1) for instant in instants], dtype=np.int64)


def worked(
    hours: dict[str, list[str]], zone: str, begin: str, end: str, holidays: Sequence[str] = ()
) -> float:
    """Return the hours worked between two instants; those without an offset are local."""
    instants = [
        instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone))
        for instant in map(datetime.fromisoformat, (begin, end))
    ]
    begins, ends = microseconds(instants[:1]), microseconds(instants[1:])
    days = [date.fromisoformat(day) for day in holidays]
    working_time = WorkingTime(WorkingHours.model_validate(hours), days, ZoneInfo(zone))
    return int(working_time.between(begins, ends)[0]) / 3_600_000_000


DAILY = {"monday-sunday": ["09:00-12:30", "13:30-18:00"]}
NIGHTS = {"monday-sunday": ["22:00-06:00"]}
ALWAYS = {"monday-sunday": ["00:00-24:00"]}


@pytest.mark.parametrize(
    ("hours", "zone", "begin", "end", "expected"),
    [
        (NIGHTS, "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00", 7),
        (NIGHTS, "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T12:00", 9),
        (NIGHTS, "Australia/Lord_Howe", "2024-10-05T12:00", "2024-10-06T12:00", 7.5),
        (NIGHTS, "Australia/Lord_Howe", "2024-04-06T12:00", "2024-04-07T12:00", 8.5),
        ({"sunday": ["02:15-05:00"]}, "Europe/Berlin", "2026-03-29T00:00", "2026-03-29T12:00", 2),  # 02 is 03
        ({"sunday": ["02:15-02:45"]}, "Europe/Berlin", "2026-03-29T00:00", "2026-03-29T12:00", 0),
        ({"sunday": ["02:15-02:45"]}, "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T12:00", 1.5),
        ({"sunday": ["01:00-02:30", "02:30-04:00"]}, "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T12:00", 4),
        ({"sunday": ["00:00-08:00"]}, "America/Havana", "2024-03-09T12:00", "2024-03-10T12:00", 7),  # no midnight
        ({"sunday": ["00:00-08:00"]}, "America/Havana", "2024-11-02T12:00", "2024-11-03T12:00", 9),  # two of them
        ({"saturday": ["20:00-24:00"]}, "America/Sao_Paulo", "2018-02-17T12:00", "2018-02-18T12:00", 5),
        (ALWAYS, "America/St_Johns", "2010-11-06T12:00", "2010-11-07T12:00", 25),  # back from 00:01 to 23:01
        (DAILY, "Pacific/Apia", "2011-12-29T00:00", "2012-01-01T00:00", 16),  # of which the 30th never was
        (NIGHTS, "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T12:00", 2),
        (DAILY, "Asia/Kolkata", "2026-03-02T03:30+00:00", "2026-03-02T04:30+00:00", 1),
        (DAILY, "Asia/Kolkata", "2026-03-02T07:00+00:00", "2026-03-02T08:00+00:00", 0),
        ({"monday": ["09:00-10:00"]}, "Europe/Berlin", "2000-01-01T00:00", "2026-11-23T09:15", 1403.25),
    ],
)  # fmt: skip
def test_a_span_is_as_long_as_its_clocks_say(
    hours: dict[str, list[str]], zone: str, begin: str, end: str, expected: float
) -> None:
    assert worked(hours, zone, begin, end) == expected


def test_on_a_holiday_no_span_begins() -> None:
    berlin = "Europe/Berlin"
    assert worked(DAILY, berlin, "2026-12-24T00:00", "2026-12-27T00:00", ["2026-12-25"]) == 16
    assert worked(NIGHTS, berlin, "2026-12-24T12:00", "2026-12-27T12:00", ["2026-12-25"]) == 16
    assert worked(NIGHTS, berlin, "2026-12-25T00:00", "2026-12-26T00:00", ["2026-12-25"]) == 6


def test_nothing_has_no_working_time() -> None:
    nothing = microseconds([])
    assert (
        WorkingTime(WorkingHours.model_validate(DAILY), [], ZoneInfo("UTC")).between(nothing, nothing).size
        == 0
    )


CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
    ("America/Havana", date(2024, 11, 3)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
ANY_DAY = st.tuples(
    st.sampled_from(sorted(available_timezones())), st.dates(date(1975, 1, 1), date(2036, 12, 31))
)


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw working hours: up to two spans a day, between an hour of the night and the same on the next day."""
    hours = {}
    edge = draw(st.integers(0, 24))
    for weekday in WEEKDAYS:
        quarters = sorted(draw(st.sets(st.integers(edge, edge + 96), max_size=4)))
        hours[weekday] = [
            f"{begin // 4:02}:{begin % 4 * 15:02}-{end // 4 % 24:02}:{end % 4 * 15:02}"
            for begin, end in zip(quarters[::2], quarters[1::2], strict=False)
            if begin < 96 and (end - begin) % 96
        ]
    return hours


@settings(max_examples=40)
@given(
    place=st.sampled_from(CHANGES) | ANY_DAY,
    hours=weeks().filter(lambda hours: any(hours.values())),
    holidays=st.sets(st.integers(-2, 2)),
    minutes=st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)), min_size=1, max_size=5),
)
def test_working_time_equals_that_of_a_walk_over_every_minute(
    place: tuple[str, date],
    hours: dict[str, list[str]],
    holidays: set[int],
    minutes: list[tuple[int, int]],
) -> None:
    zone, around = ZoneInfo(place[0]), place[1]
    off = {around + timedelta(days=count) for count in holidays}
    noon = datetime(around.year, around.month, around.day, 12, tzinfo=UTC)
    begins = [noon + begin * MINUTE for begin, _ in minutes]
    ends = [begin + length * MINUTE for begin, (_, length) in zip(begins, minutes, strict=True)]
    working_time = WorkingTime(WorkingHours.model_validate(hours), off, zone)
    found = working_time.between(microseconds(begins), microseconds(ends)) // (60 * 1_000_000)
    walk = worked_minutes(hours, off, zone, noon)
    assert found.tolist() == [
        sum(begin <= minute < end for minute in walk) for begin, end in zip(begins, ends, strict=True)
    ]


def worked_minutes(
    hours: dict[str, list[str]], off: set[date], zone: ZoneInfo, noon: datetime
) -> set[datetime]:
    """Return the worked minutes of four days before *noon* to four days after, by reading the clock of each."""
    instants = [noon + count * MINUTE for count in range(-4 * 1440, 4 * 1440)]
    clock = [instant.astimezone(zone).replace(tzinfo=None) for instant in instants]
    found: set[datetime] = set()
    for day in sorted({shown.date() for shown in clock} - off):
        for span in hours[WEEKDAYS[day.weekday()]]:
            begin, end = (datetime.fromisoformat(f"{day}T{text}") for text in span.split("-"))
            if end <= begin:
                end += timedelta(days=1)
            begun, ended = showing(clock, begin), showing(clock, end)
            if begun and ended:  # else it is at the edge of these days
                found |= set(instants[begun[0] : ended[-1]])
    return found


def showing(clock: list[datetime], local: datetime) -> list[int]:
    """Return the minutes at which the clock shows *local*, or jumps over it."""
    return [
        count
        for count in range(1, len(clock))
        if clock[count] == local or clock[count - 1] < local < clock[count]
    ]
