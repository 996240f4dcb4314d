"""A person is one person everywhere: docs/reference/definitions.md, People."""

from datetime import date
from typing import Any

import pytest

from assets.config.workspace import ReportSpec
from assets.periods import as_of
from assets.report.build import Built, build_report
from assets.report.model import Rule
from assets.report.persons import known_persons
from tests.conftest import DAY, LATER, Inbox, line

HEADER = (
    "event_id,occurred_at,conversation_id,contact_id,assignee_id,assignee,assigned_by_id,assigned_by,source"
)


def steps(inbox: Inbox, *assignees: tuple[str, str], first: date = DAY, name: str = "events.csv") -> None:
    """Write an assignment a minute to each (id, name), each of a contact of its own, by itself."""
    lines = (
        f"{name}{at},{first}T10:{at:02}:00Z,v{name}{at},k{name}{at},{who},{called},{who},{called},User"
        for at, (who, called) in enumerate(assignees)
    )
    inbox.write(*lines, name=name, header=HEADER)


def report(inbox: Inbox, first: date = DAY, last: date = DAY, **filters: Any) -> Built:
    inbox.zone = "UTC"
    inbox.load(date(2024, 3, 1), last)
    inbox.build(date(2024, 3, 1), last)
    spec = ReportSpec.model_validate(
        {"name": "mine", "first_day": first, "last_day": last, "filters": filters}
    )
    return build_report(inbox.lake, inbox.workspace, spec, last, as_of(last, LATER, inbox.workspace.zone))


def received(built: Built) -> dict[str, int]:
    found = built.report.hand_offs
    assert found
    people = dict(
        zip(found.people, [sum(column) for column in zip(*found.counts, strict=True)], strict=False)
    )
    assert (
        people == {each.assignee: each.received for each in built.report.assignees if each.received}
        or not built.report.assignees
    )
    return people


def test_a_name_without_an_id_is_whose_it_alone_was_up_to_then(inbox: Inbox) -> None:
    steps(inbox, ("", "Bob"), ("7", "Bob"), ("", "Bob"), ("8", "Bob"), ("", "Bob"))
    assert received(report(inbox)) == {"Bob (7)": 2, "Bob": 2, "Bob (8)": 1}


def test_what_earlier_days_say_of_a_name_holds(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"), first=date(2024, 3, 2), name="earlier.csv")
    steps(inbox, ("", "Bob"), ("7", "Robert"), ("", "Robert"))
    assert received(report(inbox)) == {"Robert": 3}


@pytest.mark.parametrize("value", ["bob", "ROBERT", "7"])
def test_a_filter_by_any_name_finds_all_rows_of_a_person(inbox: Inbox, value: str) -> None:
    steps(inbox, ("7", "Bob"), first=date(2024, 3, 2), name="earlier.csv")
    steps(inbox, ("", "Bob"), ("7", "Robert"), ("", "Robert"), ("9", "Eve"))
    assert report(inbox, assigned_to=[value]).report.total == 3
    assert report(inbox, assigned_by=[value]).report.total == 3


def test_the_finding_links_to_the_rows_that_it_counts(inbox: Inbox) -> None:
    steps(inbox, *[("7", "Bob")] * 18, *[("", "Bob")] * 12, *[("9", "Eve")] * 5)
    (finding,) = [each for each in report(inbox).report.findings if each.rule is Rule.TOP_ASSIGNEE]
    assert finding.facts == {"assignee": "Bob", "count": 30, "share": 85.7}
    assert finding.fragment == "assigned_to=7"
    assert report(inbox, assigned_to=["7"]).report.total == 30


def test_equal_names_are_told_apart_by_id(inbox: Inbox) -> None:
    steps(inbox, ("7", "Bob"), ("8", "Bob"))
    built = report(inbox)
    assert sorted(received(built)) == ["Bob (7)", "Bob (8)"]
    assert sorted(each.assignee for each in built.report.assignees) == ["Bob (7)", "Bob (8)"]


def test_persons_are_read_again_once_a_day_of_the_log_has_changed(inbox: Inbox) -> None:
    inbox.write(line("1", "2024-03-05T15:00:00Z", assignee="Bob"))
    inbox.load()
    inbox.build()
    found = [known_persons(inbox.lake, with_names_only=True) for _ in range(2)]
    assert found[0] is found[1]
    assert known_persons(inbox.lake) is not found[0]
    inbox.write(line("1", "2024-03-05T15:00:00Z", assignee="Zoe"))
    inbox.load()
    inbox.build()
    assert not known_persons(inbox.lake, with_names_only=True).find_by_name("Bob")
    assert known_persons(inbox.lake, with_names_only=True).find_by_name("Zoe")
