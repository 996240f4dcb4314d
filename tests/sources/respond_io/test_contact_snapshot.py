"""respond.io's contact list on loopback, with its pages, its limits and its moods."""

from datetime import UTC, date, datetime, timedelta

import pytest

from assets.errors import PermanentError, SourceError
from assets.sources.respond_io.contact_snapshot import Snapshot
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.sources.conftest import SnapshotWorkspace

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
BOB, EVE = {"id": 1, "firstName": "Bob", "lastName": None}, {"id": 2, "firstName": "Eve"}
LATER = NOON + timedelta(hours=2)


def test_the_first_snapshot_tells_nothing_and_the_next_what_was_missed(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = dict.fromkeys(range(1, 251), BOB)
    assert snapshots.snapshot(NOON) == Snapshot(250, None)
    snapshots.api.assignees |= {7: EVE, 8: None, 9: {}, 10: {"id": None}}
    assert snapshots.snapshot(LATER) == Snapshot(250, 4)
    assert snapshots.snapshot(LATER + timedelta(hours=1)) == Snapshot(250, 0)
    assert set(snapshots.events()) == {
        ("7", "Eve", "bounded"), ("8", None, "bounded"), ("9", None, "bounded"), ("10", None, "bounded"),
    }  # fmt: skip
    assert snapshots.api.asked[0] == "Bearer token"


def test_an_event_says_between_when_and_when_it_happened(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.snapshot(NOON)
    snapshots.api.assignees = {7: EVE}
    snapshots.snapshot(LATER)
    snapshots.events()
    (event,) = snapshots.inbox.rows(ASSIGNMENT_EVENTS)
    assert event["occurred_at"] == LATER
    assert event["origin"] == "contact snapshot, changed after 2024-03-05T12:00:00Z"


def test_what_a_webhook_told_was_not_missed(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB, 8: BOB}
    snapshots.snapshot(NOON)
    snapshots.webhook(NOON + timedelta(hours=1), 7, EVE)
    snapshots.api.assignees = {7: EVE, 8: BOB}
    snapshots.api.while_read = [
        lambda: snapshots.webhook(LATER + timedelta(seconds=5), 8, EVE)
    ]  # as the list is read
    assert snapshots.snapshot(LATER) == Snapshot(2, 0)
    assert [event[2] for event in snapshots.events()] == ["received", "received"]


def test_a_webhook_that_overtakes_a_page_is_not_taken_back(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.snapshot(NOON)
    told_at = LATER + timedelta(seconds=1)  # the page on its way still says Bob
    snapshots.api.while_read = [lambda: snapshots.webhook(told_at, 7, EVE)]
    assert snapshots.snapshot(LATER, LATER + timedelta(seconds=2)) == Snapshot(1, 0)
    snapshots.api.assignees = {7: EVE}
    assert snapshots.snapshot(LATER + timedelta(hours=1)) == Snapshot(1, 0)
    assert [event[1] for event in snapshots.events()] == ["Eve"]


def test_a_webhook_that_comes_too_late_changes_nothing_more(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.snapshot(NOON)
    snapshots.api.assignees = {7: EVE}
    snapshots.snapshot(LATER)
    snapshots.webhook(LATER + timedelta(minutes=1), 7, EVE)
    snapshots.events()
    snapshots.inbox.build(date(2024, 3, 5), date(2024, 3, 6))
    assert [(row["assignee_name"], row["time_quality"]) for row in snapshots.inbox.log()] == [
        ("Eve", "bounded")
    ]


def test_a_new_contact_had_nobody(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.snapshot(NOON)
    snapshots.api.assignees = {7: BOB, 8: EVE, 9: None}
    assert snapshots.snapshot(LATER) == Snapshot(3, 1)


def test_a_contact_that_was_merged_is_no_assignment(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB, 8: BOB}
    snapshots.snapshot(NOON)
    snapshots.api.assignees = {7: BOB}
    assert snapshots.snapshot(LATER) == Snapshot(1, 0)


def test_limits_and_faults_are_waited_out(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.api.moods = [
        (429, {"Retry-After": "0.1"}),
        (449, {"Retry-After": "0"}),
        (502, {"Retry-After": "0"}),
    ]
    assert snapshots.snapshot(NOON) == Snapshot(1, None)
    assert len(snapshots.api.asked) == 4


def test_a_token_that_is_refused_is_said_at_once(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.moods = [(401, {})]
    with pytest.raises(SourceError, match=r"answers 401; correct `api_token`") as caught:
        snapshots.snapshot(NOON)
    assert isinstance(caught.value, PermanentError)


def test_a_server_that_stays_away_leaves_the_last_snapshot_as_it_is(snapshots: SnapshotWorkspace) -> None:
    snapshots.api.assignees = {7: BOB}
    snapshots.snapshot(NOON)
    snapshots.api.assignees = {7: EVE}
    snapshots.api.moods = [(503, {"Retry-After": "0"})] * 8
    with pytest.raises(SourceError, match="answers 503, 8 times"):
        snapshots.snapshot(LATER)
    assert snapshots.snapshot(LATER) == Snapshot(1, 1)
