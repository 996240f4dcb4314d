"""The subject of an event: the contact or the conversation whose assignee it changes, as its source has it.

Both as a query and for rows in memory; a search for earlier or later events stays within one subject.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, case, func, literal
from sqlalchemy.sql.base import ReadOnlyColumnCollection

_CONVERSATION = "conversation "


def subject_of(events: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[str]:
    """Return the subject of *events* (columns of `assignment_events` or `assignment_log`).

    An event of a contact that has no contact id is about its conversation, and the other way round.
    """
    conversation = literal(_CONVERSATION) + events.conversation_id
    return case(
        (events.assignee_of == "conversation", func.coalesce(conversation, events.contact_id)),
        else_=func.coalesce(events.contact_id, conversation),
    )


def subjects_of(rows: pa.Table) -> pa.ChunkedArray:
    """Return the subject of each of *rows*, as `subject_of` does in a query."""
    conversation = pc.binary_join_element_wise(_CONVERSATION, rows["conversation_id"], "")
    contact = rows["contact_id"]
    is_of_conversation = pc.equal(rows["assignee_of"].cast(pa.string()), "conversation")
    return pc.if_else(
        is_of_conversation, pc.coalesce(conversation, contact), pc.coalesce(contact, conversation)
    )
