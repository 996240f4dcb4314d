import json
from datetime import date, datetime
from typing import Any

import pytest

from assets.extract.erasure import erase_contact, read_tombstones
from assets.sources.webhooks.inbox import Received, forget_contact, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox

DAY = date(2024, 3, 5)
ANN = {"id": 7, "firstName": "Ann", "lastName": "Lee", "email": "ann@example.com"}
BOB, EVE = ({"id": at, "firstName": name, "lastName": None} for at, name in ((1, "Bob"), (2, "Eve")))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2024-03-05T{clock}Z")


class Hooks:
    """Webhooks of respond.io as its receiver stores them."""

    def __init__(self, inbox: Inbox) -> None:
        self.url = f"sqlite:///{inbox.folder}/inbox.sqlite"
        inbox.source = {"type": "respond_io", "inbox": self.url, "signing_keys": ["right"]}
        self.count = 0

    def bring(self, clock: str, kind: str, **body: Any) -> None:
        self.count += 1
        contact = ANN | body.pop("contact", {})
        text = json.dumps({"event_type": kind, "event_id": f"e{self.count}", "contact": contact, **body})
        row = Received(
            workspace="acme",
            event_id=f"e{self.count}",
            received_at=to_microseconds(at(clock)),
            kind=kind,
            contact_id=str(contact["id"]),
            body=text,
        )
        store_events(open_inbox(self.url), [row])

    def assign(self, clock: str, to: Any, **more: Any) -> None:
        contact = {"assignee": to} | more.pop("contact", {})
        self.bring(clock, "contact.assignee.updated", contact=contact, **more)

    def open(self, clock: str, **conversation: Any) -> None:
        self.bring(clock, "conversation.opened", conversation=conversation)

    def close(self, clock: str, **conversation: Any) -> None:
        self.bring(clock, "conversation.closed", conversation=conversation)


@pytest.fixture
def hooks(inbox: Inbox) -> Hooks:
    return Hooks(inbox)


def events(inbox: Inbox) -> list[dict[str, Any]]:
    inbox.load(DAY)
    return inbox.rows(ASSIGNMENT_EVENTS)


def test_a_webhook_is_an_assignment_of_which_nobody_told_the_source(inbox: Inbox, hooks: Hooks) -> None:
    hooks.assign("12:00:00", BOB)
    (event,) = events(inbox)
    assert (event["event_id"], event["contact_id"], event["contact_name"]) == ("e1", "7", "Ann Lee")
    assert (event["assignee_id"], event["assignee_name"]) == ("1", "Bob")
    assert (event["occurred_at"], event["time_quality"]) == (at("12:00:00"), "received")
    assert (event["source"], event["source_quality"]) == ("unknown", "unknown")
    assert (event["conversation_id"], event["previous_stated"]) == (None, False)


@pytest.mark.parametrize("nobody", [None, {}, {"id": None, "firstName": None, "lastName": None}])
def test_nobody_is_written_in_three_ways(inbox: Inbox, hooks: Hooks, nobody: Any) -> None:
    hooks.assign("12:00:00", BOB)
    hooks.assign("12:05:00", nobody)
    assert [(each["assignee_id"], each["assignee_name"]) for each in events(inbox)] == [
        ("1", "Bob"),
        (None, None),
    ]
    inbox.build(DAY)
    assert [(each["previous_assignee_name"], each["action"]) for each in inbox.log()] == [
        (None, "assigned"),
        ("Bob", "unassigned"),
    ]


def test_an_assignee_at_the_top_and_an_old_one_are_accepted(inbox: Inbox, hooks: Hooks) -> None:
    hooks.assign("12:00:00", BOB, assignee=EVE, oldAssignee=BOB)
    (event,) = events(inbox)
    assert (event["assignee_name"], event["previous_assignee_name"], event["previous_stated"]) == (
        "Eve",
        "Bob",
        True,
    )


@pytest.mark.parametrize(
    "opened",
    [1709632800, 1709632800123, "2024-03-05T10:00:00Z", "2024-03-05T05:00:00.123-05:00"],
    ids=["seconds", "milliseconds", "ISO", "ISO with a zone"],
)
def test_the_conversation_is_the_one_that_was_open(inbox: Inbox, hooks: Hooks, opened: Any) -> None:
    hooks.assign("12:00:00", BOB)  # its opening arrives later
    hooks.open("12:00:01", openedTime=opened)
    hooks.assign("09:00:00", EVE)
    assert [each["conversation_id"] for each in events(inbox)] == [None, "7@2024-03-05T10:00:00Z"]


def test_a_conversation_opened_before_the_window_is_known(inbox: Inbox, hooks: Hooks) -> None:
    hooks.open("01:00:00", id="c9", openedTime="2024-03-01T08:00:00Z")
    hooks.assign("12:00:00", BOB)
    assert [each["conversation_id"] for each in events(inbox)] == ["c9"]


def test_its_closing_tells_the_time_of_the_last_assignment(inbox: Inbox, hooks: Hooks) -> None:
    hooks.open("10:00:00", id="c9", openedTime="2024-03-05T10:00:00Z")
    hooks.assign("10:30:00", EVE)
    hooks.assign("11:00:09", BOB)
    hooks.close(
        "12:00:00", id="c9", openedTime="2024-03-05T10:00:00Z", lastAssignmentTime="2024-03-05T11:00:01Z"
    )
    assert [(each["occurred_at"], each["time_quality"], each["origin"]) for each in events(inbox)] == [
        (at("10:30:00"), "received", "webhook"),
        (at("11:00:01"), "exact", "webhook, time by conversation.closed"),
    ]


def test_a_time_that_cannot_be_is_not_believed(inbox: Inbox, hooks: Hooks) -> None:
    hooks.open("10:00:00", id="c9", openedTime="2024-03-05T10:00:00Z")
    hooks.assign("10:30:00", EVE)
    hooks.assign("11:00:09", BOB)
    hooks.close(
        "12:00:00", id="c9", openedTime="2024-03-05T10:00:00Z", lastAssignmentTime="2024-03-05T10:20:00Z"
    )
    assert [each["time_quality"] for each in events(inbox)] == ["received", "received"]


def test_an_event_that_tells_no_assignee_is_kept_with_the_reason(inbox: Inbox, hooks: Hooks) -> None:
    hooks.bring("12:00:00", "contact.assignee.updated")
    hooks.assign("12:00:01", BOB)
    assert [each["event_id"] for each in events(inbox)] == ["e2"]
    assert inbox.reasons() == ["tells no assignee"]


def test_letters_that_are_none_become_the_sign_for_it(inbox: Inbox, hooks: Hooks) -> None:
    hooks.assign("12:00:00", BOB | {"firstName": "B\ud800o\u0000b"})
    assert [each["assignee_name"] for each in events(inbox)] == ["B\ufffdo\ufffdb"]


def test_another_workspaces_events_are_not_seen(inbox: Inbox, hooks: Hooks) -> None:
    hooks.assign("12:00:00", BOB)
    row = Received(workspace="other", event_id="x", received_at=to_microseconds(at("12:00:00")), kind="contact.assignee.updated",
                   contact_id="1", body='{"contact": {"id": 1, "assignee": {"id": 3}}}')  # fmt: skip
    store_events(open_inbox(hooks.url), [row])
    assert [each["event_id"] for each in events(inbox)] == ["e1"]


def test_an_event_is_stored_once(hooks: Hooks) -> None:
    row = Received(workspace="acme", event_id="x", received_at=1, kind="k", contact_id=None, body="{}")
    assert [store_events(open_inbox(hooks.url), rows) for rows in ([row, row], [row])] == [1, 0]


def test_an_empty_inbox_is_an_empty_day(inbox: Inbox, hooks: Hooks) -> None:
    del hooks
    assert events(inbox) == []


def test_an_erased_contact_leaves_the_inbox_too_and_every_figure_stays(inbox: Inbox, hooks: Hooks) -> None:
    hooks.open("10:00:00", id="c9", openedTime="2024-03-05T10:00:00Z")
    hooks.assign("10:30:00", BOB)
    hooks.assign("11:00:00", EVE)
    hooks.assign("11:30:00", EVE, contact={"id": 8, "firstName": "Carl"})
    inbox.load(DAY)
    erase_contact(inbox.lake, "7")
    masked = inbox.rows(ASSIGNMENT_EVENTS)
    database = open_inbox(hooks.url)
    assert forget_contact(database, "acme", "7", read_tombstones(inbox.lake).pseudonym_of("7")) == 3
    assert events(inbox) == masked
    assert {row["contact_name"] for row in masked} == {"Erased contact", "Carl Lee"}
    database.dispose()
    held = b"".join(path.read_bytes() for path in inbox.folder.glob("inbox.sqlite*"))
    assert b"Carl" in held
    assert b"Ann" not in held
    assert b"ann@example.com" in held  # the other contact's
