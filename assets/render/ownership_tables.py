"""Ownership and people as tables of cells, whole: pages list a part of many people."""

from collections.abc import Iterable, Sequence

from assets.config.presentation import Component
from assets.render import labels
from assets.render.i18n import Words
from assets.render.people_rows import (
    figure_of,
    ownership_notes,
    part_labels,
    people_columns,
    people_notes,
    people_rows,
)
from assets.render.table_cells import Cell, Number, Table, Unit, counts_of, duration, fraction
from assets.report.model import Report
from assets.report.people_model import Durations, Holding, Ownership, PersonFigures


def ownership_tables(report: Report, ownership: Ownership, words: Words) -> Iterable[Table]:
    """Yield holding and waiting times, contacts held over time, waits by hour, assignees by conversation."""
    _, kinds = words.say, labels.kind_names(words)
    title = labels.component_titles(report, words)[Component.OWNERSHIP]
    holdings: list[tuple[str, Holding]] = [
        *((labels.name_with_kind(each.assignee, each.kind, kinds), each) for each in ownership.assignees),
        (_("All assignees"), ownership.holding),
        (_("Unassigned, until assigned"), ownership.unassigned),
    ]
    notes = ownership_notes(report, words, limit=None)
    yield Table(title, *holding_table(_("Assignee"), holdings, words), tuple(notes))
    names = labels.line_names(ownership.held, words)
    parts = zip(part_labels(report, words), *(line.counts for line in ownership.held), strict=False)
    held = ((part, *counts_of(counts)) for part, *counts in parts)
    yield Table(_("Contacts held over time"), (_("Period"), *names), tuple(held))
    waits = (
        (f"{each.hour:02d}:00", Number(each.count), duration(each.median_seconds))
        for each in ownership.waiting_by_hour
    )
    hours = (_("Hour"), _("Count"), _("Median"))
    yield Table(_("Median waiting time by hour of the day"), hours, tuple(waits))
    spread = zip(("1", "2", "3", _("4 or more")), counts_of(ownership.per_conversation), strict=True)
    yield Table(_("Assignees per conversation"), (_("Assignees"), _("Conversations")), tuple(spread))


def holding_table(
    heading: str, holdings: Sequence[tuple[str, Holding]], words: Words
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Return the header and the rows of *holdings*, each with its name."""
    has_work = any(each.working is not None for _, each in holdings)
    rows = tuple((name, *_holding_cells(each, has_work=has_work)) for name, each in holdings)
    return _holding_header(heading, words, has_work=has_work), rows


def _holding_header(heading: str, words: Words, *, has_work: bool) -> tuple[str, ...]:
    _ = words.say
    ended, still_open, times = _("Ended in this period"), _("Open at the end"), _("Contacts at a time")
    ended_names = (_("Median"), _("90th percentile"), _("Longest"))
    open_names = (_("Median age"), _("Oldest"))
    worked = _("working time")
    return (
        heading,
        f"{ended}: {_('Count')}",
        *(f"{ended}: {name}" for name in ended_names),
        *((f"{ended}: {name} ({worked})" for name in ended_names) if has_work else ()),
        f"{still_open}: {_('Count')}",
        *(f"{still_open}: {name}" for name in open_names),
        *((f"{still_open}: {name} ({worked})" for name in open_names) if has_work else ()),
        f"{times}: {_('Average')}",
        f"{times}: {_('Most')}",
    )


def _holding_cells(holding: Holding, *, has_work: bool) -> Iterable[Cell]:
    yield Number(holding.ended_count)
    yield from _durations(holding)
    if has_work:
        yield from _durations(holding.working)
    yield Number(holding.held_count)
    yield from _ages(holding.held_age)
    if has_work:
        yield from _ages(holding.held_working_age)
    yield "-" if holding.average_load is None else Number(holding.average_load, Unit.TENTHS)
    yield Number(holding.peak_load)


def _durations(found: Durations | None) -> tuple[Cell, ...]:
    if found is None:
        return ("-", "-", "-")
    return duration(found.median_seconds), duration(found.p90_seconds), duration(found.longest_seconds)


def _ages(found: Durations | None) -> tuple[Cell, ...]:
    return ("-", "-") if found is None else (duration(found.median_seconds), duration(found.longest_seconds))


def people_table(report: Report, words: Words) -> Table:
    """Return the figures of all people, ranked by the leaderboard's column."""
    _, kinds = words.say, labels.kind_names(words)
    title = labels.component_titles(report, words)[Component.PEOPLE]
    if not report.people:
        return Table(title, notes=(labels.empty_text(report, words),))
    columns = people_columns(words)
    rows = (
        (
            Number(row.rank),
            labels.name_with_kind(row.person.assignee, row.person.kind, kinds),
            *(_person_cell(row.person, column) for column in columns),
        )
        for row in people_rows(report, words)
    )
    header = (_("Rank"), _("Assignee"), *columns.values())
    return Table(title, header, tuple(rows), tuple(people_notes(report, words, limit=None)))


def _person_cell(person: PersonFigures, column: str) -> Cell:
    value = figure_of(person, column)
    if value is None:
        return "-"
    if column == "change_pct":
        return Number(fraction(value), Unit.CHANGE)
    return duration(value) if column.endswith(("_median", "_p90")) else Number(value)


def ownership_proof(report: Report, words: Words) -> Iterable[Table]:
    """Yield the proofs of ownership, if the report has them."""
    if not report.ownership or not report.ownership.proof:
        return
    _, names = words.say, labels.proof_names(words)
    rows = (
        (names[line.name], Number(line.counted), Number(line.expected), _("yes") if line.holds else _("NO"))
        for line in report.ownership.proof
    )
    header = (_("Check"), _("Intervals"), _("Expected"), _("Match"))
    yield Table(labels.component_titles(report, words)[Component.OWNERSHIP], header, tuple(rows))
