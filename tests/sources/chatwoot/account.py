"""An account of Chatwoot in a real PostgreSQL, with the columns that its schema publishes."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from assets.warehouse.schema import ASSIGNMENT_EVENTS, REJECTED_EVENTS
from tests.conftest import Inbox
from tests.servers.postgres import Postgres

DAY = date(2024, 3, 5)
NOON = datetime(2024, 3, 5, 17)  # noqa: DTZ001 - as Rails writes UTC

SCHEMA = """
CREATE TABLE accounts (id serial PRIMARY KEY, name varchar NOT NULL, locale integer DEFAULT 0, created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE users (id serial PRIMARY KEY, provider varchar NOT NULL DEFAULT 'email', name varchar NOT NULL, display_name varchar, email varchar,
    created_at timestamp NOT NULL DEFAULT '2020-01-01', updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE account_users (id bigserial PRIMARY KEY, account_id bigint, user_id bigint, role integer DEFAULT 0, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE teams (id bigserial PRIMARY KEY, name varchar NOT NULL, account_id bigint NOT NULL, created_at timestamp NOT NULL DEFAULT now());
CREATE TABLE team_members (id bigserial PRIMARY KEY, team_id bigint NOT NULL, user_id bigint NOT NULL);
CREATE TABLE contacts (id serial PRIMARY KEY, name varchar DEFAULT '', account_id integer NOT NULL, email varchar, phone_number varchar,
    additional_attributes jsonb DEFAULT '{}');
CREATE TABLE conversations (id serial PRIMARY KEY, account_id integer NOT NULL, inbox_id integer NOT NULL DEFAULT 1, status integer NOT NULL DEFAULT 0,
    assignee_id integer, team_id bigint, display_id integer NOT NULL, contact_id bigint, uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE messages (id serial PRIMARY KEY, content text, account_id integer NOT NULL, inbox_id integer NOT NULL DEFAULT 1, conversation_id integer NOT NULL,
    message_type integer NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL DEFAULT now(), private boolean DEFAULT false NOT NULL,
    sender_type varchar, sender_id bigint, content_attributes json DEFAULT '{}');
CREATE INDEX ON messages (conversation_id, account_id, message_type, created_at);
INSERT INTO accounts (id, name) VALUES (1, 'Acme'), (2, 'Other');
INSERT INTO users (id, name, display_name) VALUES (1, 'Anna', NULL), (2, 'Bob Stone', 'Bobby'), (3, 'Stand by Me', NULL), (4, 'Sales', NULL), (9, 'Elsewhere', NULL);
INSERT INTO account_users (account_id, user_id) VALUES (1, 1), (1, 2), (1, 3), (1, 4), (2, 9);
INSERT INTO teams (name, account_id) VALUES ('support', 1), ('sales', 1);
INSERT INTO contacts (id, name, account_id) VALUES (7, 'Ann 😀', 1);
"""


class Account:
    """Account 1: its conversations, and what is written into them."""

    def __init__(self, postgres: Postgres, inbox: Inbox) -> None:
        self.postgres, self.inbox = postgres, inbox
        self.name = f"chatwoot_{uuid4().hex[:8]}"
        postgres.run(f"CREATE DATABASE {self.name}")
        self.run(SCHEMA)
        self.minutes = 0
        inbox.source = {"type": "chatwoot", "url": self.url, "account_id": 1}

    @property
    def url(self) -> str:
        return self.postgres.url().rpartition("/")[0] + f"/{self.name}"

    def run(self, statements: str) -> None:
        self.postgres.run(f"\\c {self.name}\n{statements}")

    def conversation(self, number: int, assignee: int | None, *sentences: str, kind: int = 2) -> None:
        present = assignee or "NULL"
        statements = [
            "INSERT INTO conversations (id, account_id, display_id, contact_id, assignee_id, created_at, updated_at) "
            f"VALUES ({number}, 1, {number + 100}, 7, {present}, '{NOON}', '{NOON + timedelta(hours=6)}')"
        ]
        for sentence in sentences:
            self.minutes += 1
            content = sentence.replace("'", "''")
            statements.append(
                "INSERT INTO messages (content, account_id, conversation_id, message_type, created_at) "
                f"VALUES ('{content}', 1, {number}, {kind}, '{NOON + timedelta(minutes=self.minutes)}')"
            )
        self.run(";\n".join(statements))

    def told(self) -> list[tuple[Any, ...]]:
        self.inbox.load(DAY)
        names = ("conversation_id", "assignee_id", "assignee_name", "source", "assigned_by_name")
        return [tuple(row[name] for name in names) for row in self.inbox.rows(ASSIGNMENT_EVENTS)]

    def untold(self) -> list[str]:
        return [row["reason"] for row in self.inbox.rows(REJECTED_EVENTS)]
