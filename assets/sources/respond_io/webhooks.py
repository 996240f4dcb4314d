"""respond.io: assignments assembled from its webhooks and from snapshots of its contacts.

Its events carry no time, previous assignee, source or conversation. The time is when they were received, or
the conversation's `lastAssignmentTime` where its closing event states it; the conversation comes from the
opening and closing events; the log determines the previous assignee. What no event states is not guessed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa

from assets.config.base import resolve_secret
from assets.config.source import RespondIoSource
from assets.events import FIRST, LAST, OFFSET
from assets.runtime import duckdb_engine
from assets.runtime.sql_files import read_sql
from assets.sources.base import Batch, Unlisted, Unreadable
from assets.sources.files.json_text import FIELDS
from assets.sources.webhooks import inbox

ASSIGNED = "contact.assignee.updated"
SNAPSHOT = "snapshot.assignee"
OPENED = "conversation.opened"
CONVERSATION = (OPENED, "conversation.closed")
_EARLIER = timedelta(hours=1)  # clocks differ; `extract` cuts exactly
_LATER = timedelta(days=31)  # a conversation closed later corrects no time

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

_TIMES = read_sql(__file__, "instant", first=str(FIRST), last=str(LAST), offset=OFFSET)

_PERSON = read_sql(__file__, "person")
_KIND = read_sql(__file__, "kind_of")
# Only an object without any value means unassigned: any other assignee is not understood.
_IS_NOBODY = read_sql(__file__, "is_nobody")
_IS_KNOWN = read_sql(__file__, "is_known")

_MACROS = (_TIMES, FIELDS, _PERSON, _KIND, _IS_NOBODY, _IS_KNOWN)

_TOLD = read_sql(__file__, "told")

_CONVERSATIONS = read_sql(__file__, "conversations")

_CHANGES = read_sql(__file__, "changes", assigned=ASSIGNED, snapshot=SNAPSHOT)

_ROWS = read_sql(__file__, "rows", snapshot=SNAPSHOT)


class RespondIo(Unlisted):
    """The events of one workspace in the inbox."""

    is_windowed = True

    def __init__(self, options: RespondIoSource, workspace: str) -> None:
        self.options = options
        self.workspace = workspace

    def read(self, start: datetime, end: datetime) -> Iterator[Batch | Unreadable]:
        """Yield the assignments of the window and some after it, with times from a month of closing events.

        Raises SourceError where the inbox cannot be read.
        """
        since, url = start - _EARLIER, resolve_secret(self.options.inbox)
        if missing := inbox.never_received(url, self.workspace):
            yield missing
            return
        if deleted := inbox.deleted_before(url, self.workspace, since):
            yield deleted
        received = inbox.read_events(
            url,
            inbox.received_between(self.workspace, since, end + _LATER),
            inbox.received_before(self.workspace, since, CONVERSATION, of=(ASSIGNED, SNAPSHOT)),
        )
        yield from assemble_assignments(received)


def assemble_assignments(received: pa.Table) -> Iterator[Batch]:
    """Yield the assignments that the rows *received* (of `inbox.read_events`) state, in order."""
    with duckdb_engine.temporary() as connection:
        connection.register("received", received)
        for statement in (*_MACROS, _TOLD, _CONVERSATIONS, _CHANGES):
            connection.execute(statement)
        for batch in connection.sql(_ROWS).to_arrow_reader(duckdb_engine.BATCH_ROWS):
            yield Batch(batch, "webhooks", columns=_COLUMNS)
