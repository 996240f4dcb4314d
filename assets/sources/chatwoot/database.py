"""Chatwoot's own PostgreSQL: assignments as its activity messages state them.

There is no history of assignees; a localized sentence in the conversation is the only trail. It is read in
`activity_messages.py`. Where the present assignee is not the one that the messages end with, a change left
no message: such a row is rejected with the reason, because nobody knows when it happened.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import BigInteger, String, bindparam, make_url, text

from assets.config.base import reveal
from assets.config.source import ChatwootSource
from assets.errors import SourceUnreadable
from assets.runtime import duckdb_engine
from assets.sources.base import Batch, Unlisted, Unreadable
from assets.sources.chatwoot.activity_messages import Change, Language, Names, Reader
from assets.sources.chatwoot.locales import language_of, read_languages
from assets.sources.database.connections import Database, open_database
from assets.sources.files.source import files_of

_ORIGIN = "Chatwoot"
_ACTIVITY = 2
_COLUMNS = {
    "event_id": "messages.id",
    "occurred_at": "messages.created_at",
    "conversation_id": "conversations.display_id",
    "contact_id": "conversations.contact_id",
    "contact_name": "contacts.name",
    "assignee_id": "users.id, by the name in messages.content",
    "assignee_name": "messages.content",
    "source": "messages.content: a user, or the automation",
    "assigned_by_name": "messages.content",
}

_MESSAGES = """
    SELECT m.id, m.created_at, m.content, c.display_id, c.contact_id, k.name AS contact_name
    FROM messages m LEFT JOIN conversations c ON c.id = m.conversation_id
    LEFT JOIN contacts k ON k.id = c.contact_id
    WHERE m.account_id = :account AND m.message_type = :activity
        AND m.created_at >= CAST(:start AS timestamp) AND m.created_at < CAST(:end AS timestamp)"""

_ASKED = """
    SELECT m.conversation_id AS id FROM messages m
    WHERE m.account_id = :account AND m.message_type = :activity
        AND m.created_at >= CAST(:start AS timestamp) AND m.created_at < CAST(:end AS timestamp)
    UNION SELECT c.id FROM conversations c WHERE c.account_id = :account
        AND c.created_at >= CAST(:start AS timestamp) AND c.created_at < CAST(:end AS timestamp)"""

_CONVERSATIONS = f"""
    SELECT c.id, c.display_id, c.created_at, c.contact_id, c.assignee_id, k.name AS contact_name
    FROM ({_ASKED}) asked JOIN conversations c ON c.id = asked.id
    LEFT JOIN contacts k ON k.id = c.contact_id"""  # noqa: S608 - our own query

_TRAILS = f"""
    SELECT m.id, m.created_at, m.content, m.conversation_id
    FROM ({_ASKED}) asked JOIN messages m ON m.conversation_id = asked.id
    WHERE m.account_id = :account AND m.message_type = :activity"""  # noqa: S608 - our own query

_USERS = """
    SELECT u.id, u.name, u.display_name, {} AS created_at FROM users u
    JOIN account_users a ON a.user_id = u.id WHERE a.account_id = :account"""

_MAY_READ_AGE = """
    SELECT 1 AS may FROM information_schema.columns
    WHERE table_schema = ANY(current_schemas(false))
        AND table_name = 'users' AND column_name = 'created_at'"""

_TEAMS = "SELECT name FROM teams WHERE account_id = :account"

_EVENTS = """
    SELECT *, CASE WHEN fault IS NOT NULL THEN content END AS raw FROM (
        SELECT m.id::TEXT AS event_id, m.created_at::TIMESTAMPTZ AS occurred_at,
            display_id::TEXT AS conversation_id, contact_id::TEXT AS contact_id, contact_name,
            assignee_id, assignee_name, source, assigned_by_name, m.id::BIGINT AS row_number,
            CASE WHEN m.created_at >= coalesce(actor.created_at, m.created_at) THEN assigned_by_id END
                AS assigned_by_id,
            coalesce(fault, CASE WHEN m.created_at < assignee.created_at
                THEN 'names a user who was created later: somebody else had that name then' END) AS fault,
            content
        FROM messages m JOIN changes USING (content)
        LEFT JOIN users AS assignee ON assignee.id::TEXT = assignee_id
        LEFT JOIN users AS actor ON actor.id::TEXT = assigned_by_id
        WHERE kind = 'assignee')
    ORDER BY row_number"""

# A change without a message stands at the last sentence about the assignee, or at the conversation's start,
# until there is another such sentence. The whole trail is read, so that no window makes a difference.
_UNEXPLAINED = """
    WITH last_stated AS (
        SELECT t.conversation_id, max(t.created_at) FILTER (kind = 'assignee') AS stated_at,
            last(assignee_name ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS stated_name,
            last(assignee_id ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS stated_id,
            last(fault IS NOT NULL OR coalesce(t.created_at < users.created_at, false)
                ORDER BY t.created_at, t.id) FILTER (kind = 'assignee') AS is_undecided,
            last(kind ORDER BY t.created_at, t.id) = 'team' AS ends_with_team
        FROM trails AS t JOIN changes USING (content) LEFT JOIN users ON users.id::TEXT = assignee_id
        GROUP BY t.conversation_id
    )
    SELECT display_id::TEXT AS conversation_id, contact_id::TEXT AS contact_id, contact_name,
        coalesce(stated_at, created_at)::TIMESTAMPTZ AS occurred_at, assignee_id::TEXT AS assignee_id,
        NULL::TEXT AS assignee_name, NULL::BIGINT AS row_number,
        json_object('conversation', display_id, 'assignee', assignee_id,
            'assignee_by_messages', stated_name)::TEXT AS raw,
        CASE WHEN stated_at IS NULL AND NOT coalesce(ends_with_team, false)
             THEN 'was assigned automatically; no message tells when'
             WHEN ends_with_team THEN 'its assignee changed with its team; no message tells when'
             WHEN assignee_id IS NULL THEN 'has no assignee now, as if one was deleted; no message tells when'
             ELSE 'its assignee changed; no message tells when' END AS fault
    FROM conversations LEFT JOIN last_stated ON conversation_id = conversations.id
    WHERE NOT coalesce(is_undecided, false) AND coalesce(stated_at, created_at) >= $start
        AND stated_id IS DISTINCT FROM assignee_id::TEXT
        AND (assignee_id IS NOT NULL OR stated_name IS NOT NULL)
    ORDER BY display_id"""


@dataclass(frozen=True, slots=True)
class Chatwoot(Unlisted):
    """One account of one installation."""

    options: ChatwootSource
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the window's assignments, and the conversations whose assignee changed without a message.

        Raises SourceError.
        """
        with self._open() as database:
            users = self._users(database)
            reader = Reader(self._names(database, users), *self._languages(database))
            messages, conversations, trails = (
                self._rows(database, query, start, end) for query in (_MESSAGES, _CONVERSATIONS, _TRAILS)
            )
        with duckdb_engine.connect() as connection:
            tables = {"messages": messages, "conversations": conversations, "trails": trails, "users": users}
            for name, table in tables.items():
                connection.register(name, table)
            connection.register("changes", _changes([messages, trails], reader))
            since = {"start": start.astimezone(UTC).replace(tzinfo=None)}
            for rows in (connection.sql(_EVENTS), connection.sql(_UNEXPLAINED, params=since)):
                for batch in rows.to_arrow_reader(duckdb_engine.BATCH_ROWS):
                    yield Batch(batch, _ORIGIN, columns=_COLUMNS)

    def clock(self) -> datetime | None:
        """Return the time of the database's server. Raises SourceError."""
        with self._open() as database:
            return database.clock()

    def _open(self) -> AbstractContextManager[Database]:
        return open_database(make_url(reveal(self.options.url)), _ORIGIN, self.options.statement_timeout)

    def _rows(
        self, database: Database, query: str, start: datetime | None = None, end: datetime | None = None
    ) -> pa.Table:
        """Return the rows of *query*; Rails writes UTC without saying so."""
        given: dict[str, Any] = {"account": self.options.account_id, "activity": _ACTIVITY}
        if start and end:
            given |= {
                name: f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
                for name, instant in (("start", start), ("end", end))
            }
        marks = [
            bindparam(name, value, BigInteger if isinstance(value, int) else String)
            for name, value in given.items()
            if f":{name}" in query
        ]
        return database.table(text(query).bindparams(*marks))

    def _users(self, database: Database) -> pa.Table:
        """Return the account's users, with their time of creation where the role may read it."""
        may_read_age = self._rows(database, _MAY_READ_AGE).num_rows
        column = "u.created_at" if may_read_age else "CAST(NULL AS timestamp)"
        return self._rows(database, _USERS.format(column))

    def _names(self, database: Database, users: pa.Table) -> Names:
        """Return who can stand in a sentence: an agent by the name or the display name."""
        ids: dict[str, set[str | None]] = {}
        for row in users.to_pylist():
            for name in {row["name"], row["display_name"]} - {None, ""}:
                ids.setdefault(name, set()).add(str(row["id"]))
        teams = set(self._rows(database, _TEAMS)["name"].to_pylist())
        for name, meant in self.options.former_names.items():
            if meant == "team":
                teams.add(name)
            else:
                ids.setdefault(name, set()).add(None if meant == "user" else str(meant))
        return Names(
            {name: frozenset(found) for name, found in ids.items()}, frozenset(map(str.lower, teams))
        )

    def _languages(self, database: Database) -> tuple[str | None, list[Language]]:
        """Return the account's language, and all that are known."""
        rows = self._rows(database, "SELECT locale FROM accounts WHERE id = :account").to_pylist()
        if not rows:
            message = f"{_ORIGIN}: no account {self.options.account_id}; correct `account_id`"
            raise SourceUnreadable(message)
        files = files_of(self.options.locales) if self.options.locales else []
        languages, broken = read_languages(path for path, _ in files)
        number = rows[0]["locale"] or 0
        language = language_of(number)
        is_known = language in {each.code for each in languages} if language else len(languages) > 1
        if not is_known:
            unread = "".join(f"; {file}: {reason}" for file, reason in sorted(broken.items()))
            message = (
                f"{_ORIGIN}: the account speaks {language or f'language {number}'}; give `locales`, "
                f"the files config/locales/*.yml of your release of Chatwoot{unread}"
            )
            raise SourceUnreadable(message)
        return language, languages


def _changes(tables: list[pa.Table], reader: Reader) -> pa.Table:
    """Return what each distinct sentence says: the columns of `Change`, and its `content`."""
    chunks = [chunk for table in tables for chunk in table["content"].chunks]
    contents = pc.unique(pa.chunked_array(chunks, pa.string()))
    found = [(content, reader.read(content)) for content in contents.to_pylist() if content]
    return pa.Table.from_pylist(
        [{"content": content, **asdict(change)} for content, change in found if change],
        pa.schema({"content": pa.string(), **{each.name: pa.string() for each in fields(Change)}}),
    )
