"""The vocabulary of an assignment event: its columns, its sources and their labels, its actions.

Pure. The stored columns are described in `warehouse/schema.py`.
"""

import re
import unicodedata
from datetime import UTC, datetime
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
    "assignee_kind",
    "source",
    "assigned_by_id",
    "assigned_by_name",
)
"""The columns that a source may provide for an event."""

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
"""The nine sources of docs/reference/events.md."""

_ALIASES = {
    "api": "developer_api",
    "dialogflow": "bot",
    "integromat": "make",
    "import": "contact_import",
    "close_conversation_legacy": "close_conversation",
    "ctc_ads": "click_to_chat_ad",
}

SOURCE_SPELLINGS = {code: code for code in SOURCE_LABELS} | _ALIASES
"""The spellings of the nine sources: the code of each, and its names in other systems."""

UNKNOWN_SOURCE = "unknown"
_UNKNOWN_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_ACRONYMS = "ai api crm csv ctc faq gpt id ivr llm mms nps qr sdk sip sla sms sso ui url vip"
_SPELLINGS = {word: word.upper() for word in _ACRONYMS.split()} | {
    "chatgpt": "ChatGPT",
    "hubspot": "HubSpot",
    "ios": "iOS",
    "linkedin": "LinkedIn",
    "n8n": "n8n",
    "openai": "OpenAI",
    "tiktok": "TikTok",
    "voip": "VoIP",
    "wechat": "WeChat",
    "whatsapp": "WhatsApp",
    "youtube": "YouTube",
}

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""The first instant that an event can have, and the first instant after all possible ones."""

OFFSET = r"[+-](?:(?:0\d|1[0-3])(?::?[0-5]\d)?|14(?::?00)?)"
"""An offset from UTC, as a pattern: none is above 14 hours, which neither DuckDB nor Arrow checks."""

UNASSIGNED_VALUES = ("-", "Unassigned")
"""Names that mean unassigned, beside an empty cell; in any case, and only without an id."""


ASSIGNEE_KINDS = ("person", "ai_agent", "bot", "team")
"""The known kinds of assignees; a source may have others."""

_KIND_ALIASES = {
    **dict.fromkeys(("user", "agent", "human", "admin", "teammate"), "person"),
    **dict.fromkeys(("ai", "aiagent"), "ai_agent"),
    **dict.fromkeys(("agent_bot", "agentbot"), "bot"),
}


class Action(StrEnum):
    """The effect of an event on the assignee."""

    ASSIGNED = "assigned"
    REASSIGNED = "reassigned"
    UNASSIGNED = "unassigned"


def source_code(text: str | None) -> str:
    """Return the code of one of the nine sources, however it is spelled; any other source keeps its spelling.

    "Developer API" and "api" are one source; "AI Agent" and "ai_agent" are two. An empty text is "unknown".
    """
    spelling = unicodedata.normalize("NFC", text or "").strip()
    words = re.sub(r"[\W_]+", "_", spelling.lower()).strip("_")
    return SOURCE_SPELLINGS.get(words, spelling or UNKNOWN_SOURCE)


def assignee_kind(text: str) -> str:
    """Return the kind that *text* means, however it is spelled; an unknown kind keeps its words."""
    words = re.sub(r"[\W_]+", "_", text.lower()).strip("_")
    return _KIND_ALIASES.get(words, words)


def source_label(code: str) -> str:
    """Return the label of a source; an unknown code is split into words: "ai_agent" is "AI Agent".

    A spelling that is no code, such as "CRM sync" or "eBay", is kept.
    """
    if code in SOURCE_LABELS or not _UNKNOWN_CODE.fullmatch(code):
        return SOURCE_LABELS.get(code, code)
    return " ".join(_SPELLINGS.get(word, word.capitalize()) for word in code.split("_"))


def contract_column(name: str) -> str:
    """Return the contract column of a source's column *name*: "assignee" is short for its name."""
    return f"{name}_name" if f"{name}_name" in CONTRACT_COLUMNS else name
