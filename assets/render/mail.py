"""Render a `Report` as the bodies of a mail: plain text, and HTML that needs no image and no script.

`summarize_report` chooses what it says, for `chat.py` too. The wording is in `templates/mail/`, the style in
`templates/styles/mail.css`, MIME encoding in `deliver/channels/mime.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import css_inline

from assets.config.presentation import CompareWith
from assets.render.alerts import AlertNotice, ConditionText, alert_heading, alert_subject, condition_texts
from assets.render.changes import FigureChange, format_total, list_changes, shown_label
from assets.render.day_notes import listed_notes
from assets.render.findings import render_finding
from assets.render.html.page import jinja_environment
from assets.render.html.stylesheet import text_color
from assets.render.i18n import Words, load_words
from assets.render.labels import compared_period, comparison_notes, empty_text, figure_names, filter_names
from assets.render.metrics import goal_texts
from assets.render.reasons import reason_sentences
from assets.render.source_rows import SourceRow, source_rows
from assets.render.untrusted_text import cut_text, limit_marks
from assets.report.model import KeyFigureName, Report, State

_MAX_SUBJECT = 69
_LISTED_VALUES = 10
_LISTED_NOTES = 5
_KEY_FIGURES = (KeyFigureName.REASSIGNMENTS, KeyFigureName.UNASSIGNMENTS, KeyFigureName.CONVERSATIONS)
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The subject and bodies of a mail."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Correction:
    """The changes since the *version* that was sent: name, old and new value of each figure."""

    version: int
    changes: tuple[FigureChange, ...]


@dataclass(frozen=True, slots=True)
class MailContext:
    """The content of a mail besides the report.

    `attached` are the names of its files, `place` is where all files are; with `too_large`, the mail explains
    why it has none. At most `max_listed` sources and changes are listed: some mailboxes cut off mails beyond
    102 kB. With an `alert`, the mail is that alert.
    """

    version: int
    attached: tuple[str, ...] = ()
    place: str = ""
    too_large: bool = False
    figures: bool = True
    correction: Correction | None = None
    max_listed: int = 40
    alert: AlertNotice | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of the table of sources, ready to show; `width` is that of its bar in percent, 0 for none."""

    label: str
    count: str
    share: str
    change: str
    width: int = 0
    color: str = ""


@dataclass(frozen=True)
class Summary:
    """What a message says about a report, in its reader's language; the names in it are not escaped.

    Either `address`, a URL, or `place`, where the files are, is empty. `sources` end with their total. An
    alert has the heading `alert`, and its `conditions` in place of figures.
    """

    subject: str
    alert: str
    conditions: list[ConditionText]
    days: str
    facts: list[str]
    filters: list[tuple[str, str]]
    reasons: list[str]
    corrects: str
    changes: list[str]
    total: str
    comparison: list[str]
    day_notes: list[str]
    key_figures: list[tuple[str, str, str]]
    has_changes: bool
    goals: list[str]
    findings: list[str]
    sources: list[TableRow]
    address: str
    place: str
    edition: list[str]


def summarize_report(report: Report, context: MailContext) -> Summary:
    """Return what a mail or another message says about *report*."""
    words = load_words(report.look.language)
    _ = words.say
    correction, alert = context.correction, context.alert
    shown = context.figures and alert is None and not report.has_no_data
    has_address = context.place.startswith(("http://", "https://"))
    corrects = _("This report corrects version %(version)s, which was sent to you earlier.")
    return Summary(
        subject=_subject(report, context, words),
        alert=alert_heading(words.isolated(limit_marks(_(report.title))), alert, words) if alert else "",
        conditions=condition_texts(alert, report, words) if alert else [],
        days=words.days(report.period.first_day, report.period.last_day),
        facts=_list_facts(report, words),
        filters=_list_filters(report, words),
        reasons=reason_sentences(report, words),
        corrects=corrects % {"version": correction.version} if correction else "",
        changes=list_changes(correction.changes if correction else (), words, max_listed=context.max_listed),
        total=_describe_total(report, words) if report.total else empty_text(report, words),
        comparison=_describe_comparison(report, words) if alert is None else [],
        day_notes=_list_day_notes(report, words) if context.figures else [],
        key_figures=_list_key_figures(report, words) if shown else [],
        has_changes=_is_compared(report),
        goals=[goal.sentence for goal in goal_texts(report, words)] if alert is None else [],
        findings=[render_finding(finding, words) for finding in report.findings] if shown else [],
        sources=_list_sources(report, words, context.max_listed) if shown and report.total else [],
        address=context.place if has_address else "",
        place="" if has_address else context.place,
        edition=[
            _("Report date: %(date)s") % {"date": words.day(report.report_date)},
            _("version %(number)s") % {"number": context.version},
        ],
    )


def mail_bodies(report: Report, context: MailContext) -> Bodies:
    """Return the bodies of a mail about *report*."""
    words = load_words(report.look.language)
    jinja = jinja_environment(report.look.language)
    summary = summarize_report(report, context)
    values = vars(summary) | {
        "report": report,
        "context": context,
        "attached": words.join([words.isolated(name) for name in context.attached]),
        "accent": report.look.color,
        "button": text_color(report.look.color),
    }
    return Bodies(
        subject=summary.subject,
        text=jinja.overlay(autoescape=False).get_template("mail/mail.txt.j2").render(values),
        html=_INLINER.inline(jinja.get_template("mail/mail.html.j2").render(values)),
    )


def _list_key_figures(report: Report, words: Words) -> list[tuple[str, str, str]]:
    """Return name, value and change of the figures beside the total, as far as the report has them."""
    names = figure_names(words)
    return [
        (
            names[figure.name],
            words.figure(figure.name, figure.value),
            "" if figure.change is None else words.change(figure.change),
        )
        for figure in report.key_figures
        if figure.name in _KEY_FIGURES and figure.value is not None
    ]


def _subject(report: Report, context: MailContext, words: Words) -> str:
    """Return the subject, below 70 characters: the names are cut, the days and the total never."""
    _, correction = words.say, context.correction
    if context.alert:
        text = alert_subject(context.alert, report.workspace_name, words)
        text = _("Correction: %(subject)s") % {"subject": text} if correction else text
        return cut_text(_header_text(text), _MAX_SUBJECT)
    message = _("%(workspace)s: %(report)s, %(days)s: %(total)s")
    if correction:
        message = _("Correction: %(subject)s") % {"subject": message}
    first, last = report.period.first_day, report.period.last_day
    days = words.short_days(first, last, with_year=first.year == last.year != report.report_date.year)
    values = {"days": days, "total": _subject_total(report, correction, words), "workspace": "", "report": ""}
    room = _MAX_SUBJECT - len(message % values)
    workspace, title = _header_text(report.workspace_name), _header_text(words.say(report.title))
    values["report"] = cut_text(title, max(room // 2, room - len(workspace)))
    values["workspace"] = cut_text(workspace, room - len(values["report"]))
    return message % values


def _header_text(name: str) -> str:
    """Return *name* on one line, without the start of an encoded word."""
    return " ".join(limit_marks(name).replace("=?", "= ?").split())


def _subject_total(report: Report, correction: Correction | None, words: Words) -> str:
    """Return the total; in a correction, the total that was sent and the current one."""
    current = None if report.has_no_data else report.total
    for name, previous, _current in correction.changes if correction else ():
        if name == "total":
            return f"{format_total(previous, words)} {words.arrow} {format_total(current, words)}"
    if current is None or correction:
        return format_total(current, words)
    return _describe_total(report, words)


def _describe_total(report: Report, words: Words) -> str:
    return words.ngettext("%(count)s assignment", "%(count)s assignments", report.total)


def _list_facts(report: Report, words: Words) -> list[str]:
    """Return the instant up to which the report counts, and the time zone of its days."""
    _ = words.say
    return [
        _("Data as of %(instant)s") % {"instant": words.instant(report.as_of_wall)},
        _("Time zone: %(zone)s") % {"zone": words.isolated(report.period.timezone)},
    ]


def _list_filters(report: Report, words: Words) -> list[tuple[str, str]]:
    """Return the name of each active filter, and a list of its values."""
    names = filter_names(words)
    filters = []
    for name, values in report.filters.model_dump().items():
        listed = [words.isolated(limit_marks(value)) for value in values[:_LISTED_VALUES]]
        if more := len(values) - len(listed):
            listed.append(words.ngettext("%(count)s more", "%(count)s more", more))
        if listed:
            filters.append((names[name], words.join(listed)))
    return filters


def _list_day_notes(report: Report, words: Words) -> list[str]:
    """Return the first notes on days, and how many more there are."""
    notes = listed_notes(report, words)
    listed = [f"{note.days}: {words.isolated(limit_marks(note.text))}" for note in notes[:_LISTED_NOTES]]
    if more := len(notes) - len(listed):
        listed.append(words.ngettext("%(count)s more", "%(count)s more", more))
    return listed


def _is_compared(report: Report) -> bool:
    """Tell whether the report shows a comparison and has a previous total."""
    comparison = report.comparison
    is_shown = report.components.comparison is State.SHOWN
    return is_shown and comparison is not None and comparison.total is not None


def _describe_comparison(report: Report, words: Words) -> list[str]:
    """Return the change of the total, the previous total, and what limits the comparison."""
    _ = words.say
    comparison = report.comparison
    if report.components.comparison is not State.SHOWN or comparison is None or report.has_no_data:
        return []
    if comparison.total is None:
        days = words.days(comparison.first_day, comparison.last_day)
        return [_("Data for the previous period, %(period)s, is incomplete.") % {"period": days}]
    is_year = report.compare_with is CompareWith.PREVIOUS_YEAR
    lines = []
    if comparison.change_pct is not None:
        message = _("%(change)s vs. previous year") if is_year else _("%(change)s vs. previous period")
        lines.append(message % {"change": words.change(comparison.change_pct)})
    previous = {"total": words.number(comparison.total), "period": compared_period(report, words)}
    message = (
        _("Previous year: %(total)s (%(period)s)")
        if is_year
        else _("Previous period: %(total)s (%(period)s)")
    )
    lines.append(message % previous)
    notes = comparison_notes(words)
    return [*lines, *(notes[note] for note in comparison.notes)]


def _list_sources(report: Report, words: Words, max_listed: int) -> list[TableRow]:
    """Return the *max_listed* largest sources, the sum of the others, and the total.

    With a comparison, the sources that are gone are among them, so that the changes add up.
    """
    is_compared = _is_compared(report)
    rows = [row for row in source_rows(report) if row.count or is_compared]

    def table_row(label: str, summed: Sequence[SourceRow], width: int = 0, color: str = "") -> TableRow:
        count, before = sum(row.count for row in summed), sum(row.before for row in summed)
        return TableRow(
            label=label,
            count=words.number(count),
            share=words.share(round(sum(row.share_pct or 0 for row in summed), 1)),
            change=words.signed(count - before) if is_compared else "",
            width=width,
            color=color,
        )

    table = [
        table_row(shown_label(row.label, words), [row], ceil(row.length), row.color)
        for row in rows[:max_listed]
    ]
    if rest := rows[max_listed:]:
        label = words.ngettext("%(count)s more source", "%(count)s more sources", len(rest))
        table.append(table_row(label, rest))
    return [*table, table_row(words.say("Total"), rows)]
