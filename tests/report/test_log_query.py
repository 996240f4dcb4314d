"""Log rows that are read some days at a time are those of one query."""

from datetime import date

import pytest

from assets.periods import Period
from assets.report import log_query
from tests.conftest import LATER, Inbox, line


@pytest.mark.parametrize("expected", [0, 5, 10_000])
def test_rows_read_some_days_at_a_time_are_those_of_one_query(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, expected: int
) -> None:
    first, last = date(2024, 3, 5), date(2024, 3, 9)
    rows = [
        line(f"e{n}", f"2024-03-0{5 + n % 5}T1{n % 7}:00:00Z", contact_id=f"k{n}", assignee=f"A{n % 3}")
        for n in range(40)
    ]
    inbox.write(*rows)
    inbox.load(first, last)
    inbox.build(first, last)
    monkeypatch.setattr(log_query, "_SORTED_AT_ONCE", 10)
    period = Period(first, last, inbox.workspace.zone)
    whole = inbox.lake.query(log_query.log_rows(period, LATER))
    read = log_query.read_log_rows(inbox.lake, period, LATER, (), log_query.ALL, expected=expected)
    assert read.num_rows == len(rows)
    assert read.equals(whole)


def test_a_period_without_a_day_has_no_rows(inbox: Inbox) -> None:
    inbox.zone = "Pacific/Apia"
    skipped = date(2011, 12, 30)
    inbox.build(skipped)
    period = Period(skipped, skipped, inbox.workspace.zone)
    read = log_query.read_log_rows(inbox.lake, period, LATER, (), log_query.COUNTED, expected=0)
    assert not read.num_rows
    assert set(read.column_names) == log_query.COUNTED
