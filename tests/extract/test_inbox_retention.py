"""Received webhooks are deleted by age, never one that a day still needs."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.errors import SourceUnreadable
from assets.extract.inbox_retention import prune_inbox
from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox

FIRST, DAYS = date(2024, 1, 1), 150
LAST = FIRST + timedelta(DAYS)
NOW = datetime(2024, 5, 30, 12, tzinfo=UTC)


def bring(inbox: Inbox, day: int, kind: str, contact: int, body: dict[str, Any]) -> None:
    at = datetime(2024, 1, 1, 15, contact, tzinfo=UTC) + timedelta(day)
    event_id = f"{kind}-{contact}-{day}"
    row = Received(
        workspace="acme",
        event_id=event_id,
        received_at=to_microseconds(at),
        kind=kind,
        contact_id=str(contact),
        body=json.dumps({"event_type": kind, "event_id": event_id, "contact": {"id": contact}} | body),
    )
    store_events(open_inbox(str(inbox.source["inbox"])), [row])


def assign(inbox: Inbox, day: int, contact: int) -> None:
    body = {"contact": {"id": contact, "assignee": {"id": day % 3 + 1}}}
    bring(inbox, day, "contact.assignee.updated", contact, body)


def filled(folder: Path, upto: int = DAYS) -> Inbox:
    """Return an inbox of webhooks: the first contact has one long conversation, the others some short ones."""
    folder.mkdir()
    inbox = Inbox(folder, zone="America/New_York", first_day=FIRST)
    inbox.source = {"type": "respond_io", "inbox": f"sqlite:///{folder}/inbox.sqlite", "signing_keys": ["k"]}
    for contact in (1, 2, 3):
        for day in range(0, upto, 40 * contact if contact > 1 else upto):
            bring(inbox, day, "conversation.opened", contact, {"conversation": {"id": f"{contact}/{day}"}})
        for day in range(contact, upto, 4):
            assign(inbox, day, contact)
    inbox.load(FIRST, LAST, NOW)
    return inbox


def stored_ids(inbox: Inbox) -> set[str]:
    with open_inbox(str(inbox.source["inbox"])).connect() as connection:
        return set(connection.exec_driver_sql("SELECT event_id FROM received_events").scalars())


def test_later_days_are_the_same_as_if_nothing_had_been_deleted(tmp_path: Path) -> None:
    pruned, whole = filled(tmp_path / "pruned"), filled(tmp_path / "whole")
    count = prune_inbox(pruned.workspace, pruned.lake, 62, NOW)
    kept = stored_ids(pruned)
    assert count == len(stored_ids(whole) - kept) > 50
    assert {each for each in kept if each.startswith("conversation.opened-1")} == {"conversation.opened-1-0"}
    assert "conversation.opened-2-0" not in kept
    for inbox in (pruned, whole):
        for contact in (1, 2, 3):
            assign(inbox, DAYS + 5, contact)
        inbox.load(FIRST, LAST + timedelta(30), NOW + timedelta(31))
    assert pruned.rows(ASSIGNMENT_EVENTS) == whole.rows(ASSIGNMENT_EVENTS)
    assert prune_inbox(pruned.workspace, pruned.lake, 62, NOW) == 0


def test_nothing_is_deleted_from_the_first_day_on_that_is_not_loaded(tmp_path: Path) -> None:
    inbox = filled(tmp_path / "inbox")
    before = stored_ids(inbox)
    inbox.lake.forget(ASSIGNMENT_EVENTS.metadata.tables["load_counts"], [FIRST + timedelta(10)])
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    gone = {int(each.rpartition("-")[2]) for each in before - stored_ids(inbox)}
    assert gone
    assert max(gone) < 10


def test_a_day_whose_webhooks_are_deleted_stays_as_it_was_loaded(tmp_path: Path) -> None:
    inbox = filled(tmp_path / "inbox")
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    before = inbox.rows(ASSIGNMENT_EVENTS)
    with open_inbox(str(inbox.source["inbox"])).connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{tmp_path}/moved.sqlite'")
    inbox.source["inbox"] = f"sqlite:///{tmp_path}/moved.sqlite"  # the source's configuration has changed
    inbox.load(FIRST, LAST, NOW)
    assert inbox.rows(ASSIGNMENT_EVENTS) == before
    inbox.zone = "UTC"
    with pytest.raises(
        SourceUnreadable, match="2024-01-01 to 2024-03-28 cannot be loaded again: their webhooks were deleted"
    ):
        inbox.load(FIRST, LAST, NOW)
    assert inbox.rows(ASSIGNMENT_EVENTS) == before


def test_a_new_lake_does_not_take_deleted_webhooks_for_none(tmp_path: Path) -> None:
    inbox = filled(tmp_path / "inbox")
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    other = Inbox(tmp_path / "other", zone=inbox.zone, first_day=FIRST, source=inbox.source)
    assert other.load(FIRST, FIRST + timedelta(3), NOW).total("unreadable_count") > 0
    assert "webhooks before 2024-03-28 04:00 UTC were deleted" in other.reasons()[0]
    assert other.load(LAST - timedelta(3), LAST, NOW).total("unreadable_count") == 0
