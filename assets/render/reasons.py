"""The sentences that explain why a report is provisional: one for each reason of `report/reasons.py`."""

from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.model import Reason, ReasonCode, Report

_LISTED_DAYS = 12


def reason_sentences(report: Report, words: Words) -> list[str]:
    """Return a sentence for each reason, in the report's order; empty if it is complete."""
    return [_describe_reason(report, reason, words) for reason in report.reasons]


def _describe_reason(report: Report, reason: Reason, words: Words) -> str:
    _ = words.say
    facts = {
        name: words.number(fact) if isinstance(fact, int | float) else words.isolated(limit_marks(fact))
        for name, fact in reason.facts.items()
    }
    match reason.code:
        case ReasonCode.DAYS_MISSING if "first" in reason.facts:
            return _(
                "Missing before the period: %(count)s days (%(first)s to %(last)s); "
                "contacts per assignee are known since then only."
            ) % (facts | {name: words.left_to_right(str(reason.facts[name])) for name in ("first", "last")})
        case ReasonCode.DAYS_MISSING:
            return _("Missing: %(count)s of %(days)s days (%(list)s).") % (
                facts | _list_missing_days(report, words)
            )
        case ReasonCode.INPUT_UNREADABLE:
            return _("Inputs that could not be read (%(count)s): %(first)s") % facts
        case ReasonCode.INPUT_GAVE_NOTHING:
            return _("Inputs that gave nothing (%(count)s): %(first)s") % facts
        case ReasonCode.REJECTED_SHARE:
            limit = {"limit": words.share(float(reason.facts["limit_pct"]))}
            return _("Rejected: %(rejected)s of %(read)s rows; the limit is %(limit)s.") % (facts | limit)
        case ReasonCode.SOURCE_STALLED:
            return _("No event since %(since)s; usual in these hours: %(expected)s.") % facts


def _list_missing_days(report: Report, words: Words) -> dict[str, str]:
    more = ", …" if len(report.missing_days) > _LISTED_DAYS else ""
    listed = ", ".join(map(str, report.missing_days[:_LISTED_DAYS]))
    return {"list": words.left_to_right(f"{listed}{more}")}
