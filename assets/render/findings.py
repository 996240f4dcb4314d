"""The sentences of findings: one for each rule of `report/findings.py`."""

from collections.abc import Callable
from datetime import date
from typing import Any

from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.model import Finding, Rule

_Formatter = Callable[[Any], str]


def render_finding(finding: Finding, words: Words) -> str:
    """Return *finding* as a sentence in the reader's language and number format."""
    values: dict[str, Any] = {name: _format_fact(name, fact, words) for name, fact in finding.facts.items()}
    if finding.rule is Rule.BUSIEST_HOUR:
        hour = int(finding.facts["hour"])
        values |= {"from": f"{hour:02d}:00", "to": f"{hour + 1:02d}:00"}
    return _sentence_templates(words)[finding.rule] % values


def _format_fact(name: str, fact: Any, words: Words) -> str:
    formatters: dict[str, _Formatter] = {
        "day": lambda day: words.day(date.fromisoformat(day)),
        "weekday": words.weekday,
        "share": words.share,
        "earlier_share": words.share,
        "change": words.change,
        "source": lambda label: limit_marks(words.say(label)),
    }
    return formatters.get(name, limit_marks if isinstance(fact, str) else words.number)(fact)


def _sentence_templates(words: Words) -> dict[Rule, str]:
    _ = words.say
    return {
        Rule.CHANGE: _("%(change)s against the period before: %(before)s assignments then, %(now)s now."),
        Rule.SHIFT: _("The share of %(source)s went from %(earlier_share)s to %(share)s."),
        Rule.DAILY_CHANGE: _(
            "%(change)s a day against the period before: %(before)s assignments a day then, %(now)s now."
        ),
        Rule.GONE_SOURCE: _("%(source)s is gone: none now, %(count)s assignments in the period before."),
        Rule.NEW_SOURCE: _("%(source)s is new: %(count)s assignments, none in the period before."),
        Rule.TOP_SOURCE: _("%(source)s made most assignments: %(count)s, %(share)s of all."),
        Rule.BUSIEST_DAY: _("The busiest day was %(day)s: %(count)s assignments, %(share)s of all."),
        Rule.BUSIEST_HOUR: _(
            "The busiest hour of the week was %(weekday)s, %(from)s to %(to)s: %(count)s assignments."
        ),
        Rule.TOP_ASSIGNEE: _("%(assignee)s received %(count)s assignments, %(share)s of all."),
        Rule.UNASSIGNED: _("%(count)s assignments, %(share)s of all, took the assignee away."),
        Rule.BOUNCED: _("Conversation %(conversation)s was assigned %(count)s times, more than any other."),
        Rule.RETURNS: _("%(count)s hand-offs went straight back within %(hours)s hours."),
    }
