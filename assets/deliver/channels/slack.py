"""The message to Slack, in Slack's markup; `webhook.py` sends it."""

import json

from assets.deliver.channels.base import clean_header
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.report.model import Report


def slack_body(report: Report, subject: str, place: str) -> bytes:
    """Return the JSON message: *subject*, sources with counts and shares, and the *place* of the files."""
    words = load_words(report.look.language)
    lines = [f"*{_escape_markup(subject)}*"]
    if report.provisional:
        lines.append(_escape_markup(" ".join([words.say("Provisional."), *reason_sentences(report, words)])))
    lines += [
        f"{_escape_markup(words.say(source.label))}: {words.number(source.count)} "
        f"({words.share(source.share_pct)})"
        for source in report.by_source
    ]
    is_address = place.startswith("http")
    lines.append(f"{words.say('All files:')} {f'<{place}>' if is_address else _escape_markup(place)}")
    return json.dumps({"text": "\n".join(lines)}, ensure_ascii=False).encode()


def _escape_markup(text: str) -> str:
    """Return *text* escaped: no link, mention, channel or bold."""
    escaped = clean_header(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("*", "∗")
