"""An inbox of webhooks: reading makes nothing, silence is no 0, and a change counts once however often it comes."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import Histogram, generate_latest

from assets.sources.webhooks.inbox import (
    Received,
    is_there,
    last_received_at,
    open_inbox,
    store_events,
    to_microseconds,
)
from assets.sources.webhooks.receiver import Address, Bucket, Receiver, Refused, Writer
from assets.warehouse.schema import ASSIGNMENT_EVENTS
from tests.conftest import Inbox
from tests.servers.postgres import Postgres

DAY = date(2024, 3, 5)
AT = datetime(2024, 3, 5, 15, tzinfo=UTC)


def received(event_id: str, body: dict[str, object], kind: str, at: datetime = AT) -> Received:
    return Received(
        workspace="acme",
        event_id=event_id,
        received_at=to_microseconds(at),
        kind=kind,
        contact_id="7",
        body=json.dumps(body),
    )


def change(conversation: int = 1, current: int = 2, updated_at: float = AT.timestamp()) -> dict[str, object]:
    return {
        "id": conversation,
        "updated_at": updated_at,
        "meta": {"sender": {"id": 7}, "assignee": {"id": current, "name": "Bob"}},
        "changed_attributes": [{"assignee_id": {"previous_value": None, "current_value": current}}],
    }


@pytest.mark.parametrize("kind", ["respond_io", "chatwoot_webhooks"])
def test_an_inbox_that_never_was_is_not_made_and_gave_nothing(inbox: Inbox, kind: str) -> None:
    path = inbox.folder / "inbox.sqlite"
    inbox.source = {"type": kind, "inbox": f"sqlite:///{path}", "signing_keys": ["k"]}
    loaded = inbox.load(DAY)
    assert not path.exists()
    assert loaded.total("unreadable_count") == 1
    assert inbox.reasons() == [
        "webhooks: none received yet for acme; check that `assignment-reports webhooks` runs and is reachable"
    ]
    store_events(
        open_inbox(f"sqlite:///{path}"), [received("e", change(), "conversation_updated", AT - timedelta(9))]
    )
    assert inbox.load(DAY).total("unreadable_count") == 0


def test_reading_makes_no_table_in_a_database(postgres: Postgres) -> None:
    postgres.run("DROP DATABASE IF EXISTS inboxes; CREATE DATABASE inboxes")
    url = postgres.url("postgres").rpartition("/")[0] + "/inboxes"
    assert not is_there(url)
    assert last_received_at(url, "acme") is None
    assert not is_there(url)


def test_a_change_that_chatwoot_delivers_twice_is_one(inbox: Inbox) -> None:
    url = f"sqlite:///{inbox.folder}/inbox.sqlite"
    inbox.source = {"type": "chatwoot_webhooks", "inbox": url, "signing_keys": ["k"]}
    kind = "conversation_updated"
    later = AT.timestamp() + 60
    store_events(
        open_inbox(url),
        [
            received("delivery-1", change(), kind),
            received("delivery-2", change(), kind, AT + timedelta(seconds=5)),
            received("delivery-3", change(conversation=2), kind),
            received("delivery-4", change(current=3, updated_at=later), kind),
        ],
    )
    loaded = inbox.load(DAY)
    assert (loaded.stored_events, loaded.total("duplicate_count")) == (3, 1)
    inbox.build(DAY)
    assert {row["assignee_of"] for row in inbox.rows(ASSIGNMENT_EVENTS)} == {"conversation"}
    assert len(inbox.log()) == 3


def test_metrics_tell_how_long_nothing_was_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/inbox.sqlite"
    addresses = {slug: Address(slug, "respond_io", ("k",), url, 10) for slug in ("acme", "never")}
    store_events(open_inbox(url), [received("e", {}, "contact.assignee.updated")])
    receiver = Receiver(addresses, lambda: AT + timedelta(minutes=5))
    text = generate_latest(receiver.registry).decode()
    assert 'webhooks_seconds_since_last_stored{workspace="acme"} 300.0' in text
    assert 'webhooks_seconds_since_last_stored{workspace="never"} NaN' in text


def test_an_inbox_that_fails_for_a_moment_lets_its_senders_wait(tmp_path: Path) -> None:
    (obstacle := tmp_path / "folder").touch()  # of the inbox's folder
    commits = Histogram("commits", "Time of a commit.", registry=None)

    async def store(seconds: float, mend: Callable[[], None]) -> None:
        writer = Writer(f"sqlite:///{tmp_path}/folder/inbox.sqlite", commits)
        task = asyncio.create_task(writer.run())
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, mend)
        try:
            await writer.add(received("e", {}, "contact.assignee.updated"), loop.time() + seconds)
        finally:
            task.cancel()

    with pytest.raises(Refused, match="not stored"):
        asyncio.run(store(0.2, lambda: None))
    asyncio.run(store(60, obstacle.unlink))
    assert last_received_at(f"sqlite:///{tmp_path}/folder/inbox.sqlite", "acme") == AT


def test_a_burst_is_spread_and_only_what_would_wait_too_long_is_refused() -> None:
    bucket = Bucket(rate=10, filled_at=0)
    pauses = [bucket.reserve(0) for _ in range(70)]
    assert pauses[:50] == [0] * 50
    assert pauses[50:60] == pytest.approx([count / 10 for count in range(1, 11)])
    assert pauses[60:] == [None] * 10
    assert bucket.reserve(0.1) == pytest.approx(1)


def test_odd_fields_of_a_change_reject_it_or_are_nothing(inbox: Inbox) -> None:
    url = f"sqlite:///{inbox.folder}/inbox.sqlite"
    inbox.source = {"type": "chatwoot_webhooks", "inbox": url, "signing_keys": ["k"]}

    def changed(at: int, **values: object) -> Received:
        body = change() | {
            "changed_attributes": [{"assignee_id": {"previous_value": 1, "current_value": 2} | values}]
        }
        return received(f"e{at}", body, "conversation_updated", AT + timedelta(seconds=at))

    rows = [changed(at, current_value=odd) for at, odd in enumerate(({"id": 1}, [2], True))]
    rows.append(changed(3, previous_value={"id": 1}))
    rows.append(
        received("far", change() | {"updated_at": 1e300}, "conversation_updated", AT + timedelta(minutes=1))
    )
    store_events(open_inbox(url), rows)
    assert inbox.load(DAY).is_reconciled
    assert inbox.reasons().count("its assignee is not understood") == 3
    found = {
        (row["previous_assignee_id"], row["previous_stated"], row["time_quality"])
        for row in inbox.rows(ASSIGNMENT_EVENTS)
    }
    assert found == {(None, False, "exact"), (None, True, "received")}
