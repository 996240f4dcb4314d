"""respond.io's contact list on loopback, with its pages, its limits and its moods."""

from datetime import UTC, date, datetime, timedelta

import pytest

from assets.errors import PermanentError, SourceError
from assets.sources.respond_io.contact_snapshot import Snapshot
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.sources.conftest import Office

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
BOB, EVE = {"id": 1, "firstName": "Bob", "lastName": None}, {"id": 2, "firstName": "Eve"}
LATER = NOON + timedelta(hours=2)


def test_the_first_snapshot_tells_nothing_and_the_next_what_was_missed(office: Office) -> None:
    office.api.assignees = dict.fromkeys(range(1, 251), BOB)
    assert office.snapshot(NOON) == Snapshot(250, None)
    office.api.assignees |= {7: EVE, 8: None, 9: {}, 10: {"id": None}}
    assert office.snapshot(LATER) == Snapshot(250, 4)
    assert office.snapshot(LATER + timedelta(hours=1)) == Snapshot(250, 0)
    assert set(office.events()) == {
        ("7", "Eve", "bounded"), ("8", None, "bounded"), ("9", None, "bounded"), ("10", None, "bounded"),
    }  # fmt: skip
    assert office.api.asked[0] == "Bearer token"


def test_an_event_says_between_when_and_when_it_happened(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.snapshot(LATER)
    office.events()
    (event,) = office.inbox.rows(ASSIGNMENT_EVENTS)
    assert event["occurred_at"] == LATER
    assert event["origin"] == "contact snapshot, changed after 2024-03-05T12:00:00Z"


def test_what_a_webhook_told_was_not_missed(office: Office) -> None:
    office.api.assignees = {7: BOB, 8: BOB}
    office.snapshot(NOON)
    office.webhook(NOON + timedelta(hours=1), 7, EVE)
    office.api.assignees = {7: EVE, 8: BOB}
    office.api.while_read = [
        lambda: office.webhook(LATER + timedelta(seconds=5), 8, EVE)
    ]  # as the list is read
    assert office.snapshot(LATER) == Snapshot(2, 0)
    assert [event[2] for event in office.events()] == ["received", "received"]


def test_a_webhook_that_overtakes_a_page_is_not_taken_back(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    told_at = LATER + timedelta(seconds=1)  # the page on its way still says Bob
    office.api.while_read = [lambda: office.webhook(told_at, 7, EVE)]
    assert office.snapshot(LATER, LATER + timedelta(seconds=2)) == Snapshot(1, 0)
    office.api.assignees = {7: EVE}
    assert office.snapshot(LATER + timedelta(hours=1)) == Snapshot(1, 0)
    assert [event[1] for event in office.events()] == ["Eve"]


def test_a_webhook_that_comes_too_late_changes_nothing_more(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.snapshot(LATER)
    office.webhook(LATER + timedelta(minutes=1), 7, EVE)
    office.events()
    office.inbox.build(date(2024, 3, 5), date(2024, 3, 6))
    assert [(row["assignee_name"], row["time_quality"]) for row in office.inbox.log()] == [("Eve", "bounded")]


def test_a_new_contact_had_nobody(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: BOB, 8: EVE, 9: None}
    assert office.snapshot(LATER) == Snapshot(3, 1)


def test_a_contact_that_was_merged_is_no_assignment(office: Office) -> None:
    office.api.assignees = {7: BOB, 8: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: BOB}
    assert office.snapshot(LATER) == Snapshot(1, 0)


def test_limits_and_faults_are_waited_out(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.api.moods = [
        (429, {"Retry-After": "0.1"}),
        (449, {"Retry-After": "0"}),
        (502, {"Retry-After": "0"}),
    ]
    assert office.snapshot(NOON) == Snapshot(1, None)
    assert len(office.api.asked) == 4


def test_a_token_that_is_refused_is_said_at_once(office: Office) -> None:
    office.api.moods = [(401, {})]
    with pytest.raises(SourceError, match=r"answers 401; correct `api_token`") as caught:
        office.snapshot(NOON)
    assert isinstance(caught.value, PermanentError)


def test_a_server_that_stays_away_leaves_the_last_snapshot_as_it_is(office: Office) -> None:
    office.api.assignees = {7: BOB}
    office.snapshot(NOON)
    office.api.assignees = {7: EVE}
    office.api.moods = [(503, {"Retry-After": "0"})] * 8
    with pytest.raises(SourceError, match="answers 503, 8 times"):
        office.snapshot(LATER)
    assert office.snapshot(LATER) == Snapshot(1, 1)
