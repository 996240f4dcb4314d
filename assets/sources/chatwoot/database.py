"""Chatwoot's own PostgreSQL: assignments as its activity messages state them.

Chatwoot keeps no history of assignees; a localized sentence in the conversation is the only trail, and
`activity_messages.py` parses it. Where the current assignee differs from the last message, a change left no
message: such a row is rejected with the reason, because its time is unknown.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import BigInteger, String, bindparam, make_url, text

from assets.config.base import resolve_secret
from assets.config.source import ChatwootSource
from assets.errors import SourceUnreadable
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import Batch, Unlisted, Unreadable
from assets.sources.chatwoot.activity_messages import Change, Language, Names, Reader
from assets.sources.chatwoot.locales import LANGUAGES, language_of, read_languages
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

_MESSAGES = read_sql(__file__, "messages")

_ASKED = read_sql(__file__, "asked_conversations")

_CONVERSATIONS = read_sql(__file__, "conversations", asked=_ASKED)

_TRAILS = read_sql(__file__, "trails", asked=_ASKED)


_MAY_READ_AGE = read_sql(__file__, "may_read_age")

_TEAMS = read_sql(__file__, "teams")

_TEAM_MEMBERS = read_sql(__file__, "team_members")

_EVENTS = read_sql(__file__, "events")

# A change without a message is dated at the last sentence about the assignee, or at the conversation's
# start, until there is another such sentence. All messages are read, so that the window makes no difference.
_UNEXPLAINED = read_sql(__file__, "unexplained_changes")


@dataclass(frozen=True, slots=True)
class Chatwoot(Unlisted):
    """One account of one installation."""

    options: ChatwootSource
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the window's assignments, and the conversations whose assignee changed without a message.

        Raises SourceError.
        """
        with self._open_database() as database:
            users = self._read_users(database)
            reader = Reader(self._collect_names(database, users), *self._read_languages(database))
            messages, conversations, trails = (
                self._query_rows(database, query, start, end)
                for query in (_MESSAGES, _CONVERSATIONS, _TRAILS)
            )
        with duckdb_engine.temporary() as connection:
            tables = {"messages": messages, "conversations": conversations, "trails": trails, "users": users}
            for name, table in tables.items():
                connection.register(name, table)
            connection.register("changes", _read_sentences([messages, trails], reader))
            since = {"start": start.astimezone(UTC).replace(tzinfo=None)}
            for rows in (connection.sql(_EVENTS), connection.sql(_UNEXPLAINED, params=since)):
                for batch in rows.to_arrow_reader(duckdb_engine.BATCH_ROWS):
                    yield Batch(batch, _ORIGIN, columns=_COLUMNS)

    def teams(self) -> dict[str, list[str]]:
        """Return the ids of the users in each team of the account. Raises SourceError."""
        with self._open_database() as database:
            rows = self._query_rows(database, _TEAM_MEMBERS).to_pylist()
        teams: dict[str, list[str]] = {}
        for row in rows:
            teams.setdefault(row["team"], []).append(str(row["user_id"]))
        return teams

    def clock(self) -> datetime | None:
        """Return the time of the database's server. Raises SourceError."""
        with self._open_database() as database:
            return database.clock()

    def _open_database(self) -> AbstractContextManager[Database]:
        return open_database(
            make_url(resolve_secret(self.options.url)), _ORIGIN, self.options.statement_timeout
        )

    def _query_rows(
        self, database: Database, query: str, start: datetime | None = None, end: datetime | None = None
    ) -> pa.Table:
        """Return the rows of *query*; Rails writes UTC without a zone."""
        values: dict[str, Any] = {"account": self.options.account_id, "activity": _ACTIVITY}
        if start and end:
            values |= {
                name: f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
                for name, instant in (("start", start), ("end", end))
            }
        parameters = [
            bindparam(name, value, BigInteger if isinstance(value, int) else String)
            for name, value in values.items()
            if f":{name}" in query
        ]
        return database.table(text(query).bindparams(*parameters))

    def _read_users(self, database: Database) -> pa.Table:
        """Return the account's users, with their time of creation where the role may read it."""
        may_read_age = self._query_rows(database, _MAY_READ_AGE).num_rows
        column = "u.created_at" if may_read_age else "CAST(NULL AS timestamp)"
        return self._query_rows(database, read_sql(__file__, "users", created_at=column))

    def _collect_names(self, database: Database, users: pa.Table) -> Names:
        """Return the names that can occur in a sentence: an agent by name and by display name."""
        ids: dict[str, set[str | None]] = {}
        for row in users.to_pylist():
            for name in {row["name"], row["display_name"]} - {None, ""}:
                ids.setdefault(name, set()).add(str(row["id"]))
        teams = set(self._query_rows(database, _TEAMS)["name"].to_pylist())
        for name, referent in self.options.former_names.items():
            if referent == "team":
                teams.add(name)
            else:
                ids.setdefault(name, set()).add(None if referent == "user" else str(referent))
        return Names(
            {name: frozenset(user_ids) for name, user_ids in ids.items()}, frozenset(map(str.lower, teams))
        )

    def _read_languages(self, database: Database) -> tuple[str | None, list[Language]]:
        """Return the account's language, and all known languages."""
        rows = self._query_rows(database, "SELECT locale FROM accounts WHERE id = :account").to_pylist()
        if not rows:
            message = f"{_ORIGIN}: unknown account {self.options.account_id}; correct `account_id`"
            raise SourceUnreadable(message)
        files = files_of(self.options.locales) if self.options.locales else []
        languages, broken = read_languages(path for path, _ in files)
        number = rows[0]["locale"] or 0
        language = language_of(number)
        codes = {known.code for known in languages}
        # A number that is unknown here may be any language whose number is unknown.
        is_known = language in codes if language else not codes.issubset(LANGUAGES)
        if not is_known:
            unreadable = "".join(f"; {file}: {reason}" for file, reason in sorted(broken.items()))
            message = (
                f"{_ORIGIN}: the language of the account is {language or f'number {number}'}; set `locales` "
                f"to the files config/locales/*.yml of your release of Chatwoot{unreadable}"
            )
            raise SourceUnreadable(message)
        return language, languages


def _read_sentences(tables: list[pa.Table], reader: Reader) -> pa.Table:
    """Return the change of each distinct sentence: the columns of `Change`, and its `content`."""
    chunks = [chunk for table in tables for chunk in table["content"].chunks]
    contents = pc.unique(pa.chunked_array(chunks, pa.string()))
    changes = [(content, reader.read(content)) for content in contents.to_pylist() if content]
    return pa.Table.from_pylist(
        [{"content": content, **asdict(change)} for content, change in changes if change],
        pa.schema({"content": pa.string(), **{column.name: pa.string() for column in fields(Change)}}),
    )
