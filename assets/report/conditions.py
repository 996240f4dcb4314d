"""Whether the conditions of alerts and the goals of a report are met, tested on exact values. Pure.

Add a threshold in `config/metrics.py` and here; the values are in `metrics.py`.
"""

from collections.abc import Iterable
from fractions import Fraction

from assets.config.metrics import Condition, Goal, Unit
from assets.config.subscription import Subscription
from assets.report.metrics import MetricValue, value_of
from assets.report.model import AlertResult, ConditionResult, GoalResult, Report, Unknown
from assets.report.shares import percent_of


def assess_goal(goal: Goal, report: Report) -> GoalResult:
    """Return the value of *goal* in *report*, and whether it is met."""
    found = value_of(goal, report)
    is_met = None
    if found.exact is not None:
        is_met = (goal.at_most is None or found.exact <= exact_threshold(goal.at_most)) and (
            goal.at_least is None or found.exact >= exact_threshold(goal.at_least)
        )
    return GoalResult(goal=goal, value=found.shown, count=found.count, is_met=is_met, reason=found.reason)


def assess_alert(subscription: Subscription, report: Report) -> AlertResult:
    """Return the conditions of *subscription* in *report*, and whether it is to alert."""
    conditions = tuple(assess_condition(condition, report) for condition in subscription.when)
    outcomes = [result.is_met for result in conditions]
    return AlertResult(conditions=conditions, is_met=_combine(outcomes, is_any=subscription.match == "any"))


def _combine(outcomes: Iterable[bool | None], *, is_any: bool) -> bool | None:
    """Return whether any or all of *outcomes* hold; None if an unknown one decides it (Kleene's logic)."""
    known = set(outcomes)
    if is_any in known:
        return is_any
    return None if None in known else not is_any


def assess_condition(condition: Condition, report: Report) -> ConditionResult:
    """Return the value of *condition* in *report*, and whether all its thresholds hold."""
    found = value_of(condition, report)
    count, reason = found.count, found.reason
    change = _change_of(found, condition) if condition.is_about_change else None
    if condition.is_about_change and found.previous and count is not None:
        count = min(count, found.previous.count or 0)
    if reason is None and (count or 0) < condition.min_count:
        reason = Unknown.TOO_FEW
    elif reason is None and condition.is_about_change and change is None:
        reason = Unknown.NO_PREVIOUS
    return ConditionResult(
        condition=condition,
        value=found.shown,
        count=count,
        change=None if change is None else change[1],
        is_met=None if reason or found.exact is None else _holds(condition, found.exact, change),
        reason=reason,
    )


def _change_of(found: MetricValue, condition: Condition) -> tuple[Fraction, float] | None:
    """Return the change since the previous period, exact and as printed; a percentage's is in points."""
    before = found.previous
    if found.exact is None or before is None or before.exact is None:
        return None
    if condition.kind.unit is Unit.PERCENT:
        return found.exact - before.exact, round((found.shown or 0) - (before.shown or 0), 1)
    if not before.exact:
        return None
    change = found.exact / before.exact - 1
    return 100 * change, percent_of(change.numerator, change.denominator)


def _holds(condition: Condition, value: Fraction, change: tuple[Fraction, float] | None) -> bool:
    exact_change = change[0] if change else Fraction()
    lower = (
        (value, condition.above),
        (exact_change, condition.change_pct_above),
        (exact_change, condition.change_points_above),
    )
    upper = (
        (value, condition.below),
        (exact_change, condition.change_pct_below),
        (exact_change, condition.change_points_below),
    )
    return all(bound is None or exact > exact_threshold(bound) for exact, bound in lower) and all(
        bound is None or exact < exact_threshold(bound) for exact, bound in upper
    )


def exact_threshold(threshold: float) -> Fraction:
    """Return a *threshold* as it is written: 33.3 is no binary fraction."""
    return Fraction(str(threshold))
