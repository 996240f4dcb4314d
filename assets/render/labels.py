"""Names and notes of a report's parts, in the reader's language."""

from zoneinfo import ZoneInfo

from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.log_table import HEADER, UNASSIGNED
from assets.report.model import HandOffs, Note, Report, State, Total

_ASSIGNED_TO, _SOURCE = HEADER.index("Assigned To"), HEADER.index("Source")


def state_messages(spoken: Words) -> dict[str, str]:
    """Return what a component says that has nothing to show, by its state."""
    _ = spoken.say
    return {
        State.NOT_APPLICABLE: _("The selected filter(s) are not applicable here"),
        State.NO_DATA: _("The selected filter(s) have no applicable data"),
    }


def empty_text(report: Report, spoken: Words) -> str:
    """Return what stands where there are no assignments: a 0, or nothing that anybody could count."""
    _ = spoken.say
    return _("No data") if report.has_no_data else _("No assignments in this period.")


def comparison_notes(spoken: Words) -> dict[str, str]:
    """Return what to mind about a comparison; where the period before is missing, it says so itself."""
    _ = spoken.say
    return {
        Note.NOT_LOADED: "",
        Note.NOT_WHOLE: _(
            "The report's own period is not wholly loaded: what is missing is part of each difference."
        ),
        Note.LENGTHS_DIFFER: _("The two periods have not the same number of days."),
        Note.FEW: _("One of the periods has fewer than 30 assignments: a difference may be chance."),
    }


def total_names(spoken: Words) -> dict[str, str]:
    """Return the names of the ways in which a total is counted."""
    _ = spoken.say
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


def filter_names(spoken: Words) -> dict[str, str]:
    """Return what the filters are called."""
    _ = spoken.say
    return {
        "source": _("Source"),
        "assigned_to": _("Assigned To"),
        "assigned_by": _("Assigned By User"),
        "contact": _("Contact"),
        "conversation": _("Conversation ID"),
    }


def compared_period(report: Report, spoken: Words) -> str:
    """Return the days of the period before, and until when it counts while the report's last day runs."""
    before = report.comparison
    if before is None:
        return ""
    days = spoken.days(before.first_day, before.last_day)
    if before.until is None:
        return days
    until = before.until.astimezone(ZoneInfo(report.period.timezone))
    facts = {"period": days, "day": spoken.short_day(until.date()), "time": f"{until:%H:%M}"}
    same_day = before.first_day == before.last_day == until.date()
    _ = spoken.say
    text = _("%(period)s until %(time)s") if same_day else _("%(period)s until %(day)s, %(time)s")
    return text % facts


def kind_names(spoken: Words) -> dict[str, str]:
    """Return what an assignee is called who is no person."""
    _ = spoken.say
    return {"ai_agent": _("AI agent"), "bot": _("Bot"), "team": _("Team")}


def matrix_names(found: HandOffs, spoken: Words) -> list[str]:
    """Return the names of a matrix, with what those are who are no persons."""
    labels = kind_names(spoken)
    return [
        name if kind in {None, "person"} else f"{name} ({labels.get(kind, kind)})"
        for name, kind in zip(found.people, found.kinds, strict=True)
    ]


def log_text(column: int, text: str, spoken: Words) -> str:
    """Return a *text* of the log, whose columns count from 0, as it is shown to the reader."""
    _ = spoken.say
    if column == _ASSIGNED_TO and text == UNASSIGNED:
        text = _("Unassigned")
    elif column == _SOURCE:
        text = spoken.say(text)
    return spoken.isolated(limit_marks(text))
