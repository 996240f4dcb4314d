"""Chatwoot's webhooks: each change of a conversation's assignee, with both ids; nobody tells who made it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.config.base import reveal
from assets.config.source import ChatwootWebhooksSource
from assets.runtime import duckdb_engine
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

_ROWS = """
    SELECT CASE WHEN updated_at IS NULL THEN event_id  -- one change may be delivered more than once
            ELSE 'change-' || md5(concat_ws(' ', body->>'$.id', body->>'$.updated_at',
                body->>'$.changed_attributes')) END AS event_id,
        coalesce(updated_at, received_at) AS occurred_at,
        field(body, '$.id') AS conversation_id, field(body, '$.meta.sender.id') AS contact_id,
        field(body, '$.meta.sender.name') AS contact_name,
        field(change, '$.previous_value') AS previous_assignee_id,
        field(change, '$.current_value') AS assignee_id,
        CASE WHEN body->>'$.meta.assignee.id' = change->>'$.current_value'
             THEN coalesce(field(body, '$.meta.assignee.available_name'), field(body, '$.meta.assignee.name'))
             END AS assignee_name,
        CASE WHEN assignee_name IS NOT NULL
             THEN coalesce(field(body, '$.meta.assignee_type'), field(body, '$.meta.assignee.type')) END
             AS assignee_kind,
        coalesce(is_value(change, '$.previous_value'), false) AS previous_stated,
        CASE WHEN NOT coalesce(is_value(change, '$.current_value'), false)
             THEN 'its assignee is not understood' END AS fault,
        CASE WHEN fault IS NOT NULL THEN body END AS raw,
        if(updated_at IS NULL, 'received', 'exact') AS time_quality,
        NULL::BIGINT AS row_number, row_number() OVER (ORDER BY received_at, event_id) AS position
    FROM (
        SELECT event_id, body, make_timestamp(received_at)::TIMESTAMPTZ AS received_at,
            make_timestamp(try_cast(CASE WHEN try_cast(body->>'$.updated_at' AS DOUBLE) BETWEEN 0 AND 4e9
                THEN try_cast(body->>'$.updated_at' AS DECIMAL(38, 6)) * 1000000 END AS BIGINT))::TIMESTAMPTZ
                AS updated_at,
            json_extract(body, '$.changed_attributes[*].assignee_id')[1] AS change
        FROM received WHERE kind = 'conversation_updated')
    WHERE change IS NOT NULL
    ORDER BY occurred_at, event_id"""


@dataclass(frozen=True, slots=True)
class ChatwootWebhooks(Unlisted):
    """What the inbox holds of one workspace."""

    options: ChatwootWebhooksSource
    workspace: str
    is_windowed = True

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the assignments of the window, also those that were received some days late.

        Raises SourceError where the inbox cannot be read.
        """
        url = reveal(self.options.inbox)
        if never := inbox.never_received(url, self.workspace):
            yield never
            return
        received = inbox.read(url, inbox.between(self.workspace, start - _EARLIER, end + _LATER))
        with duckdb_engine.connect() as connection:
            connection.register("received", received)
            connection.execute(FIELDS)
            for batch in connection.sql(_ROWS).to_arrow_reader(duckdb_engine.BATCH_ROWS):
                yield Batch(batch, "webhook", columns=_COLUMNS)
