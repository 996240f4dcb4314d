"""The goals of a report as a table of typed cells, for `report_tables.py`."""

from assets.config.metrics import Unit
from assets.render.i18n import Words
from assets.render.metrics import goal_texts, value_text
from assets.render.table_cells import Cell, Table, number, share
from assets.report.model import GoalResult, Report


def goals_table(report: Report, words: Words) -> Table:
    """Return each goal of *report* with the value of its figure, and whether it is met."""
    _ = words.say
    values = (_value_of(result, words) for result in report.goals)
    rows = (
        (text.name, value, text.bounds, text.status)
        for text, value in zip(goal_texts(report, words), values, strict=True)
    )
    return Table(_("Goals"), ("", _("Value"), _("Goal"), _("Status")), tuple(rows))


def _value_of(result: GoalResult, words: Words) -> Cell:
    match result.goal.kind.unit:
        case Unit.PERCENT:
            return share(result.value)
        case Unit.MINUTES:
            return value_text(result.goal, result.value, words)
        case Unit.COUNT | Unit.PER_DAY:
            return number(result.value)
