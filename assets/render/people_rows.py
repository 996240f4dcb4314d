"""What the tables of ownership and of people show: columns, rows and notes, for page, print and workbook."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from assets.render.i18n import Words
from assets.report.model import Report
from assets.report.people_model import Ownership, PersonFigures

FEW_ASSIGNMENTS = 30
MAX_PEOPLE = 500
"""The people of a table on a page; files have all of them."""
_PRINTED = 40


@dataclass(frozen=True, slots=True)
class PersonCell:
    """A figure of a person: its number, for sorting, and its text."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """The rank of a person by the leaderboard's column, and the figures in the order of the columns."""

    rank: int
    person: PersonFigures
    is_few: bool
    cells: tuple[PersonCell, ...]


def people_columns(words: Words) -> dict[str, str]:
    """Return the headings of the columns of people, by their names in the configuration."""
    _ = words.say
    return {
        "assigned": _("Assignments"),
        "change_pct": _("Change"),
        "first_assignments": _("First assignments"),
        "received": _("From others"),
        "passed_on": _("Passed on"),
        "unassigned": _("Unassigned from them"),
        "returned": _("Bounced back to them"),
        "waiting_median": _("Waited for them, median"),
        "holding_median": _("Held, median"),
        "holding_p90": _("Held, 90th percentile"),
        "held_count": _("Held at the end"),
    }


def figure_of(person: PersonFigures, column: str) -> float | None:
    """Return the figure of *person* in a *column* of `people_columns`."""
    figures = {
        "waiting_median": person.waiting.median_seconds,
        "holding_median": person.holding.median_seconds,
        "holding_p90": person.holding.p90_seconds,
    }
    found: float | None = figures[column] if column in figures else getattr(person, column)
    return found


def people_rows(report: Report, words: Words, limit: int | None = None) -> list[PersonRow]:
    """Return the people of *report*, the largest figure of the leaderboard's column first."""
    columns = tuple(people_columns(words))

    def place(person: PersonFigures) -> float:
        value = figure_of(person, report.leaderboard)
        return float("inf") if value is None else -value

    ordered = sorted(report.people, key=lambda person: (place(person), person.assignee))
    rows: list[PersonRow] = []
    for _, equals in groupby(ordered, key=place):
        rank = len(rows) + 1
        rows += [
            PersonRow(
                rank,
                person,
                person.assigned < FEW_ASSIGNMENTS,
                tuple(_cell(person, column, words) for column in columns),
            )
            for person in equals
        ]
    return rows[:limit]


def _cell(person: PersonFigures, column: str, words: Words) -> PersonCell:
    value = figure_of(person, column)
    if column == "change_pct":
        return PersonCell(value, "-" if value is None else words.change(value))
    if column.endswith(("_median", "_p90")):
        return PersonCell(value, words.duration(value))
    return PersonCell(value, words.number(value or 0))


def part_labels(report: Report, words: Words) -> tuple[str, ...]:
    """Return the name of each day of *report*, or of each hour of its only day."""
    if len(report.by_day) > 1:
        return tuple(words.short_day(day.day) for day in report.by_day)
    start, zone = report.period.start, ZoneInfo(report.period.timezone)
    hours = -(-(report.period.end - start) // timedelta(hours=1))
    instants = (start + timedelta(hours=hour + 1) for hour in range(hours))
    return tuple(f"{instant.astimezone(zone):%H:%M}" for instant in instants)


def listed_limit(medium: str) -> int:
    """Return how many assignees or people are listed on a page or on paper; files have all of them."""
    return MAX_PEOPLE if medium == "screen" else _PRINTED


def ownership_notes(report: Report, words: Words, limit: int | None) -> list[str]:
    """Return the notes to the table of ownership, which has *limit* lines: what is left out, or uncertain."""
    ownership = report.ownership
    if ownership is None:
        return []
    _ = words.say
    notes = [*_omitted(len(ownership.assignees), limit, words)]
    if report.known_since:
        notes.append(
            _(
                "Based on events since %(day)s. An interval begins with an event and ends with the next one "
                "of the same contact or conversation; what is open at the end is never counted as ended."
            )
            % {"day": words.day(report.known_since)}
        )
    if ownership.holding.working is not None:
        notes.append(_("The small figures are working time."))
    return [*notes, *_uncertain(ownership, words)]


def _uncertain(ownership: Ownership, words: Words) -> list[str]:
    notes = []
    if ownership.unknown_seconds:
        notes.append(
            words.say("Before their first event it is not known who held some of them: %(duration)s in all.")
            % {"duration": words.duration(ownership.unknown_seconds)}
        )
    if ownership.unseen_count:
        notes.append(
            words.ngettext(
                "%(count)s interval ended with another previous assignee than the last known one: it "
                "changed without an event, and the interval may be too long.",
                "%(count)s intervals ended with another previous assignee than the last known one: it "
                "changed without an event, and they may be too long.",
                ownership.unseen_count,
            )
        )
    return notes


def assignees_notes(report: Report, words: Words) -> list[str]:
    """Return the note to the table of contacts by assignee, if it leaves any out."""
    return _omitted(len(report.assignees), MAX_PEOPLE, words)


def people_notes(report: Report, words: Words, limit: int | None) -> list[str]:
    """Return the notes to the table of people, which has *limit* lines."""
    notes = [*_omitted(len(report.people), limit, words)]
    if any(person.assigned < FEW_ASSIGNMENTS for person in report.people):
        notes.append(f"† {few_note(words)}")
    return notes


def few_note(words: Words) -> str:
    """Return the meaning of the mark of people with few assignments."""
    return words.say("Fewer than 30 assignments: differences may be random.")


def _omitted(count: int, limit: int | None, words: Words) -> list[str]:
    left = 0 if limit is None else count - limit
    if left <= 0:
        return []
    return [
        words.ngettext(
            "%(count)s more is in report.json and log.xlsx.",
            "%(count)s more are in report.json and log.xlsx.",
            left,
        )
    ]
