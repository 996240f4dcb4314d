"""The charts of a report, by their names in the templates."""

from assets.config.metrics import Metric
from assets.config.presentation import Component
from assets.render.charts.figures import Chart, Lines, pie_chart, trend_chart
from assets.render.charts.ownership import held_chart, waiting_chart
from assets.render.charts.palette import report_colors
from assets.render.day_notes import note_spans
from assets.render.i18n import Words, load_words
from assets.render.labels import previous_name
from assets.render.metrics import goal_bounds
from assets.render.people_rows import part_labels
from assets.report.model import Report, State


def draw_charts(report: Report) -> dict[str, Chart | None]:
    """Return the charts of *report* by their names in the template; None if there is nothing to draw."""
    words, has_any = load_words(report.look.language), report.total > 0
    has_table = report.components.bar_chart is State.SHOWN
    previous = report.comparison.by_day if report.comparison else ()
    color_of = report_colors(report)
    colors = tuple(color_of[source.source] for source in report.by_source)
    pie, trend = None, None
    if has_any:
        pie = pie_chart(report.by_source, colors, words, has_legend=not has_table)
    if len(report.by_day) > 1:
        lines = Lines(previous, previous_name(report.compare_with, words), _goals_per_day(report, words))
        trend = trend_chart(report.by_day, lines, words, note_spans(report))
    held, waiting = None, None
    if report.ownership and report.components.shows(Component.OWNERSHIP):
        parts = part_labels(report, words)
        held = held_chart(report.ownership.held, parts, words)
        waiting = waiting_chart(report.ownership.waiting_by_hour, words)
    return {"pie": pie, "trend": trend, "held": held, "waiting": waiting}


def _goals_per_day(report: Report, words: Words) -> tuple[tuple[float, str], ...]:
    """Return the bounds of the goals on assignments per day; the first of a goal has its name."""
    lines: list[tuple[float, str]] = []
    for result in report.goals:
        if result.goal.metric is Metric.ASSIGNMENTS_PER_DAY:
            name = words.say("Goal: %(bounds)s") % {"bounds": goal_bounds(result.goal, words)}
            bounds = [bound for bound in (result.goal.at_least, result.goal.at_most) if bound is not None]
            lines += zip(bounds, (name, ""), strict=False)
    return tuple(lines)
