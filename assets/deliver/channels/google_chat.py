"""The message to Google Chat, a card (`cardsV2`); `webhook.py` sends it.

A card's texts are HTML, and escaped. Reference: developers.google.com/workspace/chat/format-messages.
"""

from collections.abc import Iterable
from typing import Any

from assets.render.chat import ChatMessage, ChatSection, encode_message, escape

Widget = dict[str, Any]


def google_chat_body(message: ChatMessage) -> bytes:
    """Return the JSON message; its text is for notifications."""
    return encode_message(
        message,
        lambda shown: {
            "fallbackText": shown.title.translate({ord("<"): "‹", ord(">"): "›"}),
            "cardsV2": [{"cardId": "report", "card": {"sections": _sections(shown)}}],
        },
    )


def _sections(message: ChatMessage) -> list[dict[str, list[Widget]]]:
    figures = [
        {"decoratedText": {"topLabel": name, "text": f"<b>{escape(value)}</b> {escape(change)}".rstrip()}}
        for name, value, change in message.figures
    ]
    buttons = [{"text": label, "onClick": {"openLink": {"url": url}}} for label, url in message.links]
    links: list[Widget] = [{"buttonList": {"buttons": buttons}}] if buttons else []
    head = [_paragraph(message.title, message.details), *map(_list, message.notices)]
    total = _paragraph(message.total[0], message.total[1:])
    foot = {"textParagraph": {"text": "<br>".join(map(escape, message.footer))}}
    sections = [[*head, total, *figures], *([_list(section)] for section in message.sections), [*links, foot]]
    return [{"widgets": widgets} for widgets in sections]


def _list(section: ChatSection) -> Widget:
    return _paragraph(section.heading, section.lines)


def _paragraph(heading: str, lines: Iterable[str]) -> Widget:
    return {"textParagraph": {"text": "<br>".join([f"<b>{escape(heading)}</b>", *map(escape, lines)])}}
