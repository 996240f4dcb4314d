"""Render a `Report` as the bodies of a mail: plain text, and HTML that is complete without its image.

The wording is in `templates/mail/`, MIME encoding in `deliver/channels/mime.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import css_inline

from assets.render.findings import render_finding
from assets.render.html.page import jinja_environment
from assets.render.i18n import Words, load_words
from assets.render.labels import compared_period, empty_text, filter_names
from assets.render.reasons import reason_sentences
from assets.render.untrusted_text import limit_marks
from assets.report.model import Report, State

_LISTED_SOURCES = 40
PICTURE = "by-source@assignment-reports"
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The subject and bodies of a mail; `pictures` are PNG by the content id that the HTML refers to."""

    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Correction:
    """The changes since the *version* that was sent: name, old and new value of each figure."""

    version: int
    changes: tuple[tuple[str, int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class MailContext:
    """The content of a mail besides the report.

    `attached` are the names of its files, `place` is where all files are; with `too_large`, the mail explains
    why it has none.
    """

    version: int
    attached: tuple[str, ...] = ()
    place: str = ""
    too_large: bool = False
    figures: bool = True
    correction: Correction | None = None


def mail_bodies(report: Report, context: MailContext) -> Bodies:
    """Return the bodies of a mail about *report*."""
    words = load_words(report.look.language)
    jinja = jinja_environment(report.look.language)
    _ = words.say
    title = f"{_('Contact Assignments')} {_(report.title)}"
    days = words.days(report.period.first_day, report.period.last_day)
    subject = f"{report.workspace_name}: {title}, {days}: {_total_line(report, context.correction, words)}"
    if context.correction:
        subject = _("Correction: %(subject)s") % {"subject": subject}
    from assets.render.charts import figures  # noqa: PLC0415 - half a second

    has_picture = context.figures and report.total > 0
    values = {
        "report": report,
        "said": context,
        "subject": subject,
        "facts": _list_facts(report, context.version, words),
        "filters": _describe_filters(report, words),
        "warnings": _list_warnings(report, context, words),
        "nothing": empty_text(report, words),
        "changes": _describe_changes(context.correction, words),
        "comparison": _describe_comparison(report, words),
        "sources": report.by_source[:_LISTED_SOURCES],
        "rest": _sum_unlisted_sources(report),
        "sentences": [render_finding(finding, words) for finding in report.findings]
        if context.figures
        else [],
        "attached": ", ".join(context.attached),
        "picture": PICTURE if has_picture else None,
        "alternative": figures.bar_chart(report.by_source, words).alternative if has_picture else "",
    }
    return Bodies(
        subject=subject,
        text=jinja.overlay(autoescape=False).get_template("mail/mail.txt.j2").render(values),
        html=_INLINER.inline(jinja.get_template("mail/mail.html.j2").render(values)),
        pictures={PICTURE: figures.bar_chart_png(report.by_source, words)} if has_picture else {},
    )


def _sum_unlisted_sources(report: Report) -> dict[str, float] | None:
    """Return the sum of the unlisted sources: some mailboxes cut off mails beyond 102 kB."""
    rest = report.by_source[_LISTED_SOURCES:]
    if not rest:
        return None
    share = sum(source.share_pct or 0 for source in rest)
    return {"sources": len(rest), "count": sum(source.count for source in rest), "share_pct": round(share, 1)}


def _total_line(report: Report, correction: Correction | None, words: Words) -> str:
    current = _format_figure(None if report.has_no_data else report.total, words)
    previous = (
        [previous_value for name, previous_value, _ in correction.changes if name == "total"]
        if correction
        else []
    )
    return f"{_format_figure(previous[0], words)} → {current}" if previous else current


def _format_figure(value: int | None, words: Words) -> str:
    return words.say("No data") if value is None else words.number(value)


def _describe_changes(correction: Correction | None, words: Words) -> list[str]:
    """Return a text for each changed figure, the total first."""
    _ = words.say
    if correction is None:
        return []
    sentences = []
    for name, before, now in sorted(correction.changes, key=lambda change: (change[0] != "total", change[0])):
        values = {
            "name": _("Total") if name == "total" else _(name),
            "before": _format_figure(before, words),
            "now": _format_figure(now, words),
        }
        if before is None or now is None:
            sentences.append(f"{values['name']}: {values['before']} → {values['now']}")
        else:
            values["difference"] = words.signed(now - before)
            sentences.append(_("%(name)s: %(before)s → %(now)s (%(difference)s)") % values)
    return sentences


def _describe_filters(report: Report, words: Words) -> str:
    """Return the active filters with their values."""
    names = filter_names(words)
    return "; ".join(
        f"{names[name]}: {', '.join(words.isolated(limit_marks(value)) for value in values)}"
        for name, values in report.filters.model_dump().items()
        if values
    )


def _list_facts(report: Report, version: int, words: Words) -> str:
    _, ltr = words.say, words.left_to_right
    return " · ".join(
        [
            _("Days of %(zone)s") % {"zone": report.period.timezone},
            _("as of %(instant)s") % {"instant": ltr(report.as_of_local)},
            _("report date %(date)s") % {"date": ltr(str(report.report_date))},
            _("version %(number)s") % {"number": version},
        ]
    )


def _list_warnings(report: Report, context: MailContext, words: Words) -> list[str]:
    _ = words.say
    warnings = []
    if context.too_large:
        warnings.append(_("The files are too large for this mail; they are in the archive of reports."))
    if report.provisional:
        warnings.append(" ".join([_("Provisional."), *reason_sentences(report, words)]))
    return warnings


def _describe_comparison(report: Report, words: Words) -> str:
    comparison = report.comparison
    if report.components.comparison is not State.SHOWN or comparison is None or comparison.total is None:
        return ""
    sentence = words.say("%(period)s: %(total)s assignments.") % {
        "period": compared_period(report, words),
        "total": words.number(comparison.total),
    }
    return (
        f"{sentence} {'' if comparison.change_pct is None else words.change(comparison.change_pct)}".strip()
    )
