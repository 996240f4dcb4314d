"""The message to a workflow of Microsoft Teams, an Adaptive Card; `webhook.py` sends it.

Every text is a `TextRun`, which has no markup; a text block reads Markdown, and Teams' clients differ in how
it is escaped. Reference: learn.microsoft.com/adaptive-cards/authoring-cards/text-features.
"""

from collections.abc import Iterable
from typing import Any

from assets.render.chat import ChatMessage, ChatSection, encode_message

_VERSION = "1.4"  # workflows refuse later ones: github.com/microsoft/AdaptiveCards/issues/8965

Element = dict[str, Any]


def teams_body(message: ChatMessage) -> bytes:
    """Return the JSON message with the card."""
    return encode_message(message, _attach_card)


def _attach_card(message: ChatMessage) -> Element:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": _VERSION,
        "fallbackText": message.title,
        "msteams": {"width": "Full"},
        "body": _elements(message),
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in message.links],
    }
    content_type = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content_type, "contentUrl": None, "content": card}],
    }


def _elements(message: ChatMessage) -> list[Element]:
    elements = [
        _text(message.title, size="large", weight="bolder"),
        *_quiet_texts(message.details),
        *({"type": "Container", "style": "warning", "items": _list(notice)} for notice in message.notices),
        _text(message.total[0], size="extraLarge", weight="bolder"),
        *_quiet_texts(message.total[1:]),
        *(_figure(*figure) for figure in message.figures),
        *(element for section in message.sections for element in _list(section)),
        *_quiet_texts(message.footer),
    ]
    if message.is_right_to_left:
        _align_right(elements)
    return elements


def _figure(name: str, value: str, change: str) -> Element:
    runs = [_run(f"{name}: ", isSubtle=True), _run(value, weight="bolder")]
    runs += [_run(f"  {change}", isSubtle=True)] if change else []
    return {"type": "RichTextBlock", "spacing": "small", "inlines": runs}


def _list(section: ChatSection) -> list[Element]:
    return [
        _text(section.heading, weight="bolder"),
        *(_text(line, spacing="small") for line in section.lines),
    ]


def _quiet_texts(texts: Iterable[str]) -> list[Element]:
    return [_text(text, spacing="none", isSubtle=True) for text in texts]


def _text(text: str, spacing: str = "default", **style: object) -> Element:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [_run(text, **style)]}


def _run(text: str, **style: object) -> Element:
    return {"type": "TextRun", "text": text, **style}


def _align_right(elements: Iterable[Element]) -> None:
    """Align all texts to the right; the property `rtl` came after the version."""
    for element in elements:
        element["horizontalAlignment"] = "right"
        _align_right(element.get("items", ()))
