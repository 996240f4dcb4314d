"""What a report knows of the days before it, and of those that have not begun."""

from datetime import UTC, date, datetime

import pytest

from assets.config.workspace import ReportSpec
from assets.errors import NoSuchReportDate
from assets.periods import Preset, as_of
from assets.render.i18n import load_words
from assets.render.labels import compared_period
from assets.render.reasons import reason_sentences
from assets.report.build import build_report
from assets.report.model import Report
from tests.conftest import LATER, Inbox, line


def report(inbox: Inbox, spec: ReportSpec, report_date: date, now: datetime = LATER) -> Report:
    return build_report(
        inbox.lake, inbox.workspace, spec, report_date, as_of(report_date, now, inbox.workspace.zone)
    ).report


def custom(first: date, last: date) -> ReportSpec:
    return ReportSpec(name="mine", first_day=first, last_day=last)


@pytest.fixture
def march(inbox: Inbox) -> Inbox:
    """An assignment of a contact of its own to Bob on each day of March 1 to 10."""
    inbox.zone, inbox.first_day = "UTC", date(2024, 3, 1)
    inbox.write(
        *(
            line(f"e{day}", f"2024-03-{day:02}T12:00:00Z", contact_id=f"k{day}", conversation_id=f"v{day}")
            for day in range(1, 11)
        )
    )
    return inbox


def load(inbox: Inbox, first: int, last: int) -> None:
    inbox.load(date(2024, 3, first), date(2024, 3, last))
    inbox.build(date(2024, 3, first), date(2024, 3, last))


def opening(found: Report) -> int:
    return sum(each.opening for each in found.assignees)


def test_an_opening_never_counts_across_days_that_are_not_loaded(march: Inbox) -> None:
    load(march, 1, 4)
    load(march, 7, 9)
    spec = custom(date(2024, 3, 9), date(2024, 3, 9))
    found = report(march, spec, date(2024, 3, 10))
    assert (opening(found), found.known_since) == (2, date(2024, 3, 7))
    assert found.provisional
    assert reason_sentences(found, load_words("en")) == [
        "2 days before the period are not loaded (2024-03-05 to 2024-03-06): contacts by assignee are known only since then."
    ]
    load(march, 1, 9)
    found = report(march, spec, date(2024, 3, 10))
    assert (opening(found), found.known_since, found.provisional) == (8, date(2024, 3, 1), False)


def test_an_opening_needs_every_day_since_the_first_one_with_data(march: Inbox) -> None:
    load(march, 7, 9)
    found = report(march, custom(date(2024, 3, 9), date(2024, 3, 9)), date(2024, 3, 10))
    assert (opening(found), found.known_since, found.provisional) == (2, date(2024, 3, 7), True)
    assert found.reasons[0].facts == {"count": 6, "first": "2024-03-01", "last": "2024-03-06"}
    load(march, 1, 6)
    found = report(march, custom(date(2024, 3, 9), date(2024, 3, 9)), date(2024, 3, 10))
    assert (opening(found), found.known_since, found.provisional) == (8, date(2024, 3, 1), False)


def test_without_balances_the_days_before_do_not_matter(march: Inbox) -> None:
    load(march, 7, 9)
    spec = custom(date(2024, 3, 9), date(2024, 3, 9)).model_copy(update={"components": ("metric", "log")})
    assert not report(march, spec, date(2024, 3, 10)).provisional


def test_a_period_with_days_that_have_not_begun_is_provisional(march: Inbox) -> None:
    load(march, 1, 8)
    found = report(march, custom(date(2024, 3, 7), date(2024, 3, 10)), date(2024, 3, 8))
    assert found.missing_days == (date(2024, 3, 9), date(2024, 3, 10))
    assert [each.code for each in found.reasons] == ["days_missing"]
    assert [each.is_loaded for each in found.by_day] == [True, True, False, False]


def test_a_period_that_lies_in_the_future_is_no_report(march: Inbox) -> None:
    load(march, 1, 8)
    with pytest.raises(NoSuchReportDate, match=r"mine: 2024-03-09 to 2024-03-10 has not begun on 2024-03-08"):
        report(march, custom(date(2024, 3, 9), date(2024, 3, 10)), date(2024, 3, 8))


def test_while_a_day_runs_the_comparison_says_until_when_it_counts(march: Inbox) -> None:
    march.zone = "America/New_York"
    now = datetime(2024, 3, 6, 1, 18, tzinfo=UTC)  # 20:18 on the 5th
    march.load(date(2024, 3, 4), date(2024, 3, 5), now)
    march.build(date(2024, 3, 4), date(2024, 3, 5))
    found = report(march, ReportSpec(name="today", preset=Preset.TODAY), date(2024, 3, 5), now)
    assert found.comparison
    assert found.comparison.until == datetime(2024, 3, 5, 1, 18, tzinfo=UTC)
    assert compared_period(found, load_words("en")) == "Mon, Mar 4, 2024 until 20:18"
    yesterday = report(
        march, ReportSpec(name="yesterday", preset=Preset.YESTERDAY), date(2024, 3, 6), now=LATER
    )
    assert yesterday.comparison
    assert yesterday.comparison.until is None
