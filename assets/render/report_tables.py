"""The figures of a report as tables of typed cells, under the names that the page shows.

A workbook writes them: `xlsx_figures.py`. Add a table of a component here, and to `figure_sheets`.
"""

from collections.abc import Iterable

from assets.config.presentation import Component
from assets.render import labels
from assets.render.assignee_tables import assignees_table, hand_offs_table, team_tables
from assets.render.findings import render_finding
from assets.render.goal_table import goals_table
from assets.render.i18n import Words
from assets.render.metrics import condition_text
from assets.render.ownership_tables import ownership_proof, ownership_tables, people_table
from assets.render.reasons import reason_sentences
from assets.render.rejections import translate_rejection
from assets.render.source_rows import source_rows
from assets.render.table_cells import (
    Cell,
    Number,
    Sheet,
    Table,
    Unit,
    counts_of,
    fraction,
    number,
    share,
    sheet_of,
)
from assets.report.model import KeyFigure, KeyFigureName, Report, State


def figure_sheets(report: Report, words: Words) -> list[Sheet]:
    """Return the sheets of *report*, without those of components that it does not show."""
    _, titles = words.say, labels.component_titles(report, words)
    shows = report.components.shows
    first = [_about(report, words), *_of_first_page(report, words, titles)]
    sheets = [Sheet(_("Figures"), tuple(first))]
    if report.notes:
        sheets.append(sheet_of(_day_notes(report, words)))
    if shows(Component.HEAT_MAP):
        sheets.append(sheet_of(_heat_map(report, words, titles[Component.HEAT_MAP])))
    if shows(Component.CHAINS) and report.chains:
        sheets.append(sheet_of(*_chains(report, words, titles[Component.CHAINS])))
    sheets += _people_sheets(report, words, titles)
    if shows(Component.PROOF):
        proof = _proof(report, words, titles[Component.PROOF])
        sheets.append(sheet_of(proof, *ownership_proof(report, words)))
    if shows(Component.QUALITY):
        sheets.append(sheet_of(*_quality(report, words, titles[Component.QUALITY])))
    return sheets


def _people_sheets(report: Report, words: Words, titles: dict[str, str]) -> Iterable[Sheet]:
    """Yield the sheets of assignees and teams."""
    shows = report.components.shows
    if shows(Component.HAND_OFFS) and report.hand_offs:
        yield sheet_of(hand_offs_table(report.hand_offs, words, titles[Component.HAND_OFFS]))
    if shows(Component.ASSIGNEES):
        yield sheet_of(assignees_table(report, words, titles[Component.ASSIGNEES]))
    if shows(Component.OWNERSHIP) and report.ownership:
        yield sheet_of(*ownership_tables(report, report.ownership, words))
    if shows(Component.PEOPLE):
        yield sheet_of(people_table(report, words))
    if shows(Component.TEAMS) and report.teams:
        yield sheet_of(*team_tables(report, report.teams, words, titles[Component.TEAMS]))


def _of_first_page(report: Report, words: Words, titles: dict[str, str]) -> Iterable[Table]:
    """Yield the tables of the first sheet; a component without figures has its message."""
    states, messages = report.components, labels.state_messages(words)
    by_source = (states.bar_chart, states.pie_chart, states.comparison)
    for component, state, build in (
        (Component.METRIC, states.metric, _key_figures),
        (Component.FINDINGS, states.findings, _findings),
        (Component.BAR_CHART, State.SHOWN if State.SHOWN in by_source else states.bar_chart, _by_source),
        (Component.TREND, states.trend, _by_day),
    ):
        title = titles[component]
        if state is State.SHOWN:
            yield build(report, words, title)
            if component is Component.METRIC and report.goals:
                yield goals_table(report, words)
        elif state in messages and not report.has_no_data:
            yield Table(title, notes=(messages[state],))


def _about(report: Report, words: Words) -> Table:
    """Return what the figures are of: workspace, period, filters, and why they are provisional."""
    _ = words.say
    names = labels.filter_names(words)
    filters = report.filters.model_dump()
    rows: list[tuple[Cell, ...]] = [
        (_("Workspace"), report.workspace_name),
        (_("Report"), words.say(report.title)),
        (_("Period"), words.days(report.period.first_day, report.period.last_day)),
        (_("Time zone"), report.period.timezone),
        (_("Data as of"), report.as_of_local),
        (_("Report date"), report.report_date),
        *((names[name], words.join([*values])) for name, values in filters.items() if values),
    ]
    if report.provisional:
        reasons = reason_sentences(report, words) or [""]
        rows += [(_("Provisional.") if at == 0 else "", reason) for at, reason in enumerate(reasons)]
    for alert in (alert for alert in report.alerts if alert.is_met):
        rows += [(_("Alert"), condition_text(result, words)) for result in alert.met]
    notes = [labels.not_applicable(report, words)]
    if report.look.is_masked:
        notes.append(_("Contacts and conversations appear under pseudonyms."))
    return Table(_("Contact Assignments"), rows=tuple(rows), notes=tuple(filter(None, notes)))


def _is_compared(report: Report) -> bool:
    return bool(
        report.components.shows(Component.COMPARISON)
        and report.comparison
        and report.comparison.total is not None
    )


def _key_figures(report: Report, words: Words, title: str) -> Table:
    _ = words.say
    if report.has_no_data:
        return Table(title, notes=(labels.empty_text(report, words),))
    names = labels.figure_names(words)
    has_previous = any(figure.previous is not None for figure in report.key_figures)
    header = ("", _("Value"), *((_("Previous"), _("Change")) if has_previous else ()))
    rows = (
        (names[figure.name], *_values_of(figure, has_previous=has_previous)) for figure in report.key_figures
    )
    return Table(title, header, tuple(rows))


def _values_of(figure: KeyFigure, *, has_previous: bool) -> tuple[Cell, ...]:
    is_rate = figure.name is KeyFigureName.REASSIGNMENT_RATE
    count = share if is_rate else number
    if not has_previous:
        return (count(figure.value),)
    if figure.change is None:
        change: Cell = "-"
    elif is_rate:
        change = Number(figure.change, Unit.POINTS)
    else:
        change = Number(fraction(figure.change), Unit.CHANGE)
    return (count(figure.value), count(figure.previous), change)


def _findings(report: Report, words: Words, title: str) -> Table:
    sentences = [render_finding(finding, words) for finding in report.findings]
    return Table(title, notes=tuple(sentences or [words.say("No significant changes.")]))


def _by_source(report: Report, words: Words, title: str) -> Table:
    _ = words.say
    notes = tuple(_comparison_notes(report, words))
    if not report.total:
        return Table(title, notes=(labels.empty_text(report, words), *notes))
    is_compared, found = _is_compared(report), source_rows(report)
    shown = found if is_compared else [row for row in found if row.count]
    header = (_("Source"), _("Count"), _("Share"), *((_("Previous"), _("Change")) if is_compared else ()))
    before = report.comparison.total or 0 if report.comparison else 0
    rows = [(words.say(row.label), row.count, row.share_pct, row.before) for row in shown] + [
        (_("Total"), report.total, 100.0, before)
    ]
    return Table(
        title,
        header,
        tuple(
            (
                label,
                Number(count),
                share(share_pct),
                *((Number(previous), Number(count - previous, Unit.SIGNED)) if is_compared else ()),
            )
            for label, count, share_pct, previous in rows
        ),
        notes,
        colors=tuple(row.color for row in shown),
    )


def _comparison_notes(report: Report, words: Words) -> Iterable[str]:
    """Yield what the figures are compared with, and the limits of the comparison."""
    comparison = report.comparison
    if comparison is None or not report.components.shows(Component.COMPARISON):
        return
    if comparison.total is None:
        yield words.say("Data for the previous period, %(period)s, is incomplete.") % {
            "period": words.days(comparison.first_day, comparison.last_day)
        }
    else:
        name = labels.comparison_name(report.compare_with, words)
        yield f"{name}: {labels.compared_period(report, words)}."
    texts = labels.comparison_notes(words)
    yield from (texts[note] for note in comparison.notes if texts[note])


def _by_day(report: Report, words: Words, title: str) -> Table:
    _ = words.say
    is_compared = _is_compared(report)
    previous = report.comparison.by_day if is_compared and report.comparison else ()
    header = (_("Day"), _("Assignments"), *([_("Previous")] if is_compared else ()))
    rows = []
    for index, day in enumerate(report.by_day):
        count: Cell = Number(day.count) if day.is_loaded else _("not loaded")
        if report.has_no_data:
            count = labels.empty_text(report, words)
        before = previous[index] if index < len(previous) else None
        rows.append((day.day, count, *([number(before)] if is_compared else ())))
    return Table(title, header, tuple(rows))


def _day_notes(report: Report, words: Words) -> Table:
    """Return the notes on days; the last day of a note is empty if it is the first one."""
    header = (words.pgettext("date", "From"), words.pgettext("date", "To"), words.say("Note"))
    rows = ((note.day, note.until or "", note.text) for note in report.notes)
    return Table(words.say("Notes on days"), header, tuple(rows))


def _heat_map(report: Report, words: Words, title: str) -> Table:
    rows = ((words.weekday(day), *counts_of(counts)) for day, counts in enumerate(report.heat_map))
    return Table(title, (words.say("Day"), *map(str, range(24))), tuple(rows), is_shaded=True)


def _chains(report: Report, words: Words, title: str) -> Iterable[Table]:
    """Yield the most reassigned conversations, and the bounce-backs."""
    _, chains = words.say, report.chains
    if chains is None:
        return
    sentence = words.ngettext(
        "%(count)s of %(all)s assigned conversations was assigned more than once.",
        "%(count)s of %(all)s assigned conversations were assigned more than once.",
        chains.reassigned_count,
        all=words.number(chains.assigned_count),
    )
    header = (_("Conversation"), _("Contact"), _("Assignments"), _("Assignment path"))
    rows = []
    for chain in chains.most_assigned:
        steps = [_("Unassigned") if step is None else step for step in chain.path]
        path = labels.path_text([*steps, "…"] if chain.is_cut else steps, words)
        rows.append((chain.conversation_id, chain.contact, Number(chain.count), path))
    yield Table(title, header if rows else (), tuple(rows), (sentence,))
    if chains.return_pairs:
        returned = words.ngettext(
            "%(count)s assignment returned a conversation to the previous assignee within %(hours)s hours.",
            "%(count)s assignments returned a conversation to the previous assignee within %(hours)s hours.",
            chains.return_count,
            hours=words.number(chains.return_hours),
        )
        pairs = ((pair.first, pair.second, Number(pair.count)) for pair in chains.return_pairs)
        columns = (_("Returned to"), _("Via"), _("Count"))
        yield Table(_("Bounce-backs"), columns, tuple(pairs), (returned,))


def _proof(report: Report, words: Words, title: str) -> Table:
    _, names = words.say, labels.total_names(words)
    rows: list[tuple[Cell, ...]] = [(_("This report"), Number(report.total), "")]
    for line in report.proof:
        match = _("yes") if line.total == report.total else _("NO")
        rows.append((names[line.name], Number(line.total), match))
    return Table(title, (_("Check"), _("Total"), _("Match")), tuple(rows))


def _quality(report: Report, words: Words, title: str) -> Iterable[Table]:
    """Yield the outcome of the rows that were read, and the first rejected ones."""
    _, quality = words.say, report.quality
    counts = quality.model_dump()
    rows = ((label, Number(counts[name])) for name, label in labels.quality_names(words).items())
    yield Table(title, (_("Rows"), _("Count")), tuple(rows))
    if quality.examples:
        samples = (
            (each.origin, _row_number(each.row_number, words), translate_rejection(each.reason, words))
            for each in quality.examples
        )
        header = (_("Input"), _("Row"), _("Reason"))
        yield Table(_("Sample of rejected rows"), header, tuple(samples))


def _row_number(row: int | None, words: Words) -> Cell:
    return words.pgettext("rows", "all") if row == 0 else number(row)
