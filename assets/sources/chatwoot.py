"""Chatwoot's own PostgreSQL: assignments as its activity messages tell them, and those that none tells.

There is no history of assignees; a localised sentence in the conversation is the only trail. It is read by
its placeholders (`chatwoot_sentences.py`). Where the present assignee is not who the messages end with, a
change went untold: such a row is kept with the reason, and is no event, for nobody knows when it was.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import BigInteger, String, bindparam, make_url, text

from assets.errors import SourceUnavailable
from assets.setting import reveal
from assets.source_config import ChatwootSource
from assets.sources.batches import Batch, Unlisted, Unreadable
from assets.sources.chatwoot_sentences import (
    ENGLISH,
    Change,
    Language,
    Names,
    Reader,
    language_of,
    read_language,
)
from assets.sources.databases import Database, open_database
from assets.sources.files import files_of
from assets.warehouse import engine

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
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    LEFT JOIN contacts k ON k.id = c.contact_id
    WHERE m.account_id = :account AND m.message_type = :activity
        AND m.created_at >= CAST(:start AS timestamp) AND m.created_at < CAST(:end AS timestamp)"""

_TRAILS = """
    SELECT m.id, m.created_at, m.content, m.conversation_id
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE c.account_id = :account AND m.message_type = :activity
        AND c.updated_at >= CAST(:start AS timestamp) AND c.updated_at < CAST(:end AS timestamp)"""

_CONVERSATIONS = """
    SELECT c.id, c.display_id, c.updated_at, c.contact_id, c.assignee_id, k.name AS contact_name
    FROM conversations c LEFT JOIN contacts k ON k.id = c.contact_id
    WHERE c.account_id = :account
        AND c.updated_at >= CAST(:start AS timestamp) AND c.updated_at < CAST(:end AS timestamp)"""

_PEOPLE = """
    SELECT 'user' AS kind, u.id, u.name, u.display_name FROM users u
    JOIN account_users a ON a.user_id = u.id WHERE a.account_id = :account
    UNION ALL SELECT 'team', t.id, t.name, NULL FROM teams t WHERE t.account_id = :account"""

_EVENTS = """
    SELECT id::TEXT AS event_id, created_at::TIMESTAMPTZ AS occurred_at, display_id::TEXT AS conversation_id,
        contact_id::TEXT AS contact_id, contact_name, assignee_id, assignee_name, source, assigned_by_id,
        assigned_by_name, id::BIGINT AS row_number, fault, CASE WHEN fault IS NOT NULL THEN content END AS raw
    FROM messages JOIN changes USING (content) WHERE kind = 'assignee' ORDER BY id"""

_UNTOLD = """
    WITH last_told AS (
        SELECT conversation_id, count(*) FILTER (kind = 'assignee') AS told_count,
            last(assignee_name ORDER BY created_at, id) FILTER (kind = 'assignee') AS told_name,
            last(assignee_id ORDER BY created_at, id) FILTER (kind = 'assignee') AS told_id,
            last(kind ORDER BY created_at, id) = 'team' AS ends_with_team
        FROM trails JOIN changes USING (content) GROUP BY conversation_id
    )
    SELECT display_id::TEXT AS conversation_id, contact_id::TEXT AS contact_id, contact_name,
        updated_at::TIMESTAMPTZ AS occurred_at, assignee_id::TEXT AS assignee_id, NULL::TEXT AS assignee_name,
        NULL::BIGINT AS row_number, json_object('conversation', display_id, 'assignee', assignee_id,
            'assignee_by_messages', told_name)::TEXT AS raw,
        CASE WHEN coalesce(told_count, 0) = 0 THEN 'was assigned automatically; no message tells when'
             WHEN ends_with_team THEN 'its assignee changed with its team; no message tells when'
             WHEN assignee_id IS NULL THEN 'has no assignee now, as if one was deleted; no message tells when'
             ELSE 'its assignee changed; no message tells when' END AS fault
    FROM conversations LEFT JOIN last_told ON conversation_id = conversations.id
    WHERE CASE WHEN assignee_id IS NULL THEN told_name IS NOT NULL
               ELSE told_id IS DISTINCT FROM assignee_id::TEXT END
    ORDER BY display_id"""


@dataclass(frozen=True, slots=True)
class Chatwoot(Unlisted):
    """One account of one installation."""

    options: ChatwootSource
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the window's assignments, and the conversations whose assignee changed untold.

        Raises SourceUnavailable.
        """
        with self._open() as database:
            reader = Reader(self._names(database), *self._languages(database))
            messages = self._rows(database, _MESSAGES, start, end)
            conversations = self._rows(database, _CONVERSATIONS, start, end)
            trails = self._rows(database, _TRAILS, start, end)
        with engine.connect() as connection:
            connection.register("messages", messages)
            connection.register("conversations", conversations)
            connection.register("trails", trails)
            connection.register("changes", _changes([messages, trails], reader))
            for query in (_EVENTS, _UNTOLD):
                for batch in connection.sql(query).to_arrow_reader(engine.BATCH_ROWS):
                    yield Batch(batch, _ORIGIN, columns=_COLUMNS)

    def _open(self) -> Any:
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

    def _names(self, database: Database) -> Names:
        rows = self._rows(database, _PEOPLE).to_pylist()
        users: dict[str, set[str]] = {}
        for row in rows:
            for name in {row["name"], row["display_name"]} if row["kind"] == "user" else ():
                if name:
                    users.setdefault(name, set()).add(str(row["id"]))
        teams = frozenset(row["name"].lower() for row in rows if row["kind"] == "team")
        return Names({name: ids.pop() if len(ids) == 1 else None for name, ids in users.items()}, teams)

    def _languages(self, database: Database) -> tuple[str | None, list[Language]]:
        """Return the account's language, and all that are known."""
        rows = self._rows(database, "SELECT locale FROM accounts WHERE id = :account").to_pylist()
        if not rows:
            message = f"{_ORIGIN}: no account {self.options.account_id}; correct `account_id`"
            raise SourceUnavailable(message, permanent=True)
        try:
            files = files_of(self.options.locales) if self.options.locales else []
            known = [ENGLISH, *(read_language(path) for path, _ in files)]
        except ValueError as error:
            raise SourceUnavailable(str(error), permanent=True) from None
        number = rows[0]["locale"] or 0
        language = language_of(number)
        if language not in {each.code for each in known} and (language or not files):
            message = (
                f"{_ORIGIN}: the account speaks {language or f'language {number}'}; give `locales`, "
                "the files config/locales/*.yml of your release of Chatwoot"
            )
            raise SourceUnavailable(message, permanent=True)
        return language, known


def _changes(tables: list[pa.Table], reader: Reader) -> pa.Table:
    """Return what each distinct sentence says: the columns of `Change`, and its `content`."""
    chunks = [chunk for table in tables for chunk in table["content"].chunks]
    contents = pc.unique(pa.chunked_array(chunks, pa.string()))
    found = [(content, reader.read(content)) for content in contents.to_pylist() if content]
    return pa.Table.from_pylist(
        [{"content": content, **asdict(change)} for content, change in found if change],
        pa.schema({"content": pa.string(), **{each.name: pa.string() for each in fields(Change)}}),
    )
