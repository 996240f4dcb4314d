"""The labels and notes of a report's components, in the reader's language."""

from zoneinfo import ZoneInfo

from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.log_table import HEADER, UNASSIGNED
from assets.report.model import HandOffs, Note, Report, State, Total

_ASSIGNED_TO, _SOURCE = HEADER.index("Assigned To"), HEADER.index("Source")


def state_messages(words: Words) -> dict[str, str]:
    """Return the message of a component without figures, by its state."""
    _ = words.say
    return {
        State.NOT_APPLICABLE: _("The selected filter(s) are not applicable here"),
        State.NO_DATA: _("The selected filter(s) have no applicable data"),
    }


def empty_text(report: Report, words: Words) -> str:
    """Return the message for a report without assignments: either no data, or a true 0."""
    _ = words.say
    return _("No data") if report.has_no_data else _("No assignments in this period.")


def comparison_notes(words: Words) -> dict[str, str]:
    """Return the text of each comparison note; that of NOT_LOADED is empty: the template has its own."""
    _ = words.say
    return {
        Note.NOT_LOADED: "",
        Note.NOT_WHOLE: _(
            "The report's own period is not wholly loaded: what is missing is part of each difference."
        ),
        Note.LENGTHS_DIFFER: _("The two periods have not the same number of days."),
        Note.FEW: _("One of the periods has fewer than 30 assignments: a difference may be chance."),
    }


def total_names(words: Words) -> dict[str, str]:
    """Return the names of the proof lines."""
    _ = words.say
    return {
        Total.LOG: _("Log rows"),
        Total.SOURCES: _("Sum of the sources"),
        Total.DAYS: _("Sum of the days"),
        Total.HOURS: _("Sum of the hours of the week"),
        Total.HAND_OFFS: _("Sum of who hands over to whom"),
        Total.RECEIVED: _("Received, or taken from everybody"),
        Total.RELEASED: _("Released, or nobody's before"),
        Total.AGGREGATES: _("Daily source aggregates"),
        Total.ACCEPTED: _("Accepted events that changed an assignee"),
        Total.CSV: _("Lines of log.csv"),
        Total.PARQUET: _("Rows of log.parquet"),
    }


def filter_names(words: Words) -> dict[str, str]:
    """Return the names of the filters."""
    _ = words.say
    return {
        "source": _("Source"),
        "assigned_to": _("Assigned To"),
        "assigned_by": _("Assigned By User"),
        "contact": _("Contact"),
        "conversation": _("Conversation ID"),
    }


def compared_period(report: Report, words: Words) -> str:
    """Return the days of the previous period, and its end if it is cut because the last day is running."""
    comparison = report.comparison
    if comparison is None:
        return ""
    days = words.days(comparison.first_day, comparison.last_day)
    if comparison.until is None:
        return days
    until = comparison.until.astimezone(ZoneInfo(report.period.timezone))
    facts = {"period": days, "day": words.short_day(until.date()), "time": f"{until:%H:%M}"}
    same_day = comparison.first_day == comparison.last_day == until.date()
    _ = words.say
    text = _("%(period)s until %(time)s") if same_day else _("%(period)s until %(day)s, %(time)s")
    return text % facts


def kind_names(words: Words) -> dict[str, str]:
    """Return the names of the assignee kinds other than persons."""
    _ = words.say
    return {"ai_agent": _("AI agent"), "bot": _("Bot"), "team": _("Team")}


def matrix_names(hand_offs: HandOffs, words: Words) -> list[str]:
    """Return the names of a matrix, with the kind of those that are not persons."""
    labels = kind_names(words)
    return [
        name if kind in {None, "person"} else f"{name} ({labels.get(kind, kind)})"
        for name, kind in zip(hand_offs.people, hand_offs.kinds, strict=True)
    ]


def log_text(column: int, text: str, words: Words) -> str:
    """Return a *text* of the log's *column* (from 0), translated and made safe to show."""
    _ = words.say
    if column == _ASSIGNED_TO and text == UNASSIGNED:
        text = _("Unassigned")
    elif column == _SOURCE:
        text = words.say(text)
    return words.isolated(limit_marks(text))
