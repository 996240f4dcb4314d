"""One adapter for each kind of source: how the true steps get into it, and what it can say of each.

Adding a source means adding its adapter here, and its line to `ADAPTERS`: `test_contract.py` does the rest.
"""

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from assets.sources.webhooks.inbox import Received, open_inbox, store_events, to_microseconds
from tests.conftest import Inbox
from tests.servers.postgres import Postgres
from tests.sources.chatwoot.account import SCHEMA
from tests.sources.respond_io.simulated_truth import ARIA, PEOPLE, RENAMED, Kind, Person, Step

REJECTED = "rejected"
MailContext = dict[str, Any]


class System(Protocol):
    """A system that steps can be put into, in the order given; *more* adds something it did not have before."""

    source: dict[str, Any]

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None: ...

    def says(self, step: Step) -> MailContext | str | None:
        """Return the log's columns as it states them; REJECTED where it cannot be decided, None where it says nothing."""
        ...

    def close(self) -> None: ...


def person(who: str, of: Person | None, name: str | None = None) -> MailContext:
    return {f"{who}_id": of and str(of.id), f"{who}_name": of and (name or of.said)}


def everything(step: Step) -> MailContext:
    """Return what a source says that states every column."""
    return {
        "event_id": str(step.number),
        "occurred_at": step.at,
        "conversation_id": f"V{step.subject}",
        "contact_id": str(step.subject),
        "contact_name": step.contact_name,
        **person("previous_assignee", step.previous),
        **person("assignee", step.assignee),
        "assignee_kind": kind_of(step.assignee),
        "source": step.source,
        **person("assigned_by", step.by),
        "previous_stated": True,
        "time_quality": "exact",
        "source_quality": "stated",
        "assignee_of": "contact",
    }


def kind_of(who: Person | None) -> str | None:
    return None if who is None else "ai_agent" if who == ARIA else "person"


def nobody(*columns: str) -> MailContext:
    """Return *columns* as a source leaves them that does not know them."""
    return dict.fromkeys(f"{column}_{part}" for column in columns for part in ("id", "name"))


def without_names() -> MailContext:
    """Return what a source of ids says where no users are listed beside."""
    columns = ("previous_assignee", "assignee", "assigned_by")
    return {f"{column}_name": None for column in columns} | {"contact_id": None, "contact_name": None}


def seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def cells(step: Step) -> dict[str, Any]:
    """Return a step as a row of the contract's columns."""
    names = ("event_id", "conversation_id", "contact_id", "contact_name", "assignee_kind", "source")
    people = [
        f"{who}_{part}" for who in ("previous_assignee", "assignee", "assigned_by") for part in ("id", "name")
    ]
    said = everything(step)
    return {name: said[name] for name in (*names, *people)} | {"occurred_at": step.at.isoformat()}


def told(steps: Iterable[Step]) -> list[Step]:
    """Return *steps* as a system gives them that tells some twice."""
    return [again for step in steps for again in [step] * (1 + (step.kind == Kind.TOLD_TWICE))]


class Files:
    """Files of the contract's columns, written by `content`."""

    suffix = "csv"
    layout: str | None = None

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.source: dict[str, Any] = {"layout": self.layout} if self.layout else {}

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        rows = [cells(step) | ({"mood": "good"} if more else {}) for step in told(steps)]
        self.inbox.write_bytes(self.content(rows), f"{uuid4().hex}.{self.suffix}")

    def content(self, rows: list[dict[str, Any]]) -> bytes:
        written = io.StringIO()
        writer = csv.DictWriter(written, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)
        return written.getvalue().encode()

    def says(self, step: Step) -> MailContext | str | None:
        return everything(step)

    def close(self) -> None:
        pass


class Ndjson(Files):
    suffix = "ndjson"

    def content(self, rows: list[dict[str, Any]]) -> bytes:
        return "\n".join(map(json.dumps, rows)).encode()


class Parquet(Files):
    suffix = "parquet"

    def content(self, rows: list[dict[str, Any]]) -> bytes:
        written = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), written)
        return written.getvalue()


class Xlsx(Files):
    """A workbook; its cells are text, as spreadsheets have no zones and milliseconds only."""

    suffix = "xlsx"

    def content(self, rows: list[dict[str, Any]]) -> bytes:
        written = io.BytesIO()
        with xlsxwriter.Workbook(
            written, {"constant_memory": True, "strings_to_formulas": False}
        ) as workbook:
            sheet = workbook.add_worksheet()
            for at, cells in enumerate([[*rows[0]], *(row.values() for row in rows)]):
                sheet.write_row(at, 0, cells)
        return written.getvalue()


class PrintedLog(Files):
    """respond.io's own log: names and seconds only, in the workspace's zone."""

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        zone = self.inbox.workspace.zone
        header = "Timestamp,Conversation ID,Contact ID,Contact Name,Previous Assignee,Assigned To,Source,Assigned By"
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow([*header.split(","), *["Mood"] * more])
        for step in steps:
            by = step.by.said if step.by else "-"
            writer.writerow(
                [
                    f"{step.at.astimezone(zone):%Y-%m-%d %H:%M:%S}", f"V{step.subject}", step.subject, step.contact_name,
                    step.previous.said if step.previous else "-", step.assignee.said if step.assignee else "Unassigned",
                    {"user": "User", "workflow": "Workflow", "developer_api": "Developer API"}[step.source], by,
                    *["good"] * more,
                ]
            )  # fmt: skip
        self.inbox.write_bytes(written.getvalue().encode(), f"{uuid4().hex}.csv")

    def says(self, step: Step) -> MailContext | str | None:
        ids = {f"{who}_id": None for who in ("previous_assignee", "assignee", "assigned_by")}
        return everything(step) | ids | {
            "event_id": None, "occurred_at": seconds(step.at), "assignee_kind": None, "time_quality": "imported",
        }  # fmt: skip


class Database:
    """A table that SQL reaches."""

    def __init__(self, url: str, source_url: str, time_type: str) -> None:
        self.engine = create_engine(url, poolclass=NullPool)
        self.table = f"t{uuid4().hex[:10]}"
        self.source: dict[str, Any] = {"type": "sql", "url": source_url, "table": self.table}
        self.columns = [
            name
            for name in cells(Step(1, datetime.now().astimezone(), 1, None, None))
            if name != "occurred_at"
        ]
        self.run(
            f"CREATE TABLE {self.table} (occurred_at {time_type}, event_id INT, "
            + ", ".join(f"{name} TEXT" for name in self.columns if name != "event_id") + ")"
        )  # fmt: skip

    def run(self, statement: str, *rows: dict[str, Any]) -> None:
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "mysql":
                connection.execute(text("SET time_zone = '+00:00'"))
            connection.execute(text(statement), rows or None)

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        if more:
            self.run(f"ALTER TABLE {self.table} ADD COLUMN mood INT")
        rows = [cells(step) | {"at": f"{step.at:%Y-%m-%d %H:%M:%S.%f}"} for step in told(steps)]
        dialect = self.engine.dialect.name
        time = {"mysql": ":at", "sqlite": ":at || '+00:00'"}.get(dialect, "CAST(:at || '+00' AS timestamptz)")
        marks = ", ".join(
            "CAST(:event_id AS INT)" if name == "event_id" and dialect == "postgresql" else f":{name}"
            for name in self.columns
        )
        self.run(
            f"INSERT INTO {self.table} (occurred_at, {', '.join(self.columns)}) VALUES ({time}, {marks})",
            *rows,
        )

    def says(self, step: Step) -> MailContext | str | None:
        return everything(step)

    def close(self) -> None:
        self.run(f"DROP TABLE {self.table}")


class Webhooks(ABC):
    """What a receiver stored."""

    kind: str

    def __init__(self, inbox: Inbox) -> None:
        self.url = f"sqlite:///{inbox.folder}/inbox.sqlite"
        self.source: dict[str, Any] = {"inbox": self.url, "signing_keys": ["k"]}

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        rows = [
            Received(
                workspace="acme", event_id=str(step.number), received_at=to_microseconds(step.at), kind=self.kind,
                contact_id=str(step.subject), body=json.dumps(self.body(step) | ({"mood": ["good"]} if more else {})),
            )
            for step in told(steps)
        ]  # fmt: skip
        store_events(open_inbox(self.url), rows)

    @abstractmethod
    def body(self, step: Step) -> dict[str, Any]: ...

    @abstractmethod
    def says(self, step: Step) -> MailContext | str | None: ...

    def close(self) -> None:
        open_inbox(self.url).dispose()


class RespondIo(Webhooks):
    kind = "contact.assignee.updated"

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox)
        self.source["type"] = "respond_io"

    def body(self, step: Step) -> dict[str, Any]:
        who: Any = step.assignee and {"id": step.assignee.id, "firstName": step.assignee.said}
        if step.assignee == ARIA:
            who["type"] = "ai_agent"
        return {"contact": {"id": step.subject, "firstName": step.contact_name, "assignee": who}}

    def says(self, step: Step) -> MailContext | str | None:
        return everything(step) | nobody("previous_assignee", "assigned_by") | {
            "conversation_id": None, "assignee_kind": "ai_agent" if step.assignee == ARIA else None,
            "source": "unknown", "source_quality": "unknown", "time_quality": "received", "previous_stated": False,
        }  # fmt: skip


class ChatwootWebhooks(Webhooks):
    kind = "conversation_updated"

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox)
        self.source["type"] = "chatwoot_webhooks"

    def body(self, step: Step) -> dict[str, Any]:
        change = {
            "previous_value": step.previous and step.previous.id,
            "current_value": step.assignee and step.assignee.id,
        }
        who = step.assignee and {
            "id": step.assignee.id,
            "name": step.assignee.said,
            "type": "agent_bot" if step.assignee == ARIA else "user",
        }
        sender = {"id": step.subject, "name": step.contact_name}
        return {
            "id": f"V{step.subject}", "meta": {"sender": sender, "assignee": who}, "updated_at": f"{step.at.timestamp():.6f}",
            "changed_attributes": [{"assignee_id": change}],
        }  # fmt: skip

    def says(self, step: Step) -> MailContext | str | None:
        kind = {None: None, "person": "person", "ai_agent": "bot"}[kind_of(step.assignee)]
        return everything(step) | nobody("assigned_by") | {
            "event_id": None, "previous_assignee_name": None, "assignee_kind": kind, "source": "unknown",
            "source_quality": "unknown", "assignee_of": "conversation",
        }  # fmt: skip


class ChatwootTables:
    """Chatwoot's own database."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres, self.name = postgres, f"c{uuid4().hex[:10]}"
        postgres.run(f"CREATE DATABASE {self.name}")
        users = ", ".join(f"({each.id}, {quoted(each.name)})" for each in PEOPLE if each != ARIA)
        members = ", ".join(f"(1, {each.id})" for each in PEOPLE if each != ARIA)
        self.run(
            f"{SCHEMA}; DELETE FROM account_users; DELETE FROM users; DELETE FROM contacts; "
            f"INSERT INTO users (id, name) VALUES {users}; INSERT INTO account_users (account_id, user_id) VALUES {members}"
        )
        url = postgres.url().rpartition("/")[0] + f"/{self.name}"
        self.source: dict[str, Any] = {"type": "chatwoot", "url": url, "account_id": 1}

    def run(self, statements: str) -> None:
        self.postgres.run(f"\\c {self.name}\n{statements}")

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        if more:
            self.run("ALTER TABLE messages ADD COLUMN mood integer")
        steps = [step for step in steps if step.assignee != ARIA]
        subjects = {step.subject: step for step in steps}
        contacts = ", ".join(f"({at}, {quoted(step.contact_name)}, 1)" for at, step in subjects.items())
        conversations = ", ".join(f"({at}, 1, {at}, {at}, '2024-01-01', '2024-01-01')" for at in subjects)
        messages = ", ".join(
            f"({step.number}, {quoted(self.sentence(step))}, 1, {step.subject}, 2, '{step.at:%Y-%m-%d %H:%M:%S.%f}')"
            for step in steps
        )
        self.run(
            f"INSERT INTO contacts (id, name, account_id) VALUES {contacts} ON CONFLICT DO NOTHING; "
            "INSERT INTO conversations (id, account_id, display_id, contact_id, created_at, updated_at) "
            f"VALUES {conversations} ON CONFLICT DO NOTHING; "
            "INSERT INTO messages (id, content, account_id, conversation_id, message_type, created_at) "
            f"VALUES {messages} ON CONFLICT DO NOTHING"
        )

    @staticmethod
    def sentence(step: Step) -> str:
        by = step.by.name if step.by else "Automation System"
        if step.assignee is None:
            return f"Conversation unassigned by {by}"
        if step.assignee == step.by:
            return f"{by} self-assigned this conversation"
        return f"Assigned to {step.assignee.said} by {by}"

    def says(self, step: Step) -> MailContext | str | None:
        if step.assignee == ARIA:
            return None
        if step.assignee == RENAMED:
            return REJECTED
        return everything(step) | nobody("previous_assignee") | {
            "conversation_id": str(step.subject), "assignee_kind": None, "previous_stated": False,
            "source": "user" if step.source == "user" else "automation", "assignee_of": "conversation",
        }  # fmt: skip

    def close(self) -> None:
        self.postgres.run(f"DROP DATABASE {self.name} WITH (FORCE)")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


class Export(Files, ABC):
    """JSON of another system, one object a line."""

    suffix = "json"

    def put(self, steps: Iterable[Step], *, more: bool = False) -> None:
        rows = [self.row(step) | ({"mood": "good"} if more else {}) for step in told(steps)]
        self.inbox.write_bytes("\n".join(map(json.dumps, rows)).encode(), f"{uuid4().hex}.json")

    @abstractmethod
    def row(self, step: Step) -> dict[str, Any]: ...


class ZendeskAudits(Export):
    layout = "zendesk_audits"

    def row(self, step: Step) -> dict[str, Any]:
        value, previous = (who and str(who.id) for who in (step.assignee, step.previous))
        change = {
            "id": step.number,
            "type": "Change",
            "field_name": "assignee_id",
            "value": value,
            "previous_value": previous,
        }
        channel = {"user": "web", "workflow": "rule", "developer_api": "api"}[step.source]
        return {
            "id": step.number, "ticket_id": f"V{step.subject}", "created_at": step.at.isoformat(),
            "author_id": step.by.id if step.by else -1, "via": {"channel": channel}, "events": [change],
        }  # fmt: skip

    def says(self, step: Step) -> MailContext | str | None:
        return everything(step) | without_names() | {"assignee_kind": None, "assignee_of": "conversation"}


class ZendeskEvents(ZendeskAudits):
    def row(self, step: Step) -> dict[str, Any]:
        via = {"user": "Web form", "workflow": "Rule", "developer_api": "Web service"}[step.source]
        change = {
            "id": step.number, "event_type": "Change", "via": via, "via_reference_id": None,
            "assignee_id": step.assignee and step.assignee.id, "previous_value": step.previous and str(step.previous.id),
        }  # fmt: skip
        return {
            "id": step.number, "ticket_id": f"V{step.subject}", "created_at": step.at.isoformat(), "event_type": "Audit",
            "updater_id": step.by.id if step.by else -1, "via": via, "child_events": [change],
        }  # fmt: skip


class Intercom(Export):
    layout = "intercom_conversations"

    def row(self, step: Step) -> dict[str, Any]:
        kind = {None: "nobody_admin", "person": "admin", "ai_agent": "bot"}[kind_of(step.assignee)]
        author = {"user": "admin", "workflow": "bot", "developer_api": "app"}[step.source]
        return {
            "id": str(step.number), "part_type": "assignment", "conversation_id": f"V{step.subject}",
            "created_at": int(step.at.timestamp()),
            "assigned_to": {"type": kind, "id": step.assignee and str(step.assignee.id)},
            "author": {"type": author, "id": step.by and str(step.by.id), "name": step.by and step.by.said},
        }  # fmt: skip

    def says(self, step: Step) -> MailContext | str | None:
        said = everything(step)
        return said | without_names() | nobody("previous_assignee") | {
            "occurred_at": seconds(step.at), "assigned_by_name": said["assigned_by_name"], "previous_stated": False,
            "assignee_kind": {None: None, "person": "person", "ai_agent": "bot"}[kind_of(step.assignee)],
            "source": {"user": "user", "workflow": "bot", "developer_api": "app"}[step.source],
            "assignee_of": "conversation",
        }  # fmt: skip


class Zammad(Export):
    layout = "zammad_histories"

    def row(self, step: Step) -> dict[str, Any]:
        automatic = {"sourceable_type": "Trigger"} if step.source == "workflow" else {}
        return automatic | {
            "id": step.number, "o_id": f"V{step.subject}", "attribute": "owner", "object": "Ticket", "type": "updated",
            "id_from": step.previous.id + 10 if step.previous else 1, "value_from": step.previous.said if step.previous else "-",
            "id_to": step.assignee.id + 10 if step.assignee else 1, "value_to": step.assignee.said if step.assignee else "-",
            "created_by_id": step.by.id + 10 if step.by else 99, "created_at": step.at.isoformat(),
        }  # fmt: skip

    def says(self, step: Step) -> MailContext | str | None:
        by = None if step.source == "workflow" else str(step.by.id + 10 if step.by else 99)
        ids = {
            f"{who}_id": of and str(of.id + 10)
            for who, of in (("previous_assignee", step.previous), ("assignee", step.assignee))
        }
        return everything(step) | ids | {
            "contact_id": None, "contact_name": None, "assignee_kind": None, "assigned_by_id": by, "assigned_by_name": None,
            "source": "workflow" if step.source == "workflow" else "user", "assignee_of": "conversation",
        }  # fmt: skip


def sqlite(inbox: Inbox, _: pytest.FixtureRequest) -> System:
    url = f"sqlite:///{inbox.folder}/events.db"
    return Database(url, url, "TEXT")


def postgresql(_: Inbox, request: pytest.FixtureRequest) -> System:
    postgres: Postgres = request.getfixturevalue("postgres")
    return Database(postgres.url("postgres"), postgres.url(), "timestamptz")


def mariadb(_: Inbox, request: pytest.FixtureRequest) -> System:
    server = request.getfixturevalue("mariadb")
    return Database(server.url("owner"), server.url(), "TIMESTAMP(6)")


def chatwoot(_: Inbox, request: pytest.FixtureRequest) -> System:
    return ChatwootTables(request.getfixturevalue("postgres"))


def _of(adapter: Callable[[Inbox], System]) -> Callable[[Inbox, pytest.FixtureRequest], System]:
    return lambda inbox, _: adapter(inbox)


ADAPTERS: dict[str, Callable[[Inbox, pytest.FixtureRequest], System]] = {
    "CSV": _of(Files),
    "NDJSON": _of(Ndjson),
    "Parquet": _of(Parquet),
    "XLSX": _of(Xlsx),
    "SQLite": sqlite,
    "PostgreSQL": postgresql,
    "MariaDB": mariadb,
    "respond.io's printed log": _of(PrintedLog),
    "respond.io's webhooks": _of(RespondIo),
    "Chatwoot's database": chatwoot,
    "Chatwoot's webhooks": _of(ChatwootWebhooks),
    "Zendesk's audits": _of(ZendeskAudits),
    "Zendesk's ticket events": _of(ZendeskEvents),
    "Intercom's parts": _of(Intercom),
    "Zammad's histories": _of(Zammad),
}
