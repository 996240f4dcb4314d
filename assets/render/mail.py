"""A `Report` as the bodies of a mail: one of text, one of HTML that says all without its picture."""

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
    """What a mail says; *pictures* are PNG by the content id that the HTML names."""

    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a later version says otherwise than the one that was sent: name, then and now of each figure."""

    version: int
    changes: tuple[tuple[str, int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class MailContext:
    """What a mail says beside the report.

    *attached* are the names of the files that it carries, *place* is where all of them are; where they
    are *too_large*, it says why it carries none.
    """

    version: int
    attached: tuple[str, ...] = ()
    place: str = ""
    too_large: bool = False
    figures: bool = True
    correction: Correction | None = None


def mail_bodies(report: Report, said: MailContext) -> Bodies:
    """Return the bodies of a mail about *report*."""
    spoken = load_words(report.look.language)
    jinja = jinja_environment(report.look.language)
    _ = spoken.say
    title = f"{_('Contact Assignments')} {_(report.title)}"
    days = spoken.days(report.period.first_day, report.period.last_day)
    subject = f"{report.workspace_name}: {title}, {days}: {_total_line(report, said.correction, spoken)}"
    if said.correction:
        subject = _("Correction: %(subject)s") % {"subject": subject}
    from assets.render.charts import figures  # noqa: PLC0415 - half a second

    has_picture = said.figures and report.total > 0
    shown = {
        "report": report,
        "said": said,
        "subject": subject,
        "facts": _list_facts(report, said.version, spoken),
        "filters": _describe_filters(report, spoken),
        "warnings": _list_warnings(report, said, spoken),
        "nothing": empty_text(report, spoken),
        "changes": _describe_changes(said.correction, spoken),
        "comparison": _describe_comparison(report, spoken),
        "sources": report.by_source[:_LISTED_SOURCES],
        "rest": _sum_unlisted_sources(report),
        "sentences": [render_finding(each, spoken) for each in report.findings] if said.figures else [],
        "attached": ", ".join(said.attached),
        "picture": PICTURE if has_picture else None,
        "alternative": figures.bar_chart(report.by_source, spoken).alternative if has_picture else "",
    }
    return Bodies(
        subject=subject,
        text=jinja.overlay(autoescape=False).get_template("mail/mail.txt.j2").render(shown),
        html=_INLINER.inline(jinja.get_template("mail/mail.html.j2").render(shown)),
        pictures={PICTURE: figures.bar_chart_png(report.by_source, spoken)} if has_picture else {},
    )


def _sum_unlisted_sources(report: Report) -> dict[str, float] | None:
    """Add up the sources that are not listed: past 102 kB some mailboxes cut a mail off."""
    rest = report.by_source[_LISTED_SOURCES:]
    if not rest:
        return None
    share = sum(each.share_pct or 0 for each in rest)
    return {"sources": len(rest), "count": sum(each.count for each in rest), "share_pct": round(share, 1)}


def _total_line(report: Report, correction: Correction | None, spoken: Words) -> str:
    now = _format_figure(None if report.has_no_data else report.total, spoken)
    before = [then for name, then, _ in correction.changes if name == "total"] if correction else []
    return f"{_format_figure(before[0], spoken)} → {now}" if before else now


def _format_figure(value: int | None, spoken: Words) -> str:
    return spoken.say("No data") if value is None else spoken.number(value)


def _describe_changes(correction: Correction | None, spoken: Words) -> list[str]:
    """Say each difference, the total's first."""
    _ = spoken.say
    if correction is None:
        return []
    found = []
    for name, before, now in sorted(correction.changes, key=lambda each: (each[0] != "total", each[0])):
        shown = {
            "name": _("Total") if name == "total" else _(name),
            "before": _format_figure(before, spoken),
            "now": _format_figure(now, spoken),
        }
        if before is None or now is None:
            found.append(f"{shown['name']}: {shown['before']} → {shown['now']}")
        else:
            shown["difference"] = spoken.signed(now - before)
            found.append(_("%(name)s: %(before)s → %(now)s (%(difference)s)") % shown)
    return found


def _describe_filters(report: Report, spoken: Words) -> str:
    """Say which part of the assignments is counted."""
    names = filter_names(spoken)
    return "; ".join(
        f"{names[name]}: {', '.join(spoken.isolated(limit_marks(value)) for value in values)}"
        for name, values in report.filters.model_dump().items()
        if values
    )


def _list_facts(report: Report, version: int, spoken: Words) -> str:
    _, ltr = spoken.say, spoken.left_to_right
    return " · ".join(
        [
            _("Days of %(zone)s") % {"zone": report.period.timezone},
            _("as of %(instant)s") % {"instant": ltr(report.as_of_local)},
            _("report date %(date)s") % {"date": ltr(str(report.report_date))},
            _("version %(number)s") % {"number": version},
        ]
    )


def _list_warnings(report: Report, said: MailContext, spoken: Words) -> list[str]:
    _ = spoken.say
    told = []
    if said.too_large:
        told.append(_("The files are too large for this mail; they are in the archive of reports."))
    if report.provisional:
        told.append(" ".join([_("Provisional."), *reason_sentences(report, spoken)]))
    return told


def _describe_comparison(report: Report, spoken: Words) -> str:
    before = report.comparison
    if report.components.comparison is not State.SHOWN or before is None or before.total is None:
        return ""
    told = spoken.say("%(period)s: %(total)s assignments.") % {
        "period": compared_period(report, spoken),
        "total": spoken.number(before.total),
    }
    return f"{told} {'' if before.change_pct is None else spoken.change(before.change_pct)}".strip()
