"""A source that stops is noticed after the hours in which twenty events are usual, and outages teach nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from assets.extract.load_plan import changed_files
from assets.extract.source_stall import find_stall, is_silent
from assets.sources.files.imports import DaySources
from assets.sources.registry import open_source
from tests.conftest import Inbox, line

FIRST = date(2024, 1, 1)
STOP = datetime(2024, 3, 20, 16, tzinfo=UTC)  # a Wednesday noon in New York


def steady(inbox: Inbox, per_day: int, until: datetime, gap: tuple[int, int] = (0, 0)) -> None:
    """Write so many events a day, evenly, without those of the days *gap* after the first."""
    start = datetime(2024, 1, 1, 5, tzinfo=UTC)
    step = timedelta(days=1) / per_day
    count = int((until - start) / step)
    instants = [start + n * step for n in range(count)]
    inbox.write(
        *(
            line(f"e{n}", at.isoformat().replace("+00:00", "Z"), contact_id=f"k{n}")
            for n, at in enumerate(instants)
            if not gap[0] <= (at - start).days < gap[1]
        )
    )


def stall_after(inbox: Inbox, silence: timedelta) -> int | None:
    now = STOP + silence
    inbox.load(FIRST, now.date(), now=now)
    found = find_stall(inbox.lake, inbox.workspace, now)
    return found.expected if found else None


@pytest.mark.parametrize(
    ("per_day", "silence", "expected"),
    [
        (240, timedelta(hours=1), None),
        (240, timedelta(hours=3), 30),
        (240, timedelta(days=8), 1920),
        (5, timedelta(days=3), None),
        (5, timedelta(days=5), 25),
    ],
)
def test_a_silence_is_a_stall_where_twenty_events_are_usual(
    inbox: Inbox, per_day: int, silence: timedelta, expected: int | None
) -> None:
    steady(inbox, per_day, STOP)
    found = stall_after(inbox, silence)
    assert found == expected if expected is None else found and abs(found - expected) <= 1


def test_a_quiet_hour_of_the_week_is_no_stall(inbox: Inbox) -> None:
    days = [FIRST + timedelta(n) for n in range(80)]
    inbox.write(
        *(
            line(f"{day}-{n}", f"{day}T{15 + n // 30}:{n % 30:02d}:00Z", contact_id=f"{day}-{n}")
            for day in days
            for n in range(90)
        )
    )
    night = datetime(2024, 3, 21, 9, tzinfo=UTC)
    inbox.load(FIRST, night.date(), now=night)
    assert find_stall(inbox.lake, inbox.workspace, night) is None


def test_weeks_of_an_outage_are_not_compared_with(inbox: Inbox) -> None:
    steady(inbox, 48, STOP, gap=(30, 68))  # five of the last eight weeks
    assert stall_after(inbox, timedelta(hours=12)) == 25


def test_a_source_that_is_asked_tells_whether_it_goes_on(inbox: Inbox) -> None:
    steady(inbox, 48, STOP)
    inbox.load(FIRST, STOP.date(), now=STOP)
    later = STOP + timedelta(hours=12)

    def asked() -> bool:
        sources = DaySources(open_source(inbox.workspace), [])
        changed = changed_files(sources, inbox.lake)
        return is_silent(sources.main, changed, inbox.lake, inbox.workspace, later)

    assert find_stall(inbox.lake, inbox.workspace, later) is None, "nothing is loaded since"
    assert asked()
    stall = find_stall(inbox.lake, inbox.workspace, later, is_silent=True)
    assert stall
    assert (stall.until, stall.expected) == (later, 25)
    inbox.write(line("new", "2024-03-20T18:00:00Z"), name="more.csv")
    assert not asked()
