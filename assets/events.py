"""The vocabulary of an assignment event: its columns, its sources and their labels, its actions.

Pure. The columns that hold these values are described in `warehouse/schema.py`.
"""

import re
from enum import StrEnum

CONTRACT_COLUMNS = (
    "event_id",
    "occurred_at",
    "conversation_id",
    "contact_id",
    "contact_name",
    "previous_assignee_id",
    "previous_assignee_name",
    "assignee_id",
    "assignee_name",
    "source",
    "assigned_by_id",
    "assigned_by_name",
)
"""What a source may tell about an event."""

SOURCE_LABELS = {
    "developer_api": "Developer API",
    "workflow": "Workflow",
    "bot": "Bot",
    "zapier": "Zapier",
    "make": "Make",
    "user": "User",
    "contact_import": "Contact Import",
    "close_conversation": "Close Conversation (Legacy)",
    "click_to_chat_ad": "Click-to-Chat Ad",
}
"""The nine sources of docs/naming.md."""

_ALIASES = {
    "api": "developer_api",
    "dialogflow": "bot",
    "integromat": "make",
    "import": "contact_import",
    "close_conversation_legacy": "close_conversation",
    "ctc_ads": "click_to_chat_ad",
}

UNKNOWN_SOURCE = "unknown"


class Action(StrEnum):
    """What an event did to the contact's assignee."""

    ASSIGNED = "assigned"
    REASSIGNED = "reassigned"
    UNASSIGNED = "unassigned"


def source_code(text: str | None) -> str:
    """Return the code of a source as any system writes it: "Developer API" and "api" are one.

    A source that nobody knows keeps a code of its own; an empty one is "unknown".
    """
    words = re.sub(r"[\W_]+", "_", (text or "").strip().lower()).strip("_")
    return _ALIASES.get(words, words) or (text or "").strip() or UNKNOWN_SOURCE


def source_label(code: str) -> str:
    """Return the label people read: the known one, or the code's words ("ai_agent" -> "Ai Agent")."""
    return SOURCE_LABELS.get(code) or code.replace("_", " ").title()


def contract_column(name: str) -> str:
    """Return the contract column that *name* stands for: "assignee" is short for its name."""
    return f"{name}_name" if f"{name}_name" in CONTRACT_COLUMNS else name
