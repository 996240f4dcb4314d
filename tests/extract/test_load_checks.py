from datetime import UTC, date, datetime, timedelta

import pytest

from assets.extract.load_checks import check_load
from tests.conftest import Inbox, line

NOON = datetime(2024, 3, 20, 16, tzinfo=UTC)  # a Wednesday in New York


def seen(
    inbox: Inbox, now: datetime = NOON, *, first: date = date(2024, 1, 1)
) -> dict[str, tuple[bool, str]]:
    loaded = inbox.load(first, date(2024, 3, 19), now=now)
    return {
        each.name: (each.is_fine, each.text) for each in check_load(inbox.lake, inbox.workspace, loaded, now)
    }


def events(per_tuesday: int, last: int) -> list[str]:
    days = [date(2024, 3, 19) - timedelta(weeks=week) for week in range(9)]
    counts = [last, *[per_tuesday] * 8]
    return [
        line(f"{day}-{n}", f"{day}T15:00:00Z", contact_id=f"{day}-{n}")
        for day, count in zip(days, counts, strict=True)
        for n in range(count)
    ]


def test_a_load_up_to_yesterday_is_fine(inbox: Inbox) -> None:
    inbox.write(*events(100, 90))
    told = seen(inbox)
    assert all(is_fine for is_fine, _ in told.values())
    assert told["newest_day_loaded"][1] == "newest day: 2024-03-19; yesterday: 2024-03-19"
    assert (
        told["volume_within_range"][1]
        == "2024-03-19: 90 events; the median of the same weekday of 8 weeks: 100"
    )


def test_a_day_that_is_missing_or_not_loaded_to_its_end_is_seen(inbox: Inbox) -> None:
    inbox.write(*events(1, 1))
    assert seen(inbox, NOON + timedelta(days=1))["newest_day_loaded"][0] is False
    inbox.load(date(2024, 3, 20), now=NOON)
    is_fine, text = seen(inbox, NOON + timedelta(days=1))["newest_day_loaded"]
    assert (is_fine, text) == (False, "newest day: 2024-03-20, not to its end; yesterday: 2024-03-20")


@pytest.mark.parametrize(
    ("last", "is_usual"), [(0, False), (49, False), (50, True), (150, True), (151, False)]
)
def test_an_unusual_volume_is_seen(inbox: Inbox, last: int, is_usual: bool) -> None:  # noqa: FBT001
    inbox.write(*events(100, last))
    assert seen(inbox)["volume_within_range"][0] is is_usual


def test_many_rejected_rows_are_seen(inbox: Inbox) -> None:
    inbox.write(
        *events(1, 1),
        *(line(f"bad{n}", "2024-03-19T15:00:00Z", contact_id="", conversation_id="") for n in range(2)),
    )
    is_fine, text = seen(inbox)["rejected_share"]
    assert (is_fine, text) == (False, "2 of 11 rows rejected, 18.2 %; the limit is 5 %")
