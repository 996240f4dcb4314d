from datetime import date

from assets.config import ReportSpec
from assets.periods import as_of
from assets.report.build import build_report
from assets.report.model import Finding, Rule
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
