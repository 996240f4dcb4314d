"""The labels and notes of a report's components, in the reader's language."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from assets.config.presentation import CompareWith, Component
from assets.config.teams import NO_TEAM
from assets.render.i18n import Words
from assets.render.untrusted_text import limit_marks
from assets.report.log_table import HEADER, UNASSIGNED
from assets.report.model import KeyFigureName, Note, Report, State, Total
from assets.report.people_model import HandOffs, HeldLine, OwnershipTotal, TeamFigures

_LEFT_TO_RIGHT, _RIGHT_TO_LEFT = "\u200e", "\u200f"
_ASSIGNED_TO, _SOURCE = HEADER.index("Assigned To"), HEADER.index("Source")


def state_messages(words: Words) -> dict[str, str]:
    """Return the message of a component without figures, by its state."""
    _ = words.say
    return {
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
        Note.NOT_WHOLE: _("Data for this period is incomplete; changes include what is missing."),
        Note.LENGTHS_DIFFER: _("The two periods have different numbers of days."),
        Note.FEW: _("One of the periods has fewer than 30 assignments; changes may be random."),
    }


def previous_name(compare_with: CompareWith, words: Words) -> str:
    """Return the name of the period that a report is compared with."""
    _ = words.say
    is_year = compare_with is CompareWith.PREVIOUS_YEAR
    return _("Previous year") if is_year else _("Previous period")


def comparison_name(compare_with: CompareWith, words: Words) -> str:
    """Return what the comparison is with."""
    _ = words.say
    return {
        CompareWith.PREVIOUS_PERIOD: _("vs. previous period"),
        CompareWith.PREVIOUS_YEAR: _("vs. previous year"),
    }[compare_with]


def total_names(words: Words) -> dict[str, str]:
    """Return the names of the reconciliation's checks."""
    _ = words.say
    return {
        Total.LOG: _("Log rows"),
        Total.SOURCES: _("Sum by source"),
        Total.DAYS: _("Sum by day"),
        Total.HOURS: _("Sum by day and hour"),
        Total.HAND_OFFS: _("Sum of the reassignment matrix"),
        Total.RECEIVED: _("Sum by new assignee"),
        Total.RELEASED: _("Sum by previous assignee"),
        Total.TEAM_HAND_OFFS: _("Sum of the reassignment matrix by team"),
        Total.TEAM_RECEIVED: _("Sum by new team"),
        Total.TEAM_RELEASED: _("Sum by previous team"),
        Total.AGGREGATES: _("Daily source aggregates"),
        Total.ACCEPTED: _("Accepted events that changed an assignee"),
        Total.CSV: _("Rows of log.csv"),
        Total.PARQUET: _("Rows of log.parquet"),
    }


def proof_names(words: Words) -> dict[str, str]:
    """Return the names of the proofs of ownership."""
    _ = words.say
    return {
        OwnershipTotal.COVERED_TIME: _("Time of all contacts, in seconds"),
        OwnershipTotal.OPEN_INTERVALS: _("Open at the end, and contacts at the end"),
        OwnershipTotal.ENDED_INTERVALS: _("Ended, and stored with the log"),
        OwnershipTotal.ENDED_TIME: _("Their duration, in seconds"),
    }


def line_names(lines: tuple[HeldLine, ...], words: Words) -> list[str]:
    """Return the names of *lines*: assignees, all others, nobody."""
    _ = words.say
    return [_("Unassigned") if line.assignee is None else line.assignee or _("Others") for line in lines]


def figure_names(words: Words) -> dict[str, str]:
    """Return the names of the key figures."""
    _ = words.say
    return {
        KeyFigureName.ASSIGNMENTS: _("Assignments"),
        KeyFigureName.FIRST_ASSIGNMENTS: _("First assignments"),
        KeyFigureName.REASSIGNMENTS: _("Reassignments"),
        KeyFigureName.UNASSIGNMENTS: _("Unassignments"),
        KeyFigureName.CONVERSATIONS: _("Conversations"),
        KeyFigureName.CONTACTS: _("Contacts"),
        KeyFigureName.REASSIGNMENT_RATE: _("Reassignment rate"),
        KeyFigureName.BOUNCE_BACKS: _("Bounce-backs"),
    }


def component_titles(report: Report, words: Words) -> dict[str, str]:
    """Return the headings of the components, in the report's order, and of the appendix."""
    _ = words.say
    return {
        Component.METRIC: _("Key figures"),
        Component.FINDINGS: _("Key findings"),
        Component.BAR_CHART: _("Assignments by source"),
        Component.PIE_CHART: _("Share by source"),
        Component.TREND: _("Assignments over time"),
        Component.COMPARISON: comparison_name(report.compare_with, words),
        Component.HEAT_MAP: _("Activity by day and hour"),
        Component.CHAINS: _("Most reassigned conversations"),
        Component.HAND_OFFS: _("Reassignment matrix"),
        Component.ASSIGNEES: _("Contacts by assignee"),
        Component.OWNERSHIP: _("Holding and waiting times"),
        Component.PEOPLE: _("People"),
        Component.TEAMS: _("Teams"),
        Component.LOG: _("Contact Assignments Log"),
        "appendix": _("Details and definitions"),
        Component.PROOF: _("Reconciliation"),
        Component.QUALITY: _("Data quality"),
        Component.DEFINITIONS: _("Definitions"),
    }


FIRST_PAGE = (Component.METRIC, Component.FINDINGS, Component.BAR_CHART, Component.PIE_CHART)
_INSIDE_OTHERS = {Component.COMPARISON, Component.PROOF, Component.QUALITY, Component.DEFINITIONS}


def sections(report: Report, words: Words, *, has_trend: bool) -> list[tuple[str, str]]:
    """Return the id and heading of each section that the report has, in order."""
    titles, states = component_titles(report, words), report.components
    hidden = _INSIDE_OTHERS if has_trend else _INSIDE_OTHERS | {Component.TREND}
    return [
        (str(name), title)
        for name, title in titles.items()
        if name == "appendix" or (name not in hidden and states.shows(Component(name)))
    ]


def not_applicable(report: Report, words: Words) -> str:
    """Return the line that names the components which the report's filters cannot reach, or ""."""
    titles = component_titles(report, words)
    names = [
        titles[component]
        for component in Component
        if getattr(report.components, component.value) is State.NOT_APPLICABLE
    ]
    if not names:
        return ""
    message = words.say("The selected filter(s) are not applicable here: %(components)s.")
    return message % {"components": words.join(names)}


def quality_names(words: Words) -> dict[str, str]:
    """Return the names of the figures of data quality, by their names in `Quality`."""
    _ = words.say
    return {
        "read": _("Rows read for this period"),
        "rejected": _("Rejected"),
        "duplicates": _("Duplicate ID"),
        "no_change": _("Assignee unchanged"),
        "inferred": _("Counted, previous assignee inferred"),
        "source_unknown": _("Counted, source not stated"),
        "cleaned": _("Counted, unprintable characters replaced"),
        "ambiguous": _("Counted, local time that occurs twice read as the earlier"),
        "unreadable": _("Inputs that could not be read or gave nothing"),
    }


def log_note(report: Report, rows_listed: int, words: Words) -> str:
    """Return how many rows of the log are listed, the newest first."""
    _, total = words.say, report.log.rows_total
    if rows_listed == total:
        return words.ngettext("%(count)s row, newest first.", "%(count)s rows, newest first.", total)
    if not rows_listed:
        return words.ngettext("%(count)s row, not printed here.", "%(count)s rows, not printed here.", total)
    return words.ngettext(
        "The latest of %(total)s rows.",
        "The latest %(count)s of %(total)s rows.",
        rows_listed,
        total=words.number(total),
    )


def filter_names(words: Words) -> dict[str, str]:
    """Return the names of the filters."""
    _ = words.say
    return {
        "source": _("Source"),
        "assigned_to": _("Assigned To"),
        "team": _("Team"),
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


def name_with_kind(name: str, kind: str | None, kinds: dict[str, str]) -> str:
    """Return the *name* of an assignee, with the kind if it is no person; *kinds* are `kind_names`."""
    return name if kind is None or kind == "person" else f"{name} ({kinds.get(kind, kind)})"


def translated_teams(teams: TeamFigures, words: Words) -> TeamFigures:
    """Return *teams* with the name of people in no team in the reader's language."""
    _ = words.say
    names = {NO_TEAM: _("No team")}
    people = tuple(names.get(name, name) for name in teams.hand_offs.people)
    balances = (
        each.model_copy(update={"assignee": names.get(each.assignee, each.assignee)})
        for each in teams.balances
    )
    holdings = (
        each.model_copy(update={"assignee": names.get(each.assignee, each.assignee)})
        for each in teams.holdings
    )
    return teams.model_copy(
        update={
            "holdings": tuple(holdings),
            "hand_offs": teams.hand_offs.model_copy(update={"people": people}),
            "balances": tuple(balances),
        }
    )


def counts_of_teams(words: Words) -> list[str]:
    """Return the names of the counts of `GroupStations`: the number of teams."""
    _ = words.say
    return ["1", "2", "3", _("4 or more")]


def shown_matrix(hand_offs: HandOffs, words: Words) -> tuple[list[str], list[list[int]]]:
    """Return the names and the counts of a matrix; "others" are omitted if they are 0."""
    kinds, others = kind_names(words), len(hand_offs.people)
    people = zip(hand_offs.people, hand_offs.kinds, strict=True)
    names = [
        *(name_with_kind(name, kind, kinds) for name, kind in people),
        words.say("Others"),
        words.say("Unassigned"),
    ]
    has_others = sum(hand_offs.counts[others]) + sum(row[others] for row in hand_offs.counts)
    indexes = [index for index in range(len(names)) if index != others or has_others]
    counts = [[hand_offs.counts[row][column] for column in indexes] for row in indexes]
    return [names[index] for index in indexes], counts


def path_text(steps: Sequence[str], words: Words) -> str:
    """Return *steps* in reading order, whatever direction the script of each has: UAX #9, 2.6."""
    mark = _RIGHT_TO_LEFT if words.direction == "rtl" else _LEFT_TO_RIGHT
    return mark + f" {mark}{words.arrow}{mark} ".join(steps)


def log_text(column: int, text: str, words: Words) -> str:
    """Return a *text* of the log's *column* (from 0), translated and made safe to show."""
    _ = words.say
    if column == _ASSIGNED_TO and text == UNASSIGNED:
        text = _("Unassigned")
    elif column == _SOURCE:
        text = words.say(text)
    return words.isolated(limit_marks(text))
