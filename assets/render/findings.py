"""The sentences of findings: one for each rule of `report/findings.py`."""

from collections.abc import Callable
from datetime import date
from typing import Any

from assets.config.presentation import CompareWith
from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.model import Finding, Rule

_Formatter = Callable[[Any], str]
_Plural = Callable[[str, str], str]


def render_finding(finding: Finding, words: Words) -> str:
    """Return *finding* as a sentence in the reader's language and number format."""
    values: dict[str, Any] = {name: _format_fact(name, fact, words) for name, fact in finding.facts.items()}
    if "hour" in finding.facts:
        hour = int(finding.facts["hour"])
        values |= {"from": f"{hour:02d}:00", "to": f"{hour + 1:02d}:00"}
    return _sentence_of(finding, words) % values


def _sentence_of(finding: Finding, words: Words) -> str:
    def ngettext(one: str, many: str) -> str:
        return words.catalog.ngettext(one, many, int(finding.facts["count"]))

    since_last_year = (
        _sentence_since_last_year(finding.rule, words, ngettext)
        if finding.compare_with is CompareWith.PREVIOUS_YEAR
        else None
    )
    return (
        since_last_year
        or _sentence_without_count(finding.rule, words)
        or _sentence_of_count(finding.rule, ngettext)
    )


def _format_fact(name: str, fact: Any, words: Words) -> str:
    formatters: dict[str, _Formatter] = {
        "day": lambda day: words.day(date.fromisoformat(day)),
        "weekday": words.weekday,
        "share": words.share,
        "earlier_share": words.share,
        "change": words.change,
        "duration": words.duration,
        "slowest_duration": words.duration,
        "source": lambda label: limit_marks(words.say(label)),
    }
    return formatters.get(name, limit_marks if isinstance(fact, str) else words.number)(fact)


def _sentence_without_count(rule: Rule, words: Words) -> str | None:
    _ = words.say
    return {
        Rule.CHANGE: _("Assignments: %(now)s, %(change)s vs. previous period (%(before)s)."),
        Rule.DAILY_CHANGE: _("Assignments per day: %(now)s, %(change)s vs. previous period (%(before)s)."),
        Rule.WAITED: _("Half of the contacts that were unassigned waited more than %(duration)s."),
        Rule.WAITED_IN_HOUR: _(
            "Half of the contacts that were unassigned waited more than %(duration)s; half of those "
            "unassigned on %(weekday)s between %(from)s and %(to)s waited more than %(slowest_duration)s."
        ),
        Rule.SHIFT: _("The share of %(source)s changed from %(earlier_share)s to %(share)s."),
    }.get(rule)


def _sentence_since_last_year(rule: Rule, words: Words, ngettext: _Plural) -> str | None:
    """Return the sentence of a *rule* about a change since the same days one year before."""
    _ = words.say
    match rule:
        case Rule.CHANGE:
            return _("Assignments: %(now)s, %(change)s vs. previous year (%(before)s).")
        case Rule.DAILY_CHANGE:
            return _("Assignments per day: %(now)s, %(change)s vs. previous year (%(before)s).")
        case Rule.NEW_SOURCE:
            return ngettext(
                "New source: %(source)s, with %(count)s assignment (none one year before).",
                "New source: %(source)s, with %(count)s assignments (none one year before).",
            )
        case Rule.GONE_SOURCE:
            return ngettext(
                "No assignments by %(source)s (%(count)s one year before).",
                "No assignments by %(source)s (%(count)s one year before).",
            )
    return None


def _sentence_of_count(rule: Rule, ngettext: _Plural) -> str:
    """Return the sentence of a *rule* that counts something; *ngettext* chooses the plural form."""
    match rule:
        case Rule.NEW_SOURCE:
            return ngettext(
                "New source: %(source)s, with %(count)s assignment (none in the previous period).",
                "New source: %(source)s, with %(count)s assignments (none in the previous period).",
            )
        case Rule.GONE_SOURCE:
            return ngettext(
                "No assignments by %(source)s (%(count)s in the previous period).",
                "No assignments by %(source)s (%(count)s in the previous period).",
            )
        case Rule.TOP_SOURCE:
            return ngettext(
                "%(source)s was the top source: %(count)s assignment (%(share)s).",
                "%(source)s was the top source: %(count)s assignments (%(share)s).",
            )
        case Rule.BUSIEST_DAY:
            return ngettext(
                "The busiest day was %(day)s: %(count)s assignment (%(share)s).",
                "The busiest day was %(day)s: %(count)s assignments (%(share)s).",
            )
        case Rule.BUSIEST_HOUR:
            return ngettext(
                "The busiest hour was %(weekday)s, %(from)s to %(to)s: %(count)s assignment.",
                "The busiest hour was %(weekday)s, %(from)s to %(to)s: %(count)s assignments.",
            )
        case _:
            return _sentence_of_people(rule, ngettext)


def _sentence_of_people(rule: Rule, ngettext: _Plural) -> str:
    match rule:
        case Rule.TOP_HOLDER:
            return ngettext(
                "%(assignee)s holds %(count)s contact (%(share)s of those with an assignee).",
                "%(assignee)s holds %(count)s contacts (%(share)s of those with an assignee).",
            )
        case Rule.TOP_ASSIGNEE:
            return ngettext(
                "%(assignee)s received %(count)s assignment (%(share)s).",
                "%(assignee)s received %(count)s assignments (%(share)s).",
            )
        case Rule.UNASSIGNED:
            return ngettext(
                "%(count)s assignment (%(share)s) was an unassignment.",
                "%(count)s assignments (%(share)s) were unassignments.",
            )
        case Rule.BOUNCED:
            return ngettext(
                "Conversation %(conversation)s was assigned %(count)s time, more often than any other.",
                "Conversation %(conversation)s was assigned %(count)s times, more often than any other.",
            )
        case _:
            return ngettext(
                "A conversation was handed straight back %(count)s time within %(hours)s hours.",
                "Conversations were handed straight back %(count)s times within %(hours)s hours.",
            )
