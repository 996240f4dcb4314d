"""The sentences that explain why a report is provisional: one for each reason of `report/reasons.py`."""

from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.model import Reason, ReasonCode, Report

_LISTED_DAYS = 12


def reason_sentences(report: Report, words: Words) -> list[str]:
    """Return a sentence for each reason, in the report's order; empty if it is complete."""
    return [describe_reason(report, reason, words) for reason in report.reasons]


def describe_reason(report: Report, reason: Reason, words: Words) -> str:
    """Return the sentence of one *reason* of *report*."""
    _ = words.say
    facts = {
        name: words.number(fact) if isinstance(fact, int | float) else words.isolated(limit_marks(fact))
        for name, fact in reason.facts.items()
    }
    match reason.code:
        case ReasonCode.DAYS_MISSING if "first" in reason.facts:
            dates = {name: words.left_to_right(str(reason.facts[name])) for name in ("first", "last")}
            return words.ngettext(
                "%(count)s day before the period is not loaded (%(first)s to %(last)s): "
                "contacts by assignee are known only since then.",
                "%(count)s days before the period are not loaded (%(first)s to %(last)s): "
                "contacts by assignee are known only since then.",
                int(reason.facts["count"]),
                **dates,
            )
        case ReasonCode.DAYS_MISSING:
            return words.ngettext(
                "%(count)s of %(days)s days is not loaded: %(list)s.",
                "%(count)s of %(days)s days are not loaded: %(list)s.",
                int(reason.facts["count"]),
                **facts | {"list": _list_missing_days(report, words)},
            )
        case ReasonCode.INPUT_UNREADABLE:
            return words.ngettext(
                "%(count)s input could not be read: %(first)s",
                "%(count)s inputs could not be read, the first: %(first)s",
                int(reason.facts["count"]),
                **facts,
            )
        case ReasonCode.INPUT_GAVE_NOTHING:
            return words.ngettext(
                "%(count)s input gave no accepted row: %(first)s",
                "%(count)s inputs gave no accepted row, the first: %(first)s",
                int(reason.facts["count"]),
                **facts,
            )
        case ReasonCode.REJECTED_SHARE:
            limit = {"limit": words.share(float(reason.facts["limit_pct"]))}
            return words.ngettext(
                "%(count)s of %(read)s rows was rejected; the limit is %(limit)s.",
                "%(count)s of %(read)s rows were rejected; the limit is %(limit)s.",
                int(reason.facts["rejected"]),
                **facts | limit,
            )
        case ReasonCode.SOURCE_STALLED:
            return _("No event since %(since)s; usually there are %(expected)s in these hours.") % facts


def _list_missing_days(report: Report, words: Words) -> str:
    shown = [words.left_to_right(str(day)) for day in report.missing_days[:_LISTED_DAYS]]
    return words.join([*shown, "…"] if len(report.missing_days) > _LISTED_DAYS else shown)
