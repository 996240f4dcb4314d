"""The last rows before a month are those of the log, and are made again when an earlier event changes."""

from datetime import date

from sqlalchemy import select

from assets.aggregates.open_intervals import known_month, last_rows
from assets.extract.erasure import erase_contact
from assets.warehouse.schema import OPEN_INTERVALS
from tests.conftest import Inbox, line

APRIL = date(2024, 4, 1)
ROWS = [
    line("e1", "2024-03-05T15:00:00Z", contact_id="k1"),
    line("e2", "2024-03-28T15:00:00Z", contact_id="k2"),
    line("e3", "2024-03-31T15:00:00Z", contact_id="k1", previous_assignee="Bob", assignee="Eve"),
    line("e4", "2024-04-02T15:00:00Z", contact_id="k2", previous_assignee="Bob", assignee=""),
    line("e5", "2024-04-03T15:00:00Z", contact_id="k3"),
]


def run(inbox: Inbox, *rows: str) -> None:
    inbox.write(*ROWS, *rows)
    inbox.load(date(2024, 3, 1), date(2024, 4, 4))
    inbox.build(date(2024, 3, 1), date(2024, 4, 4))


def night(inbox: Inbox) -> None:
    """Load the last days again, as every night does."""
    inbox.load(date(2024, 4, 2), date(2024, 4, 4))
    inbox.build(date(2024, 4, 2), date(2024, 4, 4))


def kept(inbox: Inbox) -> list[tuple[date, str, date]]:
    rows = inbox.lake.query(select(OPEN_INTERVALS).order_by(OPEN_INTERVALS.c.subject)).to_pylist()
    return [(row["local_day"], row["subject"], row["event_day"]) for row in rows]


def test_a_month_gives_the_rows_of_the_log(inbox: Inbox) -> None:
    run(inbox)
    night(inbox)
    assert kept(inbox) == [(APRIL, "k1", date(2024, 3, 31)), (APRIL, "k2", date(2024, 3, 28))]
    day = date(2024, 4, 3)
    assert known_month(inbox.lake, day) == APRIL
    assert known_month(inbox.lake, date(2024, 3, 31)) is None
    for since, subjects in ((date.min, ["k1", "k2"]), (date(2024, 4, 2), ["k2"])):
        whole, short = (inbox.lake.query(last_rows(day, since, month)) for month in (None, APRIL))
        assert short == whole
        assert sorted(whole["subject"].to_pylist()) == subjects
    night(inbox)
    assert inbox.log()[3]["held_since_day"] == date(2024, 3, 28)


def test_a_late_event_makes_the_month_again(inbox: Inbox) -> None:
    run(inbox)
    night(inbox)
    run(inbox, line("e0", "2024-03-30T15:00:00Z", contact_id="k2", previous_assignee="Bob", assignee="Eve"))
    night(inbox)
    assert kept(inbox)[1] == (APRIL, "k2", date(2024, 3, 30))
    assert inbox.log()[4]["held_since_day"] == date(2024, 3, 30)


def test_an_erased_contact_is_erased_here_too(inbox: Inbox) -> None:
    run(inbox)
    night(inbox)
    for day in erase_contact(inbox.lake, "k1"):
        inbox.build(day)
    assert [subject.partition("-")[0] for _, subject, _ in kept(inbox)] == ["erased", "k2"]
