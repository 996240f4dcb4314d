from datetime import date

import pytest

from assets.config.workspace import ReportSpec
from assets.periods import Preset, as_of
from assets.report.build import build_report
from assets.report.model import Finding, Report, Rule
from assets.report.shares import percent_of
from tests.conftest import LATER, Inbox, line


def found(inbox: Inbox, *times: str) -> dict[Rule, Finding]:
    """Return the findings of a report over 4 to 6 March with 15 assignments from each of *times* on, in UTC."""
    inbox.zone = "UTC"
    inbox.write(
        *(
            line(f"{number}-{second}", f"2024-03-{time}:{second:02}Z")
            for number, time in enumerate(times)
            for second in range(15)
        )
    )
    first, last = date(2024, 3, 4), date(2024, 3, 6)
    inbox.load(first, last)
    inbox.build(first, last)
    spec = ReportSpec(name="mine", first_day=first, last_day=last)
    built = build_report(inbox.lake, inbox.workspace, spec, last, as_of(last, LATER, inbox.workspace.zone))
    return {each.rule: each for each in built.report.findings}


def test_the_busiest_day_and_hour_are_told(inbox: Inbox) -> None:
    facts = found(inbox, "04T10:00", "05T10:00", "05T14:00", "05T14:30")
    assert facts[Rule.BUSIEST_DAY].facts == {"day": "2024-03-05", "count": 45, "share": 75.0}
    assert facts[Rule.BUSIEST_HOUR].facts == {"weekday": 1, "hour": 14, "count": 30}


def test_where_two_are_equally_busy_none_is_the_busiest(inbox: Inbox) -> None:
    facts = found(inbox, "04T10:00", "05T14:00")
    assert not {Rule.BUSIEST_DAY, Rule.BUSIEST_HOUR} & facts.keys()


def compared(inbox: Inbox, now: dict[str, int], before: dict[str, int], preset: str = "yesterday") -> Report:
    """Return the report of a day, or of February 2024, with *now* events of each source, and *before* the period before."""
    inbox.zone = "UTC"
    days = {
        "yesterday": (date(2024, 3, 5), date(2024, 3, 4)),
        "last_month": (date(2024, 2, 10), date(2024, 1, 10)),
    }[preset]
    inbox.write(
        *(
            line(
                f"{day}-{source}-{at}",
                f"{day}T10:{at // 60:02}:{at % 60:02}Z",
                source=source,
                contact_id=f"{day}{source}{at}",
            )
            for day, counts in zip(days, (now, before), strict=True)
            for source, count in counts.items()
            for at in range(count)
        )
    )
    first, last = {
        "yesterday": (date(2024, 3, 4), date(2024, 3, 5)),
        "last_month": (date(2024, 1, 1), date(2024, 2, 29)),
    }[preset]
    inbox.first_day = first
    inbox.load(first, last)
    inbox.build(first, last)
    spec = ReportSpec(name="mine", preset=Preset(preset))
    report_date = date(2024, 3, 6)
    end = as_of(report_date, LATER, inbox.workspace.zone)
    return build_report(inbox.lake, inbox.workspace, spec, report_date, end).report


def rules(report: Report) -> dict[Rule, dict[str, str | int | float]]:
    return {each.rule: each.facts for each in report.findings}


def test_a_threshold_is_tested_on_exact_fractions(inbox: Inbox) -> None:
    """0.0996 is printed as 10.0 %, and is less than a tenth; 27.3 to 32.3 is 5 points, though not in binary."""
    assert Rule.CHANGE not in rules(compared(inbox, {"user": 1104}, {"user": 1004}))


def test_five_points_are_five_points(inbox: Inbox) -> None:
    facts = rules(compared(inbox, {"user": 323, "bot": 677}, {"user": 273, "bot": 727}))
    assert facts[Rule.SHIFT] == {"source": "Bot", "share": 67.7, "earlier_share": 72.7}
    assert Rule.CHANGE not in facts


def test_a_sentences_share_is_the_printed_one(inbox: Inbox) -> None:
    report = compared(
        inbox, {"user": 20, "bot": 10, "make": 10, "api": 20}, {"user": 40, "bot": 1, "make": 19, "api": 1}
    )
    printed = {each.label: each.share_pct for each in report.by_source}
    facts = rules(report)
    assert facts[Rule.TOP_SOURCE]["share"] == printed[str(facts[Rule.TOP_SOURCE]["source"])]
    assert facts[Rule.SHIFT]["share"] == printed[str(facts[Rule.SHIFT]["source"])]


def test_of_two_sources_that_tie_the_first_by_label_is_named(inbox: Inbox) -> None:
    facts = rules(compared(inbox, {"workflow": 20, "bot": 20}, {"workflow": 30, "bot": 10}))
    assert facts[Rule.TOP_SOURCE]["source"] == "Bot"
    assert facts[Rule.SHIFT]["source"] == "Bot"


def test_a_source_that_vanished_is_named_like_a_new_one(inbox: Inbox) -> None:
    facts = rules(compared(inbox, {"user": 95, "zapier": 2}, {"user": 94, "bot": 5, "make": 1}))
    assert facts[Rule.GONE_SOURCE] == {"source": "Bot", "count": 5}
    assert facts[Rule.NEW_SOURCE] == {"source": "Zapier", "count": 2}


def test_months_of_unequal_length_are_compared_by_daily_average(inbox: Inbox) -> None:
    facts = rules(compared(inbox, {"user": 290}, {"user": 620}, "last_month"))
    assert Rule.CHANGE not in facts
    assert facts[Rule.DAILY_CHANGE] == {"now": 10.0, "before": 20.0, "change": -50.0}
    assert Rule.DAILY_CHANGE not in rules(compared(inbox, {"user": 290}, {"user": 310}, "last_month"))


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(1, 8, 12.5), (1, 16, 6.3), (-1, 16, -6.3), (5, 10_000, 0.1), (4, 10_000, 0.0), (1, 3, 33.3)],
)
def test_halves_are_rounded_away_from_zero(part: int, whole: int, expected: float) -> None:
    assert percent_of(part, whole) == expected
