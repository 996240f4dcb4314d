"""A message to Slack: what it says, in Slack's markup."""

import json

from assets.deliver.channels.base import clean_header
from assets.render.i18n import load_words
from assets.render.reasons import reason_sentences
from assets.report.model import Report


def slack_body(report: Report, subject: str, place: str) -> bytes:
    """Return a message in Slack's markup: total, sources, and where the files are."""
    spoken = load_words(report.look.language)
    lines = [f"*{_escape_markup(subject)}*"]
    if report.provisional:
        lines.append(
            _escape_markup(" ".join([spoken.say("Provisional."), *reason_sentences(report, spoken)]))
        )
    lines += [
        f"{_escape_markup(spoken.say(each.label))}: {spoken.number(each.count)} "
        f"({spoken.share(each.share_pct)})"
        for each in report.by_source
    ]
    is_address = place.startswith("http")
    lines.append(f"{spoken.say('All files:')} {f'<{place}>' if is_address else _escape_markup(place)}")
    return json.dumps({"text": "\n".join(lines)}, ensure_ascii=False).encode()


def _escape_markup(text: str) -> str:
    """Return *text* so that it is no link, mention or channel, nor bold."""
    escaped = clean_header(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("*", "∗")
