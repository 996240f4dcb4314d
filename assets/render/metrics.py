"""The texts of metrics, conditions and goals: name, value and thresholds."""

from dataclasses import dataclass

from assets.config.metrics import Condition, Goal, Measure, Metric, Unit
from assets.events import source_code, source_label
from assets.render.i18n import Words
from assets.render.labels import figure_names
from assets.render.untrusted_text import limit_marks
from assets.report.model import ConditionResult, GoalResult, KeyFigureName, Report, Unknown


@dataclass(frozen=True, slots=True)
class GoalText:
    """A goal, ready to show: the name and value of its metric, its bounds, and whether it is met.

    `sentence` says all of it in one line; `figure` is the key figure that it is about, if any.
    """

    name: str
    value: str
    bounds: str
    status: str
    sentence: str
    is_met: bool | None
    figure: KeyFigureName | None


def metric_names(words: Words) -> dict[Metric, str]:
    """Return the names of the metrics."""
    _ = words.say
    of_key_figures = {
        Metric(f"{name}_pct" if name is KeyFigureName.REASSIGNMENT_RATE else name): text
        for name, text in figure_names(words).items()
    }
    return of_key_figures | {
        Metric.ASSIGNMENTS_PER_DAY: _("Assignments per day"),
        Metric.SHARE_PCT: _("Share"),
        Metric.RECEIVED: _("Assignments received"),
        Metric.HELD_NOW: _("Held now"),
        Metric.UNASSIGNED_NOW: _("Unassigned now"),
        Metric.OLDEST_UNASSIGNED_MINUTES: _("Oldest unassigned"),
        Metric.WAITING_MEDIAN_MINUTES: _("Waiting time, median"),
        Metric.WAITING_P90_MINUTES: _("Waiting time, 90th percentile"),
        Metric.WAITING_LONGEST_MINUTES: _("Waiting time, longest"),
        Metric.HOLDING_MEDIAN_MINUTES: _("Holding time, median"),
        Metric.HOLDING_P90_MINUTES: _("Holding time, 90th percentile"),
        Metric.HOLDING_LONGEST_MINUTES: _("Holding time, longest"),
        Metric.REJECTED_ROWS: _("Rejected rows"),
        Metric.REJECTED_PCT: _("Rejected rows, share"),
        Metric.INFERRED_ROWS: _("Rows with an inferred previous assignee"),
    }


def name_of(measure: Measure, words: Words) -> str:
    """Return the name of a metric, with the source or assignee that it is of."""
    _ = words.say
    name = metric_names(words)[measure.metric]
    if measure.source is None and measure.assignee is None:
        return name
    if measure.source is not None:
        narrowed = _(source_label(source_code(measure.source)))
    else:
        narrowed = measure.assignee or ""
    return _("%(metric)s (%(part)s)") % {
        "metric": name,
        "part": words.isolated(limit_marks(narrowed)),
    }


def value_text(measure: Measure, value: float | None, words: Words) -> str:
    """Return a value of *measure* in its unit, or "-" for None."""
    if value is None:
        return "-"
    match measure.kind.unit:
        case Unit.PERCENT:
            return words.share(value)
        case Unit.MINUTES:
            return words.duration(60 * value)
        case Unit.COUNT | Unit.PER_DAY:
            return words.number(value)


def _threshold(measure: Measure, value: float, words: Words) -> str:
    return words.percentage(value) if measure.kind.unit is Unit.PERCENT else value_text(measure, value, words)


def condition_bounds(condition: Condition, words: Words) -> str:
    """Return the thresholds of *condition*, such as "above 1 h"."""
    _ = words.say

    def plain(value: float) -> str:
        return _threshold(condition, value, words)

    def signed(value: float) -> str:
        return words.left_to_right(f"{'+' if value > 0 else ''}{words.percentage(value)}")

    thresholds = (
        (_("above %(value)s"), condition.above, plain),
        (_("below %(value)s"), condition.below, plain),
        (_("change above %(value)s"), condition.change_pct_above, signed),
        (_("change below %(value)s"), condition.change_pct_below, signed),
        (_("change above %(value)s"), condition.change_points_above, words.points),
        (_("change below %(value)s"), condition.change_points_below, words.points),
    )
    return words.join(
        message % {"value": write(value)} for message, value, write in thresholds if value is not None
    )


def condition_text(result: ConditionResult, words: Words) -> str:
    """Return a condition with its value: "Reassignment rate 24.1% (above 20%)"."""
    _, condition = words.say, result.condition
    value = value_text(condition, result.value, words)
    if result.change is not None:
        is_percent = condition.kind.unit is Unit.PERCENT
        value = words.join([value, (words.points if is_percent else words.change)(result.change)])
    return _("%(metric)s %(value)s (%(bounds)s)") % {
        "metric": name_of(condition, words),
        "value": value,
        "bounds": condition_bounds(condition, words),
    }


def basis_text(result: ConditionResult, words: Words) -> str:
    """Return the number that a condition's value rests on, or why it is not known; "" if it is the value."""
    condition, count, ngettext = result.condition, result.count or 0, words.ngettext
    if result.reason is not None:
        return unknown_text(result.reason, words)
    match condition.metric:
        case Metric.REJECTED_ROWS | Metric.REJECTED_PCT | Metric.INFERRED_ROWS:
            return ngettext("of %(count)s row read", "of %(count)s rows read", count)
        case Metric.REASSIGNMENT_RATE_PCT:
            return ngettext(
                "of %(count)s assigned conversation", "of %(count)s assigned conversations", count
            )
        case Metric.HELD_NOW | Metric.UNASSIGNED_NOW | Metric.OLDEST_UNASSIGNED_MINUTES:
            return ""
    if condition.kind.unit is Unit.MINUTES:
        return ngettext("of %(count)s interval", "of %(count)s intervals", count)
    is_total = condition.metric is Metric.ASSIGNMENTS and condition.source is None
    return (
        ""
        if is_total or condition.is_about_change
        else ngettext("of %(count)s assignment", "of %(count)s assignments", count)
    )


def unknown_text(reason: Unknown, words: Words) -> str:
    """Return why a value is not known."""
    _ = words.say
    return {
        Unknown.NO_DATA: _("No data"),
        Unknown.NOT_IN_REPORT: _("not in this report"),
        Unknown.NOTHING_TO_DIVIDE: _("nothing to count"),
        Unknown.TOO_FEW: _("too few to tell"),
        Unknown.NO_PREVIOUS: _("no previous value"),
    }[reason]


def goal_bounds(goal: Goal, words: Words) -> str:
    """Return the bounds of *goal*, such as "at most 20%"."""
    _ = words.say
    return words.join(
        message % {"value": _threshold(goal, value, words)}
        for message, value in (
            (_("at least %(value)s"), goal.at_least),
            (_("at most %(value)s"), goal.at_most),
        )
        if value is not None
    )


def goal_status(result: GoalResult, words: Words) -> str:
    """Return whether a goal is met, or why that is not known."""
    if result.is_met is None:
        return unknown_text(result.reason or Unknown.NO_DATA, words)
    return words.pgettext("goal", "met") if result.is_met else words.pgettext("goal", "missed")


def goal_texts(report: Report, words: Words) -> list[GoalText]:
    """Return the goals of *report*, in the order of the configuration."""
    return [_goal_text(result, words) for result in report.goals]


def _goal_text(result: GoalResult, words: Words) -> GoalText:
    _ = words.say
    values = {
        "name": name_of(result.goal, words),
        "value": value_text(result.goal, result.value, words),
        "bounds": goal_bounds(result.goal, words),
        "status": goal_status(result, words),
    }
    return GoalText(
        **values,
        sentence=_("%(name)s: %(value)s. Goal: %(bounds)s: %(status)s") % values,
        is_met=result.is_met,
        figure=key_figure_of(result.goal),
    )


def key_figure_of(measure: Measure) -> KeyFigureName | None:
    """Return the key figure that *measure* is, if it is one."""
    name = measure.metric.removesuffix("_pct")
    is_whole = measure.source is None and measure.assignee is None
    return KeyFigureName(name) if is_whole and name in {*KeyFigureName} else None
