"""The message to Slack, in blocks and as text; `webhook.py` sends it.

Limits and escaping: docs.slack.dev/reference/block-kit, docs.slack.dev/messaging/formatting-message-text.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from assets.render.chat import ChatMessage, ChatSection, encode_message, escape
from assets.render.untrusted_text import cut_text

_MAX_HEADER = 150
_MAX_TEXT = 3_000
_MAX_FIELDS = 10


def slack_body(message: ChatMessage) -> bytes:
    """Return the JSON message. Its text is for notifications, and for services that show no blocks."""
    return encode_message(
        message,
        lambda shown: {"text": escape(shown.text), "mrkdwn": False, "blocks": list(_layout(shown))},
    )


def _layout(message: ChatMessage) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(_cut(message.title, _MAX_HEADER))}
    yield _context(message.details)
    for notice in message.notices:
        yield from _list(notice)
    total, *comparison = map(escape, message.total)
    yield {"type": "section", "text": _markup("\n".join([f"*{total}*", *comparison]))}
    figures = [
        _markup(f"{escape(name)}\n*{escape(value)}* {escape(change)}".rstrip())
        for name, value, change in message.figures
    ]
    if figures:
        yield {"type": "section", "fields": figures[:_MAX_FIELDS]}
    for section in message.sections:
        yield from _list(section)
    if message.links:
        # A clicked button warns unless the app answers: github.com/slackapi/node-slack-sdk/issues/869
        links = " · ".join(f"<{escape(url)}|{escape(label)}>" for label, url in message.links)
        yield {"type": "section", "text": _markup(links)}
    yield _context(message.footer)


def _list(section: ChatSection) -> Iterator[dict[str, Any]]:
    yield {"type": "section", "text": _markup(f"*{escape(section.heading)}*")}
    for text in _pack(section.lines):
        yield {"type": "section", "text": _plain(text)}


def _context(lines: Iterable[str]) -> dict[str, Any]:
    return {"type": "context", "elements": [_plain(line) for line in lines]}


def _plain(text: str) -> dict[str, Any]:
    """Return a text in which nothing but its entities has a meaning."""
    return {"type": "plain_text", "text": escape(text), "emoji": False}


def _markup(text: str) -> dict[str, Any]:
    """Return a text in Slack's markup, in which nothing becomes a link by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _pack(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* in texts that are as long as Slack allows."""
    packed = ""
    for line in lines:
        longer = f"{packed}\n{line}" if packed else line
        if packed and _length(longer) > _MAX_TEXT:
            yield packed
            longer = line
        packed = longer
    if packed:
        yield packed


def _cut(text: str, max_length: int) -> str:
    while _length(text) > max_length:
        text = cut_text(text, len(text) - 1)
    return text


def _length(text: str) -> int:
    """Return the length that Slack may count: escaped, in UTF-16."""
    return len(escape(text).encode("utf-16-le")) // 2
