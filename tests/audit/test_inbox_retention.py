"""Received webhooks are deleted by age, never one that a day still needs."""

import json
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.errors import SourceUnreadable
from assets.extract.inbox_retention import prune_inbox
from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.audit.conftest import Tally
from tests.conftest import Inbox

FIRST, DAYS = date(2024, 1, 1), 110
LAST = FIRST + timedelta(DAYS)
NOW = datetime(2024, 4, 20, 12, tzinfo=UTC)


def received(day: int, kind: str, contact: int, body: dict[str, Any]) -> Received:
    at = datetime(2024, 1, 1, 15, contact, tzinfo=UTC) + timedelta(day)
    event_id = f"{kind}-{contact}-{day}"
    return Received(
        workspace="acme",
        event_id=event_id,
        received_at=to_microseconds(at),
        kind=kind,
        contact_id=str(contact),
        body=json.dumps({"event_type": kind, "event_id": event_id, "contact": {"id": contact}} | body),
    )


def assigned(day: int, contact: int) -> Received:
    body = {"contact": {"id": contact, "assignee": {"id": day % 3 + 1}}}
    return received(day, "contact.assignee.updated", contact, body)


def bring(inbox: Inbox, events: Iterable[Received]) -> None:
    store_events(open_inbox(str(inbox.source["inbox"])), list(events))


def inbox_in(folder: Path) -> Inbox:
    source = {"type": "respond_io", "inbox": f"sqlite:///{folder}/inbox.sqlite", "signing_keys": ["k"]}
    return Inbox(folder, zone="America/New_York", first_day=FIRST, source=source)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill and load an inbox: the first contact has one long conversation, the others some short ones."""
    inbox = inbox_in(tmp_path_factory.mktemp("filled"))
    for contact, pause in ((1, DAYS), (2, 40), (3, 60)):
        opened = (
            received(day, "conversation.opened", contact, {"conversation": {"id": f"{contact}/{day}"}})
            for day in range(0, DAYS, pause)
        )
        bring(inbox, [*opened, *(assigned(day, contact) for day in range(contact, DAYS, 4))])
    inbox.load(FIRST, LAST, NOW)
    open_inbox(str(inbox.source["inbox"])).dispose()
    return inbox.folder


@pytest.fixture
def inbox(filled: Path, tmp_path: Path) -> Inbox:
    return copied(filled, tmp_path / "inbox")


def copied(filled: Path, folder: Path) -> Inbox:
    shutil.copytree(filled, folder)
    return inbox_in(folder)


def stored_ids(inbox: Inbox) -> set[str]:
    with open_inbox(str(inbox.source["inbox"])).connect() as connection:
        return set(connection.exec_driver_sql("SELECT event_id FROM received_events").scalars())


def test_later_days_are_the_same_as_if_nothing_had_been_deleted(
    inbox: Inbox, filled: Path, tmp_path: Path, tally: Tally
) -> None:
    whole = copied(filled, tmp_path / "whole")
    count = prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    kept = stored_ids(inbox)
    assert count == len(stored_ids(whole) - kept) > 30
    assert {each for each in kept if each.startswith("conversation.opened-1")} == {"conversation.opened-1-0"}
    assert "conversation.opened-2-0" not in kept
    for each in (inbox, whole):
        bring(each, (assigned(DAYS + 5, contact) for contact in (1, 2, 3)))
        each.load(FIRST, LAST + timedelta(6), NOW + timedelta(7))
    days = [str(FIRST + timedelta(number)) for number in range(DAYS + 7)]
    rows = [{day: [row for row in each.rows(ASSIGNMENT_EVENTS) if str(row["local_day"]) == day] for day in days} for each in (inbox, whole)]  # fmt: skip
    tally(
        "days that are loaded again after their webhooks or earlier ones were deleted",
        {
            day: "" if rows[0][day] == rows[1][day] else f"{rows[0][day]} is not {rows[1][day]}"
            for day in days
        },
    )
    assert prune_inbox(inbox.workspace, inbox.lake, 62, NOW) == 0


def test_nothing_is_deleted_from_the_first_day_on_that_is_not_loaded(inbox: Inbox) -> None:
    before = stored_ids(inbox)
    inbox.lake.forget(ASSIGNMENT_EVENTS.metadata.tables["load_counts"], [FIRST + timedelta(10)])
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    gone = {int(each.rpartition("-")[2]) for each in before - stored_ids(inbox)}
    assert gone
    assert max(gone) < 10


def test_a_day_whose_webhooks_are_deleted_stays_as_it_was_loaded(inbox: Inbox, tmp_path: Path) -> None:
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    before = inbox.rows(ASSIGNMENT_EVENTS)
    with open_inbox(str(inbox.source["inbox"])).connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{tmp_path}/moved.sqlite'")
    inbox.source["inbox"] = f"sqlite:///{tmp_path}/moved.sqlite"  # the source's configuration has changed
    inbox.load(FIRST, LAST, NOW)
    assert inbox.rows(ASSIGNMENT_EVENTS) == before
    inbox.zone = "UTC"
    with pytest.raises(
        SourceUnreadable, match="2024-01-01 to 2024-02-17 cannot be loaded again: their webhooks were deleted"
    ):
        inbox.load(FIRST, LAST, NOW)
    assert inbox.rows(ASSIGNMENT_EVENTS) == before


def test_a_new_lake_does_not_take_deleted_webhooks_for_none(inbox: Inbox, tmp_path: Path) -> None:
    prune_inbox(inbox.workspace, inbox.lake, 62, NOW)
    other = Inbox(tmp_path / "other", zone=inbox.zone, first_day=FIRST, source=inbox.source)
    assert other.load(FIRST, FIRST + timedelta(3), NOW).total("unreadable_count") > 0
    assert "webhooks before 2024-02-17 05:00 UTC were deleted" in other.reasons()[0]
    assert other.load(LAST - timedelta(3), LAST, NOW).total("unreadable_count") == 0
