"""Chatwoot's webhooks: each change of a conversation's assignee, with both ids; none states who made it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.config.base import resolve_secret
from assets.config.source import ChatwootWebhooksSource
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import Batch, Unlisted, Unreadable
from assets.sources.files.json_text import FIELDS
from assets.sources.webhooks import inbox

_EARLIER = timedelta(hours=1)  # clocks differ; `extract` cuts exactly
_LATER = timedelta(days=7)
_COLUMNS = {
    "event_id": "id, changed_attributes and updated_at; else X-Chatwoot-Delivery",
    "occurred_at": "updated_at",
    "conversation_id": "id",
    "contact_id": "meta.sender.id",
    "contact_name": "meta.sender.name",
    "previous_assignee_id": "changed_attributes[].assignee_id.previous_value",
    "assignee_id": "changed_attributes[].assignee_id.current_value",
    "assignee_name": "meta.assignee.name",
    "assignee_kind": "meta.assignee_type",
}

_ROWS = read_sql(__file__, "webhook_rows")


@dataclass(frozen=True, slots=True)
class ChatwootWebhooks(Unlisted):
    """The events of one workspace in the inbox."""

    options: ChatwootWebhooksSource
    workspace: str
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the assignments of the window, including those received up to a week late.

        Raises SourceError where the inbox cannot be read.
        """
        url = resolve_secret(self.options.inbox)
        if missing := inbox.never_received(url, self.workspace):
            yield missing
            return
        since = start - _EARLIER
        if deleted := inbox.deleted_before(url, self.workspace, since):
            yield deleted
        received = inbox.read_events(url, inbox.received_between(self.workspace, since, end + _LATER))
        with duckdb_engine.temporary() as connection:
            connection.register("received", received)
            connection.execute(FIELDS)
            for batch in connection.sql(_ROWS).to_arrow_reader(duckdb_engine.BATCH_ROWS):
                yield Batch(batch, "webhook", columns=_COLUMNS)
