"""Prepare a `Report` as a message to a chat: short texts, each in one line, the same for every service.

What it says is chosen in `mail.py`; the layout of each service is in `deliver/channels/`.
"""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from assets.render.i18n import load_words
from assets.render.mail import Summary
from assets.render.untrusted_text import cut_text
from assets.report.model import Report

MAX_LISTED = 10
_MAX_BYTES = 28_000  # Teams: 28 KB; Google Chat: 32,000; Slack states no limit, and refused 17,700 characters
_MAX_LENGTHS = (400, 200, 100, 50)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LIVE = re.compile(r"(?<=\S)\.(?=[^\W\d])|:(?=//|[^\W\d])|@(?=\w)|\{(?=\{)")
"""Where links, emoji, mentions and functions begin: `a.com`, `http://`, `:tada:`, `@all`, `{{DATE()}}`."""
_RIGHT_TO_LEFT, _END = "\u200f\u2067", "\u2069"


@dataclass(frozen=True, slots=True)
class ChatSection:
    """A heading and the lines below it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """The parts of a message in the order in which they are shown; no text is escaped or has a line break.

    `notices` are an alert's conditions, why the figures are provisional, or what they correct. A figure is a
    name, a value and a change, which may be empty; a link is a label and a URL.
    """

    title: str
    details: tuple[str, ...]
    notices: tuple[ChatSection, ...]
    total: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    sections: tuple[ChatSection, ...]
    links: tuple[tuple[str, str], ...]
    footer: tuple[str, ...]
    is_right_to_left: bool

    @property
    def text(self) -> str:
        """Return the message as plain text, for notifications and for services that show no layout."""
        lines = [self.title, *self.details]
        figures = tuple(f"{name}: {value} {change}".rstrip() for name, value, change in self.figures)
        for section in (*self.notices, ChatSection(self.total[0], self.total[1:] + figures), *self.sections):
            lines += ["", section.heading, *section.lines]
        return "\n".join([*lines, "", *(f"{label}: {url}" for label, url in self.links), *self.footer])

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """Return the message with *change* applied to its texts, except those of figures and links."""

        def change_all(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(map(change, texts))

        def change_sections(sections: tuple[ChatSection, ...]) -> tuple[ChatSection, ...]:
            return tuple(ChatSection(change(each.heading), change_all(each.lines)) for each in sections)

        return replace(
            self,
            title=change(self.title),
            details=change_all(self.details),
            notices=change_sections(self.notices),
            total=change_all(self.total),
            sections=change_sections(self.sections),
            footer=change_all(self.footer),
        )


def chat_message(report: Report, summary: Summary, files: Mapping[str, str]) -> ChatMessage:
    """Return the message about *report*; *files* are the URLs of its files by their label."""
    words = load_words(report.look.language)
    _ = words.say
    notices = [(_("Provisional."), summary.reasons)] if report.provisional else []
    if summary.alert:
        notices.insert(0, (summary.alert, _alert_lines(summary)))
    if summary.corrects:
        notices.append((summary.corrects, summary.changes))
    sources = [
        f"{row.label}: {row.count} ({row.share}) {row.change}".rstrip() for row in summary.sources[:-1]
    ]
    sections = [
        (_("Goals"), summary.goals),
        (_("Key findings"), summary.findings),
        (_("Assignments by source"), sources),
        (_("Notes on days"), summary.day_notes),
    ]
    filters = [f"{name}: {values}" for name, values in summary.filters]
    place = [f"{_('All files:')} {summary.place}"] if summary.place else []
    links = {_("Open report"): summary.address} if summary.address else {}
    if summary.address:
        fragments = [condition.fragment for condition in summary.conditions if condition.fragment]
        links |= {_("Show the rows"): f"{summary.address}#{fragment}" for fragment in fragments[:1]}
    links |= {label: url for label, url in files.items() if url != summary.address}
    message = ChatMessage(
        title=summary.subject,
        details=(" · ".join([summary.days, *summary.facts]), *filters),
        notices=tuple(_bullet_list(*notice) for notice in notices),
        total=(summary.total, *summary.comparison),
        figures=tuple(summary.key_figures),
        sections=tuple(_bullet_list(heading, lines) for heading, lines in sections if lines),
        links=tuple(links.items()),
        footer=(*place, " · ".join(summary.edition)),
        is_right_to_left=words.direction == "rtl",
    ).with_texts(_plain_text)
    return _read_right_to_left(message) if message.is_right_to_left else message


def _alert_lines(summary: Summary) -> list[str]:
    """Return the conditions of an alert, each with since when it is met, and its largest rows."""
    lines = []
    for condition in summary.conditions:
        rows = (f"{name}: {value}" for name, value in condition.rows)
        lines += [condition.sentence, *filter(None, [condition.history]), *rows]
    return lines


def encode_message(message: ChatMessage, layout: Callable[[ChatMessage], object]) -> bytes:
    """Return the JSON of the *layout* of *message*, with texts as short as the services require.

    The size counts in UTF-8 or in UTF-16, which Teams counts, whichever is larger.
    """
    content = ""
    for length in _MAX_LENGTHS:
        shortened = message.with_texts(partial(cut_text, length=length))
        content = json.dumps(layout(shortened), ensure_ascii=False)
        if max(len(content.encode()), len(content.encode("utf-16-le"))) <= _MAX_BYTES:
            break
    return content.encode()


def escape(text: str) -> str:
    """Return *text* with the three characters escaped that have a meaning in Slack's texts and in HTML."""
    return html.escape(text, quote=False)


def _bullet_list(heading: str, lines: list[str]) -> ChatSection:
    return ChatSection(heading, tuple(f"• {line}" for line in lines))


def _plain_text(text: str) -> str:
    """Return *text* in one line, with a zero-width space in what would become a link or a mention."""
    return _LIVE.sub(lambda match: f"{match[0]}\u200b", _CONTROLS.sub(" ", text))


def _read_right_to_left(message: ChatMessage) -> ChatMessage:
    """Return the message with marks of its direction, which the services cannot be told."""
    marked = message.with_texts(lambda text: f"{_RIGHT_TO_LEFT}{text}{_END}")
    figures = ((f"{_RIGHT_TO_LEFT}{name}", value, change) for name, value, change in message.figures)
    return replace(marked, figures=tuple(figures))
