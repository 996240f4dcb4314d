"""respond.io: assignments assembled from what its webhooks and its contact list told.

Its events carry no time, previous assignee, source or conversation. The time is when they were received,
or the conversation's `lastAssignmentTime` where its closing tells it; the conversation comes from the
openings and closings; the previous assignee is found by the log. What nobody told is not guessed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa

from assets.config.base import reveal
from assets.config.source import RespondIoSource
from assets.runtime import duckdb_engine
from assets.sources.base import Batch, Unlisted, Unreadable
from assets.sources.files.json_text import FIELDS
from assets.sources.webhooks import inbox

ASSIGNED = "contact.assignee.updated"
SNAPSHOT = "snapshot.assignee"
_CONVERSATION = ("conversation.opened", "conversation.closed")
_EARLIER = timedelta(hours=1)  # clocks differ; `extract` cuts exactly
_LATER = timedelta(days=31)  # a conversation that closes later corrects no time

_COLUMNS = {
    "event_id": "event_id",
    "occurred_at": "when it was received, or conversation.lastAssignmentTime",
    "conversation_id": "conversation.id, or the contact and conversation.openedTime",
    "contact_id": "contact.id",
    "contact_name": "contact.firstName, contact.lastName",
    "assignee_id": "contact.assignee.id",
    "assignee_name": "contact.assignee.firstName, .lastName",
    "assignee_kind": "contact.assignee.type",
}

_TIMES = r"""
    CREATE MACRO instant(value) AS CASE
        WHEN regexp_full_match(value, '\d{9,17}(\.\d+)?')
            THEN make_timestamp((CAST(value AS DECIMAL(38, 6)) * CASE
                WHEN strpos(value || '.', '.') > 15 THEN 1
                WHEN strpos(value || '.', '.') > 12 THEN 1000
                ELSE 1000000 END)::BIGINT)::TIMESTAMPTZ
        WHEN regexp_matches(value, '(Z|[+-]\d{2}:?\d{2})$') THEN try_cast(value AS TIMESTAMPTZ) END"""

_PERSON = """
    CREATE MACRO person(who) AS nullif(trim(concat_ws(' ',
        coalesce(field(who, '$.firstName'), field(who, '$.name')), field(who, '$.lastName'))), '')"""
_KIND = """
    CREATE MACRO kind_of(who) AS CASE
        WHEN 'true' IN (who->>'$.isAiAgent', who->>'$.is_ai_agent', who->>'$.isAI') THEN 'ai_agent'
        ELSE coalesce(field(who, '$.type'), field(who, '$.kind'), field(who, '$.userType')) END"""
# Only an object without any value is nobody: an assignee that is something else is not understood.
_IS_NOBODY = """
    CREATE MACRO is_nobody(who) AS json_type(who) = 'NULL' OR (json_type(who) = 'OBJECT'
        AND len(list_filter(json_extract(who, '$.*'),
            lambda value: json_type(value) <> 'NULL' AND value::VARCHAR NOT IN ('""', '{}'))) = 0)"""
_IS_KNOWN = """
    CREATE MACRO is_known(who) AS is_nobody(who)
        OR coalesce(field(who, '$.id'), person(who), field(who, '$.email')) IS NOT NULL"""

_MACROS = (_TIMES, FIELDS, _PERSON, _KIND, _IS_NOBODY, _IS_KNOWN)

_TOLD = """
    CREATE TEMP TABLE told AS
    SELECT event_id, make_timestamp(received_at)::TIMESTAMPTZ AS received_at, kind,
        coalesce(contact_id, field(body, '$.contact.id')) AS contact_id, body
    FROM received"""

_CONVERSATIONS = """
    CREATE TEMP TABLE conversations AS
    WITH stated AS (
        SELECT contact_id, kind, field(body, '$.conversation.id') AS conversation_id, received_at,
            date_trunc('second', instant(coalesce(
                body->>'$.conversation.openedTime',
                body->>'$.conversation.conversationOpenedAt'))) AS opened_at,
            instant(body->>'$.conversation.lastAssignmentTime') AS last_assigned_at
        FROM told WHERE starts_with(kind, 'conversation.')
    ), untimed AS (  -- an opening whose time is told later, by its closing, is that one
        SELECT contact_id, conversation_id, received_at AS opened_at FROM stated AS opening
        WHERE kind = 'conversation.opened' AND opened_at IS NULL AND NOT EXISTS (
            FROM stated WHERE stated.contact_id = opening.contact_id
            AND stated.opened_at BETWEEN opening.received_at - INTERVAL 10 MINUTE AND opening.received_at)
    )
    SELECT contact_id, opened_at, max(conversation_id) AS conversation_id,
        max(last_assigned_at) AS last_assigned_at
    FROM (SELECT contact_id, opened_at, conversation_id, last_assigned_at FROM stated
          UNION ALL SELECT contact_id, opened_at, conversation_id, NULL FROM untimed)
    WHERE contact_id IS NOT NULL AND opened_at IS NOT NULL
    GROUP BY contact_id, opened_at"""

_CHANGES = f"""
    CREATE TEMP TABLE changes AS
    SELECT event_id, received_at, kind, contact_id, body, opened_at,
        coalesce(conversation_id,
            contact_id || strftime(opened_at AT TIME ZONE 'UTC', '@%Y-%m-%dT%H:%M:%SZ')) AS conversation_id,
        CASE WHEN opened_at IS NOT NULL AND row_number() OVER newest_first = 1
              AND last_assigned_at <= received_at + INTERVAL 1 MINUTE
              AND last_assigned_at
                  > coalesce(lead(received_at) OVER newest_first, opened_at - INTERVAL 1 MINUTE)
            THEN last_assigned_at END AS told_at
    FROM (SELECT told.* FROM told WHERE kind IN ('{ASSIGNED}', '{SNAPSHOT}'))
    ASOF LEFT JOIN (SELECT contact_id AS of_contact, * EXCLUDE contact_id FROM conversations) AS conversations
        ON contact_id = of_contact AND received_at >= opened_at
    WINDOW newest_first AS (PARTITION BY contact_id, opened_at ORDER BY received_at DESC, event_id DESC)"""  # noqa: S608 - our own kinds

_ROWS = f"""
    SELECT event_id, coalesce(told_at, received_at) AS occurred_at, conversation_id, contact_id,
        person(body->'$.contact') AS contact_name,
        field(assignee, '$.id') AS assignee_id,
        coalesce(person(assignee), field(assignee, '$.email')) AS assignee_name,
        kind_of(assignee) AS assignee_kind,
        field(previous, '$.id') AS previous_assignee_id,
        coalesce(person(previous), field(previous, '$.email')) AS previous_assignee_name,
        coalesce(is_known(previous), false) AS previous_stated,
        coalesce(field(body, '$.source'), field(body, '$.assignedBySource')) AS source,
        field(body, '$.assignedBy.id') AS assigned_by_id, person(body->'$.assignedBy') AS assigned_by_name,
        CASE WHEN told_at IS NOT NULL THEN 'exact' WHEN kind = '{SNAPSHOT}' THEN 'bounded' ELSE 'received' END
            AS time_quality,
        CASE WHEN told_at IS NOT NULL THEN 'webhook, time by conversation.closed'
             WHEN kind = '{SNAPSHOT}'
             THEN 'contact snapshot, changed after ' || left(body->>'$.not_before', 19) || 'Z'
             ELSE 'webhook' END AS origin,
        NULL::BIGINT AS row_number, row_number() OVER (ORDER BY received_at, event_id) AS position,
        fault, CASE WHEN fault IS NOT NULL THEN body END AS raw
    FROM (SELECT *, CASE WHEN assignee IS NULL THEN 'tells no assignee'
            WHEN NOT is_known(assignee)
            THEN 'its assignee is not understood: ' || left(assignee::VARCHAR, 100)
            WHEN kind = '{SNAPSHOT}' THEN field(body, '$.fault') END AS fault
        FROM (SELECT *,
            CASE WHEN json_exists(body, '$.assignee') THEN body->'$.assignee'
                 ELSE body->'$.contact.assignee' END AS assignee,
            body->'$.oldAssignee' AS previous
          FROM changes))
    ORDER BY occurred_at, event_id"""  # noqa: S608 - our own kinds


class RespondIo(Unlisted):
    """What the inbox holds of one workspace."""

    is_windowed = True

    def __init__(self, options: RespondIoSource, workspace: str) -> None:
        self.options = options
        self.workspace = workspace

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the assignments of the window and some after it, with what a month's closings tell of them.

        Raises SourceError where the inbox cannot be read.
        """
        since, url = start - _EARLIER, reveal(self.options.inbox)
        if never := inbox.never_received(url, self.workspace):
            yield never
            return
        received = inbox.read(
            url,
            inbox.between(self.workspace, since, end + _LATER),
            inbox.before(self.workspace, since, _CONVERSATION, of=(ASSIGNED, SNAPSHOT)),
        )
        yield from assembled(received)


def assembled(received: pa.Table) -> Iterator[Batch]:
    """Yield the assignments that the rows *received* (as `inbox.read` gives them) tell of, in order."""
    with duckdb_engine.connect() as connection:
        connection.register("received", received)
        for statement in (*_MACROS, _TOLD, _CONVERSATIONS, _CHANGES):
            connection.execute(statement)
        for batch in connection.sql(_ROWS).to_arrow_reader(duckdb_engine.BATCH_ROWS):
            yield Batch(batch, "webhooks", columns=_COLUMNS)
