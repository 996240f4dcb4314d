"""What every source keeps to: the window, any order, restarts, duplicates, emptiness, drift, an outage."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from assets.errors import SourceUnavailable
from assets.extract.load import load_days
from assets.sources.batches import Batch, Unreadable
from assets.sources.imports import DaySources
from assets.sources.inbox import Received, micros, open_inbox, store
from assets.sources.registry import open_source
from assets.warehouse.schema import ASSIGNMENT_EVENTS, LOAD_COUNTS
from tests.conftest import LATER, Inbox
from tests.postgres import Postgres
from tests.sources.test_chatwoot import SCHEMA

if TYPE_CHECKING:
    from tests.mariadb import MariaDb

DAY = date(2024, 3, 5)
START, END = datetime(2024, 3, 5, 5, tzinfo=UTC), datetime(2024, 3, 6, 5, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PEOPLE = {1: "Bob", 2: "Eve", None: None}

Event = tuple[int, datetime, int | None]
BEFORE: Event = (1, START - MICROSECOND, 1)
FIRST: Event = (2, START, 2)
LAST: Event = (3, END - MICROSECOND, 1)
AFTER: Event = (4, END, None)


class System(Protocol):
    """A system that events can be put into, in the order given; *more* adds something it did not have before."""

    source: dict[str, Any]

    def put(self, events: list[Event], *, more: bool = False) -> None: ...


class CsvFiles:
    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.source: dict[str, Any] = {}

    def put(self, events: list[Event], *, more: bool = False) -> None:
        path = self.inbox.folder / "events" / f"{uuid4().hex}.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["event_id", "occurred_at", "contact_id", "assignee_id", "assignee", *["mood"] * more]
            )
            for number, at, who in events:
                writer.writerow([number, at.isoformat(), 7, who, PEOPLE[who], *["good"] * more])


class Database:
    """A table that SQL reaches."""

    def __init__(self, url: str, source_url: str, time_type: str) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        self.source = {"type": "sql", "url": source_url, "table": f"t{uuid4().hex[:10]}"}
        self.run(
            f"CREATE TABLE {self.table} (event_id INT, occurred_at {time_type}, contact_id INT, assignee_id INT, assignee TEXT)"
        )

    @property
    def table(self) -> str:
        return str(self.source["table"])

    def run(self, statement: str, *rows: dict[str, Any]) -> None:
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "mysql":
                connection.execute(text("SET time_zone = '+00:00'"))
            connection.execute(text(statement), rows or None)

    def put(self, events: list[Event], *, more: bool = False) -> None:
        if more:
            self.run(f"ALTER TABLE {self.table} ADD COLUMN mood INT")
        rows = [
            {"id": number, "at": f"{at:%Y-%m-%d %H:%M:%S.%f}", "who": who, "name": PEOPLE[who]}
            for number, at, who in events
        ]
        zone = {"mysql": "", "sqlite": " || '+00:00'"}.get(self.engine.dialect.name, "")
        time = (
            "CAST(:at || '+00' AS timestamptz)" if self.engine.dialect.name == "postgresql" else f":at{zone}"
        )
        self.run(
            f"INSERT INTO {self.table} (event_id, occurred_at, contact_id, assignee_id, assignee) "
            f"VALUES (:id, {time}, 7, :who, :name)",
            *rows,
        )


class Webhooks:
    """What a receiver stored."""

    def __init__(self, inbox: Inbox, sender: str) -> None:
        self.url = f"sqlite:///{inbox.folder}/inbox.sqlite"
        self.sender = sender
        self.source = {"type": sender, "inbox": self.url, "signing_keys": ["k"]}

    def put(self, events: list[Event], *, more: bool = False) -> None:
        for number, at, who in events:
            person = {"id": who, "firstName": PEOPLE[who]} if who else None
            kind, body = (
                ("contact.assignee.updated", {"contact": {"id": 7, "assignee": person}})
                if self.sender == "respond_io"
                else (
                    "conversation_updated",
                    {
                        "id": 1,
                        "meta": {"sender": {"id": 7}, "assignee": {"id": who, "name": PEOPLE[who]}},
                        "changed_attributes": [{"assignee_id": {"previous_value": 9, "current_value": who}}],
                    },
                )
            )
            row = Received(
                workspace="acme",
                event_id=str(number),
                received_at=micros(at),
                kind=kind,
                contact_id="7",
                body=json.dumps(body | ({"mood": ["good"]} if more else {})),
            )
            store(open_inbox(self.url), [row])


class ChatwootTables:
    """Chatwoot's own database."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres, self.name = postgres, f"c{uuid4().hex[:10]}"
        postgres.run(f"CREATE DATABASE {self.name}")
        self.run(
            SCHEMA + "UPDATE users SET name = 'Bob' WHERE id = 1; UPDATE users SET name = 'Eve' WHERE id = 2;"
        )
        self.run(
            "INSERT INTO conversations (id, account_id, display_id, contact_id, created_at, updated_at) "
            "VALUES (1, 1, 1, 7, '2024-01-01', '2024-01-01')"
        )
        url = postgres.url().rpartition("/")[0] + f"/{self.name}"
        self.source = {"type": "chatwoot", "url": url, "account_id": 1}

    def run(self, statements: str) -> None:
        self.postgres.run(f"\\c {self.name}\n{statements}")

    def put(self, events: list[Event], *, more: bool = False) -> None:
        if more:
            self.run("ALTER TABLE messages ADD COLUMN mood integer")
        for number, at, who in events:
            said = f"Assigned to {PEOPLE[who]} by Anna" if who else "Conversation unassigned by Anna"
            self.run(
                "INSERT INTO messages (id, content, account_id, conversation_id, message_type, created_at) "
                f"VALUES ({number}, '{said}', 1, 1, 2, '{at:%Y-%m-%d %H:%M:%S.%f}') ON CONFLICT (id) DO NOTHING"
            )


class Audits:
    """Zendesk's ticket audits, exported."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.source: dict[str, Any] = {"layout": "zendesk_audits"}

    def put(self, events: list[Event], *, more: bool = False) -> None:
        lines = [
            json.dumps(
                {"id": number, "ticket_id": 1, "created_at": at.isoformat(), "via": {"channel": "web"}}
                | ({"mood": "good"} if more else {})
                | {
                    "events": [
                        {
                            "id": number,
                            "field_name": "assignee_id",
                            "value": who and str(who),
                            "previous_value": "9",
                        }
                    ]
                }
            )
            for number, at, who in events
        ]
        self.inbox.write_bytes("\n".join(lines).encode(), f"{uuid4().hex}.json")


KINDS = (
    "csv",
    "sqlite",
    "postgresql",
    "mariadb",
    "respond_io",
    "chatwoot",
    "chatwoot_webhooks",
    "zendesk_audits",
)


@pytest.fixture(params=KINDS)
def system(request: pytest.FixtureRequest, inbox: Inbox) -> Iterator[System]:
    made: System
    match request.param:
        case "csv":
            made = CsvFiles(inbox)
        case "sqlite":
            url = f"sqlite:///{inbox.folder}/events.db"
            made = Database(url, url, "TEXT")
        case "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            made = Database(postgres.url("postgres"), postgres.url(), "timestamptz")
        case "mariadb":
            maria: MariaDb = request.getfixturevalue("mariadb")
            made = Database(maria.url("owner"), maria.url(), "TIMESTAMP(6)")
        case "chatwoot":
            made = ChatwootTables(request.getfixturevalue("postgres"))
        case "zendesk_audits":
            made = Audits(inbox)
        case sender:
            made = Webhooks(inbox, sender)
    inbox.source = made.source
    yield made
    if isinstance(made, ChatwootTables):
        made.postgres.run(f"DROP DATABASE {made.name} WITH (FORCE)")


def loaded(inbox: Inbox) -> list[tuple[str, datetime, str | None]]:
    assert inbox.load(DAY).is_reconciled
    rows = inbox.rows(ASSIGNMENT_EVENTS)
    return [(row["event_id"], row["occurred_at"], row["assignee_id"]) for row in rows]


EXPECTED = [("2", START, "2"), ("3", END - MICROSECOND, "1")]


def test_exactly_the_days_events_are_stored(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, FIRST, LAST, AFTER])
    assert loaded(inbox) == EXPECTED


def test_the_order_in_which_they_come_makes_no_difference(inbox: Inbox, system: System) -> None:
    system.put([AFTER, LAST])
    system.put([FIRST, BEFORE])
    assert loaded(inbox) == EXPECTED


def test_a_day_that_is_read_again_is_the_same_to_the_byte(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, FIRST, LAST, AFTER])
    loaded(inbox)
    before = inbox.files()
    loaded(inbox)
    assert inbox.files() == before


def test_what_comes_twice_is_stored_once(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST])
    system.put([FIRST])
    assert loaded(inbox) == EXPECTED


def test_a_day_without_events_is_loaded_and_empty(inbox: Inbox, system: System) -> None:
    system.put([BEFORE, AFTER])
    assert loaded(inbox) == []
    assert [row["local_day"] for row in inbox.rows(LOAD_COUNTS)] == [DAY]


def test_what_is_new_in_it_changes_nothing(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST], more=True)
    assert loaded(inbox) == EXPECTED


def test_an_outage_in_the_middle_leaves_the_day_as_it_was(inbox: Inbox, system: System) -> None:
    system.put([FIRST, LAST])
    loaded(inbox)
    before = inbox.files()
    source = open_source(inbox.workspace)

    class Interrupted:
        is_windowed = source.is_windowed
        options = source.options
        inventory = staticmethod(source.inventory)

        def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
            yield next(iter(source.read(start, end)))
            raise SourceUnavailable("gone")

    with pytest.raises(SourceUnavailable):
        load_days(inbox.workspace, DaySources(Interrupted(), []), inbox.lake, [DAY], LATER)
    assert inbox.files() == before


def test_a_server_that_dies_while_it_is_read_is_told(inbox: Inbox, postgres: Postgres) -> None:
    many = Database(postgres.url("postgres"), postgres.url(), "timestamptz")
    many.run(
        f"INSERT INTO {many.table} SELECT n, timestamptz '2024-03-05 12:00Z', n, 1, repeat('Bob', 50) "
        "FROM generate_series(1, 600000) AS n"
    )
    inbox.source = many.source
    rows = open_source(inbox.workspace).read(START, END)
    next(rows)
    many.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
    with pytest.raises(SourceUnavailable) as caught:
        list(rows)
    assert not caught.value.permanent
    many.run(f"DROP TABLE {many.table}")
